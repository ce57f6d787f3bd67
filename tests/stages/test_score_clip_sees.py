"""``score_clip`` with models that do see: right captions come first, and swapped ones do not."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from annoengine.fingerprint import sha256_hex
from annoengine.mask import RecordFiles
from annoengine.photo import read_photo
from annoengine.prompt import load_prompt
from annoengine.record import Caption, Category, Origin, Photo, Record, Segment
from annoengine.registry import find
from annoengine.stage import Setup
from annoengine.stages.score_clip import ScoreClipParameters
from tests.real_sight import RealSight

PHOTOGRAPHS = Path(__file__).parents[2] / "examples/photographs/images"
SIDE = 240
SAID = {
    "chelsea": "A cat with striped brown fur looks past the camera with its green eyes.",
    "coffee": "A cup of black coffee stands on its saucer beside a spoon.",
    "flower": "A pink daisy-like flower is in full bloom.",
    "china": "An old Chinese temple with several roofs rises above the trees.",
}


@pytest.fixture(scope="module")
def sight() -> RealSight:
    return RealSight()


class Door:
    """A door that really cuts regions out and really looks at them."""

    def __init__(self, sight: RealSight, image: Path) -> None:
        self.files = RecordFiles(image)
        self._sight = sight

    async def compute(self, function: Any, *arguments: Any) -> Any:
        return function(*arguments)

    async def embed(self, items: list[str | bytes], model: str) -> Any:
        return self._sight.embed(items)


def mosaic(folder: Path) -> Path:
    """Four photographs side by side in one."""
    tiles = [cv2.resize(read_photo(PHOTOGRAPHS / f"{name}.jpg"), (SIDE, SIDE)) for name in SAID]
    path = folder / "mosaic.png"
    cv2.imwrite(str(path), np.hstack(tiles)[..., ::-1])
    return path


def scored(sight: RealSight, path: Path, texts: list[str]) -> dict[str, list[float]]:
    segments = tuple(
        Segment(
            id=n + 1,
            category=Category(name="region"),
            isthing=True,
            box_xyxy=(n * SIDE, 0, (n + 1) * SIDE, SIDE),
            area_px=SIDE * SIDE,
        )
        for n in range(len(SAID))
    )
    origin = Origin(stage="annotate", model="m")
    record = Record(
        id="a/b/mosaic",
        photo=Photo(
            file=path.name, width=4 * SIDE, height=SIDE, sha256=sha256_hex(path.read_bytes())
        ),
        segments=segments,
        captions=tuple(
            Caption(text=text, segment=n + 1, origin=origin) for n, text in enumerate(texts)
        ),
    )
    stage = find("stage", "score_clip")(
        ScoreClipParameters(margin=0), Setup("score_clip", 0, load_prompt)
    )
    result = asyncio.run(stage.annotate(record, Door(sight, path)))
    found: dict[str, list[float]] = {}
    for score in result.scores:
        found.setdefault(score.name, []).append(score.value)
    return found


def test_a_right_caption_is_nearest_to_its_own_region(sight: RealSight, tmp_path: Path) -> None:
    path, texts = mosaic(tmp_path), list(SAID.values())
    right = scored(sight, path, texts)
    assert right["clip.rank"] == [1, 1, 1, 1]
    assert min(right["clip.margin"]) > 0
    swapped = scored(sight, path, texts[1:] + texts[:1])
    assert min(swapped["clip.rank"]) > 1
    assert max(swapped["clip.margin"]) < 0
    assert max(swapped["clip"]) < min(right["clip"])
