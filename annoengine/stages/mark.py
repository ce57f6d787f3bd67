"""Marks every segment with a number on a drawn picture: what a model is shown.

The picture is drawn at the size that the model will really see (``model_sight``), so that no
number is blurred on the way. Numbers run from 1 in the order of the record's segments, crowds
left out: that is the order of every export, so number and position agree. (Set-of-Mark's code
numbers by falling area; Pix2Cap does not say.) Crowds are never marked: one number cannot name
many things.

For a model that keeps only some marks apart, a dense image is drawn several times, each time with
other marks (``mark_groups``). The numbers stay those of the one order, whatever drawing shows
them: a drawing may thus show 3, 7 and 12, and no number means two things.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import PurePath
from typing import Any, ClassVar, Literal

from pydantic import Field, field_validator

from annoengine import record as records
from annoengine.categories import is_known, words_of
from annoengine.errors import RecipeError
from annoengine.mark_groups import Markable, split_marks
from annoengine.mark_limit import most_marks
from annoengine.mask import RecordFiles
from annoengine.model_sight import Detail, Sight, bounded, sight_of
from annoengine.record import Category, Drawing, DrawnImage, Record
from annoengine.registry import did_you_mean
from annoengine.som.draw import VERSION as DRAWING
from annoengine.som.draw import Commission, DrawnPicture, Encoder, draw_marks
from annoengine.som.layout import Target
from annoengine.som.style import find_style, style_names
from annoengine.stage import Ask, Parameters, Stage


class MarkParameters(Parameters):
    """How segments are marked, and for whose eyes."""

    style: str = "pix2cap"
    """How marks look: ``pix2cap`` (outlines and bright numbers), ``coconut`` (outlines, a faint
    fill and ``5:stop sign``, the clean image beside), ``som`` (a faint fill, white numbers on
    black) or ``boxes`` (rectangles, numbers on plates of their colour)."""
    for_model: str = "annotator"
    """The role whose model will look at the picture, or a model itself (``openai/gpt-4o``)."""
    detail: Detail = "high"
    """The ``detail`` at which an OpenAI model is asked to look."""
    max_pixels: int | None = Field(default=None, ge=1)
    """A smaller area than the model's own limit, for a server that sets one."""
    max_marks: int | Literal["auto"] | None = "auto"
    """The most marks on one picture; more are shared among several. ``auto``: all on one, but 20
    for a model that is known to be small; none: all on one, as in the papers."""
    names: Literal["display", "raw"] = "display"
    """What a label calls a category, in styles that name it: ``display`` (brick wall) or ``raw``,
    the dataset's own name (wall-brick)."""
    encoder: Encoder = "jpeg"
    """How the picture is stored and sent: ``jpeg`` (colour at full resolution) or ``png``."""
    quality: int = Field(default=92, ge=1, le=100)
    """JPEG's quality."""

    @field_validator("max_marks", mode="before")
    @classmethod
    def _limit(cls, value: object) -> object:
        if value == "none":
            return None
        if value in (None, "auto") or (type(value) is int and value >= 1):
            return value
        raise ValueError(f"{value!r} is no limit of marks: give a number from 1, auto or none")

    @field_validator("style")
    @classmethod
    def _known_style(cls, value: str) -> str:
        if value not in style_names():
            raise ValueError(f"no mark style called {value!r}.{did_you_mean(value, style_names())}")
        return value


