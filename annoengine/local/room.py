"""How many sequences of what length a device holds, before and after memory ran out."""

from __future__ import annotations

from annoengine.local.chat import TooLarge
from annoengine.local.memory import memory_for_slots
from annoengine.local.model import LoadedModel
from annoengine.local.options import EngineOptions

_LENGTH_STEP = 128
"""Lengths of slots are multiples of this; ours."""


class Room:
    """The slots that a device may have: by the options, its memory, and what it failed at.

    Memory that runs out halves them. A request that does not fit with one slot was itself too
    large, and the others get back what there was before its trouble began.
    """

    def __init__(self, model: LoadedModel, options: EngineOptions) -> None:
        self._model, self._options = model, options
        self.budget = memory_for_slots(
            model, options.memory_gib, options.prefill_tokens, options.slots
        )
        self._most = options.slots
        self._before = 0

    def for_sequences_of(self, need: int, now: int = 0) -> tuple[int, int]:
        """Slots, and how many tokens each holds, where one of them must hold ``need``.

        Half as long again as they are ``now``, where that costs no slot: each change of length
        copies all that the slots hold. Raises TooLarge where none holds so many.
        """
        longer = self._slots_of(max(need, now * 3 // 2))
        slots, length = self._slots_of(need)
        if longer[0] == slots:
            slots, length = longer
        each = self._model.shape.bytes_a_token * length
        if slots < 1:
            raise TooLarge(
                f"a sequence of {length} tokens takes {_gib(each)} GiB of keys and values, and "
                f"there are {_gib(self.budget)} for them: lower max_tokens or max_pixels, or raise "
                "memory_gib"
            )
        return slots, length

    def _slots_of(self, need: int) -> tuple[int, int]:
        length = -(-need // _LENGTH_STEP) * _LENGTH_STEP
        return min(self._most, self.budget // (self._model.shape.bytes_a_token * length)), length

    def check(self, need: int) -> None:
        """Raises TooLarge for a request that is longer than the model or the recipe allows."""
        model, most = self._model, self._options.max_length
        if need > model.longest:
            raise TooLarge(
                f"prompt and answer may have {need} tokens, and the model takes {model.longest}: "
                "lower max_tokens, or max_pixels for smaller pictures"
            )
        if most is not None and need > most:
            raise TooLarge(
                f"prompt and answer may have {need} tokens, more than max_length {most}: raise it, "
                "or lower max_tokens"
            )

    def halve(self, slots: int) -> int:
        """From now on half of ``slots`` at most; gives how many."""
        self._before = self._before or self._most
        self._most = max(1, slots // 2)
        return self._most

    def restore(self) -> None:
        """It was one request that did not fit: as many as before."""
        self._most = self._before or self._most
        self._before = 0


def _gib(count: int) -> str:
    return f"{count / (1 << 30):.2f}"
