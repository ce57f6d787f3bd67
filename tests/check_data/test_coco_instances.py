"""The COCO sample as instances: its own detection file is read, and its segments go round."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from annoengine.sources.coco_instances import CocoInstances, CocoInstancesParameters
from tests.exporters.runs import Run
from tests.test_round_trips import check_round_trip, open_panoptic

pytestmark = pytest.mark.check_data


@pytest.fixture(scope="module")
def panoptic(coco_sample: Path) -> Run:
    return open_panoptic(coco_sample / "images", coco_sample / "panoptic.json")


def test_the_samples_segments_go_round(coco_sample: Path, panoptic: Run, tmp_path: Path) -> None:
    assert [len(record.segments) for record in panoptic.given] == [18, 32]
    check_round_trip(coco_sample / "images", panoptic, tmp_path)


def test_the_detection_file_holds_the_segments_of_the_panoptic_one(
    coco_sample: Path, panoptic: Run
) -> None:
    inputs = {
        "images": coco_sample / "images",
        "annotations": coco_sample / "panoptic_detection_format.json",
    }
    instances = Run.of(CocoInstances(CocoInstancesParameters(split="val"), inputs, 0))
    by_id = {record.id: record for record in instances.given}
    assert by_id.keys() == {record.id for record in panoptic.given}
    compared = 0
    for record in panoptic.given:
        other = by_id[record.id]
        # Areas and boxes of the file are those of its masks. It counts annotations from 0, which
        # is no segment's id: the first gets the least that is free in its image.
        made_up = [(score.name, score.segment) for score in other.scores]
        assert made_up == ([("id_made_up", 18)] if record is panoptic.given[0] else [])
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
