"""What the project itself makes is clean, and breaking it is found."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from annoengine.checks.finding_tally import FindingTally
from annoengine.cli import app
from annoengine.validation import find_datasets, validate
from annoengine.validator import Finding, Rules
from annoengine.validators.panoptic import Panoptic
from tests.short_recipe import short_recipe
from tests.validators.broken import check, names

PHOTOGRAPHS = Path(__file__).parents[2] / "examples" / "photographs"


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The dataset that the recipe makes of the example photographs."""
    run = tmp_path_factory.mktemp("run") / "pix2cap"
    arguments = ["run", str(short_recipe()), "-w", str(run), "--quiet"]
    for name in ("images", "panoptic"):
        arguments += ["--input", f"{name}={PHOTOGRAPHS / name}"]
    arguments += ["--input", f"annotations={PHOTOGRAPHS / 'panoptic.json'}"]
    result = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return run / "export" / "pix2cap"


@pytest.fixture
def dataset(exported: Path, tmp_path: Path) -> Path:
    """A copy of it to break."""
    shutil.copytree(exported, tmp_path / "pix2cap")
    return tmp_path / "pix2cap"


def file_of(dataset: Path) -> Path:
    (path,) = dataset.glob("pix2cap_*.json")
    return path


def checked(dataset: Path) -> list[Finding]:
    """What is found but the crowd that nobody described."""
    found = check(file_of(dataset), images=PHOTOGRAPHS / "images")
    return [finding for finding in found if finding.code != "crowd-undescribed"]


def test_the_example_photographs_are_clean() -> None:
    assert check(PHOTOGRAPHS / "panoptic.json", images=PHOTOGRAPHS / "images") == []


def test_the_export_is_clean(exported: Path) -> None:
    validator = Panoptic(Rules())
    data = Panoptic.dataset(file_of(exported), None, PHOTOGRAPHS / "images")
    (crowd,) = validator.check(data)
    assert (crowd.code, crowd.image_file) == ("crowd-undescribed", "china.jpg")
    assert validator.counts["images"] == validator.counts["PNGs"] == 6
    assert validator.counts["photographs"] == 6
    assert validator.counts["survive"] == 5
    lines = sum(path.read_bytes().count(b"\n") for path in exported.glob("*.jsonl"))
    assert f"{lines:,} lines of sidecars were compared" in validator.notes
    assert lines > validator.counts["segments"]


def test_the_folder_is_found_with_its_file_alone(exported: Path) -> None:
    found = find_datasets(exported)
    assert [one.path for one in found.datasets] == [file_of(exported)]
    assert (found.strangers, found.broken) == ((), ())
    with FindingTally() as tally:
        validate(found, tally, Rules())
        assert tally.by_severity == {"note": 1}


def lines_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def test_a_caption_nobody_wrote_is_found(dataset: Path) -> None:
    (provenance,) = dataset.glob("provenance_*.jsonl")
    first, *rest = provenance.read_text("utf-8").splitlines()
    provenance.write_text("\n".join(rest) + "\n", "utf-8")
    (finding,) = checked(dataset)
    assert finding.code == "caption-without-provenance"
    row = json.loads(first)
    assert (finding.image_id, finding.segment) == (row["image_id"], row["segment_id"])


def test_sidecars_of_another_export_are_found(dataset: Path) -> None:
    path = file_of(dataset)
    data = json.loads(path.read_text("utf-8"))
    gone = data["annotations"].pop(0)
    del data["images"][0]
    path.write_text(json.dumps(data), "utf-8")
    found = checked(dataset)
    assert names(found) == {"sidecar-unknown-image", "mask-unlisted"}
    assert {f.image_id for f in found if f.code == "sidecar-unknown-image"} == {gone["image_id"]}


def test_a_segment_taken_out_of_the_json_is_found_in_png_and_sidecar(dataset: Path) -> None:
    path = file_of(dataset)
    data = json.loads(path.read_text("utf-8"))
    gone = data["annotations"][2]["segments_info"].pop(1)
    path.write_text(json.dumps(data), "utf-8")
    found = checked(dataset)
    assert names(found) == {"pixels-without-segment", "sidecar-unknown-segment"}
    assert {finding.segment for finding in found} == {gone["id"]}
    assert {finding.image_id for finding in found} == {data["annotations"][2]["image_id"]}
