"""``annoengine compare``: two runs and a file, as a person compares them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import orjson
import pytest
import typer
from typer.testing import CliRunner

from annoengine.cli.compare import compare
from annoengine.cli.endings import explained
from annoengine.comparing.boxed_caption import boxed_caption
from annoengine.comparing.report import number
from tests.cli.judged import JUDGES, judged_run, records_of
from tests.scenes import make_dataset

app = typer.Typer()
app.command("compare")(explained(compare))


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two runs over the same seven images, the second of which drops captions with "red"."""
    root = tmp_path_factory.mktemp("runs")
    data = make_dataset(root / "data", 7, seed=3)
    judged_run(root / "a" / "first", data, None)
    judges = {**JUDGES, "wrong": ["red"]}
    keep = {"segments": "facts.contradicted == 0"}
    judged_run(root / "b" / "second", data, keep, judges=judges)
    return root


def run(*arguments: object, code: int = 0) -> str:
    """The command's output, and what it says where it fails."""
    options = ["--no-pos", "--workers", "0", "--resamples", "500"]
    result = CliRunner().invoke(app, [*map(str, arguments), *options], catch_exceptions=False)
    assert result.exit_code == code, result.output
    return result.output


def measures(told: dict[str, Any]) -> dict[tuple[str, str], dict[str, Any]]:
    return {(row["group"], row["measure"]): row for row in told["measures"]}


def test_two_runs_stand_side_by_side(runs: Path) -> None:
    told = json.loads(run(runs / "a/first", runs / "b/second", "--json", "-"))
    assert told["images"] == {"both": 7, "alone": [0, 0], "paired_by": "id"}
    rows = measures(told)
    before, after = (
        [len(record.captions) for record in records_of(runs / folder, stage)]
        for folder, stage in (("a/first", "03-judges"), ("b/second", "04-keep"))
    )
    captions = rows["captions of regions", "captions per image"]
    assert (captions["a"], captions["b"]) == pytest.approx((sum(before) / 7, sum(after) / 7))
    assert captions["difference"] == pytest.approx((sum(after) - sum(before)) / 7)
    assert captions["low"] <= captions["difference"] <= captions["high"] <= 0
    assert captions["images"] == 7
    # The first run judges "red" and "green" as wrong, the second drops what is.
    wrong = rows["stored scores", "facts.contradicted"]
    assert wrong["a"] > wrong["b"] == 0
    calls = rows["calls", "calls per image"]
    assert (calls["a"], calls["b"], calls["excludes_zero"]) == (1, 1, False)
    first, second = (side["account"] for side in told["sides"])
    assert (first["read"], first["kept"], first["calls"], first["captions_dropped"]) == (7, 7, 7, 0)
    assert second["captions_dropped"] == sum(before) - sum(after)
    # The same numbers, whatever the machine does meanwhile.
    assert json.loads(run(runs / "a/first", runs / "b/second", "--json", "-")) == told


