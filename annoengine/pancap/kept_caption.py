"""A judged caption as it is kept: spans of segments, one paragraph or several, and its scores."""

from __future__ import annotations

import re
from collections.abc import Mapping

from annoengine.pancap.assessed_caption import AssessedCaption
from annoengine.record import Caption, Origin, Score, Span

TOLD = "entities.told"
"""How many entities the model was told."""

COVERAGE = "entities.coverage"
"""The share of them that the caption names, each with its own box."""

INVENTED = "entities.invented"
"""Boxes of the caption that are no entity's; they do not leave the answer."""

MOVED = "entities.moved"
"""Boxes that follow an entity's phrase and lie elsewhere than the entity."""

FAULTS = "entities.faults"
"""How much is wrong with the caption that was kept."""

REPAIRED = "entities.repaired"
"""How many repairs were asked for before the answer that was kept."""

WORDS = "entities.words"
"""How many words the caption has without its boxes."""

CAPTION_SCORES = frozenset({TOLD, COVERAGE, INVENTED, MOVED, FAULTS, REPAIRED, WORDS})

_BREAK = re.compile(r"\s*\n\s*")


def kept_caption(
    assessed: AssessedCaption, ids: Mapping[int, int], origin: Origin, join: bool
) -> Caption:
    """The caption; ``ids``: the segment of each entity's number. ``join``: as one paragraph."""
    text, spans = (
        assessed.judgement.text,
        tuple(
            Span(start=s.start, end=s.end, segments=tuple(ids[n] for n in s.segments))
            for s in assessed.judgement.spans
        ),
    )
    if join:
        text, spans = _joined(text, spans)
    return Caption(text=text, spans=spans, origin=origin)


def caption_scores(
    assessed: AssessedCaption, repairs: int, told: int, by: str
) -> tuple[Score, ...]:
    """What is stored of a caption; ``by`` is the stage."""
    values = {
        TOLD: float(told),
        COVERAGE: assessed.coverage,
        INVENTED: float(assessed.judgement.invented),
        MOVED: float(assessed.judgement.moved),
        FAULTS: float(len(assessed.faults)),
        REPAIRED: float(repairs),
        WORDS: float(assessed.words),
    }
    return tuple(Score(name=name, value=value, by=by) for name, value in values.items())


def _joined(text: str, spans: tuple[Span, ...]) -> tuple[str, tuple[Span, ...]]:
    """The text as one paragraph, its spans moved along; none of them has a line break in it."""
    breaks = list(_BREAK.finditer(text))

    def moved(at: int) -> int:
        return at - sum(len(match.group()) - 1 for match in breaks if match.end() <= at)

    kept = tuple(span.but(start=moved(span.start), end=moved(span.end)) for span in spans)
    return _BREAK.sub(" ", text), kept
