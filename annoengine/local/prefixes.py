"""Beginnings that prompts share: found by comparing, computed once, copied into every slot.

A prompt's beginning is its text before the first picture. Which part of it others share nobody
says; it is compared with the last few, and what it has in common with one of them, in whole steps
of 32 tokens, is its shared part. The keys and values of a part are computed when it comes the
second time.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence

from annoengine.local.chat import Prompt
from annoengine.local.slots import Prefix

_STEP = 32
"""Shared parts are multiples of this, so that chance adds no part of its own; ours."""

_KEPT = 8
"""Beginnings that are remembered; ours."""


class Beginnings:
    """What recent prompts began with."""

    def __init__(self, least: int) -> None:
        self._least = least
        self._known: OrderedDict[tuple[int, ...], None] = OrderedDict()

    def shared(self, tokens: tuple[int, ...]) -> int:
        """How many leading tokens of a beginning an earlier one had too; remembers this one."""
        best = max((_common(tokens, known) for known in self._known), default=0)
        self._known[tokens] = None
        self._known.move_to_end(tokens)
        if len(self._known) > _KEPT:
            self._known.popitem(last=False)
        best = best // _STEP * _STEP
        return best if self._least and best >= self._least else 0


def _common(one: Sequence[int], other: Sequence[int]) -> int:
    """
    >>> _common([1, 2, 3], [1, 2, 4, 5]), _common([], [1])
    (2, 0)
    """
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if one[:middle] == other[:middle] else (low, middle - 1)
    return low


class Prefixes:
    """Keys and values of shared parts, on one device."""

    def __init__(self, least: int) -> None:
        self._least = least
        self._kept: OrderedDict[tuple[int, ...], Prefix] = OrderedDict()

    def key(self, prompt: Prompt) -> tuple[int, ...]:
        """The shared part of a prompt; empty where none is worth it."""
        worth = self._least and self._least <= prompt.shared < len(prompt.tokens)
        return prompt.tokens[: prompt.shared] if worth else ()

    def find(self, prompt: Prompt, compute: Callable[[Sequence[int]], Prefix]) -> Prefix | None:
        """The keys and values of its shared part, computed if need be; None where there is none."""
        key = self.key(prompt)
        if not key:
            return None
        if key not in self._kept:
            self._kept[key] = compute(key)
            if len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        self._kept.move_to_end(key)
        return self._kept[key]

    def forget(self) -> None:
        """Gives their memory back."""
        self._kept.clear()
