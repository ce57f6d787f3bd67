"""Narrows what a colour word may look like: to what is likely, and by words such as "bright".

Between the core of a term, which is surely so called, and all that may pass for it lies what is
likely meant: half-way on each side. The wide regions forgive any light; a large thing, though,
seldom lies in such a light with every pixel.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from annoengine.claims.colour_terms import AROUND, BOUNDS, Region, Term

_VIVID = frozenset("bright vivid vibrant brilliant neon electric intense hot".split())
HUED = 14
"""The chroma from which on a core has a hue: that of the least saturated of the basic colours that
are not browns. Ours."""

_DEEPEST = {"jet": "black", "pitch": "black", "snow": "white"}


@lru_cache(maxsize=1024)
def likely(term: Term) -> Term:
    """The term whose wide regions reach half as far beyond its core.

    >>> from annoengine.claims.colour_terms import term_of
    >>> red = term_of(["red"])
    >>> red.wide[0].chroma, likely(red).wide[0].chroma
    ((21, 200), (27.5, 200.0))
    """
    between = [_between(wide, core) for wide in term.wide for core in term.core]
    return Term(term.says, term.core, (*between, *term.core))


def strengthened(term: Term, words: Iterable[str]) -> Term:
    """The term as words before it narrow it: *bright* asks for chroma, *jet* for the blackest.

    >>> from annoengine.claims.colour_terms import term_of
    >>> red = term_of(["red"])
    >>> strengthened(red, ["bright", "red"]).wide[0].chroma
    (27.5, 200)
    """
    said = list(words)
    if any(_DEEPEST.get(word) == said[-1] for word in said):
        return likely(term)
    if not _VIVID.intersection(said) or not term.core:
        return term
    floor = min(core.chroma[0] for core in term.core)
    wide = (_asking(region, floor) for region in term.wide)
    return Term(term.says, term.core, tuple(wide))


def has_hue(term: Term) -> bool:
    """Is a colour one of hue, that keeps it in shade and sheen: red, and not grey or brown?

    >>> from annoengine.claims.colour_terms import term_of
    >>> [has_hue(term_of([word])) for word in ("red", "yellow", "white", "brown", "black")]
    [True, True, False, False, False]
    """
    return all(core.hue != AROUND and core.chroma[0] >= HUED for core in term.core)


def with_ginger(term: Term) -> Term:
    """Red as it is said of hair, which is a rusty orange or brown.

    >>> from annoengine.claims.colour_terms import term_of
    >>> with_ginger(term_of(["red"])).core == term_of(["red"]).core + term_of(["ginger"]).core
    True
    """
    core, wide = BOUNDS["ginger"]
    return Term(term.says, term.core + core, term.wide + wide)


def _asking(region: Region, floor: float) -> Region:
    low, high = region.chroma
    return Region(region.hue, region.light, (max(low, (low + floor) / 2), high), region.fades)


def _between(wide: Region, core: Region) -> Region:
    around = AROUND in (wide.hue, core.hue)
    return Region(
        wide.hue if around else _halfway(wide.hue, core.hue),
        _halfway(wide.light, core.light),
        _halfway(wide.chroma, core.chroma),
        wide.fades,
    )


def _halfway(one: tuple[float, float], two: tuple[float, float]) -> tuple[float, float]:
    return (one[0] + two[0]) / 2, (one[1] + two[1]) / 2
