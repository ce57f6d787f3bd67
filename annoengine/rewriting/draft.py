"""A text under change that knows, letter by letter, where it came from.

Rules run one after another, each on what the last one left; an origin kept with each letter gives
the changes against the first text in the end, so that spans can follow them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Edit:
    """``text[start:end]`` becomes ``new``. Offsets of a list of edits are all of the old text."""

    start: int
    end: int
    new: str


class Draft:
    """A text and the changes made to it."""

    def __init__(self, text: str) -> None:
        self.old = text
        self.text = text
        self.tidied = text
        self._origins: list[int] | None = None
        self._anchors: list[list[int]] = []

    @property
    def changed(self) -> bool:
        """Does it differ from the text it began as?"""
        return self.text != self.old

    def apply(self, edits: Sequence[Edit]) -> None:
        """Makes changes to the text as it is now. Of two that overlap the first begun counts."""
        done = len(self.text) + 1
        chosen: list[Edit] = []
        past = 0
        for edit in sorted(edits, key=lambda edit: (edit.start, -edit.end)):
            if edit.start >= past and self.text[edit.start : edit.end] != edit.new:
                chosen.append(edit)
                past = max(edit.end, edit.start + (edit.start == edit.end))
        if not chosen:
            return
        if self._origins is None:
            self._origins = list(range(len(self.old)))
        for edit in reversed(chosen):
            assert edit.end <= done
            done = edit.start
            self.text = self.text[: edit.start] + edit.new + self.text[edit.end :]
            self._origins[edit.start : edit.end] = [-1] * len(edit.new)
            grown = len(edit.new) - (edit.end - edit.start)
            for anchor in self._anchors:
                if anchor[0] >= edit.end:
                    anchor[0] += grown
                if anchor[1] >= edit.end:
                    anchor[1] += grown

    def hold(self, start: int, end: int, plural: bool) -> None:
        """Remembers a stretch through later changes, as a subject that verbs must agree with."""
        self._anchors.append([start, end, plural])

    def held(self) -> list[tuple[int, int, bool]]:
        """The stretches that :meth:`hold` remembered, where they are now."""
        return [(start, end, bool(plural)) for start, end, plural in self._anchors]

    def edits(self) -> tuple[Edit, ...]:
        """What changed from the first text to this one, in order, as few as there are stretches."""
        found: list[Edit] = []
        if self._origins is None:
            return ()
        new, before = "", -1
        for letter, origin in zip(self.text, self._origins, strict=True):
            if origin < 0:
                new += letter
                continue
            if new or origin != before + 1:
                found.append(Edit(before + 1, origin, new))
                new = ""
            before = origin
        if new or before + 1 != len(self.old):
            found.append(Edit(before + 1, len(self.old), new))
        return tuple(found)


def moved(start: int, end: int, edits: Sequence[Edit]) -> tuple[int, int] | None:
    """Where a stretch of the old text is in the new one; None where nothing of it is left.

    A stretch that was wholly or partly replaced takes in what stands there now.

    >>> moved(4, 9, [Edit(0, 4, "")]), moved(0, 8, [Edit(0, 8, "the bus")])
    ((0, 5), (0, 7))
    >>> moved(0, 3, [Edit(0, 4, "")]) is None
    True
    """

    def place(at: int, is_end: bool) -> int:
        shift = 0
        for edit in edits:
            if edit.end <= at and not (edit.start == edit.end == at and is_end):
                shift += len(edit.new) - (edit.end - edit.start)
            elif edit.start < at:
                return edit.start + shift + (len(edit.new) if is_end else 0)
        return at + shift

    first, past = place(start, False), place(end, True)
    return (first, past) if past > first else None
