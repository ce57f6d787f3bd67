"""Names for content: the same value gives the same short name, on every machine and run."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson


def canonical_json(value: Any) -> bytes:
    """JSON bytes with sorted keys and no spaces, so that equal values give equal bytes.

    >>> canonical_json({"b": 1, "a": (2, None)})
    b'{"a":[2,null],"b":1}'
    """
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS | orjson.OPT_SERIALIZE_NUMPY)


def sha256_hex(data: bytes) -> str:
    """The SHA-256 of bytes, 64 hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()


def fingerprint(value: Any) -> str:
    """The SHA-256 of a JSON-like value in its canonical form.

    >>> fingerprint({"a": 1, "b": 2}) == fingerprint({"b": 2, "a": 1})
    True
    """
    return sha256_hex(canonical_json(value))


def sha256_of_file(path: Path, chunk_bytes: int = 1 << 20) -> str:
    """The SHA-256 of a file's bytes, read in chunks."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(chunk_bytes):
            digest.update(chunk)
    return digest.hexdigest()


def seeded_random(seed: int, *names: str) -> random.Random:
    """A generator that depends on the run's seed and the given names alone.

    Never on the clock, the order of work, or Python's hash seed.

    >>> seeded_random(7, "coco/val/1", "prompt").randrange(100)
    44
    """
    digest = hashlib.sha256(canonical_json([seed, *names])).digest()
    return random.Random(int.from_bytes(digest[:8], "big"))


def changed_keys(old: Mapping[str, Any], new: Mapping[str, Any], prefix: str = "") -> list[str]:
    """Dotted names of the entries in which two JSON-like mappings differ.

    >>> changed_keys({"a": {"x": 1, "y": 2}}, {"a": {"x": 1, "y": 3}, "b": 0})
    ['a.y', 'b']
    """
    names: list[str] = []
    for key in sorted(old.keys() | new.keys()):
        before, after = old.get(key), new.get(key)
        if before == after:
            continue
        if isinstance(before, Mapping) and isinstance(after, Mapping):
            names += changed_keys(before, after, f"{prefix}{key}.")
        else:
            names.append(f"{prefix}{key}")
    return names
