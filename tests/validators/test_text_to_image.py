"""Photographs and captions in a webdataset: every kind of finding, with a sample that shows it."""

from __future__ import annotations

import hashlib
import io
import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from annoengine.validator import Finding
from annoengine.validators.coconut_pancap import CoconutPancap
from annoengine.validators.text_to_image import TextToImage
from tests.validators.broken import check
from tests.validators.pancap_files import write_tar

TEXT = "A dog runs over the grass."


def photo() -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (4, 3), (9, 90, 9)).save(file, format="PNG")
    return file.getvalue()


PHOTO = photo()
ROW = {
    "key": "1",
    "caption": TEXT,
    "file_name": "1.png",
    "width": 4,
    "height": 3,
    "sha256": hashlib.sha256(PHOTO).hexdigest(),
}
FILES: dict[str, str | bytes] = {"1.png": PHOTO, "1.txt": TEXT, "1.json": json.dumps(ROW)}


def findings(folder: Path, files: dict[str, str | bytes], **rules: Any) -> list[Finding]:
    return check(write_tar(folder / "coco_train-000000.tar", files), TextToImage, **rules)


def with_row(**values: Any) -> dict[str, str | bytes]:
    """A right sample but for some of its json."""
    return {**FILES, "1.json": json.dumps({**ROW, **values})}


def with_text(text: str | bytes) -> dict[str, str | bytes]:
    """A right sample but for its text, which the json has too."""
    caption = text if isinstance(text, str) else TEXT
    return {**with_row(caption=caption), "1.txt": text}


@pytest.mark.parametrize(
    ("files", "code"),
    [
        ({"1.png": PHOTO}, "sample-incomplete"),
        ({"1.txt": TEXT, "1.json": "{}"}, "sample-incomplete"),
        ({"1.png": PHOTO, "2.png": PHOTO, "1.txt": TEXT}, "sample-files-apart"),
        ({"1.png": PHOTO, "1.txt": TEXT}, "sample-json-missing"),
        ({**FILES, "1.json": "{"}, "sample-json-malformed"),
        ({**FILES, "1.json": "3"}, "sample-json-malformed"),
        (with_row(caption="Another one."), "text-differs"),
        (with_row(key="2"), "text-differs"),
        (with_row(width=3, height=4), "photo-differs"),
        (with_row(sha256="ab" * 32), "photo-differs"),
        ({**FILES, "1.png": PHOTO[:50]}, "photo-unreadable"),
        ({**FILES, "1.png": b"no picture"}, "photo-unreadable"),
        (with_text("A <1: dog> runs."), "tag-left-over"),
        (with_text("<p> A dog </p> [SEG] runs."), "tag-left-over"),
        (with_text("A <2>dog> runs."), "tag-left-over"),
        (with_text(""), "caption-empty"),
        (with_text("A"), "caption-short"),
        (with_text(b"\xff"), "caption-malformed"),
        (with_text("I cannot see the image."), "caption-refusal"),
    ],
)
def test_every_kind_of_fault_of_a_sample(
    files: dict[str, str | bytes], code: str, tmp_path: Path
) -> None:
    found = findings(tmp_path, files)
    assert code in {finding.code for finding in found}, [finding.line() for finding in found]


def test_right_samples_are_clean(tmp_path: Path) -> None:
    """Ours, in sub-folders, and img2dataset's, whose hash is that of a larger photograph."""
    theirs = {"key": "2", "caption": TEXT, "width": 4, "sha256": "00", "original_width": 40}
    deep = {"caption": TEXT, "key": "a/3"}
    files: dict[str, str | bytes] = {**FILES, "2.png": PHOTO, "2.txt": TEXT}
    files |= {"2.json": json.dumps(theirs), "a/3.png": PHOTO, "a/3.txt": TEXT}
    files["a/3.json"] = json.dumps(deep)
    assert findings(tmp_path, files) == []
    tar = tmp_path / "coco_train-000000.tar"
    assert TextToImage.recognises(tar)
    assert not CoconutPancap.recognises(tar)


def test_a_tar_that_is_cut_off(tmp_path: Path) -> None:
    tar = write_tar(tmp_path / "coco_train-000000.tar", FILES)
    tar.write_bytes(tar.read_bytes()[:-9300])
    assert [finding.code for finding in check(tar, TextToImage)][-1] == "shard-unreadable"


RIGHT_LINE = {"file_name": "1.png", "text": TEXT, "shard": "coco_train-000000.tar", "key": "1"}


@pytest.mark.parametrize(
    ("lines", "code"),
    [
        ([], "sample-without-metadata"),
        ([{**RIGHT_LINE, "text": "Another."}], "metadata-differs"),
        ([RIGHT_LINE, {**RIGHT_LINE, "key": "2"}], "metadata-differs"),
        ([RIGHT_LINE, {"file_name": "1.png"}], "metadata-malformed"),
        ([RIGHT_LINE, 3], "metadata-malformed"),
        ([{**RIGHT_LINE, "file_name": "../1.png"}], "unsafe-path"),
        ([RIGHT_LINE, {**RIGHT_LINE, "shard": "coco_train-000001.tar"}], "shard-missing"),
        ([{**RIGHT_LINE, "text": "A <1: dog>."}], "tag-left-over"),
    ],
)
def test_every_kind_of_fault_of_the_metadata(lines: list[Any], code: str, tmp_path: Path) -> None:
    (tmp_path / "train").mkdir()
    text = "".join(json.dumps(line) + "\n" for line in lines)
    (tmp_path / "train" / "metadata.jsonl").write_text(text)
    found = findings(tmp_path, FILES)
    assert code in {finding.code for finding in found}, [finding.line() for finding in found]


def test_right_metadata_is_clean(tmp_path: Path) -> None:
    (tmp_path / "train").mkdir()
    (tmp_path / "train" / "metadata.jsonl").write_text(json.dumps(RIGHT_LINE) + "\n")
    assert findings(tmp_path, FILES) == []
