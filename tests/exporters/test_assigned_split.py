"""Records leave in the split that a selection gave them, whatever split they came in."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

import pytest

from annoengine import registry
from annoengine.pancap.leaving_caption import image_path
from annoengine.writing.split_accounts import leaving_split
from tests.exporters.grounded_files import described, example_photographs
from tests.exporters.runs import Run

NAMES = [name for name in registry.names("exporter") if name != "scores"]
"""All but the one that has no splits."""


@pytest.fixture(scope="module")
def chosen() -> Run:
    """Six images of the split ``all``, of which two each were chosen for another."""
    run = described(example_photographs())
    assert {one.split for one in run.given} == {"all"}
    splits: tuple[Literal["train", "val", "test"], ...] = ("train", "val", "test")
    run.given = [
        one.but(assigned_split=split) for one, split in zip(run.given, splits * 2, strict=True)
    ]
    return run


@pytest.mark.parametrize("name", NAMES)
def test_each_exporter_goes_by_it(name: str, chosen: Run, tmp_path: Path) -> None:
    found = registry.find("exporter", name)
    found(found.Parameters()).export(chosen, tmp_path)
    names = [path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*")]
    for split in ("train", "val", "test"):
        assert any(split in one for one in names), split
    assert not any(re.search(r"(?<![a-z])all(?![a-z])", one) for one in names)


def test_a_path_names_the_split_in_which_the_photograph_lies(chosen: Run) -> None:
    one = chosen.given[0]
    assert leaving_split(one) == "train"
    assert image_path("{split}2017/{file}", one) == f"all2017/{one.photo.file}"
