"""A correction: what a person says of one record, one line of a corrections file (JSON Lines).

::

    {"record": "coco/val/285", "who": "Ann", "when": "2025-06-01T10:20:00Z",
     "segments": [
       {"segment": 7, "mark": 1, "category": "bear", "caption": "A brown bear sits.",
        "draft_sha256": "5f1c…"},
       {"segment": 9, "skip": "too small to describe"},
       {"segment": 12, "remove": "a shadow, no dog"},
       {"segment": 15, "retag": {"name": "cat"}},
       {"segment": 16, "shape": {"polygons": [[1, 1, 9, 1, 9, 8]]}}],
     "added": [{"category": {"name": "bird"}, "caption": "A small bird.",
                "shape": {"rle": {"size": [426, 640], "counts": "…"}}}],
     "paragraph": {"caption": "<1: A brown bear> sits.", "tags": "marks", "draft_sha256": "9ab0…"}}

A *draft* (:mod:`annoengine.reviewing.drafts`) is such a line already, so that people copy drafts
and edit them; a line as it was copied says that all is right. What a line does not name stays.

=============  ==================================================================================
``caption``    the text as it shall be. The draft's own text: retained. Another: corrected.
``skip``       why, or true. The caption goes, the mask stays, and a gap says so.
``remove``     why, or true. There is no such region: it goes with all that was said of it.
``retag``      what the region really is.
``shape``      where it really is: ``polygons``, ``rle``, or ``box_xyxy`` for a region that has
               no mask; pixels of the upright photograph.
``added``      regions that are missing. Each gets an id that no region of the record ever had,
               or the free one that ``segment`` asks for; it may be described at once.
``paragraph``  a caption of the whole image, its phrases in tags. ``tags`` says whether their
               numbers are ``marks`` (those in the picture) or ``segments`` (ids).
``open``       true: somebody is still at it; the record waits, whatever the stage waits for.
=============  ==================================================================================

``draft``, ``draft_sha256`` (of its UTF-8 text), ``mark``, ``category`` and ``box_xyxy`` quote what
the person looked at. Where they say something else than the record does by now, nothing of the
line is applied: the draft has changed, and somebody must look again. ``draft_sha256`` of the
empty text says that there was no draft. ``picture``, ``drawn``, ``waits`` and ``because`` are
there to be read by people alone.

``who`` and ``when`` (ISO 8601) are copied as they stand. Whoever changes anything must give both;
a line that only retains may lack them.

The last line of a record counts, and it counts whole: what it does not say is as the draft has
it, not as an earlier line had it. So what a record will become can be read off one line, and a
page saves a record by appending.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from annoengine.box import BoxXyxy
from annoengine.fingerprint import sha256_hex

NO_DRAFT = sha256_hex(b"")
"""What ``draft_sha256`` is where there was no draft."""

Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
Id = Annotated[int, Field(ge=1)]
Why = bool | str
"""False: no. A reason, or true without one: yes."""


def text_sha256(text: str) -> str:
    """The hash by which a draft is quoted.

    >>> text_sha256("A bear.")[:8]
    '26a109e5'
    """
    return sha256_hex(text.encode())


class _Said(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class NamedCategory(_Said):
    """What a region is: a category of the dataset, by name or id and name, or a free tag."""

    name: str = Field(min_length=1)
    id: int | None = None
    isthing: bool | None = None


class RleShape(_Said):
    """An RLE in either of COCO's forms."""

    size: tuple[int, int]
    counts: str | tuple[int, ...]


class Shape(_Said):
    """Where a region is; one of the three."""

    polygons: tuple[tuple[float, ...], ...] | None = None
    rle: RleShape | None = None
    box_xyxy: BoxXyxy | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        given = [name for name, value in self if value is not None]
        if len(given) != 1:
            raise ValueError(
                f"a shape is one of polygons, rle and box_xyxy, not {' and '.join(given) or 'none'}"
            )
        return self

    def segmentation(self) -> Any:
        """The mask as a COCO annotation has it."""
        if self.rle is not None:
            counts = self.rle.counts
            return {
                "size": list(self.rle.size),
                "counts": counts if isinstance(counts, str) else list(counts),
            }
        return [list(polygon) for polygon in self.polygons or ()]


