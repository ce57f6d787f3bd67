"""A claim: what may be said of a segment and checked against the pixels; and a plain statement."""

from __future__ import annotations

from dataclasses import dataclass

Value = tuple[str | int, ...]


@dataclass(frozen=True)
class Claim:
    """One checkable statement about a segment, and about ``others`` where it relates."""

    kind: str
    segment: int
    value: Value = ()
    others: tuple[int, ...] = ()


Draft = tuple[str, Value, tuple[int, ...]]
"""Kind, value and others of a claim, while its segment is understood."""


@dataclass(frozen=True)
class Statement:
    """What a caption says of one segment, or of how one lies to a second.

    ``text`` is to be read behind the name of the first: "is mostly red"; and of two before that of
    the second: "is to the left of".
    """

    segments: tuple[int, ...]
    text: str
