"""What people see, kept as files: help texts, and the dataset that the demo makes.

``make golden`` writes them anew after a change that was meant; the difference is then reviewed.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.zygote import shared_zygote

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
    "compare",
    "doctor",
    "bench",
)


def compare(path: Path, found: str) -> None:
    """Compares with a golden file, or writes it."""
    if WRITE:
        path.write_text(found, encoding="utf-8")
    assert path.is_file(), f"{path.name} is not there; `make golden` writes it"
    assert found == path.read_text(encoding="utf-8"), f"{path.name}: was this change meant?"


@pytest.mark.parametrize("command", COMMANDS)
def test_help(command: str, tmp_path: Path) -> None:
    environment = {**os.environ, "COLUMNS": "90", "TERM": "dumb"}
    done = shared_zygote().complete([*command.split(), "--help"], tmp_path, environment)
    assert done.returncode == 0, done.stderr
    compare(HERE / f"help_{command or 'annoengine'}.txt", done.stdout)


def test_the_demo_makes_this_dataset(tmp_path: Path) -> None:
    zygote = shared_zygote()
    zygote.load_language()
    command = ["run", "pix2cap", "-q", "--set", "run.workers=0"]
    done = zygote.complete(command, tmp_path, os.environ)
    assert done.returncode == 0, done.stderr
    export = tmp_path / "runs/pix2cap/export/pix2cap"
    for name in ("pix2cap_coco_all.json", "interactions_all.jsonl", "gaps_all.jsonl"):
        text = (export / name).read_text(encoding="utf-8")
        if name.startswith("interactions"):
            # The key of a call follows the drawn picture's bytes, which follow the JPEG library.
            text = "\n".join(line.split(',"origin"')[0] for line in text.splitlines()) + "\n"
        compare(HERE / name, text)
