"""The recipe over the real COCO panoptic sample, through the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from annoengine.cli import app

pytestmark = pytest.mark.check_data


def test_every_segment_that_is_no_crowd_is_described(coco_sample: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    arguments = ["run", "pix2cap", "-w", str(run), "--set", "source.split=val"]
    for name, path in (
        ("images", "images"),
        ("annotations", "panoptic.json"),
        ("panoptic", "panoptic"),
    ):
        arguments += ["--input", f"{name}={coco_sample / path}"]
    result = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    truth = json.loads((coco_sample / "panoptic.json").read_text())
    made = json.loads((run / "export/pix2cap/pix2cap_coco_val.json").read_text())
    assert [i["id"] for i in made["images"]] == [i["id"] for i in truth["images"]]
    described = 0
    for ours, theirs in zip(made["annotations"], truth["annotations"], strict=True):
        assert ours["image_id"] == theirs["image_id"]
        by_id = {s["id"]: s for s in ours["segments_info"]}
        assert list(by_id) == [s["id"] for s in theirs["segments_info"]]
        for segment in theirs["segments_info"]:
            mine = by_id[segment["id"]]
            assert {k: mine[k] for k in segment} == segment
            assert bool(mine["description"]) == (not segment["iscrowd"])
            described += bool(mine["description"])
        texts = [s["description"] for s in ours["segments_info"] if s["description"]]
        assert len(set(texts)) == len(texts), "each description is different"
    assert described == 17 + 30
