"""Corrections of region captions ask for the paragraphs of their images again, and for no other."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from annoengine.cli import app
from tests.scenes import make_dataset

PACKAGED = Path(__file__).parents[2] / "recipes" / "coconut_pancap.yaml"


def two_rounds(folder: Path) -> Path:
    """The recipe up to its paragraphs, in which drafts go on unless somebody corrected them."""
    data = yaml.safe_load(PACKAGED.read_text(encoding="utf-8"))
    wanted = {"mark", "annotate", "review", "merge"}
    stages = [stage for stage in data["stages"] if stage.keys() & wanted]
    data["stages"] = [{"review": "listed"} if "review" in stage else stage for stage in stages]
    path = folder / "coconut_pancap.yaml"
    path.write_text(yaml.safe_dump(data, sort_keys=False), encoding="utf-8")
    return path


@pytest.fixture
def command(tmp_path: Path) -> list[str]:
    data = make_dataset(tmp_path / "data", 5, seed=3)
    return [
        *("run", str(two_rounds(tmp_path)), "-w", str(tmp_path / "run")),
        *("--set", "run.workers=0", "--set", "run.shard_size=2"),
        *("--input", f"images={data / 'images'}"),
        *("--input", f"annotations={data / 'panoptic_val2017.json'}"),
        *("--input", f"panoptic={data / 'panoptic_val2017'}"),
    ]


def carry_out(command: list[str]) -> None:
    result = CliRunner().invoke(app, command, catch_exceptions=False)
    assert result.exit_code == 0, result.output


def lines_of(paths: Any) -> list[dict[str, Any]]:
    return [json.loads(line) for path in sorted(paths) for line in path.read_text().splitlines()]


def asked(run: Path) -> list[str]:
    """The records that the second round asked about, in the order of its journals."""
    lines = lines_of((run / "journals" / "merge").rglob("*.jsonl"))
    return [line["record"] for line in lines if line["event"] == "asked"]


def paragraphs(run: Path) -> dict[str, str]:
    records = lines_of((run / "04-merge").glob("[0-9]*[0-9].jsonl"))
    return {
        record["id"]: caption["text"]
        for record in records
        if "photo" in record
        for caption in record["captions"]
        if "segment" not in caption
    }


def test_two_corrections_ask_about_two_images_again(command: list[str], tmp_path: Path) -> None:
    run = tmp_path / "run"
    carry_out(command)
    before = paragraphs(run)
    assert sorted(asked(run)) == sorted(before)
    assert len(before) == 5
    drafts = lines_of((run / "03-review").glob("*.drafts.jsonl"))
    corrected, retained = [drafts[1], drafts[4]], drafts[2]
    for draft in (*corrected, retained):
        draft |= {"who": "Ann", "when": "2025-06-01T10:20:00Z"}
    for draft in corrected:
        draft["segments"][0]["caption"] = "A corrected caption of it."
    (run / "corrections").mkdir()
    (run / "corrections/review.jsonl").write_text(
        "".join(f"{json.dumps(draft)}\n" for draft in (*corrected, retained))
    )
    carry_out(command)
    again = asked(run)[:]
    for id in before:
        again.remove(id)
    assert sorted(again) == sorted(draft["record"] for draft in corrected)
    after = paragraphs(run)
    changed = {id for id in before if before[id] != after[id]}
    assert changed == set(again)
    assert all("orrected caption" in after[id] for id in changed)
