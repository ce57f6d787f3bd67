"""Writes a record's paragraph with its phrases in tags, ``<3: a dog>``, as far as they can be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from annoengine.grounded.tags import write_tags
from annoengine.record import Span
from annoengine.writing.grounded_captions import LeftOut, Paragraph


@dataclass(frozen=True)
class TaggedParagraph:
    """The paragraph with the phrases that are tagged, and its text with the tags.

    Where nothing can be tagged ``paragraph`` is None, and ``reason`` and ``detail`` say why.
    """

    paragraph: Paragraph | None
    text: str = ""
    reason: str = ""
    detail: str = ""


def tag_paragraph(paragraph: Paragraph | None, numbers: Mapping[int, int]) -> TaggedParagraph:
    """Tags the phrases; ``numbers`` has the number in the tags of each segment's id.

    A phrase that cannot be tagged does not cost the others: it is left out, with the reason.
    """
    if paragraph is None:
        return TaggedParagraph(None, reason="no paragraph")
    try:
        write_tags(paragraph.text, [])
    except ValueError as error:
        return TaggedParagraph(None, reason="a text that cannot be tagged", detail=str(error))

    def write(spans: Sequence[Span]) -> str:
        own = [span.but(segments=tuple(numbers[id] for id in span.segments)) for span in spans]
        return write_tags(paragraph.text, own)

    kept, left_out = list(paragraph.spans), list(paragraph.left_out)
    try:
        tagged = write(kept)
    except ValueError:
        kept = []
        for span in paragraph.spans:
            try:
                write([*kept, span])
            except ValueError as error:
                left_out.append(LeftOut(span, "cannot be tagged", str(error)))
            else:
                kept.append(span)
        tagged = write(kept)
    if not kept:
        reasons = dict.fromkeys(one.detail or one.reason for one in left_out)
        return TaggedParagraph(None, reason="no grounded phrase", detail="; ".join(reasons))
    return TaggedParagraph(
        replace(paragraph, spans=tuple(kept), left_out=tuple(left_out)), text=tagged
    )