class Mark(Stage):
    """Draws the marked pictures and lists where each mark stands."""

    VERSION: ClassVar[int] = 2
    NEEDS: ClassVar[frozenset[str]] = frozenset({"segments"})
    GIVES: ClassVar[frozenset[str]] = frozenset({"drawings", "marks"})
    Parameters: ClassVar[type[Parameters]] = MarkParameters
    parameters: MarkParameters

    @property
    def model(self) -> str:
        """The model that will look. Raises RecipeError for a role that the recipe lacks."""
        name = self.parameters.for_model
        model = self.setup.models.get(name)
        if model is None:
            if "/" not in name and name != "pixels":
                raise RecipeError(
                    f"{self.setup.name}: for_model is {name!r}, and the recipe has no model of "
                    f"that role.{did_you_mean(name, self.setup.models)} Name a role of 'models', "
                    "or a model (openai/gpt-4o)"
                )
            model = name
        return model

    @property
    def sight(self) -> Sight:
        """How large the model sees. Raises RecipeError as :attr:`model` does."""
        return bounded(sight_of(self.model, self.parameters.detail), self.parameters.max_pixels)

    @property
    def max_marks(self) -> int | None:
        """The most marks on one picture, or None. Raises RecipeError as :attr:`model` does."""
        most = self.parameters.max_marks
        return most_marks(self.model) if most == "auto" else most

    def versions(self) -> Mapping[str, Any]:
        """The rules for the model, not its name: models that see alike redraw nothing."""
        return {
            "sight": asdict(self.sight),
            "style": find_style(self.parameters.style).VERSION,
            "drawing": DRAWING,
            "max_marks": self.max_marks,
        }

    async def annotate(self, record: Record, ask: Ask) -> Record:
        """The record with its drawings and marks; without both if nothing of it can be marked.

        Raises RecordFailed: ``image`` and ``mask`` for files that cannot be used, ``image
        changed`` and ``mask changed`` for files that are not those the record was made from.
        """
        pictures = []
        for number, commission in enumerate(self.commissions(record), start=1):
            drawn = await ask.compute(draw_marks, ask.files, commission)
            name = "marks" if number == 1 else f"marks-{number}"
            image = ask.keep_image(
                f"{name}{drawn.suffix}", drawn.data, drawn.width, drawn.height, drawn.encoder
            )
            pictures.append((drawn, image))
        return with_marks(record, pictures, self.parameters.style)

    def redraw(self, record: Record, files: RecordFiles, image: DrawnImage) -> bytes:
        """The same bytes again, as long as the files and the drawing libraries are the same.

        The name of the file tells which of the record's drawings it is (``….marks-2.jpg``).
        """
        number = PurePath(image.file).stem.rpartition("marks")[2].removeprefix("-") or "1"
        return draw_marks(files, self.commissions(record)[int(number) - 1]).data

    def commissions(self, record: Record) -> list[Commission]:
        """What is to be drawn of a record: nothing, one picture, or several."""
        marked = [segment for segment in record.segments if not segment.iscrowd]
        targets = [
            Target(
                number=number,
                segment=segment.id,
                text=self._text(number, segment.category),
                box_xyxy=segment.box_xyxy,
                mask=segment.mask,
            )
            for number, segment in enumerate(marked, start=1)
        ]
        groups = split_marks(
            [
                Markable(target.number, segment.category.name, _middle_xy(target.box_xyxy))
                for target, segment in zip(targets, marked, strict=True)
            ],
            self.max_marks,
        )
        masks = record.masks
        return [
            Commission(
                targets=tuple(targets[number - 1] for number in numbers),
                photo_wh=(record.photo.width, record.photo.height),
                photo_sha256=record.photo.sha256,
                masks_sha256=masks.sha256 if masks and masks.kind == "panoptic_png" else None,
                sight=self.sight,
                style=self.parameters.style,
                encoder=self.parameters.encoder,
                quality=self.parameters.quality,
            )
            for numbers in groups
        ]

    def _text(self, number: int, category: Category) -> str:
        """What the label of a segment says; ``region`` would say nothing of it."""
        name = category.name if is_known(category.name) else ""
        if name and self.parameters.names == "display":
            name = words_of(name).show
        return find_style(self.parameters.style).text(number, name)


def _middle_xy(box_xyxy: tuple[float, float, float, float]) -> tuple[float, float]:
    x1, y1, x2, y2 = box_xyxy
    return ((x1 + x2) / 2, (y1 + y2) / 2)


def with_marks(
    record: Record, pictures: Sequence[tuple[DrawnPicture, DrawnImage]], style: str
) -> Record:
    """The record with these drawings and their marks by number, in place of any it had."""
    drawings = tuple(
        Drawing(
            image=image,
            style=style,
            scale=drawn.scale,
            seen_wh=drawn.seen_wh,
            clean_offset_xy=None if drawn.clean_x is None else (drawn.clean_x, 0),
        )
        for drawn, image in pictures
    )
    marks = (
        records.Mark(
            number=mark.number,
            segment=mark.segment,
            text=mark.text,
            anchor_xy=mark.anchor_xy,
            label_box_xyxy=mark.label_box_xyxy,
            colour=mark.colour,
            text_px=mark.text_px,
            drawing=index,
            leader_xyxy=mark.leader_xyxy,
            inset_xyxy=mark.inset_xyxy,
            legible=mark.legible,
        )
        for index, (drawn, _) in enumerate(pictures)
        for mark in drawn.marks
    )
    return record.but(drawings=drawings, marks=tuple(sorted(marks, key=lambda mark: mark.number)))
