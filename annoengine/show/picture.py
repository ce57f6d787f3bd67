"""A record as one picture: the photograph with its marks, and beside it all that is said of it.

Words are in the colour of their verdict: green supported, red and underlined contradicted, grey
not to be told. A text that is much longer than the picture is high gets more columns.
"""

from __future__ import annotations

import asyncio
import io
from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageOps

from annoengine.compute import Pool
from annoengine.door import Door
from annoengine.errors import AnnoengineError
from annoengine.events import ignore
from annoengine.record import DrawnImage, Photo
from annoengine.shard_files import ShardFiles
from annoengine.show.find import Found
from annoengine.show.page import Block, Lines, Run, Sign
from annoengine.show.sections import Said, Section, head_lines, relation_lines, sections_of
from annoengine.show.words import Truth, in_order, pieces
from annoengine.step import Job
from annoengine.workspace import Workspace

_INK, _FAINT, _WARN = "#22272b", "#69727a", "#9a5b00"
_COLOURS: dict[Truth | None, str] = {
    "supported": "#11772d",
    "contradicted": "#c81d25",
    "cannot tell": "#69727a",
    None: _INK,
}
_SIGNS: dict[Truth, Sign] = {"supported": "tick", "contradicted": "cross", "cannot tell": "dash"}

_PHOTO_WH = (900, 1100)
"""A picture is made as large as fits in here."""

_COLUMN_WIDTH = 620
_MARGIN = 28
_TEXT, _SMALL = 19, 15

_MOST_COLUMNS = 4
_LONGER = 1.6
"""Columns are added while they are longer than the pictures by more than this."""


def draw_record(found: Found) -> bytes:
    """The picture as PNG."""
    pictures = _pictures(found)
    high = sum(picture.height for picture in pictures) + _MARGIN * (len(pictures) - 1)
    blocks = _blocks(found)
    columns = _columns(blocks, high)
    height = max(high, *(_high(column) for column in columns)) + 2 * _MARGIN
    wide = max(picture.width for picture in pictures)
    width = wide + _MARGIN * (2 + len(columns)) + _COLUMN_WIDTH * len(columns)
    page = Image.new("RGB", (width, height), "#ffffff")
    y = _MARGIN
    for picture in pictures:
        page.paste(picture, (_MARGIN, y))
        y += picture.height + _MARGIN
    draw = ImageDraw.Draw(page)
    x = 2 * _MARGIN + wide
    for column in columns:
        y = _MARGIN - column[0].above
        for block in column:
            y = block.draw(draw, x, y, _COLUMN_WIDTH)
        x += _COLUMN_WIDTH + _MARGIN
    buffer = io.BytesIO()
    page.save(buffer, "PNG")
    return buffer.getvalue()


def _high(column: Sequence[Block]) -> int:
    return sum(block.height(_COLUMN_WIDTH) for block in column)


def _columns(blocks: list[Block], high: int) -> list[list[Block]]:
    """The blocks in as few columns as come near the height of the pictures, evenly filled."""
    columns = [blocks]
    for count in range(1, _MOST_COLUMNS + 1):
        low, room = max(block.height(_COLUMN_WIDTH) for block in blocks), _high(blocks)
        while low < room:
            middle = (low + room) // 2
            if len(_filled(blocks, middle)) <= count:
                room = middle
            else:
                low = middle + 1
        columns = _filled(blocks, room)
        if room <= _LONGER * high:
            break
    return columns


def _filled(blocks: list[Block], room: int) -> list[list[Block]]:
    """The blocks in columns that are no higher than ``room``, which the highest block fits."""
    columns: list[list[Block]] = [[]]
    used = 0
    for block in blocks:
        height = block.height(_COLUMN_WIDTH)
        if columns[-1] and used + height > room:
            columns.append([])
            used = 0
        columns[-1].append(block)
        used += height
    return columns