def test_the_table_says_what_differs_and_how_sure_that_is(
    runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(runs)
    out = runs / "out.json"
    output = run("one=a/first", "two=b/second", "--json", out)
    lines = [" ".join(line.split()) for line in output.splitlines()]
    assert lines[:3] == [
        "A one a/first/03-judges (run)",
        "B two b/second/04-keep (run)",
        "7 images in both, paired by their id; 0 in A alone, 0 in B alone",
    ]
    captions = measures(json.loads(out.read_text()))["captions of regions", "captions per image"]
    told = [number(captions["a"]), number(captions["b"])]
    told += [number(captions[name], signed=True) for name in ("difference", "low")]
    marked = " *" if captions["excludes_zero"] else ""
    high = number(captions["high"], signed=True)
    assert f"captions per image 7 {' '.join(told)} … {high}{marked}" in lines
    assert "calls per image 7 1.000 1.000 +0.000 the same" in lines
    assert "images read 7 7" in lines
    assert any(line.startswith("*: the interval excludes 0 (") for line in lines)
    assert lines[-1] == f"written: {out}"
    assert all(len(line) <= 80 for line in output.splitlines()[3:-1])


def test_both_are_scored_against_one_reference(runs: Path) -> None:
    """The first run's own captions as the reference: it agrees with itself."""
    reference = runs / "reference.json"
    lines = sorted((runs / "a/first/03-judges").glob("0000?.jsonl"))
    records = [orjson.loads(line) for path in lines for line in path.read_bytes().splitlines()]
    entries = [
        {"image_path": f"/data/{one['photo']['file']}", "gt_response": boxed_caption(one)}
        for one in records[:6]
    ]
    reference.write_text(json.dumps(entries))
    told = json.loads(
        run(runs / "a/first", runs / "b/second", "--reference", reference, "--json", "-")
    )
    rows = measures(told)
    overall = rows["PancapScore", "overall"]
    assert overall["images"] == 6
    assert overall["a"] == pytest.approx(4.1)
    assert overall["b"] < 4.1
    tag = rows["PancapScore", "tag"]
    assert (tag["a"], tag["difference"]) == (1, pytest.approx(tag["b"] - 1))
    assert told["pancapscore"]["arithmetic"] == "section 3.2"
    # A file of captions is a side as well, found by the names of its images.
    told = json.loads(run(reference, runs / "b/second", "--json", "-"))
    assert told["images"] == {"both": 6, "alone": [0, 1], "paired_by": "file name"}
    assert [side["account"] is None for side in told["sides"]] == [True, False]


def test_tokens_and_money_are_told_by_image(runs: Path) -> None:
    """As if the second run's model had a price: 100 tokens in, 20 out and 1 cent a call."""
    priced = runs / "b/priced"
    shutil.copytree(runs / "b/second", priced, dirs_exist_ok=True)
    for path in priced.glob("journals/*/*/*.jsonl"):
        lines = [orjson.loads(line) for line in path.read_bytes().splitlines()]
        for line in lines:
            if line["event"] == "answered":
                line |= {"usage": {"input_tokens": 100, "output_tokens": 20}, "usd": 0.01}
        path.write_bytes(b"".join(orjson.dumps(line) + b"\n" for line in lines))
    told = json.loads(run(runs / "a/first", priced, "--json", "-"))
    rows = measures(told)
    assert ("calls", "tokens in per image") in rows
    usd = rows["calls", "USD per image"]
    assert (usd["a"], usd["b"], usd["low"], usd["excludes_zero"]) == (0, 0.01, 0.01, True)
    assert told["sides"][1]["account"]["usd"] == 0.07
    lines = [" ".join(line.split()) for line in run(runs / "a/first", priced).splitlines()]
    assert "tokens out per image 7 0.000 20.00 +20.00 +20.00 … +20.00 *" in lines
    assert "USD $0 $0.07" in lines
    assert "USD by image kept $0 $0.01" in lines


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["a/first", "b/secnd"], "there is no b/secnd, and no run"),
        (["a/first", "other.json"], "have no image in common, by id, content or file name: give"),
        (["a/first", "b/second", "--reference", "other.json"], "has none of the 7 images that"),
        (["a/first", "b/second", "--reference", "none.json"], "none.json cannot be read"),
        (["a/first", "b/second", "--stage", "judge"], "no stage 'judge'. Did you mean 'judges'?"),
        (["a/first", "b/second", "--reference", "twice.json"], "are files of one name"),
    ],
)
def test_mistakes_are_sentences(
    runs: Path, arguments: list[str], words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(runs)
    entry = {"image_path": "x/y.jpg", "gt_response": "A dog."}
    Path("other.json").write_text(json.dumps([entry]))
    Path("twice.json").write_text(json.dumps([entry, {**entry, "image_path": "z/y.jpg"}]))
    output = run(*arguments, code=2)
    assert words in output
    assert output.startswith("annoengine: ")
    assert len(output.splitlines()) == 1
