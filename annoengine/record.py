"""One image and all that has been said about it: the value that every stage takes and gives.

Records are frozen and closed (``extra="forbid"``): there is no free-form metadata, so what a
stage may rely on stands here. Coordinates are pixels of the upright photograph unless a field
says otherwise; boxes are ``(x1, y1, x2, y2)``, half-open. Pixels themselves (masks, photographs,
drawings) are never in a record: it carries references.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from annoengine.box import BoxXyxy

Point = tuple[float, float]


class Frozen(BaseModel):
    """A closed, immutable value; the base of everything that is written to a shard."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="strings")

    def but(self, **changes: Any) -> Self:
        """A copy with some fields changed."""
        return self.model_copy(update=changes)


class Licence(Frozen):
    """The licence of a photograph, as its dataset names it."""

    id: int
    name: str = ""
    url: str = ""


class Photo(Frozen):
    """The photograph: where its bytes are, and what they must hash to.

    ``file`` is relative to the source's image folder. ``width`` and ``height`` are those of the
    upright picture, after EXIF orientation; masks share them.
    """

    file: str
    width: int = Field(ge=1)
    height: int = Field(ge=1)
    sha256: str
    licence: Licence | None = None
    coco_url: str | None = None
    flickr_url: str | None = None
    date_captured: str | None = None


class MaskStore(Frozen):
    """Where the masks of a record's segments are kept; each segment holds its key in there.

    ``panoptic_png``: ``file`` (relative to the source's panoptic folder) is an RGB PNG whose
    pixel value R + 256 G + 65536 B is the segment's ``mask`` key. ``rle``: compressed COCO RLEs
    in the ``masks`` file beside the shard of the stage ``by``, found by record id; the key is the
    position. ``sha256`` is that of the PNG's bytes, or of the record's line in the RLE file. RLEs
    with a ``file`` were made of that PNG and more.
    """

    kind: Literal["panoptic_png", "rle"]
    file: str | None = None
    sha256: str
    by: str = "source"


class Category(Frozen):
    """What a segment is: the dataset's id and name, or a free tag (``id`` None)."""

    name: str
    id: int | None = None


class Segment(Frozen):
    """A region of the image, in COCO's own words. Regions may overlap.

    ``mask`` is the key in the record's mask store, or None where only a box is known.
    ``part_of`` is the id of the segment that this one is a part of.
    ``source`` says who found it (a dataset's name, a detector's), ``score`` how sure it was.
    """

    id: int = Field(ge=1)
    category: Category
    isthing: bool
    box_xyxy: BoxXyxy
    area_px: int | float = Field(ge=0)
    iscrowd: bool = False
    mask: int | None = None
    part_of: int | None = None
    source: str = ""
    score: float | None = None


class DrawnImage(Frozen):
    """A picture that annoengine drew: a reference by content, never the bytes.

    ``file`` is its member name in the tar beside the shard of the stage that drew it (``by``).
    """

    file: str
    sha256: str
    width: int
    height: int
    size_bytes: int
    encoder: str
    by: str = "mark"


class Drawing(Frozen):
    """One marked picture of the record.

    A source pixel p lies at ``p * scale + offset_xy`` in the picture. ``seen_wh`` is the size at
    which the model will really look at it, after its own downscale. ``clean_offset_xy`` is set
    where the photograph stands in it a second time, without marks: p lies at ``p * scale +
    clean_offset_xy`` there.
    """

    image: DrawnImage
    style: str
    scale: float
    offset_xy: Point = (0, 0)
    seen_wh: tuple[int, int]
    clean_offset_xy: Point | None = None


class Mark(Frozen):
    """The number a model saw on a segment, and where it was drawn (pixels of the drawing).

    ``number`` is what is written; it is not the segment's id, and this is the map between them.
    ``anchor_xy`` is a point of the segment itself. ``leader_xyxy`` is the line from a label that
    stands beside its segment to the segment; ``inset_xyxy`` a zoomed copy of a tiny segment.
    ``text_px`` is the height of the label's text in the pixels the model sees; ``legible`` is
    False where a label could not be given its least height or a place of its own.
    """

    number: int = Field(ge=1)
    segment: int = Field(ge=1)
    text: str
    anchor_xy: Point
    label_box_xyxy: BoxXyxy
    colour: str
    text_px: float
    drawing: int = 0
    leader_xyxy: BoxXyxy | None = None
    inset_xyxy: BoxXyxy | None = None
    legible: bool = True


class Origin(Frozen):
    """Who said it: the stage, the model as it named itself, the prompt, and the call.

    ``prompt`` is ``name@version``; ``call`` the content key under which the raw answer lies in
    the stage's journal; ``repairs`` how many times the model was asked again for it. Where a person
    said it, ``model`` is empty, and ``who`` and ``when`` are as that person gave them.
    """

    stage: str
    model: str
    prompt: str = ""
    prompt_sha256: str = ""
    call: str = ""
    turn: str = ""
    repairs: int = 0
    who: str = ""
    when: str = ""


class Span(Frozen):
    """A stretch of a caption, ``text[start:end]``, grounded to segments."""

    start: int = Field(ge=0)
    end: int = Field(ge=0)
    segments: tuple[int, ...]


