"""Finds the folder of a run by what a person calls it: its path, its name, or its recipe."""

from __future__ import annotations

from pathlib import Path

import yaml

from annoengine.errors import WorkspaceError
from annoengine.registry import did_you_mean

RUNS = Path("runs")
"""Where runs lie unless they are given a place."""


def is_run(folder: Path) -> bool:
    """Does the folder hold a run, or at least its journals (a published run may be no more)?"""
    return (folder / "recipe.yaml").is_file() or (folder / "journals").is_dir()


def find_run(name: str | Path) -> Path:
    """The folder of a run: a path, a name below ``runs/``, or a recipe's file.

    Raises WorkspaceError: "there is no run 'runs/pix2cp'. Did you mean 'runs/pix2cap'?"
    """
    path = Path(name)
    for folder in (path, RUNS / path):
        if is_run(folder):
            return folder
    if path.is_file():
        own_name = _recipe_name(path)
        if own_name is not None and is_run(RUNS / own_name):
            return RUNS / own_name
        raise WorkspaceError(
            f"{path} is a file, and {RUNS / (own_name or path.stem)} is no run; give the run's "
            "folder"
        )
    if path.is_dir():
        raise WorkspaceError(
            f"{path} is no run: a run's folder has a recipe.yaml (made by `annoengine run`) and "
            "journals"
        )
    raise WorkspaceError(f"there is no run {str(name)!r}.{did_you_mean(str(name), _near(path))}")


def _near(path: Path) -> set[str]:
    """Runs that may have been meant: those beside the path, and those below ``runs/``."""
    near = set()
    for parent in {path.parent, RUNS}:
        if parent.is_dir():
            near |= {str(folder) for folder in parent.iterdir() if is_run(folder)}
    if len(path.parts) == 1:
        near |= {Path(name).name for name in near if Path(name).parent == RUNS}
    return near


def _recipe_name(path: Path) -> str | None:
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        return None
    name = data.get("name") if isinstance(data, dict) else None
    return name if isinstance(name, str) else None
