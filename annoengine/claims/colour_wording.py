"""Writes shares of colours as people read them, for the evidence of a statement."""

from __future__ import annotations

from collections.abc import Sequence


def most(colours: Sequence[tuple[str, float]]) -> str:
    """The two commonest names.

    >>> most([("red", 0.6), ("maroon", 0.3), ("black", 0.1)])
    ' most are red (60 %) and maroon (30 %)'
    """
    return " most are " + " and ".join(f"{n} ({percent(s)})" for n, s in colours[:2])


def percent(share: float) -> str:
    """A share as people read it.

    >>> percent(0.004), percent(0.0), percent(0.517)
    ('0.4 %', '0 %', '52 %')
    """
    if 0 < share < 0.095:
        return f"{max(share * 100, 0.1):.1f} %"
    return f"{share * 100:.0f} %"
