"""Marks on the two images of panopticapi's sample (ANNOENGINE_COCO_SAMPLE names its folder)."""

from __future__ import annotations

import io
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from annoengine.mask import RecordFiles, read_panoptic_png
from annoengine.model_sight import sight_of
from annoengine.photo import read_photo
from annoengine.som.draw import Commission, draw_marks
from annoengine.som.layout import Target

pytestmark = pytest.mark.check_data

SAMPLE = os.environ.get("ANNOENGINE_COCO_SAMPLE")


def entries() -> list[dict[str, Any]]:
    if SAMPLE is None:
        pytest.skip("ANNOENGINE_COCO_SAMPLE is not set")
    found: list[dict[str, Any]] = json.loads(Path(SAMPLE, "panoptic.json").read_bytes())[
        "annotations"
    ]
    return found


@pytest.mark.parametrize(("image_id", "marked", "crowds"), [(142238, 17, 1), (439180, 30, 2)])
def test_every_segment_but_the_crowds_is_marked(image_id: int, marked: int, crowds: int) -> None:
    (annotation,) = (a for a in entries() if a["image_id"] == image_id)
    folder = Path(SAMPLE or "")
    files = RecordFiles(
        folder / "images" / f"{image_id:012d}.jpg", folder / "panoptic" / annotation["file_name"]
    )
    ids = read_panoptic_png(folder / "panoptic" / annotation["file_name"])
    photo = read_photo(files.image)
    targets: list[Target] = []
    for info in annotation["segments_info"]:
        x, y, w, h = info["bbox"]
        if not info["iscrowd"]:
            number = len(targets) + 1
            box = (x, y, x + w, y + h)
            targets.append(Target(number, info["id"], str(number), box, info["id"]))
    commission = Commission(
        tuple(targets), (ids.shape[1], ids.shape[0]), None, None, sight_of("openai/gpt-4o"),
        encoder="png",
    )  # fmt: skip
    drawn = draw_marks(files, commission)
    assert len(drawn.marks) == marked
    assert len(annotation["segments_info"]) - marked == crowds
    assert all(mark.legible for mark in drawn.marks)
    # Few need a leader, and nothing is hidden by numbers and insets.
    assert sum(mark.leader_xyxy is not None for mark in drawn.marks) <= 4
    hidden = np.zeros(ids.shape, dtype=bool)
    for mark in drawn.marks:
        boxes = [mark.label_box_xyxy] + ([mark.inset_xyxy] if mark.inset_xyxy else [])
        for x1, y1, x2, y2 in boxes:
            hidden[y1:y2, x1:x2] = True
    for mark in drawn.marks:
        own = ids == mark.segment
        assert (own & hidden).sum() <= 0.3 * own.sum()
    # Outlines, labels and insets leave most of the photograph as it is.

    with Image.open(io.BytesIO(drawn.data)) as image:
        changed = (np.asarray(image) != photo).any(axis=-1).mean()
    assert 0.02 < changed < 0.3
