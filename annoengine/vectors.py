"""Vectors of texts and pictures, kept by content key beside the journal of a shard.

One append-only file per model: a JSON line with the key and the dimensions, then float32 bytes.
A torn last entry is cut when the file is opened.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import orjson

from annoengine.fingerprint import fingerprint, sha256_hex


def vector_key(item: str | bytes, model: str) -> str:
    """The content key of an item's vector."""
    if isinstance(item, bytes):
        return picture_key(sha256_hex(item), model)
    return fingerprint({"model": model, "text": item})


def picture_key(sha256: str, model: str) -> str:
    """The content key of the vector of a picture whose bytes have this hash."""
    return fingerprint({"model": model, "image_sha256": sha256})


class Vectors:
    """The vectors of one shard and model."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._vectors: dict[str, tuple[int, int]] = {}
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("ab+")
        self._load()

    def _load(self) -> None:
        self._file.seek(0)
        end = 0
        while head := self._file.readline():
            try:
                entry = orjson.loads(head)
            except orjson.JSONDecodeError:
                break
            offset, dimensions = self._file.tell(), int(entry["dimensions"])
            if len(self._file.read(4 * dimensions)) < 4 * dimensions:
                break
            self._vectors[entry["key"]] = (offset, dimensions)
            end = self._file.tell()
        self._file.truncate(end)

    def get(self, key: str) -> np.ndarray | None:
        """float32 (dimensions,), or None."""
        place = self._vectors.get(key)
        if place is None:
            return None
        self._file.seek(place[0])
        return np.frombuffer(self._file.read(4 * place[1]), dtype=np.float32)

    def put(self, key: str, vector: np.ndarray) -> None:
        """Keeps a vector."""
        row = np.ascontiguousarray(vector, dtype=np.float32)
        head = orjson.dumps({"key": key, "dimensions": int(row.size)}) + b"\n"
        self._file.seek(0, os.SEEK_END)
        offset = self._file.tell() + len(head)
        self._file.write(head + row.tobytes())
        self._file.flush()
        self._vectors[key] = (offset, int(row.size))

    def close(self) -> None:
        """Closes the file."""
        self._file.close()
