"""The recipe of captions with boxes: killed on the way and around its barrier it ends in the same
bytes and a whole account; and what people correct is asked of a model again, nothing else.

Its stages that load a language model are left out; they are alike in every recipe.
"""

from __future__ import annotations

import json
import shutil
import signal
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.resume.chains import check_rule_three, result_files
from tests.scenes import make_dataset
from tests.zygote import shared_zygote

PACKAGED = Path(__file__).parents[2] / "recipes" / "sa_pancap.yaml"
LIGHT = {"detect", "review", "describe", "integrate", "check_text", "select_diverse"}
SELECTION = "09-select_diverse"

POINTS = (108, 118, 128, 138, 148)
"""Commits around the middle of describing; which one falls there is a matter of timing."""


def light(folder: Path) -> Path:
    data = yaml.safe_load(PACKAGED.read_text(encoding="utf-8"))
    stages = [stage for stage in data["stages"] if stage.keys() & LIGHT]
    by_name = {stage.get("as") or next(iter(stage)): stage for stage in stages}
    # One of the images has five entities, so that the account has something to tell.
    by_name["describe"]["describe"] |= {"max_entities": 4, "on_more": "drop"}
    keep = {"keep": {"paragraphs": "entities.coverage == 1", "images": "paragraphs == 2"}}
    # Of so small pictures all look alike: bounds that they can keep.
    few = {"train": 1, "val": 1, "test": 1, "fraction": 1.0, "apart": 0.999, "away": 0.9999}
    by_name["select_diverse"]["select_diverse"] = {"model": "features", **few}
    data["stages"] = [*stages[:-1], keep, stages[-1]]
    path = folder / "sa_pancap.yaml"
    path.write_text(yaml.safe_dump(data, sort_keys=False), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def command(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    folder = tmp_path_factory.mktemp("sa_pancap")
    data = make_dataset(folder / "data", 5, seed=3)
    found = ["run", str(light(folder)), "--set", "run.shard_size=1"]
    found += ["--set", "run.workers=0", "--input", f"images={data / 'images'}"]
    found += ["--input", f"annotations={data / 'panoptic_val2017.json'}"]
    return [*found, "--input", f"panoptic={data / 'panoptic_val2017'}"]


def finish(command: list[str], run: Path) -> Path:
    zygote = shared_zygote()
    assert zygote.run([*command, "-w", str(run)]) == 0, zygote.output.read_text()
    return run


@pytest.fixture(scope="module")
def undisturbed(command: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return finish(command, tmp_path_factory.mktemp("runs") / "undisturbed")


def stages_of(run: Path) -> dict[str, dict[str, Any]]:
    account = json.loads((run / "account.json").read_text())
    return {stage["stage"]: stage for stage in account["stages"]}


def test_the_account_tells_what_diversity_dropped(undisturbed: Path) -> None:
    told = stages_of(undisturbed)
    for stage in told.values():
        left = sum(stage["dropped"].values()) + sum(stage["failed"].values()) + stage["pending"]
        assert stage["came_in"] == stage["given"] + left
    assert told["describe"]["dropped"] == {"too many entities": 1}
    assert told["select_diverse"]["dropped"] == {"split full": 1}
    files = result_files(undisturbed)
    for split in ("train", "val", "test"):
        for name in ("sa_pancap/sapancap_{}_gtcaption", "asmv2/coco_asmv2_{}"):
            assert any(file.startswith(f"export/{name.format(split)}") for file in files)


def test_a_killed_run_goes_on_to_the_same_bytes(
    command: list[str], undisturbed: Path, tmp_path: Path
) -> None:
    expected = result_files(undisturbed)
    zygote = shared_zygote()
    for point in POINTS:
        run = tmp_path / f"killed at {point}"
        assert zygote.run([*command, "-w", str(run)], die_at=point) == -signal.SIGKILL
        described = len(list((run / "03-describe").glob("*.done.json")))
        if 0 < described < 5:
            break
    assert 0 < described < 5, "some are described, and others are not"
    assert result_files(finish(command, run)) == expected
    check_rule_three(run)


@pytest.mark.parametrize(
    ("point", "decided", "chosen"),
    [(1, False, False), (2, True, False), (9, True, True)],
    ids=["before the decision", "after it", "among its shards"],
)
def test_kills_around_the_barrier(
    command: list[str],
    undisturbed: Path,
    tmp_path: Path,
    point: int,
    decided: bool,
    chosen: bool,
) -> None:
    run = tmp_path / "run"
    shutil.copytree(undisturbed, run)
    for gone in (run / SELECTION, run / "export"):
        shutil.rmtree(gone)
    zygote = shared_zygote()
    assert zygote.run([*command, "-w", str(run)], die_at=point) == -signal.SIGKILL
    assert (run / SELECTION / "decision.json").exists() is decided
    assert any((run / SELECTION).glob("0*.jsonl")) is chosen
    assert len(list((run / SELECTION).glob("*.done.json"))) < 5
    assert result_files(finish(command, run)) == result_files(undisturbed)
    check_rule_three(run)


def asked(run: Path) -> Counter[str]:
    """How many calls each stage made."""
    return Counter({name: stage["calls"]["asked"] for name, stage in stages_of(run).items()})


def records_of(run: Path, stage: str) -> dict[str, dict[str, Any]]:
    lines = [p.read_text().splitlines() for p in sorted((run / stage).glob("0????.jsonl"))]
    return {row["id"]: row for rows in lines for row in map(json.loads, rows)}


def drafts_of(run: Path, stage: str) -> dict[str, dict[str, Any]]:
    lines = [p.read_text().splitlines() for p in sorted((run / stage).glob("*.drafts.jsonl"))]
    return {row["record"]: row for rows in lines for row in map(json.loads, rows)}


def correct(run: Path, name: str, draft: dict[str, Any]) -> None:
    path = run / "corrections" / f"{name}.jsonl"
    path.parent.mkdir(exist_ok=True)
    signed = {**draft, "who": "Ann", "when": "2025-06-01T10:20:00Z"}
    path.write_text(json.dumps(signed) + "\n", encoding="utf-8")


def test_what_people_correct_is_asked_again_and_nothing_else(
    command: list[str], undisturbed: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    shutil.copytree(undisturbed, run)
    before, calls = records_of(run, "05-review"), asked(run)
    boxes, texts, *others = before
    draft = drafts_of(run, "02-boxes")[boxes]
    draft["segments"][0]["retag"] = {"name": "kite"}
    draft["added"] = [{"category": {"name": "ball"}, "shape": {"box_xyxy": [1, 1, 9, 9]}}]
    correct(run, "boxes", draft)
    draft = drafts_of(run, "05-review")[texts]
    said = draft["paragraph"]["caption"]
    draft["paragraph"]["caption"] = f"It is a calm evening. {said}"
    correct(run, "review", draft)
    finish(command, run)
    assert asked(run) - calls == {"describe": 1, "second": 1, "integrate": 1}
    after = records_of(run, "06-integrate")
    (first, *_) = after[boxes]["captions"]
    assert "kite" in first["text"]
    assert "ball" in first["text"]
    assert first["origin"]["stage"] == "describe"
    (first, *_) = after[texts]["captions"]
    assert first["text"].startswith("It is a calm evening. The image shows")
    assert [one["stage"] for one in first["earlier"]] == ["describe", "review"]
    assert first["origin"]["stage"] == "integrate"
    assert all(after[id] == before[id] for id in others)
    assert others
