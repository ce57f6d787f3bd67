"""Reads ASMv2's grounded text: ``<ref>two men</ref><box>[[…], […]]</box>``, and ``<pred>``.

A ``<ref>`` has one ``<box>`` behind it, with a box for each instance; a ``<pred>`` has two, of the
subjects and of the objects.

Source: arXiv 2402.19474 and the reader of its released code.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from annoengine.pancap.grid_boxes import Steps

_BOXES = r"<box>\s*(?P<{}>\[[^<]*\])\s*</box>"
_REF = re.compile(r"<ref>(?P<phrase>[^<]*)</ref>\s*" + _BOXES.format("boxes"))
_PRED = re.compile(
    r"<pred>(?P<phrase>[^<]*)</pred>\s*" + _BOXES.format("one") + r"\s*" + _BOXES.format("other")
)
_QUAD = re.compile(r"\[\s*(-?\d+)\s*,\s*(-?\d+)\s*,\s*(-?\d+)\s*,\s*(-?\d+)\s*\]")
_MARK = re.compile(r"</?(?:ref|box|pred)>")


@dataclass(frozen=True)
class Reference:
    """A phrase of the plain text, ``text[start:end]``, and its boxes."""

    start: int
    end: int
    boxes: tuple[Steps, ...]


@dataclass(frozen=True)
class Predicate:
    """Words that say what goes on between boxes."""

    words: str
    subjects: tuple[Steps, ...]
    objects: tuple[Steps, ...]


@dataclass(frozen=True)
class ReferenceText:
    """The text without marks. ``strange`` are marks that belong to nothing, as they stand."""

    text: str
    references: tuple[Reference, ...] = ()
    predicates: tuple[Predicate, ...] = ()
    strange: tuple[str, ...] = ()


def read_references(answer: str) -> ReferenceText:
    """The phrases of an answer with their boxes. Never raises.

    >>> read_references("<ref>A dog</ref><box>[[1, 2, 3, 4]]</box> runs.")
    ReferenceText(text='A dog runs.', references=(Reference(start=0, end=5, \
boxes=((1, 2, 3, 4),)),), predicates=(), strange=())
    """
    pieces: list[str] = []
    references: list[Reference] = []
    predicates: list[Predicate] = []
    strange: list[str] = []
    length = last = 0
    found = [*_REF.finditer(answer), *_PRED.finditer(answer)]
    for match in sorted(found, key=lambda match: match.start()):
        if match.start() < last:
            continue
        length += _add(pieces, strange, answer[last : match.start()])
        start = length
        length += _add(pieces, strange, match["phrase"])
        last = match.end()
        if match.re is _REF:
            references.append(Reference(start, length, _boxes(match["boxes"], strange)))
        else:
            one, other = (_boxes(match[name], strange) for name in ("one", "other"))
            predicates.append(Predicate(match["phrase"], one, other))
    _add(pieces, strange, answer[last:])
    return ReferenceText("".join(pieces), tuple(references), tuple(predicates), tuple(strange))


def _add(pieces: list[str], strange: list[str], text: str) -> int:
    strange += [text[m.start() : m.start() + 40] for m in _MARK.finditer(text)]
    pieces.append(text)
    return len(text)


def _boxes(text: str, strange: list[str]) -> tuple[Steps, ...]:
    found: list[Steps] = []
    for quad in _QUAD.finditer(text):
        x1, y1, x2, y2 = map(int, quad.groups())
        found.append((x1, y1, x2, y2))
    left = re.sub(r"[\[\],\s]", "", _QUAD.sub("", text))
    if left or not found:
        strange.append(f"<box>{text}"[:40])
    return tuple(found)


def is_referring(entry: Any) -> bool:
    """Has an entry of a file an answer with ``<ref>`` and ``<box>``?"""
    turns = entry.get("conversations") if isinstance(entry, dict) else None
    values = [turn.get("value") for turn in turns or [] if isinstance(turn, dict)]
    return any(isinstance(v, str) and "<ref>" in v and "<box>" in v for v in values)
