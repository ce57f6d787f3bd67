"""What people see, kept as files: help texts, and the dataset that the demo makes.

``make golden`` writes them anew after a change that was meant; the difference is then reviewed.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
WRITE = os.environ.get("ANNOENGINE_GOLDEN") == "write"
COMMANDS = (
    "",
    "run",
    "plan",
    "status",
    "calls",
    "retry",
    "export",
    "render-som",
    "validate",
    "show",
    "sweep",
    "stats",
    "score",
    "doctor",
)


def compare(path: Path, found: str) -> None:
    """Compares with a golden file, or writes it."""
    if WRITE:
        path.write_text(found, encoding="utf-8")
    assert path.is_file(), f"{path.name} is not there; `make golden` writes it"
    assert found == path.read_text(encoding="utf-8"), f"{path.name}: was this change meant?"


@pytest.mark.parametrize("command", COMMANDS)
def test_help(command: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "annoengine", *command.split(), "--help"],
        cwd=tmp_path,
        env={**os.environ, "COLUMNS": "90", "TERM": "dumb"},
        check=True,
        capture_output=True,
        text=True,
    )
    compare(HERE / f"help_{command or 'annoengine'}.txt", done.stdout)


def test_the_demo_makes_this_dataset(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "annoengine", "run", "pix2cap", "-q"],
        cwd=tmp_path,
        check=True,
        capture_output=True,
    )
    export = tmp_path / "runs/pix2cap/export/pix2cap"
    for name in ("pix2cap_coco_all.json", "interactions_all.jsonl", "gaps_all.jsonl"):
        text = (export / name).read_text(encoding="utf-8")
        if name.startswith("interactions"):
            # The key of a call follows the drawn picture's bytes, which follow the JPEG library.
            text = "\n".join(line.split(',"origin"')[0] for line in text.splitlines()) + "\n"
        compare(HERE / name, text)
