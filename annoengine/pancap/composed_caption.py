"""Gives a caption that the provider ``pixels`` composed its content; any other one has none.

What was composed is composed anew beside it, in the CPU pool, and only a caption that is the same
to the letter carries what that says (``annoengine.baseline.region_content``).
"""

from __future__ import annotations

from collections.abc import Sequence

from annoengine.baseline.claim import Statement
from annoengine.grounded.composing import PARAGRAPH_WORDS
from annoengine.mask import RecordFiles
from annoengine.pancap.content_items import composed_items
from annoengine.pancap.scene_caption import WORDS
from annoengine.record import Caption, ContentItem, Record
from annoengine.stage import Ask

_COMPOSER = "pixels/"


async def content_of_scene(
    record: Record, caption: Caption, ids: Sequence[int], ask: Ask
) -> tuple[ContentItem, ...]:
    """The content of a caption of the whole image, which was asked for these segments."""
    if not caption.origin.model.startswith(_COMPOSER):
        return ()
    text = caption.text
    said = await ask.compute(said_of_scene, ask.files, record.to_line(), tuple(ids), text)
    return composed_items(record, caption, said) if said is not None else ()


async def content_of_paragraph(
    record: Record, caption: Caption, ask: Ask
) -> tuple[ContentItem, ...]:
    """The content of a paragraph that was made of the record's region captions."""
    if not caption.origin.model.startswith(_COMPOSER):
        return ()
    said = await ask.compute(said_of_regions, ask.files, record.to_line(), caption.text)
    return composed_items(record, caption, said) if said is not None else ()


def said_of_scene(
    files: RecordFiles, record_json: bytes, ids: tuple[int, ...], text: str
) -> tuple[Statement, ...] | None:
    """What a caption of the whole image says; None for one that was not composed so."""
    # OpenCV and the photograph's decoder are loaded where the work is done, and only there.
    from annoengine.baseline.region_content import content_said

    return content_said(files, record_json, ids, text, WORDS)


def said_of_regions(
    files: RecordFiles, record_json: bytes, text: str
) -> tuple[Statement, ...] | None:
    """The same of a paragraph that was made of region captions."""
    from annoengine.baseline.region_content import content_merged

    return content_merged(files, record_json, text, PARAGRAPH_WORDS)
