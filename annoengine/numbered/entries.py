"""What the entries of an answer come to: regions, interactions, and what could not be used."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from annoengine.answer import Fault, Interaction, Region
from annoengine.numbered.heads import names_numbers
from annoengine.numbered.pieces import INTERACTING, plain, plain_summary

ENDED = (".", "!", "?", ";", ")", "]", '"', "”", "’", "'", "»", "…")
"""How a text ends that is finished."""
_DANGLING = re.compile(
    r"(?:[,:–—(-]|\b(?:a|an|the|and|or|of|with|in|on|at|to|from|by|is|are|its|their|his|her|as"
    r"|which|that|while|near|behind|into|over|under|for|has|have|be))$",
    re.IGNORECASE,
)


@dataclass
class Entry:
    """An entry while it is read: the marks, and the pieces of its text."""

    marks: tuple[int, ...]
    section: str
    summary: str = ""
    pieces: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """The pieces as one text."""
        return " ".join(piece for piece in self.pieces if piece)

    @property
    def end(self) -> str:
        """The last piece that says something: how the text ends, without putting it together."""
        return next((piece for piece in reversed(self.pieces) if piece), "")


@dataclass
class Reading:
    """What the lines came to."""

    regions: list[Region] = field(default_factory=list)
    interactions: list[Interaction] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    tolerated: dict[str, None] = field(default_factory=dict)
    outside: list[str] = field(default_factory=list)

    def add(self, entries: list[Entry], ended: bool) -> None:
        """Takes the entries in. Unless the answer has ``ended``, its last one may be cut."""
        if not ended and entries and _is_cut(entries):
            entries = self._add_cut(entries)
        for entry in entries:
            if entry.section == "interactions":
                self._add_interaction(entry)
            else:
                self._add_region(entry)

    def add_unreadable(self, about: str, text: str) -> None:
        """A fault that quotes what could not be used."""
        quote = text if len(text) <= 80 else text[:77] + "..."
        self.faults.append(Fault("unreadable", (), f'{about}: "{quote}".'))

    def _add_cut(self, entries: list[Entry]) -> list[Entry]:
        """Says that the answer broke off in its last entry; gives the entries to be used."""
        *whole, last = entries
        if last.section == "interactions":
            detail = "The answer broke off in its last interaction."
            self.faults.append(Fault("truncated", (), detail))
            return whole
        which = "object " + " and ".join(map(str, last.marks))
        detail = f"The answer broke off in the description of {which}."
        self.faults.append(Fault("truncated", last.marks, detail))
        return entries

    def _add_region(self, entry: Entry) -> None:
        if len(entry.marks) != 1:
            marks = ", ".join(map(str, entry.marks))
            detail = (
                f"Objects {marks} were described together; each needs a description of its own."
            )
            self.faults.append(Fault("grouped", entry.marks, detail))
            return
        mark, text = entry.marks[0], entry.text
        found = INTERACTING.search(text)
        if found:
            others = [other for other in names_numbers(found["text"]) if other != mark]
            if others:
                text = text[: found.start()] + text[found.end() :]
                self.interactions.append(Interaction((mark, *others), plain(found["text"])))
                self.tolerated["interaction_in_object"] = None
        if not entry.summary:
            self.tolerated["no_summary"] = None
        self.regions.append(Region(mark, plain_summary(entry.summary), plain(text)))

    def _add_interaction(self, entry: Entry) -> None:
        text = plain(entry.text)
        if len(entry.marks) < 2:
            self.add_unreadable("An interaction names fewer than two objects", text)
            return
        self.interactions.append(Interaction(entry.marks, text))


def _is_cut(entries: list[Entry]) -> bool:
    """Does the last entry break off?"""
    *others, last = entries
    text = last.text
    if not text and last.section == "objects":
        return bool(others)
    if text.endswith(ENDED):
        return False
    if _DANGLING.search(text):
        return True
    texts = [entry.text for entry in others if entry.text]
    ended = sum(text.endswith(ENDED) for text in texts)
    return bool(texts) and ended * 2 > len(texts)
