"""Makes the answer that names masks: a paragraph with tokens behind its phrases, or with tags."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from annoengine.record import Record
from annoengine.writing.gcg_format import marker_in
from annoengine.writing.grounded_captions import Paragraph
from annoengine.writing.grounding_tokens import (
    Pancaper,
    Token,
    glamm_tokens,
    interleaved,
    pancaper_tokens,
)
from annoengine.writing.tagged_paragraph import tag_paragraph

Grounding = Literal["glamm", "pancaper", "tags"]
"""``[SEG]`` behind each phrase; ``<SEG_t>`` and ``<SEG_s>``; or the numbers in tags."""

HOLDS_A_MARK = "a text that holds a mark of the format"


@dataclass(frozen=True)
class GroundedAnswer:
    """The answer, the phrases that are in it, and what each of its tokens stands for."""

    paragraph: Paragraph
    answer: str
    tokens: Sequence[Token]


@dataclass(frozen=True)
class NoAnswer:
    """Why there is none."""

    reason: str
    detail: str = ""


def grounded_answer(
    record: Record, paragraph: Paragraph, grounding: Grounding, pancaper: Pancaper
) -> GroundedAnswer | NoAnswer:
    """The answer in one of the forms. In tags segments are 1, 2, 3 … as they are first named."""
    if record.masks is None:
        return NoAnswer("no masks")
    if grounding == "tags":
        return _tagged(paragraph)
    if marker := marker_in(paragraph.text):
        return NoAnswer(HOLDS_A_MARK, marker)
    if not paragraph.spans:
        reasons = dict.fromkeys(one.detail or one.reason for one in paragraph.left_out)
        return NoAnswer("no grounded phrase", "; ".join(reasons))
    tokens = [
        glamm_tokens(span) if grounding == "glamm" else pancaper_tokens(record, span, pancaper)
        for span in paragraph.spans
    ]
    return GroundedAnswer(paragraph, *interleaved(paragraph, tokens))


def _tagged(paragraph: Paragraph) -> GroundedAnswer | NoAnswer:
    tagged = tag_paragraph(paragraph, _numbers(paragraph))
    if tagged.paragraph is None:
        return NoAnswer(tagged.reason, tagged.detail)
    # A phrase that cannot be tagged leaves no gap in the numbers.
    numbers = _numbers(tagged.paragraph)
    text = tag_paragraph(tagged.paragraph, numbers).text
    tokens = [Token(str(number), (id,)) for id, number in numbers.items()]
    return GroundedAnswer(tagged.paragraph, text, tokens)


def _numbers(paragraph: Paragraph) -> dict[int, int]:
    mentioned = dict.fromkeys(id for span in paragraph.spans for id in span.segments)
    return {id: number for number, id in enumerate(mentioned, start=1)}
