"""What becomes of a caption when its text is settled: its origin, and its spans in that text."""

from __future__ import annotations

from dataclasses import dataclass, field

from annoengine.record import Caption, Origin
from annoengine.rewriting.draft import Edit
from annoengine.rewriting.faithful_record import DraftOfCaption
from annoengine.rewriting.span_places import moved_spans, spans_in


@dataclass
class Outcome:
    """What became of the text of one caption."""

    text: str
    origin: Origin
    edits: tuple[Edit, ...] | None = None
    scores: dict[str, float] = field(default_factory=dict)


def with_outcome(caption: Caption, draft: DraftOfCaption | None, outcome: Outcome) -> Caption:
    """The caption with its new text, and its spans where they are now."""
    summary = draft.summary if draft is not None and caption.summary else caption.summary
    if outcome.text == caption.text:
        return caption.but(summary=summary)
    if outcome.edits is not None:
        spans = moved_spans(caption.spans, outcome.edits, outcome.text)
    else:
        spans = spans_in(caption.text, caption.spans, outcome.text) or ()
    return caption.rewritten(outcome.text, outcome.origin, summary=summary, spans=spans)
