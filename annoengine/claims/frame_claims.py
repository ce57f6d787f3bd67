"""Tests what a caption says of the image's frame: "cut off by the left edge of the frame".

A segment that the frame cuts reaches it; so a statement is false where its box keeps away from
every edge, or from the edge that is named.
"""

from __future__ import annotations

from functools import partial

from annoengine.baseline.region_facts import RegionFacts
from annoengine.claims.caption_claim import Statement
from annoengine.claims.caption_reading import IMAGE_WORDS, CaptionReading, Verdict, percent
from annoengine.claims.picture_plane import extent
from annoengine.language.parsed import Token

AT_FRAME = 0.015
"""A box that comes within this share of the image to an edge reaches it. Ours: masks drawn by hand
often stop a few pixels short."""

NOT_AT_FRAME = 0.04
"""A box that keeps farther away than this from an edge is not cut by it. Ours, as above, doubled
and a little more."""

_CUTTING = frozenset("cut crop clip truncate".split())
_REACHING = frozenset({"touch", "meet", "reach"})
_RUNNING = frozenset("extend run go reach continue stretch spill protrude".split())
_OUT = frozenset({"beyond", "past", "outside", "off", "out"})
_EDGES = {
    "left": "left",
    "right": "right",
    "top": "top",
    "upper": "top",
    "bottom": "bottom",
    "lower": "bottom",
}


def frame_statements(reading: CaptionReading) -> tuple[list[Statement], set[int]]:
    """The statements about the frame, and the words that speak of it."""
    found: list[Statement] = []
    taken: set[int] = set()
    for token in reading.tokens:
        past = _phrase_end(reading, token)
        if past is None:
            continue
        words = range(token.i, past)
        edges = {
            _EDGES[reading.tokens[i].lower] for i in words if reading.tokens[i].lower in _EDGES
        }
        if not edges and not _of_frame(reading, words) and token.lemma.lower() not in _CUTTING:
            continue
        taken.update(words)
        subjects = reading.of_verb(token) if token.pos == "VERB" else reading.subjects_of(token.i)
        if not subjects or subjects[0].who == "part":
            continue
        negated = reading.negated(token.i)
        verdict = reading.weigh(subjects, partial(_cut, reading, edges), negated)
        where = " and ".join(sorted(edges))
        says = (
            f"{reading.name(subjects[0])}: {'not ' if negated else ''}cut off by the "
            f"{where + ' edge of the ' if where else ''}frame"
        )
        found.append(reading.statement("position", says, token.i, past, verdict))
    return found, taken


def _phrase_end(reading: CaptionReading, token: Token) -> int | None:
    """Where a phrase about the frame ends that begins with this word; None where none does."""
    tokens, parsed = reading.tokens, reading.parsed
    lemma = token.lemma.lower()
    if lemma in _CUTTING and token.tag in ("VBN", "VBD"):
        if parsed.children(token.i, "dobj"):
            return None
        past = token.i + 1
        while past < len(tokens) and tokens[past].lower in ("off", "out", "-"):
            past += 1
        for prep in parsed.children(token.i, "agent", "prep"):
            if prep.lower in ("by", "at", "on") and prep.i == past:
                end = _after_edge(reading, prep.i)
                if end is None:
                    # "Cut by a knife", "cut into slices", "cropped at the knee".
                    return None
                past = end
            elif prep.i == past:
                return None
        return past if past > token.i + 1 or lemma in ("crop", "truncate") else None
    if lemma in _REACHING and token.pos == "VERB":
        # "Touches the left edge of the image".
        end = _after_edge(reading, token.i)
        if end is not None and _of_frame(reading, range(token.i, end)):
            return end
    if lemma in _RUNNING or token.lower == "partially" or token.lower in ("partly", "out"):
        return _running_out(reading, token)
    return None


def _running_out(reading: CaptionReading, token: Token) -> int | None:
    """ "Extends beyond the bottom of the frame", "partially out of frame"."""
    tokens = reading.tokens
    past = token.i if token.lower == "out" else token.i + 1
    if past >= len(tokens) or tokens[past].lower not in _OUT:
        return None
    if token.lower == "out" and token.i and tokens[token.i - 1].lower in ("partially", "partly"):
        return None
    while past < len(tokens) and tokens[past].lower in {*_OUT, "of", "from"}:
        past += 1
    end = _after_edge(reading, past - 1)
    return end if end is not None and _of_frame(reading, range(token.i, end)) else None


def _after_edge(reading: CaptionReading, prep: int) -> int | None:
    """Where "the left edge of the frame" ends after a preposition; None for anything else."""
    tokens = reading.tokens
    known = {*_EDGES, *IMAGE_WORDS, "the", "edge", "edges", "side", "border", "margin", "corner"}
    known |= {"of", "'s", "photo", "image", "hand", "-", "very", "and", "sides"}
    past = prep + 1
    while past < len(tokens) and tokens[past].lower in known:
        past += 1
    while past > prep + 1 and tokens[past - 1].lower in ("and", "of", "the"):
        past -= 1
    words = {tokens[i].lower for i in range(prep + 1, past)}
    told = words & {*_EDGES, *IMAGE_WORDS, "edge", "edges", "border"}
    return past if told else None


def _of_frame(reading: CaptionReading, words: range) -> bool:
    return any(reading.tokens[i].lower in {*IMAGE_WORDS, "edge", "border"} for i in words)


def _cut(reading: CaptionReading, edges: set[str], facts: RegionFacts) -> Verdict:
    x, y = extent(facts, reading.scene, 0), extent(facts, reading.scene, 1)
    away = {"left": x.low, "right": 1 - x.high, "top": y.low, "bottom": 1 - y.high}
    asked = edges or set(away)
    # Of several edges that are named each must be reached; of none, any.
    name, reach = (max if edges else min)(
        ((name, away[name]) for name in sorted(asked)), key=lambda pair: pair[1]
    )
    evidence = f"its box keeps {percent(reach)} away from the {name} edge"
    if reach > NOT_AT_FRAME:
        return "contradicted", evidence
    return ("supported" if reach <= AT_FRAME else "cannot tell"), evidence
