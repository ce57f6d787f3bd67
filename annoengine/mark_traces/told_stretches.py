"""Which stretch of which caption speaks of which marked segment, where traces are looked for.

A segment's caption speaks of it from end to end. Of a grounded paragraph each sentence speaks of
the segments that its phrases carry: of one that no other of its category stands beside in the
sentence, the whole sentence does; else only the phrase itself. A phrase about several segments
tells nothing of any one of their marks.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from annoengine.record import Caption, Mark, Segment, Span

_SENTENCE_END = re.compile(r"[.!?;][\"”’')\]]*\s+")


@dataclass(frozen=True)
class Stretch:
    """``text`` stands at ``start`` of its caption and speaks of the mark's segment.

    ``alone``: nothing else is counted in it, as in a caption of one segment.
    """

    mark: Mark
    segment: Segment
    text: str
    start: int
    alone: bool


def stretches_of(
    caption: Caption, marks: Mapping[int, Mark], segments: Mapping[int, Segment]
) -> Iterator[Stretch]:
    """The stretches of a caption; ``marks`` and ``segments`` by the segments' ids."""
    if caption.segment is not None:
        if caption.segment in marks:
            segment = segments[caption.segment]
            yield Stretch(marks[caption.segment], segment, caption.text, 0, True)
        return
    for span in caption.spans:
        if len(span.segments) != 1 or span.segments[0] not in marks:
            continue
        segment = segments[span.segments[0]]
        start, end = _sentence_of(caption.text, span)
        beside = [
            segments[id].category
            for other in caption.spans
            if other != span and start <= other.start < end
            for id in other.segments
            if id in segments
        ]
        if segment.category in beside:
            start, end = span.start, span.end
        yield Stretch(marks[segment.id], segment, caption.text[start:end], start, False)


def _sentence_of(text: str, span: Span) -> tuple[int, int]:
    """From where to where the sentence goes in which a span begins."""
    start = max((m.end() for m in _SENTENCE_END.finditer(text, 0, span.start)), default=0)
    following = _SENTENCE_END.search(text, span.end)
    return start, len(text) if following is None else following.end()
