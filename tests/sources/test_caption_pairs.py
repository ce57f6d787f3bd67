"""The source ``caption_pairs``: pairs by image, what is missing, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from annoengine.errors import InputError
from annoengine.record import Record
from annoengine.sources.caption_pairs import CaptionPairs, CaptionPairsParameters


def write(path: Path, key: str, captions: dict[str, str]) -> Path:
    path.write_text(json.dumps([{"image_path": i, key: text} for i, text in captions.items()]))
    return path


def source(folder: Path, **more: Path) -> CaptionPairs:
    """Two references, a prediction of one by another machine's path, and one of neither."""
    references = {"sam/a/1.jpg": "A dog.", "sam/a/2.jpg": "A cat."}
    predictions = {"/data/sam/a/2.jpg": "A kitten.", "sam/b/9.jpg": "A bird."}
    inputs = {
        "references": write(folder / "val_ref.json", "gt_response", references),
        "predictions": write(folder / "pred.json", "model_response", predictions),
    }
    return CaptionPairs(CaptionPairsParameters(), {**inputs, **more}, 7)


def opened(one: CaptionPairs) -> list[Any]:
    return [one.open(entry) for entry in one.entries()]


def told(record: Record) -> dict[str, str]:
    return {caption.origin.stage: caption.text for caption in record.captions}


def test_pairs_are_found_by_image_and_what_is_missing_is_counted(tmp_path: Path) -> None:
    pairs = source(tmp_path)
    first, second = (one.record for one in opened(pairs))
    assert (first.id, first.photo.file) == ("captions/val/sam/a/1.jpg", "sam/a/1.jpg")
    assert told(first) == {"reference": "A dog."}
    assert told(second) == {"reference": "A cat.", "prediction": "A kitten."}
    assert (second.photo.width, second.photo.height) == (1, 1)
    assert pairs.left_out == {"no reference": 1}


def test_photographs_give_their_size_where_there_are_any(tmp_path: Path) -> None:
    photographs = tmp_path / "images"
    (photographs / "sam" / "a").mkdir(parents=True)
    Image.new("RGB", (40, 30)).save(photographs / "sam/a/1.jpg")
    Image.new("RGB", (20, 10)).save(photographs / "2.jpg")  # by its name alone
    pairs = source(tmp_path, images=photographs)
    sizes = [(one.record.photo.width, one.record.photo.height) for one in opened(pairs)]
    assert sizes == [(40, 30), (20, 10)]
    (photographs / "2.jpg").unlink()
    missing = opened(pairs)[1]
    assert (missing.reason, missing.failed) == ("image", True)
    assert "there is no image" in missing.detail


def test_a_path_that_leads_out_of_the_folder_fails_its_image(tmp_path: Path) -> None:
    pairs = source(tmp_path, images=tmp_path)
    entry = {"record_id": "a/b/c", "image": {"file_name": "../../x.jpg"}, "reference": "A dog."}
    assert pairs.open({**entry, "prediction": None}).reason == "unsafe path"


def test_mistakes_are_sentences(tmp_path: Path) -> None:
    pairs = source(tmp_path)
    nothing = CaptionPairs(CaptionPairsParameters(), {"references": tmp_path / "none.json"}, 7)
    with pytest.raises(InputError, match=r"none.json does not exist; give the list of captions to"):
        nothing.check()
    write(tmp_path / "val_ref.json", "gt_response", {"": "A dog."})
    with pytest.raises(InputError, match=r"val_ref.json: an entry has an empty image_path"):
        opened(pairs)
    write(tmp_path / "pred.json", "all_content", {"sam/a/1.jpg": "1 | entity -->> (whole, dog)"})
    with pytest.raises(InputError, match=r"pred.json is a list of extracted content"):
        opened(pairs)
    write(tmp_path / "pred.json", "caption", {"sam/a/1.jpg": "A dog."})
    with pytest.raises(InputError, match=r"pred.json: \[0\] has no 'gt_response'"):
        opened(pairs)
