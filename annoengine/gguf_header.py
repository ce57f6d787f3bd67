"""Reads the head of a GGUF file: what the model is made of, without its weights and without the
package gguf.

Source: the format as ggml documents it (docs/gguf.md, versions 2 and 3): magic, version, counts of
tensors and entries, the entries (key, type, value), then each tensor's name, sides, type, offset.
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from annoengine.errors import InputError

_SCALARS = {
    0: "B",
    1: "b",
    2: "H",
    3: "h",
    4: "I",
    5: "i",
    6: "f",
    7: "?",
    10: "Q",
    11: "q",
    12: "d",
}
_STRING, _ARRAY = 8, 9

_MOST = 1 << 27
"""No count and no length of a head is larger; a file that says so is no GGUF file."""


@dataclass(frozen=True)
class GgufHeader:
    """``entries`` without those that are lists; ``sides`` of each tensor, innermost first."""

    entries: dict[str, Any]
    sides: dict[str, tuple[int, ...]]

    @property
    def kind(self) -> str:
        """The architecture: ``llama``, ``qwen2`` …"""
        return str(self.entries.get("general.architecture", ""))

    @property
    def parameters(self) -> int:
        """Numbers in all tensors; the factors of rotary positions are no weights."""
        return sum(
            math.prod(sides) for name, sides in self.sides.items() if not name.startswith("rope_")
        )

    def number(self, key: str, otherwise: int | None = None) -> int:
        """An entry of the architecture, ``block_count``. Raises KeyError for one that is not
        there, unless there is a value to take then."""
        value = self.entries.get(f"{self.kind}.{key}", otherwise)
        if not isinstance(value, int):
            raise KeyError(f"{self.kind}.{key}")
        return value


def read_gguf_header(path: Path) -> GgufHeader:
    """The head of a file. Raises InputError for one that cannot be read or is none."""
    try:
        with path.open("rb") as file:
            return _read(file)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from None
    except (ValueError, KeyError, struct.error) as error:
        raise InputError(f"{path} is no GGUF file: {error}") from None


def _read(file: BinaryIO) -> GgufHeader:
    if file.read(4) != b"GGUF":
        raise ValueError("it does not begin with GGUF")
    version = _scalar(file, "I")
    if version not in (2, 3):
        raise ValueError(f"its version is {version}, and 2 and 3 are known")
    tensors, entries = _count(file), _count(file)
    found: dict[str, Any] = {}
    for _ in range(entries):
        key = _string(file)
        value = _value(file, _scalar(file, "I"))
        if value is not None:
            found[key] = value
    sides = {}
    for _ in range(tensors):
        name = _string(file)
        sides[name] = tuple(_scalar(file, "Q") for _ in range(_scalar(file, "I")))
        file.seek(12, 1)  # its type and its offset
    return GgufHeader(found, sides)


def _value(file: BinaryIO, kind: int) -> Any:
    """A value; None for a list, which is passed over."""
    if kind == _STRING:
        return _string(file)
    if kind != _ARRAY:
        return _scalar(file, _SCALARS[kind])
    inner, length = _scalar(file, "I"), _count(file)
    if inner in _SCALARS:
        file.seek(length * struct.calcsize(_SCALARS[inner]), 1)
        return None
    for _ in range(length):
        if inner == _STRING:
            file.seek(_count(file), 1)
        else:
            _value(file, inner)
    return None


def _scalar(file: BinaryIO, kind: str) -> Any:
    size = struct.calcsize(f"<{kind}")
    return struct.unpack(f"<{kind}", file.read(size))[0]


def _count(file: BinaryIO) -> int:
    number = int(_scalar(file, "Q"))
    if number > _MOST:
        raise ValueError(f"it counts {number:,} of something")
    return number


def _string(file: BinaryIO) -> str:
    return file.read(_count(file)).decode("utf-8", "replace")
