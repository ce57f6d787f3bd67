"""A record's caption as it leaves with boxes: which segment's box stands behind which phrase.

Each segment has its box once, behind the phrase that names it with the fewest others, and of those
the first. The boxes are those of the segments, whatever a model wrote.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from annoengine.categories import is_known, words_of
from annoengine.record import Record, Segment
from annoengine.writing.grounded_captions import Paragraph, paragraph_of

_ARTICLE = re.compile(r"(?:an?|the|one|another|its|his|her|their|this|that)\s+", re.IGNORECASE)


@dataclass(frozen=True)
class LeavingEntity:
    """A segment whose box leaves, its tag, and where in the text its box stands."""

    segment: Segment
    tag: str
    start: int
    end: int


@dataclass(frozen=True)
class LeavingCaption:
    """The paragraph, and its entities in the order of the text."""

    paragraph: Paragraph
    entities: tuple[LeavingEntity, ...]

    def with_boxes(self, write: Callable[[tuple[Segment, ...]], str]) -> str:
        """The text, behind each phrase what ``write`` makes of its segments."""
        behind: dict[int, list[Segment]] = {}
        for entity in self.entities:
            behind.setdefault(entity.end, []).append(entity.segment)
        pieces, last = [], 0
        for end, segments in sorted(behind.items()):
            pieces += [self.paragraph.text[last:end], " ", write(tuple(segments))]
            last = end
        return "".join([*pieces, self.paragraph.text[last:]])


def leaving_caption(record: Record) -> LeavingCaption | None:
    """The caption of the whole image; None where nobody wrote one."""
    paragraph = paragraph_of(record, {segment.id for segment in record.segments})
    if paragraph is None:
        return None
    chosen: dict[int, tuple[int, int, int]] = {}
    for span in paragraph.spans:
        for id in span.segments:
            before = chosen.get(id)
            if before is None or len(span.segments) < before[0]:
                chosen[id] = (len(span.segments), span.start, span.end)
    entities = []
    for id, (_, start, end) in chosen.items():
        segment = record.segment(id)
        tag = _tag(segment, paragraph.text[start:end])
        entities.append(LeavingEntity(segment, tag, start, end))
    return LeavingCaption(paragraph, tuple(sorted(entities, key=lambda e: (e.start, e.end))))


def _tag(segment: Segment, phrase: str) -> str:
    """The segment's category; where nobody named it, what the caption calls it."""
    if is_known(segment.category.name):
        return words_of(segment.category.name).show
    return _ARTICLE.sub("", phrase, count=1)


def check_image_pattern(image: str) -> str:
    """The pattern of a photograph's path. Raises ValueError for one that leads elsewhere."""
    if "{file}" not in image or image.startswith("/") or ".." in image.split("/"):
        raise ValueError(f"{image!r} is no relative path with {{file}} in it")
    return image


def image_path(pattern: str, record: Record) -> str:
    """A photograph's path as a reader looks for it.

    ``{file}`` stands for the photograph's own, ``{split}`` for its split in the source: there it
    lies, whatever split a selection gave it.
    """
    return pattern.replace("{split}", record.split).replace("{file}", record.photo.file)
