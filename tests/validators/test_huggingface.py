"""Parquet tables of images, masks and captions: each kind of finding, with what shows it."""

from __future__ import annotations

import copy
import hashlib
import importlib
import io
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from annoengine.checks.table_rows import RowTask, check_row, died
from annoengine.mask import rgb_from_ids
from annoengine.validator import Finding, Place, Rules
from annoengine.validators.huggingface import Huggingface
from annoengine.writing.image_table import COLUMNS, arrow_schema
from tests.validators.broken import check

# pyarrow has no types, and mypy need not look for them.
arrow: Any = importlib.import_module("pyarrow")
parquet: Any = importlib.import_module("pyarrow.parquet")

TEXT = "A dog runs over the grass."


def png(array: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(array).save(file, format="PNG")
    return file.getvalue()


PHOTO = png(np.zeros((2, 4, 3), dtype=np.uint8))
MASK = png(rgb_from_ids(np.array([[1, 1, 1, 1], [1, 2, 2, 0]])))
"""Grass in the upper row and the lower left pixel, a dog of two pixels, a pixel of void."""


def segment(id: int, category: str, box: list[float], area: float) -> dict[str, Any]:
    return {
        "id": id,
        "category": category,
        "category_id": id,
        "isthing": id == 2,
        "iscrowd": False,
        "bbox": box,
        "area": area,
        "caption": None,
        "caption_model": None,
        "source_id": id,
    }


RIGHT: dict[str, Any] = {
    "image": {"bytes": PHOTO, "path": "1.png"},
    "image_id": "1",
    "file_name": "1.png",
    "width": 4,
    "height": 2,
    "caption": TEXT,
    "spans": [
        {"start": 0, "end": 5, "phrase": "A dog", "segments": [2]},
        {"start": 16, "end": 25, "phrase": "the grass", "segments": [1]},
    ],
    "mask": {"bytes": MASK, "path": "1.png"},
    "segments": [
        segment(1, "grass", [0.0, 0.0, 4.0, 2.0], 5.0),
        segment(2, "dog", [1.0, 1.0, 2.0, 1.0], 2.0),
    ],
    "sha256": hashlib.sha256(PHOTO).hexdigest(),
    "record": "coco/train/1",
}
CARD = """---
dataset_info:
  splits:
  - name: train
    num_examples: 1
configs:
- data_files:
  - split: train
    path: data/train-*
---
# Title
"""


def write(folder: Path, *rows: Mapping[str, Any], schema: Any = None, card: str = CARD) -> Path:
    """A folder with these rows in one file, and the card."""
    (folder / "data").mkdir(exist_ok=True)
    schema = schema or arrow_schema(arrow)
    whole = [{name: row.get(name) for name in schema.names} for row in rows]
    table = arrow.Table.from_pylist(whole, schema=schema)
    parquet.write_table(table, folder / "data" / "train-00000-of-00001.parquet")
    if card:
        (folder / "README.md").write_text(card)
    return folder


def changed(path: str, value: Any) -> dict[str, Any]:
    """A right row but for one place in it, as ``segments.0.area``."""
    row = copy.deepcopy(RIGHT)
    *parents, last = [int(part) if part.isdigit() else part for part in path.split(".")]
    place: Any = row
    for part in parents:
        place = place[part]
    place[last] = value
    return row


def findings(folder: Path) -> list[Finding]:
    assert Huggingface.recognises(folder)
    return check(folder, Huggingface)


@pytest.mark.parametrize(
    ("path", "value", "code"),
    [
        ("image", None, "photo-missing"),
        ("image.bytes", b"none", "photo-unreadable"),
        ("sha256", "ab" * 32, "photo-differs"),
        ("width", 3, "photo-differs"),
        ("width", 3, "mask-size-differs"),
        ("caption", None, "spans-without-caption"),
        ("caption", " ", "caption-empty"),
        ("caption", "I cannot see the image.", "caption-refusal"),
        ("caption", "A <2: dog> runs.", "tag-left-over"),
        ("spans.0.end", 99, "span-differs"),
        ("spans.0.end", 0, "span-differs"),
        ("spans.0.phrase", "a dog", "span-differs"),
        ("spans.0.segments", [], "span-differs"),
        ("spans.0.segments", [0], "span-differs"),
        ("spans.0.segments", [9], "id-unknown"),
        ("spans.1", {"start": 2, "end": 5, "phrase": "dog", "segments": [2]}, "spans-overlap"),
        ("mask.bytes", b"none", "mask-unreadable"),
        ("mask", None, "segments-without-mask"),
        ("segments.0.id", 0, "segment-id-void"),
        ("segments.0.id", 2, "segment-id-twice"),
        ("segments.0.id", 3, "segment-without-pixels"),
        ("segments.0.id", 3, "pixels-without-segment"),
        ("segments.0.area", 4.0, "area-differs"),
        ("segments.0.bbox", [0.0, 0.0, 4.0, 1.0], "box-differs"),
        ("segments.0.caption", "I cannot see the grass.", "description-refusal"),
    ],
)
def test_every_kind_of_fault_of_a_row(path: str, value: Any, code: str, tmp_path: Path) -> None:
    found = findings(write(tmp_path, changed(path, value)))
    assert code in {finding.code for finding in found}, [finding.line() for finding in found]


def test_a_right_table_is_clean(tmp_path: Path) -> None:
    write(tmp_path, RIGHT)
    assert findings(tmp_path) == []
    assert check(tmp_path / "data" / "train-00000-of-00001.parquet", Huggingface) == []


def test_two_rows_of_one_record(tmp_path: Path) -> None:
    (finding, card) = findings(write(tmp_path, RIGHT, RIGHT))
    assert finding.line() == "image coco/train/1 (1.png): an earlier row has the same record"
    assert card.line() == "the split 'train' has 2 rows, the card says 1"


@pytest.mark.parametrize(
    ("card", "message"),
    [
        ("# Title\n", "it does not begin with YAML between two lines '---'"),
        ("---\n: [\n---\n", "it does not begin with YAML between two lines '---'"),
        (CARD.replace("num_examples: 1", "num_examples: 4"),
         "the split 'train' has 1 rows, the card says 4"),
        (CARD.replace("split: train", "split: val"),
         "the card does not name the files of 'train'"),
    ],
)  # fmt: skip
def test_a_card_that_says_something_else(card: str, message: str, tmp_path: Path) -> None:
    found = findings(write(tmp_path, RIGHT, card=card))
    assert [(finding.code, finding.message) for finding in found] == [("card-differs", message)]


def test_files_columns_and_features(tmp_path: Path) -> None:
    schema = arrow_schema(arrow)
    place = schema.names.index("width")
    other = schema.remove(place).insert(place, arrow.field("width", arrow.string()))
    write(tmp_path, {**RIGHT, "width": "4"}, schema=other.remove_metadata(), card="")
    file = tmp_path / "data" / "train-00000-of-00001.parquet"
    assert [f.code for f in findings(tmp_path)] == [
        "column-differs",
        "features-missing",
        "card-missing",
    ]
    missing = schema.remove(schema.names.index("sha256"))
    write(tmp_path, RIGHT, schema=missing)
    assert [f.code for f in findings(tmp_path)] == ["column-missing", "features-differ"]
    write(tmp_path, RIGHT)
    file.rename(file.with_name("train-00000-of-00002.parquet"))
    found = findings(tmp_path)
    assert [f.code for f in found] == ["files-missing"]
    assert "lacks 1 of 2 files, the first train-00001-of-00002.parquet" in found[0].message
    (tmp_path / "data" / "train-00001-of-00002.parquet").write_bytes(b"PAR1 and no more")
    assert [f.code for f in findings(tmp_path)] == ["table-unreadable"]
    assert set(schema.names) == set(COLUMNS)


def test_tasks_and_reports_go_to_other_processes() -> None:
    task = RowTask(Place("a.parquet", "1", "1.png"), Rules(), RIGHT)
    report = check_row(pickle.loads(pickle.dumps(task)))
    assert pickle.loads(pickle.dumps(report)) == report
    assert report.findings == []
    assert [finding.code for finding in died(task, "it died").findings] == ["check-died"]
