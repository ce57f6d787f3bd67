"""Turns a panoptic caption into sentences that a parser can read, and remembers where boxes stood.

Brackets of numbers, bullets and bold marks confuse any parser. They are cut or replaced by "here",
every character left knows its place in the caption, and every box knows behind which it stood.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from annoengine.pancap.caption_boxes import CaptionBox

_BULLET = re.compile(r"^[ \t]*(?:[-*•+–]|\d{1,2}[.)]|#{1,6})[ \t]+", re.MULTILINE)
_MARKS = re.compile(r"\*{1,3}|__|`")
_BREAK = re.compile(r"\s*\n\s*")
_HEAD = re.compile(
    r"^[ \t]*(?P<bullet>(?:[-*•+–]|\d{1,2}[.)]|#{1,6})[ \t]+)?(?P<bold>\*{1,3}|__)?"
    r"(?P<name>[^\W\d_][^\n.:*\[(]{0,60}?)\s*(?:\*{1,3}|__)?\s*:?\s*(?:\*{1,3}|__)?\s*$"
)
_AFTER_HEAD = re.compile(r"\s*(?:\*{1,3}|__)?\s*(?:[:–—-](?:\*{1,3}|__)?\s*|(?=\n)|$)")
_DETERMINED = re.compile(r"(?:the|an?|two|three|four|five|some|several|one)\b", re.IGNORECASE)


@dataclass(frozen=True)
class Slot:
    """Where in the plain text a box stood: behind ``at`` characters."""

    number: int
    box: CaptionBox
    at: int
    heading: bool


@dataclass(frozen=True)
class PlainCaption:
    """``origin[n]``: where the plain text's character n stands in the caption."""

    text: str
    origin: tuple[int, ...]
    slots: tuple[Slot, ...]


@dataclass(frozen=True)
class _Edit:
    start: int
    end: int
    instead: str = ""


def plain_caption(caption: str, boxes: Sequence[CaptionBox]) -> PlainCaption:
    """The caption without boxes and marks of layout."""
    edits: list[_Edit] = []
    headings: set[int] = set()
    last_past = -1
    for number, box in enumerate(boxes):
        heading = _heading(caption, box)
        in_row = box.first == last_past
        if heading is not None:
            headings.add(number)
            edits += heading
        elif in_row and number - 1 in headings:
            headings.add(number)
            edits.append(_Edit(box.first, box.past))
        elif in_row or box.form in ("apposed", "with"):
            edits.append(_Edit(box.first, _past_space(caption, box)))
        else:
            said = _said(caption, box)
            edits.append(_Edit(box.first, box.past if said else _past_space(caption, box), said))
        last_past = box.past
    taken = [(edit.start, edit.end) for edit in edits]
    for pattern, instead in ((_BULLET, ""), (_MARKS, ""), (_BREAK, " ")):
        for match in pattern.finditer(caption):
            if all(match.end() <= start or match.start() >= end for start, end in taken):
                stop = instead and not re.search(r"[.:;!?,]\W*$", caption[: match.start()])
                first = match.start()
                edits.append(_Edit(first, match.end(), ". " if stop else instead))
                taken.append((first, match.end()))
    return _edited(caption, sorted(edits, key=lambda edit: edit.start), boxes, headings)


def _heading(caption: str, box: CaptionBox) -> list[_Edit] | None:
    """The edits that make a sentence of "- **Name** [[…]]: …", or None where it is no heading."""
    if box.form != "apposed":
        return None
    line = caption.rfind("\n", 0, box.first) + 1
    head = _HEAD.match(caption[line : box.first])
    after = _AFTER_HEAD.match(caption, box.past)
    if head is None or after is None or not (head["bullet"] or head["bold"]):
        return None
    name = line + head.start("name")
    article = "" if _DETERMINED.match(head["name"]) else "The "
    lower = head["name"] if head["name"].isupper() else head["name"].lower()
    end = line + head.end("name")
    edits = [_Edit(line, name, article)]
    edits += [
        _Edit(name + n, name + n + 1, new)
        for n, (old, new) in enumerate(zip(head["name"], lower, strict=True))
        if old != new
    ]
    return [*edits, _Edit(end, max(after.end(), box.past), ". ")]


def _past_space(caption: str, box: CaptionBox) -> int:
    """Where a cut ends, so that no two spaces are left, which a parser takes for a word."""
    double = caption[box.first - 1 : box.first] == " " and caption[box.past : box.past + 1] == " "
    return box.past + 1 if double else box.past


def _said(caption: str, box: CaptionBox) -> str:
    """What stands for a box that is said by a verb: "located here", "is here"."""
    if box.form == "box of":
        return "here"
    words = caption[box.first : box.start].rstrip(' (*`":=')
    words = re.sub(r"\s*\b(?:at|in|within|around)\b(?:\s+the)?(?:\s+\w+){0,2}$", "", words)
    bare = words.lower() in ("", "at", "in", "within")
    return "" if bare else f"{words} here"


def _edited(
    caption: str, edits: Sequence[_Edit], boxes: Sequence[CaptionBox], headings: set[int]
) -> PlainCaption:
    pieces: list[str] = []
    origin: list[int] = []
    length_at: dict[int, int] = {}
    last = 0
    for edit in edits:
        if edit.start < last:
            continue
        kept = caption[last : edit.start]
        pieces += [kept, edit.instead]
        origin += range(last, edit.start)
        for inside in range(edit.start, edit.end + 1):
            length_at[inside] = len(origin) + len(edit.instead.rstrip(". "))
        origin += [edit.end] * len(edit.instead)
        last = edit.end
    pieces.append(caption[last:])
    origin += range(last, len(caption))
    slots = tuple(
        Slot(number, box, length_at[box.start], number in headings)
        for number, box in enumerate(boxes)
    )
    return PlainCaption("".join(pieces), tuple(origin), slots)
