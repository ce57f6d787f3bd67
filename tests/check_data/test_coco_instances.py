"""The COCO sample as instances: its own detection file is read, and its segments go round."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from annoengine.sources.coco_instances import CocoInstances, CocoInstancesParameters
from tests.test_round_trips import Opened, check_round_trip, open_panoptic

SAMPLE = os.environ.get("ANNOENGINE_COCO_SAMPLE")

pytestmark = [
    pytest.mark.check_data,
    pytest.mark.skipif(
        not SAMPLE, reason="ANNOENGINE_COCO_SAMPLE does not name the folder of the COCO sample"
    ),
]


@pytest.fixture(scope="module")
def folder() -> Path:
    return Path(SAMPLE or "")


@pytest.fixture(scope="module")
def panoptic(folder: Path) -> Opened:
    return open_panoptic(folder / "images", folder / "panoptic.json")


def test_the_samples_segments_go_round(folder: Path, panoptic: Opened, tmp_path: Path) -> None:
    assert [len(record.segments) for record in panoptic.all] == [18, 32]
    check_round_trip(folder / "images", panoptic, tmp_path)


def test_the_detection_file_holds_the_segments_of_the_panoptic_one(
    folder: Path, panoptic: Opened
) -> None:
    inputs = {
        "images": folder / "images",
        "annotations": folder / "panoptic_detection_format.json",
    }
    instances = Opened(CocoInstances(CocoInstancesParameters(split="val"), inputs, 0))
    by_id = {record.id: record for record in instances.all}
    assert by_id.keys() == {record.id for record in panoptic.all}
    compared = 0
    for record in panoptic.all:
        other = by_id[record.id]
        # Areas and boxes of the file are those of its masks. It counts annotations from 0, which
        # is no segment's id: the first gets the least that is free in its image.
        made_up = [(score.name, score.segment) for score in other.scores]
        assert made_up == ([("id_made_up", 18)] if record is panoptic.all[0] else [])
        masks = panoptic.files(record).masks(s.id for s in record.segments)
        found = instances.files(other).masks(s.mask for s in other.segments if s.mask is not None)
        for segment in other.segments:
            mask = found[segment.mask if segment.mask is not None else -1]
            same = [s for s in record.segments if np.array_equal(masks[s.id], mask)]
            assert [(s.category.id, s.iscrowd, s.isthing) for s in same] == [
                (segment.category.id, segment.iscrowd, segment.isthing)
            ]
            compared += 1
    assert compared == 50
