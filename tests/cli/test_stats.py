"""``annoengine stats``: tables, JSON, plots and mistakes."""

from __future__ import annotations

import importlib.util
import json
import os
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from annoengine.cli.endings import explained
from annoengine.cli.stats import stats
from tests.cli.judged import judged_run, records_of
from tests.scenes import make_dataset
from tests.statistics.datasets import coconut_pancap, gcg, llava, pix2cap, write_json

GOLDEN = Path(__file__).parents[1] / "statistics" / "statistics.json"
WRITE = os.environ.get("ANNOENGINE_GOLDEN") == "write"

app = typer.Typer()
app.command("stats")(explained(stats))


def run(*arguments: str, code: int = 0) -> str:
    """The command's output, and what it says on the side where it fails."""
    result = CliRunner().invoke(app, [*arguments, "--workers", "0"], catch_exceptions=False)
    assert result.exit_code == code, result.output
    return result.output


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def rows_of(output: str) -> dict[str, list[str]]:
    """The rows of the first table by the first word of their name."""
    rows: dict[str, list[str]] = {}
    for line in output.split("\n\n")[0].splitlines()[1:]:
        name, *cells = line.split()
        rows.setdefault(name, cells)
    return rows


def test_several_formats_stand_side_by_side_beside_the_papers() -> None:
    pix2cap(Path("val.json"))
    coconut_pancap(Path("pancap"))
    gcg(Path("gcg.json"))
    output = run("val.json", "pancap", "ours=gcg.json", "--no-pos")
    heads = [block.splitlines()[0] for block in output.split("\n\n")]
    assert heads[0] == "Captions of regions: per caption (columns of Pix2Cap-COCO, Table 1)"
    rows = rows_of(output)
    assert rows["val.json"] == ["2", "3", "1.50", "45.33", "8.67", "1.33"]
    assert rows["Pix2Cap-COCO"] == [
        *("20,550", "167,254", "8.14", "138.13", "22.94", "2.73", "7.08", "3.46", "0.54", "3.42"),
    ]
    images = rows_of(output[output.index("Captions of images") :])
    # samples, images, words, sentences, masks, grounded
    assert images["pancap"] == ["1", "1", "9.00", "2.00", "4.00", "66.7", "%"]
    assert images["ours"] == ["1", "1", "9.00", "2.00", "3.00"]
    assert images["COCONut-PanCap"] == ["118K", "203", "11", "13.2"]
    assert "published: COCONut-PanCap (arXiv 2502.02589): Table 1, training sets;" in output
    assert "ours: gcg.json (glamm_gcg)" in output
    assert "published" not in run("val.json", "--no-pos", "--no-published")


def test_the_json_is_this() -> None:
    pix2cap(Path("val.json"))
    coconut_pancap(Path("pancap"))
    output = run("val.json", "pancap", "--json", "out/stats.json", "--most", "4")
    assert output.endswith("written: out/stats.json\n")
    text = Path("out/stats.json").read_text("utf-8")
    if WRITE:
        GOLDEN.write_text(text, encoding="utf-8")
    assert text == GOLDEN.read_text("utf-8"), "was this change meant? ANNOENGINE_GOLDEN=write"
    assert run("val.json", "pancap", "--json", "-", "--most", "4") == text


def test_a_run_is_counted_as_its_records_are(here: Path) -> None:
    root = judged_run(Path("runs/judged"), make_dataset(here / "data", 3, seed=3))
    (told,) = told_of("judged")
    records = records_of(root, "04-keep")
    captioned = [record for record in records if record.captions]
    captions = [c for record in captioned for c in record.captions]
    uncrowded = sum(not s.iscrowd for record in captioned for s in record.segments)
    assert (told["level"], told["format"]) == ("region", "run")
    measures = told["measures"]
    assert (measures["images"], measures["captions"]) == (len(captioned), len(captions))
    assert measures["characters"] == pytest.approx(
        sum(len(c.text) for c in captions) / len(captions), abs=1e-6
    )
    assert measures["segments_grounded"] == pytest.approx(len(captions) / uncrowded, abs=1e-6)
    (before,) = told_of("runs/judged", "--stage", "annotate")
    assert before["measures"]["captions"] > len(captions)
    for path in (root / "04-keep").glob("*.done.json"):
        path.unlink()
    assert told_of("judged")[0]["files"] == ["runs/judged/03-judges"]
    assert "has no stage 'jugdes'. Did you mean 'judges'?" in run(
        "judged", "--stage", "jugdes", code=2
    )
    shard = root / "03-judges/00000.jsonl"
    shard.write_bytes(shard.read_bytes()[:-20])
    assert "03-judges/00000.jsonl:3: this line is no record" in run("judged", "--no-pos", code=2)


def told_of(*arguments: str) -> list[dict[str, Any]]:
    """The datasets of the JSON."""
    told: list[dict[str, Any]] = json.loads(run(*arguments, "--no-pos", "--json", "-"))["datasets"]
    return told


def test_plots_are_written_and_told() -> None:
    llava(Path("llava.json"))
    output = run("llava.json", "--plots", "plots", "--no-pos")
    written = ["plots/caption_lengths", "plots/common_words"]
    names = [f"{name}.{ending}" for name in written for ending in ("png", "svg")]
    assert [line for line in output.splitlines() if line.startswith("written: ")] == [
        f"written: {name}" for name in names
    ]
    assert all(Path(name).stat().st_size for name in names)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["nothing"], "there is no nothing, and no run runs/nothing"),
        (["empty"], "empty is no dataset that is known here; it has nothing in it"),
        (["blank.json"], "blank.json has no captions: none of its 1 entries has one"),
        (["number.json"], "number.json: entry[0]: its 'gt_response' is 7; a caption is a text"),
        (["odd.json"], "odd.json is of no known format: odd.json: entry[0] has 'a'. Name its"),
        (["val.json", "--format", "pix2"], "--format 'pix2' is not known. Did you mean 'pix2cap'"),
        (["val.json", "--plots", "odd.json"], "--plots odd.json is a file"),
        (
            ["val.json", "--language-model", "xx_no"],
            "the spaCy model xx_no, which is not installed",
        ),
        (["val.json", "--panoptic", "none.json"], "--panoptic none.json does not exist"),
    ],
)
def test_a_mistake_is_a_sentence(arguments: list[str], sentence: str) -> None:
    Path("empty").mkdir()
    pix2cap(Path("val.json"))
    write_json(Path("odd.json"), [{"a": 1}])
    write_json(Path("blank.json"), [{"gt_response": " "}])
    write_json(Path("number.json"), [{"gt_response": 7}])
    more = [] if "--language-model" in arguments else ["--no-pos"]
    output = run(*arguments, *more, code=2)
    assert output.startswith("annoengine: ")
    assert sentence in output


@pytest.mark.parametrize(
    ("missing", "sentence"),
    [
        ("nltk", "words are counted with NLTK, which is not installed: pip install 'annoengine[te"),
        (
            "spacy",
            "parts of speech are told by spaCy, which is not installed: "
            "pip install 'annoengine[text]'; or count without them: --no-pos",
        ),
    ],
)
def test_what_is_not_installed_is_named(
    missing: str, sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pix2cap(Path("val.json"))
    found = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util,
        "find_spec",
        lambda name, *more: None if name == missing else found(name, *more),
    )
    assert sentence in run("val.json", code=2)
