"""The paths that a recipe gives a source: found by name, and looked at before anything is read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Literal

from annoengine.errors import InputError

PathKind = Literal["file", "folder"]


def input_path(inputs: Mapping[str, Path], name: str, meanings: Mapping[str, str]) -> Path:
    """The path of an input. Raises InputError, saying how to give it, for one that is missing.

    ``meanings`` says what each input is: :attr:`annoengine.source.Source.INPUTS`.
    """
    if name not in inputs:
        raise InputError(
            f"the input {name!r} is missing: give {meanings[name]} with --input {name}=PATH"
        )
    return inputs[name]


def check_inputs(
    inputs: Mapping[str, Path], wanted: Iterable[tuple[str, PathKind]], meanings: Mapping[str, str]
) -> None:
    """Raises InputError for a wanted input that is missing, or of the wrong kind."""
    for name, kind in wanted:
        path = input_path(inputs, name, meanings)
        if path.is_file() if kind == "file" else path.is_dir():
            continue
        found = "does not exist" if not path.exists() else f"is not a {kind}"
        raise InputError(f"{path} {found}; give {meanings[name]} with --input {name}=PATH")
