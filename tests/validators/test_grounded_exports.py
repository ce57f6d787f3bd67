"""What the exporters of grounded captions write is clean, and breaking it is found."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from annoengine import registry
from annoengine.checks.finding_tally import FindingTally
from annoengine.validation import Mending, find_datasets, validate
from annoengine.validator import Finding, Rules
from tests.exporters.grounded_files import example_photographs
from tests.exporters.runs import Run
from tests.validators.pancap_files import read_tar, write_tar


@pytest.fixture(scope="module")
def run() -> Run:
    """The example photographs in two splits, the last without a paragraph."""
    whole = example_photographs()
    given = []
    for number, record in enumerate(whole.given):
        split = "train" if number < 4 else "val"
        dataset, _, rest = record.id.split("/", 2)
        changed = record.but(id=f"{dataset}/{split}/{rest}")
        whole.where[changed.id] = whole.where[record.id]
        given.append(changed if number else changed.but(captions=()))
    whole.given = given
    return whole


@pytest.fixture(scope="module")
def exports(run: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for each exporter."""
    root = tmp_path_factory.mktemp("exports")
    for name in ("coconut_pancap", "glamm_gcg", "huggingface", "llava", "text_to_image"):
        exporter = registry.find("exporter", name)
        (root / name).mkdir()
        exporter(exporter.Parameters()).export(run, root / name)
    return root


def checked(path: Path, mending: Mending | None = None) -> tuple[list[tuple[str, str]], list[str]]:
    """Kind and path of each dataset in a folder, and the lines of what is found."""
    found = find_datasets(path)
    assert (found.strangers, found.broken) == ((), ())
    with FindingTally() as tally:
        validate(found, tally, Rules(), mending=mending)
        lines = [f"{row['code']}: {row['message']}" for row in tally.rows()]
    return [(one.kind, one.path.name) for one in found.datasets], lines


def test_coconut_pancap(exports: Path) -> None:
    kinds, lines = checked(exports / "coconut_pancap")
    assert kinds == [
        ("coconut_pancap", "caption_train2017.tar"),
        ("coconut_pancap", "caption_val2017.tar"),
        ("panoptic", "panoptic_train2017.json"),
        ("panoptic", "panoptic_val2017.json"),
    ]
    assert lines == []


def test_glamm_gcg(exports: Path) -> None:
    kinds, lines = checked(exports / "glamm_gcg")
    assert [kind for kind, name in kinds if "mask_gt" not in name] == ["glamm_gcg"] * 7
    assert ("instances", "val_gcg_coco_mask_gt.json") in kinds
    assert lines == []


@pytest.fixture
def pancap(exports: Path, tmp_path: Path) -> Path:
    """A copy of the export to break."""
    shutil.copytree(exports / "coconut_pancap", tmp_path / "broken")
    return tmp_path / "broken"


def found_in(folder: Path) -> list[Finding]:
    """What is found in the captions of the split train."""
    validator = registry.find("validator", "coconut_pancap")
    data = validator.dataset(folder / "caption_train2017.tar", None, None)
    return list(validator(Rules()).check(data))


def change_line(path: Path, **values: Any) -> None:
    """Changes the first line of a JSONL."""
    first, *rest = path.read_text("utf-8").splitlines()
    path.write_text("\n".join([json.dumps({**json.loads(first), **values}), *rest]) + "\n", "utf-8")


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"text": "Other words."}, "span-differs"),
        ({"spans": []}, "sidecar-differs"),
        ({"tagged": "<1: Sand>."}, "sidecar-differs"),
        ({"key": "caption_train2017/none"}, "sidecar-unknown-image"),
        ({"key": 3}, "sidecar-malformed"),
        ({"spans": [{"start": 0, "end": 2, "phrase": "In", "ids": []}]}, "span-differs"),
        ({"spans": ["x"]}, "span-differs"),
        ({"spans": [{"start": 0, "end": "2", "phrase": "In", "ids": [1]}]}, "span-differs"),
    ],
)
def test_a_sidecar_that_says_something_else(
    values: dict[str, Any], code: str, pancap: Path
) -> None:
    change_line(pancap / "captions_train2017.jsonl", **values)
    assert code in {finding.code for finding in found_in(pancap)}


def test_images_without_a_caption_are_in_the_account_or_missing(pancap: Path) -> None:
    assert found_in(pancap) == []
    (pancap / "left_out_train2017.jsonl").unlink()
    (missing,) = found_in(pancap)
    assert missing.code == "image-without-caption"
    path = pancap / "captions_train2017.jsonl"
    path.write_text("".join(path.read_text("utf-8").splitlines(keepends=True)[1:]), "utf-8")
    assert [finding.code for finding in found_in(pancap)] == [
        "image-without-caption",
        "caption-without-sidecar-line",
    ]


def test_captions_with_a_sidecar_are_not_mended(pancap: Path, tmp_path: Path) -> None:
    """The sidecar tells of these very bytes."""
    texts = read_tar(pancap / "caption_train2017.tar")
    first = next(iter(texts))
    texts[first] = texts[first].replace(b": ", b">", 1)
    write_tar(pancap / "caption_train2017.tar", texts)
    mending = Mending(pancap, tmp_path / "out")
    _, lines = checked(pancap, mending)
    assert {line.split(":")[0] for line in lines} == {"tag-without-colon", "sidecar-differs"}
    assert read_tar(tmp_path / "out" / "caption_train2017.tar") == texts
    others = {path.name for path in (tmp_path / "out").iterdir()}
    assert others == {path.name for path in pancap.iterdir()}


def test_llava(exports: Path) -> None:
    kinds, lines = checked(exports / "llava")
    assert [kind for kind, _ in kinds] == ["llava"] * 4
    assert lines == []


def test_text_to_image(exports: Path) -> None:
    kinds, lines = checked(exports / "text_to_image")
    assert [kind for kind, _ in kinds] == ["text_to_image"] * 2
    assert lines == []


def test_huggingface(exports: Path) -> None:
    kinds, lines = checked(exports / "huggingface")
    assert kinds == [("huggingface", "huggingface")]
    assert lines == []
