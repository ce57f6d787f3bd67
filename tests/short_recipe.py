"""The packaged recipe up to its captions, for tests that are about something else.

Its later stages load a language model, and each worker of the pool imports what a stage needs:
both take longer than such a test. A test that is about the pool sets ``run.workers`` itself.
"""

from __future__ import annotations

import atexit
import functools
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

import yaml

PACKAGED = Path(__file__).parents[1] / "recipes" / "pix2cap.yaml"


@functools.cache
def short_recipe() -> Path:
    """A file with the recipe's first two stages, without a pool; gone when this process ends."""
    data = yaml.safe_load(PACKAGED.read_text(encoding="utf-8"))
    data["stages"] = [stage for stage in data["stages"] if stage.keys() & {"mark", "annotate"}]
    inputs = data["inputs"].items()
    data["inputs"] = {name: str((PACKAGED.parent / path).resolve()) for name, path in inputs}
    data["run"]["workers"] = 0
    folder = Path(tempfile.mkdtemp(prefix="short-recipe-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    path = folder / PACKAGED.name
    path.write_text(yaml.safe_dump(data, sort_keys=False), encoding="utf-8")
    return path


def shortened(command: Sequence[str]) -> list[str]:
    """A command line with the short recipe where it runs or plans the packaged one."""
    before = ["", *command]
    return [
        str(short_recipe()) if word == "pix2cap" and last in ("run", "plan") else word
        for last, word in zip(before, command, strict=False)
    ]
