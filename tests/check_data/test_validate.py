"""The validators over the real COCO sample: clean as it is, and every change of it is seen."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from annoengine.cli import app
from annoengine.validator import Finding, Rules
from annoengine.validators.instances import Instances
from annoengine.validators.panoptic import Panoptic

pytestmark = pytest.mark.check_data


@pytest.fixture
def sample(coco_sample: Path, tmp_path: Path) -> Path:
    """A copy of the sample to change."""
    shutil.copytree(coco_sample, tmp_path / "sample")
    return tmp_path / "sample"


def findings(sample: Path) -> list[Finding]:
    data = Panoptic.dataset(sample / "panoptic.json", None, sample / "images")
    return list(Panoptic(Rules()).check(data))


def test_cocos_own_files_are_clean(sample: Path) -> None:
    assert findings(sample) == []
    data = Instances.dataset(sample / "panoptic_detection_format.json", None, sample / "images")
    (finding,) = Instances(Rules()).check(data)
    # panopticapi's converter numbers from 0.
    assert (finding.code, finding.segment) == ("annotation-id-zero", 0)


def test_a_pixel_more_is_seen(sample: Path) -> None:
    truth: dict[str, Any] = json.loads((sample / "panoptic.json").read_text())
    changed = 0
    for annotation in truth["annotations"]:
        for info in annotation["segments_info"]:
            info["area"] += 1
            info["bbox"][2] -= 1
            changed += 1
    (sample / "panoptic.json").write_text(json.dumps(truth))
    found = findings(sample)
    assert [f.code for f in found] == ["area-differs", "box-differs"] * changed
    assert changed == 50
    segments = [info["id"] for a in truth["annotations"] for info in a["segments_info"]]
    assert [f.segment for f in found[::2]] == segments


def test_the_mended_file_is_the_original(sample: Path, tmp_path: Path) -> None:
    truth = json.loads((sample / "panoptic.json").read_text())
    broken = json.loads((sample / "panoptic.json").read_text())
    broken["annotations"].reverse()
    for annotation in broken["annotations"]:
        for info in annotation["segments_info"]:
            info["area"] = 0
            del info["bbox"]
    (sample / "panoptic.json").write_text(json.dumps(broken))
    mended = tmp_path / "mended"
    arguments = ["validate", str(sample / "panoptic.json"), "--fix", "--output", str(mended)]
    result = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    assert json.loads((mended / "panoptic.json").read_text()) == truth