def _blocks(found: Found) -> list[Block]:
    first, *rest = head_lines(found)
    told = [Lines((Run(first),), _TEXT, bold=True)]
    colour = _FAINT if found.outcome == "given" else _COLOURS["contradicted"]
    told += [Lines((Run(line, colour),), _SMALL + 1, above=2) for line in rest]
    blocks = [Block(tuple(told))]
    blocks += [_section_block(section) for section in sections_of(found)]
    lines = [] if found.record is None else relation_lines(found.record)
    if lines:
        texts = [Lines((Run("between them"),), _TEXT, bold=True)]
        texts += [Lines((Run(line),), _SMALL + 1, above=3) for line in lines]
        blocks.append(Block(tuple(texts), above=18))
    return blocks


def _section_block(section: Section) -> Block:
    swatch = None
    if section.mark is not None:
        swatch = (str(section.mark.number), section.mark.colour)
    texts = [Lines((Run(section.title),), _TEXT, swatch=swatch, bold=True)]
    if section.mark is not None and not section.mark.legible:
        texts.append(Lines((Run("its mark cannot be read", _WARN),), _SMALL, above=4))
    for said in section.said:
        texts += _said_lines(said)
    if section.missing:
        texts.append(Lines((Run(section.missing, _WARN),), _SMALL + 1, above=4))
    if section.scores:
        texts.append(Lines((Run(f"scores: {section.scores}", _FAINT),), _SMALL, above=3))
    return Block(tuple(texts), above=18)


def _said_lines(said: Said) -> list[Lines]:
    texts = []
    if said.lost:
        texts.append(Lines((Run(said.lost, _WARN),), _SMALL + 1, above=4))
    plain = _FAINT if said.lost else _INK
    runs = tuple(
        Run(words, plain if truth is None else _COLOURS[truth], truth == "contradicted")
        for words, truth in pieces(said.text, said.verdicts)
    )
    texts.append(Lines(runs, _TEXT, above=6))
    for one in in_order(said.verdicts):
        colour = _COLOURS[one.truth]
        evidence = (Run(f"  {one.evidence}", _FAINT),) if one.evidence else ()
        texts.append(
            Lines(
                (Run(one.says, colour), *evidence),
                _SMALL,
                indent=8,
                above=3,
                sign=_SIGNS[one.truth],
                sign_colour=colour,
            )
        )
    texts.append(Lines((Run(f"by {said.origin}", _FAINT),), _SMALL, above=3))
    return texts


def _pictures(found: Found) -> list[Image.Image]:
    """The drawings as they were sent; the photograph where nothing was drawn yet."""
    record = found.record
    if record is None:
        return [_notice("there is no picture: the source could not make a record")]
    images: list[DrawnImage | Photo] = [drawing.image for drawing in record.drawings]
    made = []
    for image in images or [record.photo]:
        try:
            made.append(_fitted(_read(found, image)))
        except (AnnoengineError, OSError, NotImplementedError) as error:
            why = error.strerror if isinstance(error, OSError) else str(error)
            made.append(_notice(f"{image.file} cannot be shown: {why}"))
    return made


def _read(found: Found, image: DrawnImage | Photo) -> bytes:
    """The bytes of a picture, as the run itself would have them."""
    assert found.record is not None
    workspace = Workspace(found.root)
    job = Job(found.recipe, workspace, Door(found.recipe.roles, Pool(0)), "", ignore)
    files = ShardFiles(job, found.shard)
    try:
        return asyncio.run(files.read_image(found.record, files.files(found.record), image))
    finally:
        files.close()


def _fitted(data: bytes) -> Image.Image:
    """A picture as large as there is room for it, upright."""
    with Image.open(io.BytesIO(data)) as image:
        upright = ImageOps.exif_transpose(image).convert("RGB")
    scale = min(_PHOTO_WH[0] / upright.width, _PHOTO_WH[1] / upright.height)
    size_wh = (max(1, round(upright.width * scale)), max(1, round(upright.height * scale)))
    return upright.resize(size_wh, Image.Resampling.LANCZOS)


def _notice(why: str) -> Image.Image:
    """A grey plate that says why there is no picture."""
    plate = Image.new("RGB", (_PHOTO_WH[0], 240), "#eceef0")
    block = Block((Lines((Run(why, _FAINT),), _TEXT),))
    block.draw(ImageDraw.Draw(plate), 30, 90, _PHOTO_WH[0] - 60)
    return plate
