"""A person between two runs of the command: what is said, shown and exported."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml
from typer.testing import CliRunner, Result

from annoengine.cli import app
from annoengine.compute import Pool
from annoengine.door import Door
from annoengine.events import ignore
from annoengine.fingerprint import sha256_hex
from annoengine.recipe import load_recipe
from annoengine.shard import read_records
from annoengine.shard_files import ShardFiles
from annoengine.step import Job
from annoengine.workspace import Workspace
from tests.scenes import make_dataset
from tests.short_recipe import short_recipe


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    """Pix2Cap's recipe up to its captions, and then people, over two made pictures."""
    data = yaml.safe_load(short_recipe().read_text(encoding="utf-8"))
    dataset = make_dataset(tmp_path / "data", 2, seed=4)
    data["inputs"] = {
        "images": str(dataset / "images"),
        "annotations": str(dataset / "panoptic_val2017.json"),
    }
    data["stages"].append({"review": None})
    data["run"] = {"shard_size": 1, "workers": 0, "images": "redraw"}
    path = tmp_path / "recipe.yaml"
    path.write_text(yaml.safe_dump(data, sort_keys=False), encoding="utf-8")
    return path


def annoengine(*arguments: Any) -> Result:
    return CliRunner().invoke(
        app, [str(argument) for argument in arguments], env={"COLUMNS": "120"}
    )


def redrawn_sha256(run: Path, shard: int) -> str:
    """The hash of the picture of a shard's one record, drawn again; checked where it is drawn."""
    workspace, recipe = Workspace(run), load_recipe(run / "recipe.yaml")
    (record,) = read_records(workspace.storage, f"03-review/{shard:05d}.jsonl")
    job = Job(recipe, workspace, Door(recipe.roles, Pool(0)), "", ignore)
    files = ShardFiles(job, shard)
    image = record.drawings[0].image
    data = asyncio.run(files.read_image(record, files.files(record), image))
    assert sha256_hex(data) == image.sha256
    return image.sha256


def test_people_come_between_two_runs(recipe: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    command = ("run", recipe, "-w", run, "--quiet")
    waits = annoengine(*command)
    assert waits.exit_code == 5
    assert "annoengine: 2 record(s) wait for people at review (2 not reviewed)." in waits.output
    assert "review: 2 of the pending wait for people: not reviewed" in waits.output
    assert not (run / "export").exists()
    status = annoengine("status", run).output
    assert "not finished, 2 record(s) wait for people" in status
    assert "0 done, 1 wait for people" in status
    account = orjson.loads(annoengine("status", run, "--json").stdout)
    assert account["stages"][-1]["paused"] == {"not reviewed": 2}
    refused = annoengine("export", run)
    assert refused.exit_code == 2
    assert "records of shard 0 wait for people at review (1 not reviewed)" in refused.output

    # One picture is right as it is; of the other a caption is corrected and a region is none.
    paths = sorted(run.glob("03-review/*.drafts.jsonl"))
    right, other = (orjson.loads(path.read_bytes()) for path in paths)
    first, second, *_ = other["segments"]
    first["caption"], second["remove"] = "A text that Ann wrote.", "a shadow"
    other |= {"who": "Ann", "when": "2025-06-01T10:20:00+02:00"}
    file = run / "corrections" / "review.jsonl"
    file.write_bytes(orjson.dumps(right) + b"\n" + orjson.dumps(other) + b"\n")
    plan = annoengine("plan", recipe, "-w", run)
    assert plan.exit_code == 0
    assert "nothing is left to do" not in plan.output
    goes_on = annoengine(*command)
    assert goes_on.exit_code == 0, goes_on.output
    assert "review: 1 captions dropped: removed in review" in goes_on.output
    rows = [
        orjson.loads(line)
        for line in (run / "export/pix2cap/provenance_val.jsonl").read_bytes().splitlines()
    ]
    written = {row["segment_id"]: row for row in rows if row.get("who")}
    assert list(written) == [first["segment"]]
    row = written[first["segment"]]
    assert (row["who"], row["when"], row["model"]) == ("Ann", "2025-06-01T10:20:00+02:00", "")
    assert row["earlier"][0]["stage"] == "annotate"
    assert second["segment"] not in {row["segment_id"] for row in rows}
    # The picture is still the one that the model saw, with the mark of the region that went.
    assert all(redrawn_sha256(run, shard) for shard in range(2))
    checked = annoengine("validate", run / "export/pix2cap")
    assert checked.exit_code == 0, checked.output

    # A line with a fault is named, and nothing happens.
    with file.open("ab") as more:
        more.write(b'{"record": "coco/val/1", "segments": [{"caption": "x"}]}\n')
    broken = annoengine(*command)
    assert broken.exit_code == 2
    assert f"{file}:3: coco/val/1: 'segments.0.segment' is needed" in broken.output
