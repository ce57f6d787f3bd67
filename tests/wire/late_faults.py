"""Faults that come in the middle of a run: a key or a quota that ends, a clock, other limits.

Each is a function of protocol and records; as in :mod:`tests.wire.faults`, what does not fit
together stands in the verdict's ``problems``. What stops a run is mended, and the run carried on.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from annoengine.errors import ProviderUnusable
from tests.wire.faults import KEY, Verdict, prepared
from tests.wire.limited import Limited

_IN_FLIGHT = 8

LateFault = Callable[[str, int], Awaitable[Verdict]]


async def _ends(protocol: str, records: int, rule: dict[str, Any], said: str) -> Verdict:
    """From half of the records on the server refuses every call, until somebody acts."""
    script, options = [rule | {"after": records // 2}], {"max_concurrency": _IN_FLIGHT}
    async with prepared(protocol, records, script, options=options) as run:
        stopped = await run.carry()
        received = sum(run.server.received.values())
        run.server.behave()
        stopped_again = await run.carry()
        verdict = run.judge()
    if not isinstance(stopped, ProviderUnusable) or said not in str(stopped):
        verdict.problems.append(f"the run was stopped by {stopped}")
    if KEY in str(stopped):
        verdict.problems.append(f"the key is shown: {stopped}")
    # It stops at once: no call is sent after the first refusal has come.
    if received > records // 2 + _IN_FLIGHT:
        verdict.problems.append(f"{received} calls sent before the run stopped")
    if stopped_again is not None:
        verdict.problems.append(f"the run stopped again: {stopped_again}")
    if verdict.repeats:
        verdict.problems.append(f"{verdict.repeats} paid twice")
    return verdict


async def _key_revoked(protocol: str, records: int) -> Verdict:
    return await _ends(protocol, records, {"do": "bad_key"}, "does not know the key")


async def _quota_spent(protocol: str, records: int) -> Verdict:
    said = {"openai": "has no credit left", "gemini": "the quota of the day is spent"}
    return await _ends(protocol, records, {"do": "quota"}, said[protocol])


@contextmanager
def clock_jumping(jump_s: float, has_jumped: Callable[[], bool]) -> Iterator[None]:
    """The wall clock of this process, which jumps at some time."""
    true = time.time
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(time, "time", lambda: true() + (jump_s if has_jumped() else 0.0))
        yield


def _clock_jumps(jump_s: float) -> LateFault:
    async def jumps(protocol: str, records: int) -> Verdict:
        """It jumps while a call waits for a date, which is then long past or far ahead."""
        first = records // 3
        rule = {"do": "rate_limit", "date_in_s": 1, "after": first, "until": first + 1}
        async with prepared(protocol, records, [rule]) as run:
            with clock_jumping(jump_s, lambda: run.server.did["rate_limit"] > 0):
                stopped = await run.carry()
            verdict = run.judge()
        if stopped is not None:
            verdict.problems.append(f"the run stopped: {stopped}")
        if verdict.seconds > abs(jump_s) / 10:
            verdict.problems.append("the jump was waited for")
        return verdict

    return jumps


def _limits_change(*per_minute: int) -> LateFault:
    async def change(protocol: str, records: int) -> Verdict:
        async with prepared(protocol, records) as run:
            run.server.limited_from = {
                1 + records * part // len(per_minute): Limited(limit, bucket=5)
                for part, limit in enumerate(per_minute)
            }
            stopped = await run.carry()
            verdict = run.judge()
        if stopped is not None:
            verdict.problems.append(f"the run stopped: {stopped}")
        if not 0 < verdict.met < records:
            verdict.problems.append(f"{verdict.met} refusals of {records} records")
        return verdict

    return change


LATE_FAULTS: dict[str, LateFault] = {
    "a key revoked half-way": _key_revoked,
    "a quota spent half-way": _quota_spent,
    "a clock jumps ahead": _clock_jumps(7200.0),
    "a clock jumps back": _clock_jumps(-7200.0),
    "a limit halved half-way": _limits_change(6000, 3000),
    "a limit doubled half-way": _limits_change(3000, 6000),
}