class _Text(_Said):
    """A caption, and the draft that it was written over."""

    caption: str | None = None
    draft_sha256: Sha256 | None = None
    draft: str | None = None
    skip: Why = False

    @property
    def seen_sha256(self) -> str | None:
        """The hash of the draft that the person saw, where the line quotes it."""
        return self.draft_sha256 if self.draft is None else text_sha256(self.draft)

    @property
    def rewrites(self) -> bool:
        """Is its caption perhaps another than the draft's?"""
        return self.caption is not None and text_sha256(self.caption) != self.seen_sha256

    @property
    def changes(self) -> bool:
        """Does it say more than that the draft is right?"""
        return self.rewrites or self.skip is not False

    def _check_text(self, gone: bool) -> None:
        if self.draft is not None and self.draft_sha256 not in (None, text_sha256(self.draft)):
            raise ValueError("draft and draft_sha256 quote two different texts")
        if self.caption is not None and not self.caption.strip():
            raise ValueError('its caption is empty; to take a caption away, say "skip": "why"')
        if gone and self.rewrites and self.seen_sha256 is not None:
            raise ValueError("it corrects a caption that it takes away; say one of the two")
        if self.caption is None and not gone and self.seen_sha256 not in (None, NO_DRAFT):
            raise ValueError('it has no caption any more; to take it away, say "skip": "why"')


def _check_reasons(**reasons: Why) -> None:
    for name, why in reasons.items():
        if isinstance(why, str) and not why.strip():
            raise ValueError(f"{name} has an empty reason; give one, or true")


class RegionReview(_Text):
    """What is said of one region that the record has."""

    segment: Id
    mark: Id | None = None
    category: str | None = None
    box_xyxy: BoxXyxy | None = None
    remove: Why = False
    retag: NamedCategory | None = None
    shape: Shape | None = None

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        _check_reasons(skip=self.skip, remove=self.remove)
        removed = self.remove is not False
        self._check_text(gone=removed or self.skip is not False)
        if removed and (self.skip is not False or self.retag or self.shape):
            raise ValueError("it removes a region that it also changes; say one of the two")
        return self

    @property
    def changes(self) -> bool:
        """Does it say more than that the region is right?"""
        return super().changes or self.remove is not False or bool(self.retag or self.shape)


class AddedRegion(_Said):
    """A region that was missing."""

    category: NamedCategory
    shape: Shape
    segment: Id | None = None
    caption: str | None = None
    part_of: Id | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.caption is not None and not self.caption.strip():
            raise ValueError("its caption is empty; leave it away where there is none")
        return self


class ParagraphReview(_Text):
    """What is said of the caption of the whole image."""

    tags: Literal["marks", "segments"] | None = None

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        _check_reasons(skip=self.skip)
        self._check_text(gone=self.skip is not False)
        return self


class Correction(_Said):
    """All that a person says of one record; see the module."""

    record: str = Field(min_length=1)
    who: str = ""
    when: str = ""
    open: bool = False
    segments: tuple[RegionReview, ...] = ()
    added: tuple[AddedRegion, ...] = ()
    paragraph: ParagraphReview | None = None
    picture: str | None = None
    drawn: tuple[str, ...] = ()
    waits: str = ""
    because: str = ""

    @model_validator(mode="after")
    def _is_signed(self) -> Self:
        ids = [one.segment for one in self.segments]
        ids += [one.segment for one in self.added if one.segment is not None]
        for id in ids:
            if ids.count(id) > 1:
                raise ValueError(f"it names segment {id} twice")
        if self.when:
            try:
                datetime.fromisoformat(self.when)
            except ValueError:
                raise ValueError(
                    f"when is {self.when!r}; a moment in ISO 8601 is needed (2025-06-01T10:20:00Z)"
                ) from None
        lacks = [name for name in ("who", "when") if not getattr(self, name).strip()]
        if lacks and self.changes and not self.open:
            raise ValueError(f"it changes something and does not say {' and '.join(lacks)}")
        return self

    @property
    def changes(self) -> bool:
        """Does it say more than that all is right?"""
        whole = self.paragraph is not None and self.paragraph.changes
        return whole or bool(self.added) or any(one.changes for one in self.segments)
