"""Names a model's folder by what is in it, so that its place on the disk does not matter.

Answers depend on weights, configuration, tokenizer and templates. Small files are hashed in whole.
Of a large one, which is weights, its size and sixteen stretches evenly spread over it are: two
models that were trained differently differ in nearly every number, and 15 GB are named in
milliseconds, each time that a run is planned.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

_WHOLE_BYTES = 32 << 20
_STRETCHES = 16
_STRETCH_BYTES = 1 << 18

_OF_A_MODEL = frozenset(
    {".bin", ".gguf", ".jinja", ".json", ".model", ".pt", ".pth", ".py", ".safetensors", ".txt"}
)
"""Endings of files that a model is loaded from; what else lies there (README, pictures) is not."""


def folder_fingerprint(folder: Path) -> str:
    """The SHA-256 over the files of a model's folder, hidden ones left out, by name and content.

    Raises OSError for files that cannot be read.
    """
    found = hashlib.sha256()
    names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))
    for name in names:
        path = folder / name
        hidden = any(part.startswith(".") for part in Path(name).parts)
        if hidden or path.suffix not in _OF_A_MODEL or not path.is_file():
            continue
        found.update(f"{name}\n{file_fingerprint(path)}\n".encode())
    return found.hexdigest()


def file_fingerprint(path: Path) -> str:
    """The SHA-256 of a file; of a large one, over its size and stretches of it."""
    found = hashlib.sha256()
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        if size <= _WHOLE_BYTES:
            while piece := file.read(1 << 20):
                found.update(piece)
            return found.hexdigest()
        found.update(f"{size}\n".encode())
        for number in range(_STRETCHES):
            file.seek((size - _STRETCH_BYTES) * number // (_STRETCHES - 1))
            found.update(file.read(_STRETCH_BYTES))
    return found.hexdigest()
