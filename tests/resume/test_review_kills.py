"""A run that is killed while it takes corrections in ends in the same bytes, and asks no more."""

from __future__ import annotations

import multiprocessing
import shutil
import signal
from pathlib import Path

import orjson

from annoengine.recipe import load_recipe
from annoengine.runner import finished_records
from annoengine.workspace import Workspace
from tests.resume.chains import check_rule_three, result_files
from tests.reviewing.toys import (
    carry_on,
    correct,
    drafts_in,
    load_review,
    recaptioned,
    review_recipe,
    signed,
)
from tests.zygote import die_at

SETTINGS = {"review": {"wait": "listed"}, "n": 12, "shard_size": 4}
CORRECTED = (1, 2, 9)


def carry_and_die(recipe: Path, run: Path, point: int) -> None:
    """Carries a run, and kills its own process at its so-many-th write or rename."""
    die_at(point)
    carry_on(load_recipe(recipe), Workspace(run))


def questions_asked(run: Path, stage: str) -> dict[str, int]:
    """How often each question of a stage was sent, by its content."""
    asked: dict[str, int] = {}
    for path in (run / "journals" / stage).rglob("*.jsonl"):
        for line in path.read_bytes().splitlines():
            entry = orjson.loads(line)
            if entry["event"] == "asked":
                asked[entry["key"]] = asked.get(entry["key"], 0) + 1
    return asked


def test_kills_while_corrections_are_taken_in(tmp_path: Path) -> None:
    recipe, first = load_review(tmp_path, **SETTINGS), Workspace(tmp_path / "first")
    assert carry_on(recipe, first) is None
    drafts = drafts_in(first)
    shape = {"box_xyxy": [0, 0, 1, 1]}
    cat = {"category": {"name": "cat"}, "caption": "A cat.", "shape": shape}
    polygon = {**cat, "shape": {"polygons": [[4, 1, 6, 1, 6, 3, 4, 3]]}}
    lines = [recaptioned(drafts[n], 5, f"Another dog {n}.") for n in CORRECTED]
    lines[0] = signed(lines[0], added=[cat, polygon])
    # What a run ends in that is not disturbed, and what it asks.
    whole = Workspace(tmp_path / "whole")
    shutil.copytree(first.root, whole.root)
    correct(whole, *lines)
    assert carry_on(recipe, whole) is None
    expected = result_files(whole.root)
    before, after = (questions_asked(w.root, "merges") for w in (first, whole))
    assert len(after.keys() - before.keys()) == len(CORRECTED)
    assert sum(after.values()) == sum(before.values()) + len(CORRECTED)

    forks = multiprocessing.get_context("forkserver")
    forks.set_forkserver_preload(["pytest", __name__])
    path = review_recipe(tmp_path, **SETTINGS)
    killed = 0
    for point in range(1, 200, 6):
        run = tmp_path / "killed"
        shutil.rmtree(run, ignore_errors=True)
        shutil.copytree(first.root, run)
        correct(Workspace(run), *lines)
        child = forks.Process(target=carry_and_die, args=(path, run, point))
        child.start()
        child.join()
        if child.exitcode == 0:
            break
        assert child.exitcode == -signal.SIGKILL
        killed += 1
        assert carry_on(recipe, Workspace(run)) is None
        assert result_files(run) == expected, f"killed at point {point}"
        check_rule_three(run)
        asked = questions_asked(run, "merges")
        assert asked.keys() == after.keys(), "nothing else was asked"
        # At one death no more is open than what was in flight.
        assert sum(asked.values()) - sum(after.values()) <= 3
    assert killed > 4
    corrected = [r.caption_of(5) for _, r in finished_records(recipe, Workspace(run))]
    assert [n for n, c in enumerate(corrected) if c and c.origin.who] == list(CORRECTED)
