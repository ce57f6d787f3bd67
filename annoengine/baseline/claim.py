"""A claim: one statement about a segment that anyone can check against the pixels."""

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
