"""Marks every segment with a number on one drawn picture: what a model is shown.

The picture is drawn at the size that the model will really see (``model_sight``), so that no
number is blurred on the way. Numbers run from 1 in the order of the record's segments, crowds
left out: that is the order of every export, so number and position agree. (Set-of-Mark's code
numbers by falling area; Pix2Cap does not say.) Crowds are never marked: one number cannot name
many things.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, ClassVar

from pydantic import Field, field_validator

from annoengine import record as records
from annoengine.errors import RecipeError
from annoengine.mask import RecordFiles
from annoengine.model_sight import Detail, Sight, bounded, sight_of
from annoengine.record import Drawing, DrawnImage, Record
from annoengine.registry import did_you_mean
from annoengine.som.draw import Commission, DrawnPicture, Encoder, draw_marks
from annoengine.som.layout import Target
from annoengine.som.style import find_style, style_names
from annoengine.stage import Ask, Parameters, Stage


class MarkParameters(Parameters):
    """How segments are marked, and for whose eyes."""

    style: str = "pix2cap"
    """How marks look: ``pix2cap`` (outlines and bright numbers)."""
    for_model: str = "annotator"
    """The role whose model will look at the picture, or a model itself (``openai/gpt-4o``)."""
    detail: Detail = "high"
    """The ``detail`` at which an OpenAI model is asked to look."""
    max_pixels: int | None = Field(default=None, ge=1)
    """A smaller area than the model's own limit, for a server that sets one."""
    encoder: Encoder = "jpeg"
    """How the picture is stored and sent: ``jpeg`` (colour at full resolution) or ``png``."""
    quality: int = Field(default=92, ge=1, le=100)
    """JPEG's quality."""

    @field_validator("style")
    @classmethod
    def _known_style(cls, value: str) -> str:
        if value not in style_names():
            raise ValueError(f"no mark style called {value!r}.{did_you_mean(value, style_names())}")
        return value


class Mark(Stage):
    """Draws the marked picture and lists where each mark stands."""

    VERSION: ClassVar[int] = 1
    NEEDS: ClassVar[frozenset[str]] = frozenset({"segments"})
    GIVES: ClassVar[frozenset[str]] = frozenset({"drawings", "marks"})
    Parameters: ClassVar[type[Parameters]] = MarkParameters
    parameters: MarkParameters

    @property
    def sight(self) -> Sight:
        """How large the model sees. Raises RecipeError for a role that the recipe lacks."""
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
        return bounded(sight_of(model, self.parameters.detail), self.parameters.max_pixels)

    def versions(self) -> Mapping[str, Any]:
        """The rule of the model's sight, not its name: models that see alike redraw nothing."""
        return {
            "sight": asdict(self.sight),
            "style": find_style(self.parameters.style).VERSION,
        }

    async def annotate(self, record: Record, ask: Ask) -> Record:
        """The record with its drawing and marks; without both if nothing of it can be marked.

        Raises RecordFailed: ``image`` and ``mask`` for files that cannot be used, ``image
        changed`` and ``mask changed`` for files that are not those the record was made from.
        """
        commission = self.commission(record)
        if not commission.targets:
            return record.but(drawings=(), marks=())
        drawn = await ask.compute(draw_marks, ask.files, commission)
        image = ask.keep_image(
            f"marks{drawn.suffix}", drawn.data, drawn.width, drawn.height, drawn.encoder
        )
        return with_marks(record, drawn, image, commission.style)

    def redraw(self, record: Record, files: RecordFiles, image: DrawnImage) -> bytes:
        """The same bytes again, as long as the files and the drawing libraries are the same."""
        return draw_marks(files, self.commission(record)).data

    def commission(self, record: Record) -> Commission:
        """What is to be drawn of a record."""
        style = find_style(self.parameters.style)
        marked = [segment for segment in record.segments if not segment.iscrowd]
        masks = record.masks
        return Commission(
            targets=tuple(
                Target(
                    number=number,
                    segment=segment.id,
                    text=style.text(number, segment.category.name),
                    box_xyxy=segment.box_xyxy,
                    mask=segment.mask,
                )
                for number, segment in enumerate(marked, start=1)
            ),
            photo_wh=(record.photo.width, record.photo.height),
            photo_sha256=record.photo.sha256,
            masks_sha256=masks.sha256 if masks and masks.kind == "panoptic_png" else None,
            sight=self.sight,
            style=self.parameters.style,
            encoder=self.parameters.encoder,
            quality=self.parameters.quality,
        )


def with_marks(record: Record, drawn: DrawnPicture, image: DrawnImage, style: str) -> Record:
    """The record with one drawing and its marks, in place of any it had."""
    drawing = Drawing(
        image=image,
        style=style,
        scale=drawn.scale,
        seen_wh=drawn.seen_wh,
        clean_offset_xy=None if drawn.clean_x is None else (drawn.clean_x, 0),
    )
    marks = tuple(
        records.Mark(
            number=mark.number,
            segment=mark.segment,
            text=mark.text,
            anchor_xy=mark.anchor_xy,
            label_box_xyxy=mark.label_box_xyxy,
            colour=mark.colour,
            text_px=mark.text_px,
            leader_xyxy=mark.leader_xyxy,
            legible=mark.legible,
        )
        for mark in drawn.marks
    )
    return record.but(drawings=(drawing,), marks=marks)
