"""A small drawn scene, and doors at which the embedded baseline answers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from annoengine.mask import RecordFiles, write_panoptic_png
from annoengine.prompt import load_prompt
from annoengine.provider import Reply, Request
from annoengine.providers.pixels import Pixels
from annoengine.record import Category, MaskStore, Photo, Record, Segment
from annoengine.registry import find
from annoengine.stage import Setup, Stage
from tests.stages.scripted import Script

SKY, LEFT, RIGHT = 404, 907, 31


def drawn(folder: Path) -> tuple[RecordFiles, Record]:
    """A blue sky above a red cup on the left and a white one on the right, on 100 × 60 pixels."""
    photo = np.zeros((60, 100, 3), dtype=np.uint8)
    ids = np.zeros((60, 100), dtype=np.uint32)
    segments = []
    for id, name, (x1, y1, x2, y2), colour in (
        (SKY, "sky-other-merged", (0, 0, 100, 30), (0, 0, 255)),
        (LEFT, "cup", (10, 30, 20, 50), (255, 0, 0)),
        (RIGHT, "cup", (70, 40, 90, 50), (255, 255, 255)),
    ):
        photo[y1:y2, x1:x2], ids[y1:y2, x1:x2] = colour, id
        area = (x2 - x1) * (y2 - y1)
        segments.append(
            Segment(
                id=id,
                category=Category(name=name),
                isthing=name == "cup",
                box_xyxy=(x1, y1, x2, y2),
                area_px=area,
                mask=id,
            )
        )
    Image.fromarray(photo).save(folder / "cups.png")
    write_panoptic_png(folder / "cups_ids.png", ids)
    record = Record(
        id="made/all/cups",
        photo=Photo(file="cups.png", width=100, height=60, sha256="0" * 64),
        masks=MaskStore(kind="panoptic_png", file="cups_ids.png", sha256="1" * 64),
        segments=tuple(segments),
    )
    return RecordFiles(image=folder / "cups.png", panoptic=folder / "cups_ids.png"), record


class AskedPixels(Script):
    """A door behind which the provider ``pixels`` answers every turn."""

    def __init__(self, files: RecordFiles) -> None:
        super().__init__({}, files)

    async def __call__(self, request: Request, turn: str) -> Reply:
        self.asked[turn] = request
        return replace(await Pixels("", {}).reply(request), key=f"key {turn}", turn=turn)


def stage_of(kind: str, name: str, **parameters: Any) -> Stage:
    """A stage under a name of a recipe's choice."""
    found = find("stage", kind)
    setup = Setup(name, 7, load_prompt, {"annotator": "pixels", "reader": "openai/m-1"})
    built = found(found.Parameters(**parameters), setup)
    assert isinstance(built, Stage)
    return built


def describe_as(name: str, **parameters: Any) -> Stage:
    """The stage ``describe`` under a name."""
    settings = {"prompts": ["sa_pancap/caption1.v1"], "repair": 0, **parameters}
    return stage_of("describe", name, **settings)
