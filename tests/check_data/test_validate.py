"""The validators over the real COCO sample and its exports: clean, and every change is seen."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from annoengine import registry
from annoengine.checks.finding_tally import FindingTally
from annoengine.cli import app
from annoengine.sources.coco_panoptic import CocoPanoptic, CocoPanopticParameters
from annoengine.validation import find_datasets, validate
from annoengine.validator import Finding, Rules
from annoengine.validators.coconut_pancap import CoconutPancap
from annoengine.validators.instances import Instances
from annoengine.validators.panoptic import Panoptic
from tests.exporters.grounded_files import described
from tests.exporters.runs import Run
from tests.validators.pancap_files import read_tar, write_tar

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


EXPORTS = ("coconut_pancap", "glamm_gcg", "huggingface", "llava", "text_to_image")


def grounded(coco_sample: Path) -> Run:
    """The sample with a paragraph about all segments of each image."""
    inputs = {"images": coco_sample / "images", "annotations": coco_sample / "panoptic.json"}
    return described(Run.of(CocoPanoptic(CocoPanopticParameters(), inputs, 0)))


@pytest.mark.parametrize("name", EXPORTS)
def test_every_export_of_grounded_captions_is_clean(
    name: str, coco_sample: Path, tmp_path: Path
) -> None:
    exporter = registry.find("exporter", name)
    exporter(exporter.Parameters()).export(grounded(coco_sample), tmp_path)
    found = find_datasets(tmp_path)
    assert name in {one.kind for one in found.datasets}
    assert (found.strangers, found.broken) == ((), ())
    with FindingTally() as tally:
        validate(found, tally, Rules(), images=coco_sample / "images")
        lines = [f"{row['code']}: {row['message']}" for row in tally.rows()]
    assert lines == []


def test_captions_of_the_sample_that_count_from_0_are_mended(
    coco_sample: Path, tmp_path: Path
) -> None:
    """As others' files: the tar and the panoptic JSON with its PNGs, and nothing beside."""
    exporter = registry.find("exporter", "coconut_pancap")
    exporter(exporter.Parameters()).export(grounded(coco_sample), tmp_path)
    (tar,) = tmp_path.glob("caption_*.tar")
    (panoptic,) = tmp_path.glob("panoptic_*.json")
    right = read_tar(tar)
    lowered = {name: _lowered(data.decode()) for name, data in right.items()}
    theirs = write_tar(tmp_path / "theirs.tar", lowered)
    dataset = CoconutPancap.dataset(theirs, None, None, panoptic)
    target = tmp_path / "mended.tar"
    found = list(CoconutPancap(Rules()).fix(dataset, target))
    assert [finding.code for finding in found] == ["ids-count-from-0"] * 2
    assert read_tar(target) == right


def _lowered(text: str) -> str:
    """The caption with every id one lower."""

    def lower(match: re.Match[str]) -> str:
        return "<" + ",".join(str(int(id) - 1) for id in match[1].split(",")) + ":"

    return re.sub(r"<([\d,]+):", lower, text)
