"""Nothing in a dataset of captions makes its validator raise, and what it says can be read."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

from annoengine.validator import Dataset, Finding, Rules, Validator
from annoengine.validators.coconut_pancap import CoconutPancap
from annoengine.validators.glamm_gcg import GlammGcg
from annoengine.validators.llava import Llava
from annoengine.validators.text_to_image import TextToImage
from tests.validators.broken import check
from tests.validators.pancap_files import FROM_ZERO, RIGHT, Release, write_tar
from tests.validators.test_glamm_gcg import ANSWER, CAPTION, MASK, PREDICTION, entry, talk
from tests.validators.test_hostile import mutate, readable
from tests.validators.test_llava import GROUNDED, TAGGED, line
from tests.validators.test_text_to_image import PHOTO, RIGHT_LINE, ROW, TEXT

PIECES = (
    "<",
    ">",
    "<3:",
    ":",
    " ",
    "<0: ",
    "a dog",
    ", ",
    "\n",
    "&lt;",
    "<1,2>",
    "狗",
    "\x1b",
    "]",
)


def kept_its_word(validator: type[Validator], dataset: Dataset, target: Path) -> list[Finding]:
    """Mends a dataset; what was said to be mended is not found again, and all can be read."""
    found = list(validator(Rules()).fix(dataset, target))
    for finding in found:
        readable(finding)
    if target.exists():
        again = Dataset(target, dataset.masks, dataset.images, dataset.panoptic)
        left = [finding for finding in validator(Rules()).check(again) if finding.fixable]
        assert left == [], [finding.line() for finding in left]
    return found


@pytest.mark.parametrize("seed", range(60))
def test_captions_of_odd_pieces(seed: int, tmp_path: Path) -> None:
    rng = random.Random(seed)
    texts = []
    for text in (RIGHT, FROM_ZERO, RIGHT, FROM_ZERO):
        for _ in range(rng.randint(1, 5)):
            at = rng.randrange(len(text) + 1)
            text = text[:at] + rng.choice(PIECES) + text[at + rng.randint(0, 3) :]
        texts.append(text)
    release = Release(tmp_path, *texts)
    data = CoconutPancap.dataset(release.tar, None, None, release.json)
    kept_its_word(CoconutPancap, data, tmp_path / "mended.tar")


@pytest.mark.parametrize("seed", range(40))
def test_mutated_panoptic_files_beside_captions(seed: int, tmp_path: Path) -> None:
    rng = random.Random(seed)
    release = Release(tmp_path, RIGHT, FROM_ZERO)
    value = json.loads(release.json.read_text())
    for _ in range(rng.randint(1, 4)):
        value = mutate(value, rng)
    release.json.write_text(json.dumps(value))
    data = CoconutPancap.dataset(release.tar, None, None, release.json)
    kept_its_word(CoconutPancap, data, tmp_path / "mended.tar")


@pytest.mark.parametrize("seed", range(40))
def test_tars_with_odd_bytes(seed: int, tmp_path: Path) -> None:
    rng = random.Random(seed)
    release = Release(tmp_path, RIGHT, FROM_ZERO)
    data = bytearray(release.tar.read_bytes())
    for _ in range(rng.randint(1, 6)):
        data[rng.randrange(2048)] = rng.randrange(256)
    release.tar.write_bytes(data[: rng.choice((700, 1800, len(data)))])
    for validator in (CoconutPancap, TextToImage):
        validator.recognises(release.tar)
        for finding in check(release.tar, validator):
            readable(finding)


LISTS: list[tuple[type[Validator], list[Any]]] = [
    (GlammGcg, [entry(), entry(file_name="2.jpg")]),
    (GlammGcg, [talk(ANSWER), talk(ANSWER, id="2")]),
    (Llava, [GROUNDED, TAGGED]),
]


@pytest.mark.parametrize("seed", range(90))
def test_mutated_lists(seed: int, tmp_path: Path) -> None:
    rng = random.Random(seed)
    validator, value = LISTS[seed % len(LISTS)]
    lines: Any = [line("a", "<SEG_t>", "<SEG_s>"), line("b", "1", "2", "3")]
    changed: Any = value
    for _ in range(rng.randint(1, 4)):
        mutated = mutate(changed, rng)
        # The first entry tells the kind.
        changed = [value[0], *(mutated[1:] if isinstance(mutated, list) else [mutated])]
        lines = mutate(lines, rng)
    path = tmp_path / "list.json"
    path.write_text(json.dumps(changed))
    if validator is Llava:
        rows = lines if isinstance(lines, list) else [lines]
        (tmp_path / "list_masks.jsonl").write_text("\n".join(map(json.dumps, rows)))
        for finding in check(path, Llava):
            readable(finding)
    else:
        kept_its_word(validator, Dataset(path), tmp_path / "mended.json")


@pytest.mark.parametrize("seed", range(40))
def test_mutated_files_of_the_evaluation(seed: int, tmp_path: Path) -> None:
    rng = random.Random(seed)
    images = [{"id": "1", "file_name": "1.jpg"}]
    whole = [{"images": images, "annotations": rows} for rows in ([CAPTION], [MASK])]
    for name, value in zip(("caption", "mask"), whole, strict=True):
        annotations = mutate(value["annotations"], rng)
        changed = {**value, "annotations": annotations, "images": mutate(images, rng)}
        (tmp_path / f"val_gcg_coco_{name}_gt.json").write_text(json.dumps(changed))
    (tmp_path / "predictions").mkdir()
    (tmp_path / "predictions" / "1.json").write_text(json.dumps(mutate(PREDICTION, rng)))
    found = list(GlammGcg(Rules()).check(Dataset(tmp_path / "predictions")))
    path = tmp_path / "val_gcg_coco_caption_gt.json"
    if GlammGcg.recognises(path):
        found += check(path, GlammGcg)
    for finding in found:
        readable(finding)


@pytest.mark.parametrize("seed", range(40))
def test_mutated_pairs(seed: int, tmp_path: Path) -> None:
    rng = random.Random(seed)
    row = json.dumps(mutate(ROW, rng))
    files: dict[str, str | bytes] = {"1.png": PHOTO, "1.txt": TEXT, "1.json": row}
    shard = write_tar(tmp_path / "coco_train-000000.tar", files)
    (tmp_path / "train").mkdir()
    lines = [mutate(RIGHT_LINE, rng), RIGHT_LINE]
    text = "\n".join(map(json.dumps, lines))
    (tmp_path / "train" / "metadata.jsonl").write_text(text)
    for finding in check(shard, TextToImage):
        readable(finding)
