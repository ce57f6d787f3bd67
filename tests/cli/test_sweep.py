"""``annoengine sweep``: what each threshold would keep, counted anew here from the shards."""

from __future__ import annotations

import json
import re
import shutil
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
from PIL import Image
from typer.testing import CliRunner, Result

from annoengine.cli import app
from annoengine.sweep.counts import Kept, ScoreCounts, Swept, Threshold, sweep
from annoengine.sweep.plot import plot
from annoengine.sweep.report import steps_of
from tests.cli.judged import judged_run, records_of
from tests.scenes import make_dataset


def run(*arguments: str, code: int = 0) -> str:
    """The command's output, and what it says on the side where it fails."""
    result: Result = CliRunner().invoke(app, ["sweep", *arguments], catch_exceptions=False)
    assert result.exit_code == code, result.output
    return result.output


def as_json(*arguments: str) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(run(*arguments, "--json"))
    return told


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sweep")
    return judged_run(folder / "run", make_dataset(folder / "data", 8, seed=3))


@pytest.fixture
def judged(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the run in an empty working folder."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(made, tmp_path / "run")
    return Path("run")


def captions_of(root: Path, stage: str = "03-judges") -> list[tuple[str, dict[str, float]]]:
    """The image and the scores of every caption."""
    found = []
    for record in records_of(root, stage):
        own = {s.name: s.value for s in record.scores if s.segment is None}
        for caption in record.captions:
            mine = {s.name: s.value for s in record.scores if s.segment == caption.segment}
            found.append((record.id, own | mine))
    return found


def kept_by(
    captions: list[tuple[str, dict[str, float]]], good: Callable[[dict[str, float]], bool]
) -> dict[str, int]:
    left = [id for id, scores in captions if good(scores)]
    return {"captions": len(left), "images": len(set(left))}


def test_every_threshold_keeps_what_a_count_by_hand_keeps(judged: Path) -> None:
    captions = captions_of(judged)
    told = as_json("run")
    assert told["stage"] == "judges"
    assert (told["shards_read"], told["shards"]) == (3, 3)
    assert told["every"] == told["counted"] == kept_by(captions, lambda scores: True)
    names = [score["name"] for score in told["scores"]]
    assert names == sorted({name for _, scores in captions for name in scores})
    assert {"facts.contradicted", "words", "words.mean", "parse.failed"} <= set(names)
    for score in told["scores"]:
        name = score["name"]
        values = [scores[name] for _, scores in captions]
        assert (score["least"], score["most"]) == (min(values), max(values))
        assert len(score["thresholds"]) >= min(3, len(set(values)))
        for step in score["thresholds"]:
            at = step["value"]
            assert step["at_least"] == kept_by(captions, lambda s: s[name] >= at)  # noqa: B023
            assert step["at_most"] == kept_by(captions, lambda s: s[name] <= at)  # noqa: B023


def test_the_recipes_own_condition_is_told_with_what_it_keeps(judged: Path) -> None:
    captions = captions_of(judged)
    words = sorted(scores["words"] for _, scores in captions)
    q10 = words[len(words) // 10]
    told = as_json("run")
    (keeping,) = told["keeping"]
    assert keeping == {
        "stage": "keep",
        "condition": "facts.contradicted == 0 and words >= q10",
        **kept_by(captions, lambda s: s["facts.contradicted"] == 0 and s["words"] >= q10),
    }
    steps = {
        (score["name"], name): step["value"]
        for score in told["scores"]
        for step in score["thresholds"]
        for name in step["names"]
    }
    assert steps["words", "keep: >= q10"] == q10
    assert steps["facts.contradicted", "keep: == 0"] == 0
    # The run decided the same.
    decision = orjson.loads((judged / "04-keep/decision.json").read_bytes())["decision"]
    assert decision == {"words": {"10": q10}}


def test_where_narrows_what_is_counted(judged: Path) -> None:
    captions = [c for c in captions_of(judged) if c[1]["facts.contradicted"] == 0]
    told = as_json("run", "--score", "words", "--where", "facts.contradicted == 0")
    assert [score["name"] for score in told["scores"]] == ["words"]
    assert told["counted"] == kept_by(captions, lambda scores: True)
    assert told["counted"] != told["every"]
    for step in told["scores"][0]["thresholds"]:
        at = step["value"]
        assert step["at_least"] == kept_by(captions, lambda s: s["words"] >= at)  # noqa: B023
    everything = captions_of(judged)
    words = sorted(scores["words"] for _, scores in everything)
    median = words[len(words) // 2]
    told = as_json("run", "--where", "not words < q50")
    assert told["counted"] == kept_by(everything, lambda s: s["words"] >= median)


def test_another_stage_may_be_read(judged: Path) -> None:
    told = as_json("run", "--stage", "keep")
    captions = captions_of(judged, "04-keep")
    assert told["every"] == kept_by(captions, lambda scores: True)
    told = as_json("run", "--stage", "annotate")
    assert [score["name"] for score in told["scores"]] == [
        *("parse.doubtful", "parse.failed", "parse.repaired"),
    ]


def test_the_tables_say_the_same_as_the_json(judged: Path) -> None:
    told, shown = as_json("run"), run("run")
    assert f"run: {told['every']['captions']} captions in 8 images left the stage judges" in shown
    assert "(3 of 3 shards)" in shown
    (keeping,) = told["keeping"]
    assert f"keep keeps {keeping['captions']} captions in {keeping['images']} images now" in shown
    tables = re.split(r"\n\n", shown)
    for score in told["scores"]:
        if score["least"] == score["most"]:
            assert f"{score['name']} is {score['least']:g} everywhere" in shown
            continue
        (table,) = (t.splitlines() for t in tables if t.splitlines()[0].strip() == score["name"])
        rows = table[2:]
        assert len(rows) == len(score["thresholds"])
        for row, step in zip(rows, score["thresholds"], strict=True):
            numbers = re.sub(r"[\d.]+ %", "", row.replace(" ".join(step["names"]), "")).split()
            assert numbers == [
                f"{step['value']:g}",
                *(
                    f"{step[side][what]}"
                    for side in ("at_least", "at_most")
                    for what in Kept().__dict__
                ),
            ]


def test_captions_that_were_not_scored_are_counted(tmp_path: Path) -> None:
    root = judged_run(
        tmp_path / "run",
        make_dataset(tmp_path / "data", 4, seed=3),
        None,
        judges={"unscored": ["dog"]},
    )
    records = records_of(root, "03-judges")
    scored = sum(len({s.segment for s in r.scores if s.segment}) for r in records)
    captions = sum(len(record.captions) for record in records)
    assert 0 < scored < captions
    told = as_json(str(root), "--score", "words")
    assert told["scores"][0]["captions"] == scored
    assert told["every"]["captions"] == captions
    assert f"words   ({captions - scored} captions without it)" in run(str(root))
    assert told["keeping"] == []


def test_a_run_on_its_way_is_counted_as_far_as_it_is(judged: Path) -> None:
    for path in (judged / "03-judges").glob("00001.*"):
        path.unlink()
    told = as_json("run")
    assert (told["stage"], told["shards_read"], told["shards"]) == ("judges", 2, 3)
    assert told["every"]["images"] == 5
    shutil.rmtree(judged / "03-judges")
    assert as_json("run")["stage"] == "annotate"
    # A changed stage is noticed.
    recipe = (judged / "recipe.yaml").read_text()
    (judged / "recipe.yaml").write_text(recipe.replace("repair: 0", "repair: 0\n    seed: 5"))
    told = as_json("run")
    assert told["shards_of_older_recipe"] == 3
    assert "3 of these shards are of an older recipe or input" in run("run")


def test_a_plot_is_drawn_as_png_and_svg(judged: Path) -> None:
    before = {p: p.read_bytes() for p in judged.rglob("*") if p.is_file()}
    shown = run("run", "--plot", "a.png", "--plot", "plots/b.svg")
    assert shown.endswith("plot: a.png\nplot: plots/b.svg\n")
    with Image.open("a.png") as picture:
        size = picture.size
    svg = ET.fromstring(Path("plots/b.svg").read_text())
    assert size == (2 * int(svg.get("width", 0)), 2 * int(svg.get("height", 0)))
    words = [node.text for node in svg.iter("{http://www.w3.org/2000/svg}text")]
    assert {"words", "facts.contradicted", ">= q10", "== 0"} <= set(words)
    assert any(
        (text or "").startswith("the same everywhere: parse.doubtful is 0") for text in words
    )
    assert {p: p.read_bytes() for p in judged.rglob("*") if p.is_file()} == before
    first = Path("a.png").read_bytes()
    run("run", "--plot", "a.png")
    assert Path("a.png").read_bytes() == first


def hand_made() -> Swept:
    """Two images: one with the captions 0 and 1, one with 1 and 3."""
    counts = ScoreCounts()
    counts.captions.extend([0, 1, 1, 3])
    counts.least.extend([0, 1])
    counts.most.extend([1, 3])
    swept = Swept(Path("run"), "check", 1, 1, 0, None, Kept(4, 2), Kept(4, 2), {"n": counts})
    swept.thresholds = [Threshold("keep", "n", "<=", 2.0, "2")]
    return swept


def test_thresholds_worked_by_hand() -> None:
    swept = hand_made()
    steps = steps_of(swept.scores["n"], swept.thresholds)
    assert [(s.value, s.names, s.at_least, s.at_most) for s in steps] == [
        (0, (), Kept(4, 2), Kept(1, 1)),
        (1, (), Kept(3, 2), Kept(3, 2)),
        (2, ("keep: <= 2",), Kept(1, 1), Kept(3, 2)),
        (3, (), Kept(1, 1), Kept(4, 2)),
    ]


def test_the_curves_pass_through_the_counts() -> None:
    """The dots lie at what is kept; panels are 360 wide, with 46 and 14 beside the axes."""
    svg = ET.fromstring(plot(hand_made()).to_svg())
    tag = "{http://www.w3.org/2000/svg}"
    ends = {
        (node.text or ""): (float(node.get("x", 0)), float(node.get("y", 0)))
        for node in svg.iter(f"{tag}text")
    }
    ticks = {value: ends[f"{value}"][0] for value in (0, 1, 2, 3)}
    top, bottom = ends["100 %"][1] - 4, ends["0 %"][1] - 4
    for colour, shares in (
        ("#0b6e99", {0: 1.0, 1: 0.75, 3: 0.25}),
        ("#c2540a", {0: 0.25, 1: 0.75, 3: 1.0}),
    ):
        dots = []
        for node in svg.iter(f"{tag}polygon"):
            if node.get("fill") == colour:
                points = [
                    tuple(map(float, p.split(","))) for p in (node.get("points") or "").split()
                ]
                dots.append(tuple(sum(axis) / len(points) for axis in zip(*points, strict=True)))
        expected = [(ticks[v], bottom - share * (bottom - top)) for v, share in shares.items()]
        assert len(dots) == 3
        for dot, wanted in zip(dots, expected, strict=True):
            assert dot == pytest.approx(wanted, abs=0.2)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["rum"], "there is no run 'rum'."),
        (["plots"], "plots is no run: a run's folder has a recipe.yaml"),
        (["run", "--score", "wurds"], "no score is called 'wurds'. Did you mean 'words'?"),
        (["run", "--score", "facts.supported", "--stage", "annotate"], "no score is called"),
        (
            ["run", "--where", "wurds > 1"],
            "--where: no score is called 'wurds'. Did you mean 'words'",
        ),
        (["run", "--where", "words >"], "'words >' is no condition"),
        (["run", "--stage", "jugdes"], "has no stage 'jugdes'. Did you mean 'judges'?"),
        (["run", "--stage", "mark"], "run: no record that left 'mark' has a score"),
        (["run", "--plot", "a.pdf"], "--plot a.pdf: only .png and .svg files can be written"),
        (["run", "--plot", "/proc/a.png"], "cannot write /proc"),
        (["bare"], "bare has no finished shard yet: there is nothing to count"),
    ],
)
def test_a_mistake_is_a_sentence(judged: Path, arguments: list[str], sentence: str) -> None:
    Path("plots").mkdir()
    Path("bare").mkdir()
    shutil.copy(judged / "recipe.yaml", "bare/recipe.yaml")
    told = run(*arguments, code=2)
    assert sentence in told
    assert told.startswith("annoengine: ")


def test_a_damaged_shard_is_named(judged: Path) -> None:
    path = judged / "03-judges/00001.jsonl"
    lines = path.read_bytes().splitlines()
    path.write_bytes(lines[0] + b"\n" + lines[1][:-20] + b"\n")
    assert "03-judges/00001.jsonl:2: this line is no record" in run("run", code=2)


def test_memory_does_not_grow_with_the_captions(judged: Path) -> None:
    """Many images more with the same scores: what is held afterwards is no larger."""
    path = judged / "03-judges/00000.jsonl"
    few = sweep(judged)
    path.write_bytes(path.read_bytes() * 300)
    many = sweep(judged)
    assert many.every.images == 300 * 3 + 5
    for name, counts in many.scores.items():
        assert counts.captions.values == few.scores[name].captions.values
    assert path.stat().st_size > 1_000_000