class Caption(Frozen):
    """A text about one segment, or about the whole image (``segment`` None).

    ``earlier`` are the origins of the texts that this one was made of, oldest first.
    """

    text: str
    segment: int | None = None
    summary: str = ""
    spans: tuple[Span, ...] = ()
    origin: Origin
    earlier: tuple[Origin, ...] = ()

    def rewritten(self, text: str, origin: Origin, **changes: Any) -> Self:
        """The caption with another text, which remembers whose text it had before."""
        return self.but(text=text, origin=origin, earlier=(*self.earlier, self.origin), **changes)


class Relation(Frozen):
    """What goes on between segments, in words; the first segment is the one that acts."""

    segments: tuple[int, ...]
    text: str
    origin: Origin
    earlier: tuple[Origin, ...] = ()

    def rewritten(self, text: str, origin: Origin) -> Self:
        """The relation in other words, which remembers whose words it had before."""
        return self.but(text=text, origin=origin, earlier=(*self.earlier, self.origin))


class ContentItem(Frozen):
    """One checkable statement of a caption, in the types of panoptic captioning.

    Source: arXiv 2505.16334, section 3.1 (entity, location, attribute, relation, global).
    """

    kind: Literal["entity", "location", "attribute", "relation", "global"]
    text: str
    segments: tuple[int, ...] = ()
    box_xyxy: BoxXyxy | None = None
    origin: Origin


class Gap(Frozen):
    """A segment that has no caption, and why: nothing is left out in silence."""

    segment: int
    reason: str
    detail: str = ""
    stage: str = ""


class Verdict(Frozen):
    """What a check found of one statement of a caption, ``text[start:end]``.

    ``segment`` says whose caption it is, None the whole image's. ``says`` is the statement in a
    normal form ("part cap: colour red"), ``evidence`` what was measured. "cannot tell" is no
    approval: masks and pixels do not decide the statement.
    """

    segment: int | None = None
    kind: str
    says: str
    start: int = Field(ge=0)
    end: int = Field(ge=0)
    truth: Literal["supported", "contradicted", "cannot tell"]
    evidence: str = ""
    by: str


class Score(Frozen):
    """A number about the record, or about one of its segments. The one open field."""

    name: str
    value: float
    by: str
    segment: int | None = None


class Record(Frozen):
    """One image. ``id`` is dataset/split/image id; every tuple is in a deterministic order."""

    id: str
    photo: Photo
    masks: MaskStore | None = None
    segments: tuple[Segment, ...] = ()
    drawings: tuple[Drawing, ...] = ()
    marks: tuple[Mark, ...] = ()
    captions: tuple[Caption, ...] = ()
    relations: tuple[Relation, ...] = ()
    content: tuple[ContentItem, ...] = ()
    gaps: tuple[Gap, ...] = ()
    verdicts: tuple[Verdict, ...] = ()
    scores: tuple[Score, ...] = ()
    assigned_split: Literal["", "train", "val", "test"] = ""
    """The split that a selection gave the image; the id keeps the source's."""

    @property
    def dataset(self) -> str:
        """The first part of the id."""
        return self.id.split("/", 2)[0]

    @property
    def split(self) -> str:
        """The second part of the id: train, val, test …, as in the source. See assigned_split."""
        return self.id.split("/", 2)[1]

    @property
    def image_id(self) -> str:
        """The third part of the id."""
        return self.id.split("/", 2)[2]

    def segment(self, id: int) -> Segment:
        """The segment with this id; KeyError where there is none."""
        for segment in self.segments:
            if segment.id == id:
                return segment
        raise KeyError(id)

    def mark_of(self, segment_id: int) -> Mark | None:
        """The mark drawn on a segment, or None (crowds are never marked)."""
        return next((mark for mark in self.marks if mark.segment == segment_id), None)

    def caption_of(self, segment_id: int) -> Caption | None:
        """The caption of a segment, or None."""
        return next((c for c in self.captions if c.segment == segment_id), None)

    def to_line(self) -> bytes:
        """The record as one line of JSON, without its final newline.

        >>> photo = Photo(file="a.jpg", width=2, height=2, sha256="0" * 64)
        >>> record = Record(id="coco/val/7", photo=photo)
        >>> Record.from_line(record.to_line()) == record
        True
        """
        return self.model_dump_json(exclude_defaults=True).encode()

    @classmethod
    def from_line(cls, line: bytes) -> Record:
        """The record that :meth:`to_line` wrote. Raises pydantic's ValidationError."""
        return cls.model_validate_json(line)


def make_record_id(dataset: str, split: str, image_id: str | int) -> str:
    """``dataset/split/image id``. Dataset and split may not contain a slash.

    >>> make_record_id("coco", "val", 142238)
    'coco/val/142238'
    """
    for part in (dataset, split):
        if not part or "/" in part:
            raise ValueError(f"{part!r} cannot be part of a record id: it is empty or has a slash")
    if not str(image_id):
        raise ValueError("an image id cannot be empty")
    return f"{dataset}/{split}/{image_id}"


def split_from_name(name: str) -> str:
    """The split that a dataset's file or folder name tells, else ``"all"``.

    >>> split_from_name("panoptic_val2017.json"), split_from_name("train2017"), split_from_name("x")
    ('val', 'train', 'all')
    """
    lowered = name.lower()
    for split, words in {
        "train": ("train",),
        "val": ("val",),
        "test": ("test",),
    }.items():
        if any(word in lowered for word in words):
            return split
    return "all"


def marked_segments(record: Record) -> Iterable[tuple[Mark, Segment]]:
    """Marks with their segments, in order of the number."""
    by_id = {segment.id: segment for segment in record.segments}
    for mark in sorted(record.marks, key=lambda m: m.number):
        yield mark, by_id[mark.segment]
