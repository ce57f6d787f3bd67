"""Calls that go to a batch API together, and come back perhaps hours later.

The records whose answers are missing wait in the step's outbox; a wave is submitted, journalled
by its id, and collected, by this process or another. A wave's calls are charged at their bounds
when they are sent, and at their price when they come back.
"""

from __future__ import annotations

from typing import cast

from annoengine.ask import StepDoor
from annoengine.budget import in_usd
from annoengine.errors import BudgetReached
from annoengine.pricing import cost_of, most_of
from annoengine.provider import BatchProvider
from annoengine.request_tokens import request_tokens
from annoengine.sending import Call


async def send_wave(step: StepDoor) -> int:
    """Sends the step's outbox to its batch providers and brings the answers into the journal.

    Waves that an earlier run submitted are collected first. Gives the number of calls settled.
    """
    journal, outbox = step.calls, step.outbox
    step.outbox = {}
    waiting = {name for _, names in journal.open_waves().values() for name in names}
    senders = {call.provider.name: call for call in outbox.values()}
    for provider in senders:
        calls = [
            call
            for name, call in outbox.items()
            if call.provider.name == provider and name not in waiting
        ]
        if calls:
            await _submit(step, calls)
    await journal.durable()
    settled = 0
    for wave, (name, _) in journal.open_waves().items():
        if name in senders:  # else another model's: the recipe no longer asks it
            settled += await _collect(step, wave, senders[name])
    await journal.durable()
    return settled


async def _submit(step: StepDoor, calls: list[Call]) -> None:
    journal, door = step.calls, step.door
    if door.stop is not None:
        raise door.stop
    provider = cast(BatchProvider, calls[0].provider)
    price = door.price(calls[0].model, provider)
    bounds = [
        most_of(price, request_tokens(provider.name, call.request), batch=True) for call in calls
    ]
    try:
        reservation = await door.budget.reserve(sum(bounds))
    except BudgetReached as reached:
        door.stop_with(reached)
        raise
    reservation.cost = reservation.most
    try:
        for call, most in zip(calls, bounds, strict=True):
            most_usd = None if price is None else in_usd(most)
            journal.asked(call.record, call.turn, call.key, provider.name, call.content, most_usd)
        wave = await provider.submit(
            {"|".join((call.record, call.turn, call.key)): call.request for call in calls}
        )
        journal.submitted(wave, provider.name, [(c.record, c.turn, c.key) for c in calls])
    finally:
        door.budget.settle(reservation)


async def _collect(step: StepDoor, wave: str, sender: Call) -> int:
    journal, door = step.calls, step.door
    provider = cast(BatchProvider, sender.provider)
    price = door.price(sender.model, provider)
    open_calls = journal.open_waves()[wave][1]
    replies = await provider.collect(wave)
    for record, turn, key in open_calls:
        reply = replies.get("|".join((record, turn, key)))
        number = journal.last_try(record, turn, key)
        if reply is None:
            journal.failed(record, turn, key, number, "lost in its wave", wave, "perhaps")
            continue
        most = journal.open_most(record, turn, key)
        cost = None if price is None else cost_of(price, reply.usage, batch=True)
        charged = most if cost is None else cost
        door.budget.spent -= most - charged
        usd = None if price is None else in_usd(charged)
        journal.answered(record, turn, key, number, reply, 0.0, usd)
    return len(open_calls)
