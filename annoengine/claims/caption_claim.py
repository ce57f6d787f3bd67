"""One statement of a caption that can be tested, and what became of the test."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Truth = Literal["supported", "contradicted", "cannot tell"]

Who = Literal["self", "part", "segment", "several", "nobody"]
"""What a noun phrase of a caption speaks of: the caption's own segment; a part of it or a thing on
it that has no segment of its own ("its ears", "his shirt"); one other segment; several segments, or
one of several that cannot be told apart; nothing that is segmented ("the ground", where no ground
is annotated)."""


@dataclass(frozen=True)
class Mention:
    """A noun phrase of a caption, and which segments it speaks of.

    Tokens ``first`` up to ``past``, about the token ``root``. ``segments``: the own one for
    ``self``; the owner, where it is known, for ``part`` (the own segment or another); the one for
    ``segment``; all that may be meant for ``several``. ``plural``: of more than one thing.
    ``crowd``: a crowd is among what may be meant.
    """

    first: int
    past: int
    root: int
    who: Who
    segments: tuple[int, ...] = ()
    plural: bool = False
    crowd: bool = False


@dataclass(frozen=True)
class Statement:
    """One testable statement of a caption, ``text[start:end]``.

    ``kind`` is colour, position, ordinal, size, count, relation, contact, number …; ``says`` is the
    statement in a normal form for people ("part cap: colour red"); ``truth`` with the measured
    ``evidence`` ("7 % of the mask is red; most of it is white, 58 %").
    """

    kind: str
    says: str
    start: int
    end: int
    truth: Truth
    evidence: str
