"""Parquet folders, read by pyarrow, by the package's reader and by Hugging Face's own."""

from __future__ import annotations

import hashlib
import importlib
import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from PIL import Image

from annoengine.errors import InputError
from annoengine.exporter import Exported
from annoengine.exporters.huggingface import Huggingface, HuggingfaceParameters
from annoengine.mask import RecordFiles
from annoengine.reading.image_table import TableRow, read_rows, table_files
from annoengine.record import Caption, Licence, Record, Relation
from annoengine.registry import find
from annoengine.writing.image_table import ABOUT, COLUMNS
from tests.exporters.grounded_files import (
    ORIGIN,
    contents,
    example_photographs,
    grounded,
    made_scenes,
    masks_in_run,
    of_masks,
    rectangle,
)
from tests.exporters.runs import Run
from tests.tiny_coco import TinyCoco

pq: Any = importlib.import_module("pyarrow.parquet")

TEXT = "A man stands under a blue sky, and people wait."
SAID = grounded(TEXT, ("A man", (7,)), ("a blue sky", (300,)), ("people", (7, 70000)))


def export(run: Run, folder: Path, **parameters: Any) -> Exported:
    folder.mkdir(exist_ok=True)
    return Huggingface(HuggingfaceParameters.model_validate(parameters)).export(run, folder)


@pytest.fixture
def tiny(tmp_path: Path) -> Run:
    """One image: person 7, sky 300 (stuff), crowd 70000, and void."""
    run = Run.of(TinyCoco(tmp_path / "tiny").source())
    of_sky = Caption(text=" A clear sky. ", segment=300, origin=ORIGIN)
    run.given = [run.given[0].but(captions=(SAID, of_sky))]
    return run


def rows_of(folder: Path) -> list[TableRow]:
    files = [file for split in table_files(folder).values() for file in split]
    return [row for file in files for row in read_rows(file)]


def head_of(folder: Path) -> dict[str, Any]:
    """The YAML head of the card."""
    _, head, _ = (folder / "README.md").read_text("utf-8").split("---\n", 2)
    parsed: dict[str, Any] = yaml.safe_load(head)
    return parsed


def ids_of(png: bytes) -> np.ndarray:
    rgb = np.asarray(Image.open(io.BytesIO(png))).astype(np.int64)
    assert rgb.ndim == 3
    return rgb[..., 0] + 256 * rgb[..., 1] + 65536 * rgb[..., 2]


def test_the_exporter_is_found_by_its_name() -> None:
    assert find("exporter", "huggingface") is Huggingface


def test_a_row_has_the_photograph_the_masks_and_what_was_said(tiny: Run, tmp_path: Path) -> None:
    out = tmp_path / "out"
    exported = export(tiny, out)
    assert exported.counts == {
        "files": 1,
        "images": 1,
        "segments": 3,
        "captions": 1,
        "captions of segments": 1,
        "phrases": 3,
    }
    assert exported.notes == []
    assert sorted(contents(out)) == ["README.md", "data/validation-00000-of-00001.parquet"]
    (row,) = rows_of(out)
    values = dict(row.values)
    image, mask = values.pop("image"), values.pop("mask")
    assert image["bytes"] == tiny.files(tiny.given[0]).image.read_bytes()
    assert image["path"] == "0001.jpg"
    # Stuff before things: the sky is 1, the person 2, the crowd 3; the rest is void.
    ids = ids_of(mask["bytes"])
    assert ids[0].tolist() == [1] * 8
    assert ids[2].tolist() == [2, 2, 2, 0, 0, 3, 3, 3]
    assert mask["path"] == "0001.png"
    common = {"caption": None, "caption_model": None, "isthing": True}
    assert values.pop("segments") == [
        {
            "id": 1,
            "category": "sky-other-merged",
            "category_id": 187,
            "isthing": False,
            "iscrowd": False,
            "bbox": [0.0, 0.0, 8.0, 2.0],
            "area": 16.0,
            "caption": "A clear sky.",
            "caption_model": "gpt-4o-2024-11-20",
            "source_id": 300,
        },
        {
            "id": 2,
            "category": "person",
            "category_id": 1,
            "iscrowd": False,
            "bbox": [0.0, 2.0, 3.0, 4.0],
            "area": 12.0,
            "source_id": 7,
            **common,
        },
        {
            "id": 3,
            "category": "person",
            "category_id": 1,
            "iscrowd": True,
            "bbox": [5.0, 2.0, 3.0, 4.0],
            "area": 12.0,
            "source_id": 70000,
            **common,
        },
    ]
    assert values.pop("spans") == [
        {"start": 0, "end": 5, "phrase": "A man", "segments": [2]},
        {"start": 19, "end": 29, "phrase": "a blue sky", "segments": [1]},
        {"start": 35, "end": 41, "phrase": "people", "segments": [2, 3]},
    ]
    assert values == {
        "image_id": "1",
        "file_name": "0001.jpg",
        "width": 8,
        "height": 6,
        "caption": TEXT,
        "caption_model": "gpt-4o-2024-11-20",
        "caption_prompt": "coconut_pancap/merge1.v1",
        "license": {
            "id": 2,
            "name": "Attribution-NonCommercial",
            "url": "http://example.org/by-nc/2.0/",
        },
        "coco_url": "http://example.org/1",
        "flickr_url": "http://example.org/f/1",
        "sha256": tiny.given[0].photo.sha256,
        "record": "coco/val/1",
    }


