"""The tokens that stand for masks in a grounded answer: ``[SEG]``, ``<SEG_t>`` and ``<SEG_s>``.

GLaMM has one ``[SEG]`` behind each phrase, for all of its masks. PanCaper tells instances of
things, ``<SEG_t>``, from stuff, ``<SEG_s>``; the paper shows phrases of one segment only, so that
a phrase of several may have a token for each, or one for its things and one for its stuff.

Source: GLaMM (arXiv 2311.03356); COCONut-PanCap (arXiv 2502.02589), A.2.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from annoengine.record import Record, Span
from annoengine.writing.gcg_format import interleave
from annoengine.writing.grounded_captions import Paragraph

Pancaper = Literal["segment", "phrase"]
"""One token for each segment of a phrase, or for each kind of its segments."""


@dataclass(frozen=True)
class Token:
    """A token of an answer, and the ids of the segments whose masks it stands for."""

    text: str
    segments: tuple[int, ...]


def glamm_tokens(span: Span) -> list[Token]:
    """The token of a phrase in GLaMM's form."""
    return [Token("[SEG]", span.segments)]


def pancaper_tokens(record: Record, span: Span, each: Pancaper) -> list[Token]:
    """The tokens of a phrase in PanCaper's form."""
    single = [
        Token("<SEG_t>" if record.segment(id).isthing else "<SEG_s>", (id,)) for id in span.segments
    ]
    if each == "segment":
        return single
    kinds = dict.fromkeys(token.text for token in single)
    return [
        Token(kind, tuple(id for token in single if token.text == kind for id in token.segments))
        for kind in kinds
    ]


def interleaved(paragraph: Paragraph, tokens: Sequence[Sequence[Token]]) -> tuple[str, list[Token]]:
    """The answer with the tokens of each phrase behind it, and all tokens in their order."""
    behind = [" ".join(token.text for token in of_span) for of_span in tokens]
    answer = interleave(paragraph.text, paragraph.spans, behind)
    return answer, [token for of_span in tokens for token in of_span]
