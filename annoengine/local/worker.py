"""The loop of one device: lets newcomers in, takes a step, hands out what has ended; in a thread.

Sequences that end are replaced at once. Prompts of like length are computed together, up to
``prefill_tokens``; their shared beginning once. Memory that runs out halves the work, never loses
it: a group of prompts is cut in two, then the slots are halved and the sequences without one begin
anew; a request that does not fit alone fails alone, and the others get their slots back.
"""

from __future__ import annotations

import contextlib
import importlib
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from annoengine.local.asked import Asked, alike
from annoengine.local.chat import Counts, Facts, TooLarge
from annoengine.local.memory import forget_frames, give_back, is_lost_device, is_out_of_memory
from annoengine.local.model import LoadedModel
from annoengine.local.options import EngineOptions
from annoengine.local.prefixes import Prefixes
from annoengine.local.room import Room
from annoengine.local.sampling import drawn
from annoengine.local.slots import Prefix, SlotCache
from annoengine.local.stepping import Stepping, forbidden

_LOOK_AHEAD = 64
"""So many waiting requests are looked through for prompts of like length; ours."""


class Worker:
    """One device. ``preparing`` tells whether more requests are about to come."""

    def __init__(
        self, model: LoadedModel, options: EngineOptions, preparing: Callable[[], bool]
    ) -> None:
        self.model, self.options = model, options
        self.counts = Counts()
        self._preparing = preparing
        self._torch: Any = importlib.import_module("torch")
        self._prefill_tokens = options.prefill_tokens
        self._room = Room(model, options)
        self.cache = SlotCache(model.shape, model.device, model.dtype)
        self._stepping = Stepping(
            model, self.cache, options.slots, graphs=options.cuda_graphs == "auto"
        )
        self._prefixes = Prefixes(options.shared_prefix)
        self._running: list[Asked] = []
        self._waiting: deque[Asked] = deque()
        self._changed = threading.Condition()
        self._closed = False
        self._broken: Exception | None = None
        self._thread = threading.Thread(target=self._work, name="local engine", daemon=True)

    # The engine's side.

    def start(self) -> None:
        """Starts the thread."""
        self._thread.start()

    @property
    def load(self) -> int:
        """Requests that it has and has not answered."""
        return len(self._running) + len(self._waiting)

    def submit(self, asked: Asked) -> None:
        """Takes a request; its ``deliver`` is called in the worker's thread."""
        with self._changed:
            if self._closed or self._broken is not None:
                asked.deliver(self._broken or RuntimeError("the engine was closed"))
                return
            self._waiting.append(asked)
            self._changed.notify()

    def close(self) -> None:
        """Ends the thread; what is not answered gets an error. May be called twice."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        if self._thread.is_alive():
            self._thread.join()
        self.cache.free()
        self._stepping.forget()
        self._prefixes.forget()

    def release(self) -> None:
        """Lets go of the weights."""
        self.model.model = None
        give_back()

    def facts(self) -> Facts:
        """What it runs on."""
        model, torch = self.model, self._torch
        on_card = model.device.startswith("cuda")
        return Facts(
            device=model.device,
            card=torch.cuda.get_device_name(model.device) if on_card else "CPU",
            weight_bytes=model.weight_bytes,
            kv_bytes_a_token=model.shape.bytes_a_token,
            slots=self.cache.slots,
            length=self.cache.length,
            memory_bytes=self._room.budget,
            graphs=self._stepping.graphs,
            peak_bytes=torch.cuda.max_memory_allocated(model.device) if on_card else 0,
            dtype=str(model.dtype).removeprefix("torch."),
        )

    # The thread.

    def _work(self) -> None:
        torch = self._torch
        if self.options.threads is not None:
            torch.set_num_threads(self.options.threads)
        on_card = self.model.device.startswith("cuda")
        held = torch.cuda.device(self.model.device) if on_card else contextlib.nullcontext()
        with torch.inference_mode(), held:
            while self._is_open():
                try:
                    self._turn()
                except Exception as error:
                    self._break(error)
                    return
        self._refuse_all(RuntimeError("the engine was closed"))

    def _is_open(self) -> bool:
        """Waits until there is something to do; False where it is closed."""
        with self._changed:
            if not self._closed and not self._running and not self._waiting:
                behind, since = self._preparing(), time.monotonic()
                self._changed.wait_for(lambda: self._closed or bool(self._waiting))
                if behind:
                    self.counts.waiting_s += time.monotonic() - since
            return not self._closed

    def _break(self, error: Exception) -> None:
        with self._changed:
            self._broken = error
        self._refuse_all(error)

    def _refuse_all(self, error: Exception) -> None:
        with self._changed:
            left = [*self._running, *self._waiting]
            self._running.clear()
            self._waiting.clear()
        for asked in left:
            asked.deliver(error)

    def _turn(self) -> None:
        self._drop_cancelled()
        group = self._newcomers()
        if group:
            self._let_in(group)
        if self._running:
            self._step()

    def _drop_cancelled(self) -> None:
        for slot in range(len(self._running) - 1, -1, -1):
            if self._running[slot].cancelled:
                self._vacate(slot)
        with self._changed:
            kept = [asked for asked in self._waiting if not asked.cancelled]
            if len(kept) < len(self._waiting):
                self._waiting = deque(kept)

    # Who is let in.

    def _newcomers(self) -> list[Asked]:
        """Waiting requests of like length, taken from the queue: the first of them and others."""
        while True:
            with self._changed:
                ahead = [asked for asked, _ in zip(self._waiting, range(_LOOK_AHEAD), strict=False)]
                count = len(self._waiting)
            if not ahead:
                return []
            try:
                if not self._has_room_for(ahead[0].need):
                    return []
                break
            except TooLarge as error:
                with self._changed:
                    self._waiting.remove(ahead[0])
                ahead[0].deliver(error)
        free = self.cache.slots - len(self._running)
        wanted = self.options.refill or max(1, self.cache.slots // 16)
        if free < 1 or (self._running and free < min(wanted, count)):
            return []
        group = alike(ahead, free, self.cache.length, self._prefill_tokens, self._prefixes)
        with self._changed:
            for asked in group:
                self._waiting.remove(asked)
        return group

    def _has_room_for(self, need: int) -> bool:
        """Makes the slots long enough; False where sequences must end before that can be.

        Raises TooLarge.
        """
        self._room.check(need)
        if self.cache.slots and need <= self.cache.length:
            return True
        slots, length = self._room.for_sequences_of(need, self.cache.length)
        if slots < len(self._running):
            return False
        self._resize(slots, length)
        return True

    def _resize(self, slots: int, length: int) -> None:
        """Another size of the slots. Raises TooLarge where memory holds not even one."""
        self._stepping.forget()
        while True:
            try:
                self.cache.resize(slots, length, keep=len(self._running))
                return
            except Exception as error:
                if not is_out_of_memory(error):
                    raise
                forget_frames(error)
            # Some layers have the old size and some the new one: nobody keeps a slot.
            self._send_back(0)
            self.cache.free()
            give_back()
            self.counts.out_of_memory += 1
            if slots == 1:
                raise TooLarge(
                    f"memory for one sequence of {length} tokens cannot be had on "
                    f"{self.model.device}: lower max_tokens or max_pixels"
                )
            slots = self._room.halve(slots)

    def _send_back(self, keep: int) -> None:
        """All sequences but the first ``keep`` lose their slots and begin anew, before others."""
        with self._changed:
            self._waiting.extendleft(reversed(self._running[keep:]))
            del self._running[keep:]

    def _let_in(self, group: Sequence[Asked]) -> None:
        """Computes the prompts of a group and their first tokens."""
        began = time.monotonic()
        first = len(self._running)
        try:
            prefix = self._prefixes.find(group[0].prompt, self._beginning)
            for asked in group:
                asked.begin(self.model.shift(asked.prompt))
            slots = range(first, first + len(group))
            logits = self.model.fill([a.prompt for a in group], slots, self.cache, prefix)
            endless = forbidden([a.draw.never_ends for a in group], self.model.device)
            tokens, gaps = self._stepping.best(logits, endless).tolist()
            chosen = self._choose(group, logits, tokens)
        except Exception as error:
            del self._running[first:]
            self._failed_to_let_in(group, error)
            return
        counts = self.counts
        counts.prefills += 1
        start = prefix.tokens if prefix is not None else 0
        counts.prefill_tokens += sum(len(a.prompt.tokens) - start for a in group)
        counts.prefix_tokens_saved += start * len(group)
        self._running.extend(group)
        self._take(first, chosen, gaps)
        counts.prefill_s += time.monotonic() - began

    def _beginning(self, tokens: Sequence[int]) -> Prefix:
        return self.model.beginning(tokens, self.cache)

    def _failed_to_let_in(self, group: Sequence[Asked], error: Exception) -> None:
        if is_lost_device(error):
            raise error
        if not is_out_of_memory(error):
            if len(group) == 1:
                group[0].deliver(ValueError(f"the model failed at this prompt: {error}"))
                return
            for asked in group:  # one of them is at fault
                asked.alone = True
        forget_frames(error)
        with self._changed:
            self._waiting.extendleft(reversed(group))
        if not is_out_of_memory(error):
            return
        if len(group) == 1:
            if not self._make_room():
                self._give_up(group[0])
            return
        self.counts.out_of_memory += 1
        widest = max(len(asked.prompt.tokens) for asked in group)
        self._prefill_tokens = max(1, widest * len(group) // 2)
        self._prefixes.forget()
        give_back()

    def _make_room(self) -> bool:
        """Halves the slots after memory ran out; False where there was one alone."""
        self.counts.out_of_memory += 1
        self._stepping.forget()
        self._prefixes.forget()
        slots, length = self.cache.slots, self.cache.length
        if slots <= 1:
            self._send_back(0)
            return False
        fewer = self._room.halve(slots)
        self._send_back(fewer)
        give_back()
        try:
            self._resize(fewer, length)
        except TooLarge:
            return False
        return True

    def _give_up(self, asked: Asked) -> None:
        """A request that does not fit although it has the device for itself."""
        with self._changed, contextlib.suppress(ValueError):
            self._waiting.remove(asked)
        asked.deliver(
            TooLarge(
                f"memory ran out on {self.model.device} with this request alone "
                f"({len(asked.prompt.tokens)} tokens of prompt): lower max_pixels or max_tokens"
            )
        )
        self._room.restore()
        self.cache.free()
        give_back()

    # A step.

    def _step(self) -> None:
        began = time.monotonic()
        running = self._running
        state = np.array(
            [
                [asked.tokens[-1] for asked in running],
                [asked.place for asked in running],
                [asked.shift for asked in running],
                [int(asked.draw.never_ends) for asked in running],
            ],
            dtype=np.int64,
        )
        try:
            reach = int(state[1].max()) + 1
            logits, tokens, gaps = self._stepping.step(state, reach)
            chosen = self._choose(running, logits, tokens)
        except Exception as error:
            if not is_out_of_memory(error):
                raise
            forget_frames(error)
            only = running[0] if len(running) == 1 else None
            if not self._make_room() and only is not None:
                self._give_up(only)
            return
        rows = self._stepping.rows(len(running))
        counts = self.counts
        counts.decode_steps += 1
        counts.slot_steps += rows
        counts.idle_slot_steps += rows - len(running)
        self._take(0, chosen, gaps)
        counts.decode_s += time.monotonic() - began

    def _choose(self, asked: Sequence[Asked], logits: Any, likeliest: Sequence[float]) -> list[int]:
        """The next token of each: the likeliest, or a drawn one."""
        chosen = [int(token) for token in likeliest[: len(asked)]]
        chancy = [row for row, a in enumerate(asked) if not a.draw.greedy]
        if chancy:
            rows = self._torch.tensor(chancy, device=self.model.device)
            draws = [asked[row].draw for row in chancy]
            numbers = [asked[row].number() for row in chancy]
            for row, token in zip(
                chancy, drawn(logits[rows], draws, numbers).tolist(), strict=True
            ):
                chosen[row] = token
        return chosen

    def _take(self, first: int, chosen: Sequence[int], gaps: Sequence[float]) -> None:
        """Adds a token to each sequence from slot ``first`` on, and hands out what has ended."""
        now = time.monotonic()
        ended = []
        for slot, (token, gap) in enumerate(zip(chosen, gaps, strict=False), start=first):
            asked = self._running[slot]
            asked.take(token, gap, now)
            ends = token in self.model.end_tokens and not asked.draw.never_ends
            if ends or len(asked.tokens) == asked.most:
                ended.append((slot, ends))
        for slot, ends in reversed(ended):
            self._hand_out(self._running[slot], ends)
            self._vacate(slot)

    def _vacate(self, slot: int) -> None:
        """Frees a slot; the last sequence moves there."""
        last = self._running.pop()
        if slot < len(self._running):
            self.cache.move(len(self._running), slot, last.place)
            self._running[slot] = last

    def _hand_out(self, asked: Asked, ends: bool) -> None:
        counts = self.counts
        counts.answers += 1
        counts.input_tokens += len(asked.prompt.tokens)
        counts.output_tokens += len(asked.tokens)
        if asked.gap is not None:
            known = counts.smallest_gap
            counts.smallest_gap = asked.gap if known is None else min(known, asked.gap)
        asked.deliver(asked.answer(ends))