_LOAD = """
import hashlib, json, sys
import numpy as np
from datasets import Image, load_dataset

def told(value):
    if hasattr(value, "convert"):
        pixels = np.asarray(value.convert("RGB"))
        return [list(value.size), hashlib.sha256(pixels.tobytes()).hexdigest()]
    if isinstance(value, dict):
        return {name: told(inner) for name, inner in value.items()}
    return [told(inner) for inner in value] if isinstance(value, list) else value

loaded = load_dataset(sys.argv[1])
by_file = load_dataset("parquet", data_files=sys.argv[1] + "/data/*.parquet", split="train")
(split,) = loaded
streamed = load_dataset(sys.argv[1], split=split, streaming=True)
assert by_file.features == loaded[split].features == streamed.features
assert [n for n, f in by_file.features.items() if isinstance(f, Image)] == ["image", "mask"]
assert told(next(iter(streamed))) == told(loaded[split][0]) == told(by_file[0])
print(json.dumps([told(row) for row in loaded[split]]))
"""


def loaded_by_huggingface(folder: Path, home: Path) -> list[dict[str, Any]]:
    """The rows as ``datasets`` gives them, pictures as their size and the hash of their pixels."""
    done = subprocess.run(
        [sys.executable, "-c", _LOAD, str(folder)],
        env={**os.environ, "HF_HUB_OFFLINE": "1", "HF_HOME": str(home), "USE_TORCH": "0"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    rows: list[dict[str, Any]] = json.loads(done.stdout)
    return rows


def pixels(image: np.ndarray) -> list[Any]:
    height, width, _ = image.shape
    return [[width, height], hashlib.sha256(np.ascontiguousarray(image).tobytes()).hexdigest()]


def test_hugging_face_loads_the_folder_offline(tmp_path: Path) -> None:
    """Several files, row groups of two; decoded pictures and masks are those of the run."""
    run = example_photographs()
    run.given[1] = run.given[1].but(captions=(), masks=None)
    out = tmp_path / "out"
    exported = export(run, out, group_rows=2, shard_bytes=1)
    assert exported.counts["files"] == 3
    loaded = loaded_by_huggingface(out, tmp_path / "home")
    own = rows_of(out)
    assert len(loaded) == len(own) == len(run.given) == 6
    for record, row, ours in zip(run.given, loaded, own, strict=True):
        with Image.open(str(run.files(record).image)) as image:
            assert row.pop("image") == pixels(np.asarray(image.convert("RGB")))
        mask = row.pop("mask")
        assert row == {k: v for k, v in ours.values.items() if k not in ("image", "mask")}
        if record.masks is None:
            assert mask is ours.values["mask"] is row["caption"] is None
            assert [s["source_id"] for s in row["segments"]] == [s.id for s in record.segments]
            continue
        ids = ids_of(ours.values["mask"]["bytes"])
        rgb = np.stack([ids % 256, ids // 256 % 256, ids // 65536], axis=-1).astype(np.uint8)
        assert mask == pixels(rgb)
        check_masks(run, record, row, ids)


def check_masks(run: Run, record: Record, row: dict[str, Any], ids: np.ndarray) -> None:
    """Asserts that the ids of mask, segments and spans are the record's segments."""
    masks = masks_in_run(run, record)
    assert set(np.unique(ids).tolist()) - {0} == {s["id"] for s in row["segments"]}
    names = {}
    for segment in row["segments"]:
        found = record.segment(segment["source_id"])
        names[segment["id"]] = found.id
        assert np.array_equal(ids == segment["id"], masks[found.id])
        assert (segment["category"], segment["area"]) == (found.category.name, found.area_px)
    spans = record.captions[0].spans
    text = row["caption"]
    assert text == record.captions[0].text
    for span, given in zip(row["spans"], spans, strict=True):
        assert (span["start"], span["end"]) == (given.start, given.end)
        assert text[span["start"] : span["end"]] == span["phrase"]
        assert tuple(names[id] for id in span["segments"]) == given.segments


def test_the_card_tells_what_is_there_and_where_it_is_from(tmp_path: Path) -> None:
    run = example_photographs()
    drafted = ORIGIN.but(stage="annotate", prompt="coconut_pancap/regions1.v1")
    said = run.given[0].captions[0]
    run.given[0] = run.given[0].but(captions=(said.but(earlier=(drafted,)),))
    out = tmp_path / "out"
    export(run, out, title="Photographs | six", group_rows=3, shard_bytes=1)
    head = head_of(out)
    assert head["pretty_name"] == "Photographs | six"
    assert head["size_categories"] == ["n<1K"]
    # Several licences, and nobody said which the whole has.
    assert "license" not in head
    assert head["configs"] == [
        {
            "config_name": "default",
            "data_files": [{"split": "train", "path": "data/train-*"}],
        }
    ]
    info = head["dataset_info"]
    assert [column["name"] for column in info["features"]] == list(COLUMNS) == list(ABOUT)
    files = [out / "data" / f"train-0000{n}-of-00002.parquet" for n in (0, 1)]
    assert table_files(out) == {"train": files}
    assert info["download_size"] == sum(file.stat().st_size for file in files)
    assert info["splits"] == [
        {"name": "train", "num_bytes": info["dataset_size"], "num_examples": 6}
    ]
    in_memory = sum(pq.read_table(file).nbytes for file in files)
    assert info["dataset_size"] == pytest.approx(in_memory, rel=0.01)
    text = (out / "README.md").read_text("utf-8")
    for line in (
        "# Photographs | six",
        "| annotate | gpt-4o-2024-11-20 | coconut_pancap/regions1.v1 | abababababab | 1 |",
        "| merge | gpt-4o-2024-11-20 | coconut_pancap/merge1.v1 | abababababab | 6 |",
        "| CC BY 2.0 | https://creativecommons.org/licenses/by/2.0/ | 2 |",
        "By the recipe `tiny` of annoengine (exporter `huggingface`, version 1). 6 texts went",
    ):
        assert line in text
    assert text.endswith("```\n")


@pytest.mark.parametrize(
    ("licences", "stated", "head"),
    [
        (["http://creativecommons.org/licenses/by-nc-sa/2.0/"], "", ["cc-by-nc-sa-2.0"]),
        (["http://a.org/own"], "", ["other", "Own", "http://a.org/own"]),
        (["http://a.org/own", "http://creativecommons.org/licenses/by/2.0/"], "", []),
        ([None], "", []),
        ([None, "http://a.org/own"], "cc-by-4.0", ["cc-by-4.0"]),
    ],
)
def test_a_licence_is_named_only_where_it_is_known(
    licences: list[str | None], stated: str, head: list[str], tmp_path: Path
) -> None:
    run = made_scenes(tmp_path / "data", len(licences))
    for at, url in enumerate(licences):
        licence = None if url is None else Licence(id=at, name="Own", url=url)
        photo = run.given[at].photo.but(licence=licence)
        run.given[at] = run.given[at].but(photo=photo)
    export(run, tmp_path / "out", licence=stated)
    found = head_of(tmp_path / "out")
    keys = ("license", "license_name", "license_link")
    assert [found[key] for key in keys if key in found] == head
    text = (tmp_path / "out/README.md").read_text("utf-8")
    assert ("| not known |  | 1 |" in text) == (None in licences)
    assert (f"given under `{stated}`" in text) == bool(stated)


def test_row_groups_and_files_are_bounded(tmp_path: Path) -> None:
    run = made_scenes(tmp_path / "data", 12)
    sizes = [len(run.files(record).image.read_bytes()) for record in run.given]
    most = 3 * max(sizes)
    export(run, tmp_path / "out", group_bytes=most, shard_bytes=2 * most)
    position = 0
    files = table_files(tmp_path / "out")["validation"]
    assert len(files) > 1
    # A file ends with the row group that fills it.
    assert all(file.stat().st_size >= 2 * most for file in files[:-1])
    for file in files:
        parquet = pq.ParquetFile(file)
        for group in range(parquet.num_row_groups):
            rows = parquet.metadata.row_group(group).num_rows
            assert sum(sizes[position : position + rows]) <= most
            position += rows
    assert position == 12
    export(run, tmp_path / "fives", group_rows=5)
    (file,) = table_files(tmp_path / "fives")["validation"]
    metadata = pq.ParquetFile(file).metadata
    assert [metadata.row_group(n).num_rows for n in range(metadata.num_row_groups)] == [5, 5, 2]


def test_what_is_left_out_is_told(tmp_path: Path) -> None:
    run = made_scenes(tmp_path / "data", 2)
    first, second = run.given
    thing = first.segments[-1].id
    of_thing = Caption(text="A thing.", segment=thing, origin=ORIGIN)
    of_nothing = Caption(text="Nothing.", segment=5, origin=ORIGIN)
    relation = Relation(segments=(thing,), text="It stands.", origin=ORIGIN)
    run.given = [
        first.but(captions=(*first.captions, of_thing, of_thing), relations=(relation,)),
        second.but(captions=(of_nothing,)),
    ]
    exported = export(run, tmp_path / "out")
    assert exported.counts["captions"] == exported.counts["captions of segments"] == 1
    assert exported.counts["captions of segments that are not there"] == 1
    assert exported.notes == [
        "validation: 1 of 2 images have no caption of the whole image",
        "validation: 1 captions are not the first of their image or segment, and were not written",
        "validation: 1 sentences about what goes on between segments are not part of this "
        "format and were not written",
    ]


def test_segments_that_nobody_sees_have_no_id(tmp_path: Path) -> None:
    over, under = rectangle(0, 0, 4, 4), rectangle(0, 0, 4, 4)
    run = of_masks({1: under, 2: over}, grounded("A hill.", ("A hill", (1, 2))))
    photo = tmp_path / "000000000009.jpg"
    Image.new("RGB", (8, 6)).save(photo)
    record = run.given[0]
    digest = hashlib.sha256(photo.read_bytes()).hexdigest()
    run.given = [record.but(photo=record.photo.but(sha256=digest))]
    run.where[record.id] = RecordFiles(image=photo, rles=run.where[record.id].rles)
    exported = export(run, tmp_path / "out")
    assert exported.counts["segments without pixels"] == 1
    assert exported.counts["segments left out of phrases"] == 1
    (row,) = rows_of(tmp_path / "out")
    assert [segment["source_id"] for segment in row.values["segments"]] == [2]
    assert [span["segments"] for span in row.values["spans"]] == [[1]]
    assert row.values["license"] is None


def test_splits_are_called_as_the_hub_calls_them(tmp_path: Path) -> None:
    run = made_scenes(tmp_path / "data", 3)
    names = ["all", "test", "my-own"]
    run.given = [r.but(id=f"coco/{n}/1") for r, n in zip(run.given, names, strict=True)]
    run.where = dict(zip((r.id for r in run.given), run.where.values(), strict=True))
    export(run, tmp_path / "out")
    assert sorted(table_files(tmp_path / "out")) == ["my_own", "test", "train"]
    splits = head_of(tmp_path / "out")["dataset_info"]["splits"]
    assert [split["name"] for split in splits] == ["train", "test", "my_own"]
    run.given[1] = run.given[0].but(id="coco/train/2")
    run.where["coco/train/2"] = run.where["coco/all/1"]
    with pytest.raises(InputError) as caught:
        export(run, tmp_path / "both")
    assert str(caught.value) == (
        "the splits 'all' and 'train' of coco would both be called 'train'; export them apart"
    )


def test_a_run_without_records_has_a_card_that_says_so(tmp_path: Path) -> None:
    exported = export(Run(), tmp_path / "out")
    assert exported.notes == ["no record reached the end of the run: nothing was written"]
    assert "configs" not in head_of(tmp_path / "out")
    assert list((tmp_path / "out/data").iterdir()) == []


def test_the_same_records_give_the_same_bytes(tmp_path: Path) -> None:
    run = example_photographs()
    for folder in ("one", "two"):
        export(run, tmp_path / folder)
    assert contents(tmp_path / "one") == contents(tmp_path / "two")


def test_a_reader_tells_what_is_missing(tiny: Run, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"has no data/SPLIT-00000-of-0000N\.parquet"):
        table_files(tmp_path)
    export(tiny, tmp_path / "out")
    (file,) = table_files(tmp_path / "out")["validation"]
    other = file.rename(file.with_name("validation-00001-of-00002.parquet"))
    with pytest.raises(InputError, match=r"lacks validation-00000-of-00002\.parquet; get it too"):
        table_files(tmp_path / "out")
    bare = tmp_path / "bare.parquet"
    pq.write_table(pq.read_table(other).drop(["mask"]), bare)
    with pytest.raises(InputError, match=r"bare\.parquet has no column 'mask', only image, "):
        list(read_rows(bare))
    other.write_bytes(b"PAR1" + b"x" * 40)
    with pytest.raises(InputError, match="cannot be read as parquet"):
        list(read_rows(other))
