"""An image of 63 segments through the whole engine, its marks shared among several drawings."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest
from PIL import Image
from typer.testing import CliRunner

from annoengine.cli import app
from annoengine.mask import rgb_from_ids
from annoengine.record import Record
from tests.scenes import CATEGORIES
from tests.short_recipe import short_recipe

COLUMNS, ROWS = 9, 7
CELL = 60
# 63 segments: more people than one drawing takes, and three categories that fit.
CATEGORY_IDS = [1] * 30 + [18] * 15 + [3] * 16 + [187] + [193]


def make_dense(folder: Path) -> Path:
    """One photograph of 63 coloured tiles and a crowd, as a COCO panoptic dataset."""
    draw = np.random.default_rng(63)
    (folder / "images").mkdir(parents=True)
    (folder / "panoptic_val2017").mkdir()
    height, width = CELL * ROWS + 20, CELL * COLUMNS
    rgb = np.zeros((height, width, 3), dtype=np.uint8)
    ids = np.zeros((height, width), dtype=np.uint32)
    segments: list[dict[str, Any]] = []

    def tile(category: int, x: int, y: int, w: int, h: int, iscrowd: int = 0) -> None:
        id = 1000 + 7 * len(segments)
        ids[y : y + h, x : x + w] = id
        rgb[y : y + h, x : x + w] = draw.integers(20, 256, 3)
        segments.append(
            {
                "id": id,
                "category_id": category,
                "iscrowd": iscrowd,
                "bbox": [x, y, w, h],
                "area": w * h,
            }
        )

    for n, category in enumerate(draw.permutation(CATEGORY_IDS)):
        column, row = n % COLUMNS, n // COLUMNS
        tile(int(category), CELL * column, CELL * row, CELL - 8, CELL - 8)
    tile(1, 0, CELL * ROWS, width, 20, iscrowd=1)
    Image.fromarray(rgb).save(folder / "images" / "000000000001.jpg", quality=95)
    Image.fromarray(rgb_from_ids(ids)).save(folder / "panoptic_val2017" / "000000000001.png")
    image = {"id": 1, "file_name": "000000000001.jpg", "width": width, "height": height}
    annotation = {"image_id": 1, "file_name": "000000000001.png", "segments_info": segments}
    data = {
        "info": {},
        "licenses": [],
        "images": [image],
        "annotations": [annotation],
        "categories": CATEGORIES,
    }
    (folder / "panoptic_val2017.json").write_text(json.dumps(data), encoding="utf-8")
    return folder


@dataclass(frozen=True)
class Done:
    """A run of four drawings, and its record at the end."""

    folder: Path
    record: Record


@pytest.fixture(scope="module")
def done(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Done:
    folder = tmp_path_factory.mktemp("done") / "run"
    return Done(folder, run(data, folder))


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_dense(tmp_path_factory.mktemp("dense") / "set")


def run(data: Path, folder: Path, *settings: str) -> Record:
    """The record at the end of the recipe, with twenty marks a drawing unless set otherwise."""
    options = [
        word
        for setting in ("run.workers=0", "mark.max_marks=20", *settings)
        for word in ("--set", setting)
    ]
    inputs = [
        *("--input", f"images={data / 'images'}"),
        *("--input", f"annotations={data / 'panoptic_val2017.json'}"),
    ]
    arguments = ["run", str(short_recipe()), *inputs, "-w", str(folder), *options]
    result = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return Record.from_line((folder / "02-annotate/00000.jsonl").read_bytes().strip())


def calls(folder: Path) -> list[dict[str, Any]]:
    """The calls that were sent, in the journal's order."""
    lines = [
        orjson.loads(line)
        for path in sorted((folder / "journals").rglob("*.jsonl"))
        for line in path.read_bytes().splitlines()
    ]
    return [line for line in lines if line["event"] == "asked"]


def test_every_segment_is_marked_once_and_described(done: Done) -> None:
    record = done.record
    assert len(record.segments) == 64
    assert [mark.number for mark in record.marks] == list(range(1, 64))
    assert [m.segment for m in record.marks] == [s.id for s in record.segments if not s.iscrowd]
    sizes = Counter(mark.drawing for mark in record.marks)
    assert sorted(sizes) == [0, 1, 2, 3]
    assert max(sizes.values()) <= 20
    assert min(sizes.values()) >= 11, "three quarters of an even share"
    assert [caption.segment for caption in record.captions] == [m.segment for m in record.marks]
    assert record.gaps == ()
    files = [drawing.image.file.split(".", 1)[1] for drawing in record.drawings]
    assert files == ["marks.jpg", "marks-2.jpg", "marks-3.jpg", "marks-4.jpg"]
    people = {m.drawing for m in record.marks if record.segment(m.segment).category.id == 1}
    assert len(people) == 2, "thirty people, and no more drawings than they need"
    turns = [call["turn"] for call in calls(done.folder)]
    assert turns[3:] == [f"objects {max(people) + 1}", "interactions"]
    assert len(set(turns)) == 5


def test_what_pixels_say_does_not_depend_on_how_marks_are_shared(
    data: Path, done: Done, tmp_path: Path
) -> None:
    shared = done.record
    together = run(data, tmp_path / "together", "mark.max_marks=none")
    assert len(together.drawings) == 1
    assert [c.text for c in shared.captions] == [c.text for c in together.captions]
    said = [{(r.segments, r.text) for r in record.relations} for record in (shared, together)]
    assert said[0] == said[1]
    drawing_of = {mark.segment: mark.drawing for mark in shared.marks}
    across = [r for r in shared.relations if len({drawing_of[id] for id in r.segments}) > 1]
    assert across
    assert {r.origin.turn for r in across} == {"interactions"}
    without = run(data, tmp_path / "without", "annotate.interaction_prompts=[]")
    assert {(r.segments, r.text) for r in without.relations} == said[0] - {
        (r.segments, r.text) for r in across
    }


def test_pictures_that_were_not_kept_are_drawn_again(
    data: Path, done: Done, tmp_path: Path
) -> None:
    assert run(data, tmp_path / "redrawn", "run.images=redraw") == done.record
    assert not list((tmp_path / "redrawn/01-mark").glob("*.tar"))


def test_a_second_reading_asks_nothing_again(data: Path, done: Done, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    shutil.copytree(done.folder, folder)
    asked = calls(folder)
    # The stage's output is lost; its journal is not.
    shutil.rmtree(folder / "02-annotate")
    assert run(data, folder) == done.record
    assert calls(folder) == asked


def test_a_journal_that_broke_off_between_drawings_is_gone_on_with(
    data: Path, done: Done, tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    shutil.copytree(done.folder, folder)
    (journal,) = (folder / "journals").rglob("*.jsonl")
    lines = journal.read_bytes().splitlines(keepends=True)
    # Two drawings were answered when the machine died.
    answered = [n for n, line in enumerate(lines) if orjson.loads(line)["event"] == "answered"]
    left = [orjson.loads(line) for line in lines[: answered[1] + 1]]
    journal.write_bytes(b"".join(lines[: answered[1] + 1]))
    for path in (folder / "journals").rglob("*"):
        if path.is_file() and path != journal:
            path.unlink()
    shutil.rmtree(folder / "02-annotate")
    assert run(data, folder) == done.record
    turns = Counter(call["turn"] for call in calls(folder))
    assert len(turns) == 5
    for line in left:
        if line["event"] == "answered":
            assert turns[line["turn"]] == 1, "what was answered is never asked again"
