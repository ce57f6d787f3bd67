"""The recipe ``pancap_chain`` over the example photographs, offline, from end to end.

Its stages that load a language model are left out; they are alike in every recipe.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from annoengine.cli import app
from annoengine.pancap.chain_entries import ChainExample, read_chain
from annoengine.pancap.grid_boxes import BoxGrid
from annoengine.record import Record

RECIPES = Path(__file__).parents[2] / "recipes"


def run_light(folder: Path, name: str, asks: str) -> Path:
    """A run of a recipe's asking stage and of two of its exports, as a folder."""
    data = yaml.safe_load((RECIPES / f"{name}.yaml").read_text(encoding="utf-8"))
    data["stages"] = [stage for stage in data["stages"] if asks in stage]
    data["exports"] = [{"sa_pancap": {}}, {"pancap_chain": {}}]
    data["inputs"] = {key: str(RECIPES / path) for key, path in data["inputs"].items()}
    recipe = folder / f"{name}.yaml"
    recipe.write_text(yaml.safe_dump(data, sort_keys=False), encoding="utf-8")
    run = folder / name
    arguments = ["run", str(recipe), "-w", str(run), "--set", "run.workers=0"]
    result = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return run


@pytest.fixture(scope="module")
def chained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return run_light(tmp_path_factory.mktemp("chain"), "pancap_chain", "pancap_chain")


def records_of(run: Path) -> list[Record]:
    (folder,) = run.glob("[0-9][0-9]-pancap_chain")
    lines = [
        line for path in sorted(folder.glob("*.jsonl")) for line in path.read_bytes().splitlines()
    ]
    return [Record.from_line(line) for line in lines if b'"photo"' in line]


def test_every_photograph_goes_through_the_four_turns(chained: Path) -> None:
    found = records_of(chained)
    assert len(found) == 6
    for record in found:
        scores = {score.name: score.value for score in record.scores}
        entities = [segment for segment in record.segments if not segment.iscrowd]
        assert scores["chain.localised"] == scores["chain.tagged"] == len(entities)
        assert scores["chain.discovered"] == scores["chain.faults"] == 0
        assert scores["entities.told"] == len(entities)
        assert (scores["entities.coverage"], scores["entities.faults"]) == (1, 0)
        # All entities are regions of the annotations; none is new.
        assert all(segment.mask is not None for segment in record.segments)
        (caption,) = record.captions
        assert {id for span in caption.spans for id in span.segments} == {s.id for s in entities}
    journal = (chained / "journals" / "pancap_chain").rglob("*.jsonl")
    events = [json.loads(line) for path in journal for line in path.read_bytes().splitlines()]
    turns = [event["turn"] for event in events if event.get("event") == "asked"]
    assert {turn: turns.count(turn) for turn in turns} == dict.fromkeys(
        ("localise", "tag", "discover", "caption"), 6
    )


def test_what_was_answered_is_what_the_training_data_asks_for(chained: Path) -> None:
    (path,) = (chained / "export" / "pancap_chain").glob("*_data_pancapchain.json")
    examples: list[ChainExample] = list(read_chain(path))
    assert len(examples) == 6
    for record, example in zip(records_of(chained), examples, strict=True):
        size_wh = (record.photo.width, record.photo.height)
        entities = [segment for segment in record.segments if not segment.iscrowd]
        boxes = {BoxGrid().steps(segment.box_xyxy, size_wh) for segment in entities}
        assert set(example.boxes) == boxes
        assert len(example.known) + len(example.missing) == len(entities)


def test_the_chain_and_one_question_give_the_same_captions(chained: Path, tmp_path: Path) -> None:
    once = run_light(tmp_path, "sa_pancap", "describe")
    for path in sorted((once / "export" / "sa_pancap").glob("*.json")):
        other = chained / "export" / "sa_pancap" / path.name
        assert other.read_bytes() == path.read_bytes()
    assert len(json.loads(path.read_bytes())) == 6


def test_the_same_photographs_give_the_same_bytes(chained: Path, tmp_path: Path) -> None:
    again = run_light(tmp_path, "pancap_chain", "pancap_chain")
    files = [
        path.relative_to(chained)
        for folder in ("01-pancap_chain", "export")
        for path in sorted((chained / folder).rglob("*"))
        if path.is_file() and path.name not in ("manifest.json", "export.json")
    ]
    assert len(files) > 3
    for file in files:
        assert (again / file).read_bytes() == (chained / file).read_bytes(), file
