"""Writes a webdataset in shards: tars of bounded size, numbered from 0."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path

from annoengine.errors import InputError
from annoengine.writing.webdataset import WebdatasetTar

_BLOCK_BYTES = 512


class TarShards(AbstractContextManager["TarShards"]):
    """``<stem>-000000.tar``, ``<stem>-000001.tar`` … below a folder.

    A shard ends before it would have more than ``most_samples`` or ``most_bytes`` (without the
    blocks that end a tar, and the second headers of long names); a sample that is larger than
    that has a shard of its own.
    """

    def __init__(self, folder: Path, stem: str, most_samples: int, most_bytes: int) -> None:
        self._folder = folder
        self._stem = stem
        self._most_samples = most_samples
        self._most_bytes = most_bytes
        self._tar: WebdatasetTar | None = None
        self._bytes = 0
        self._keys: set[str] = set()
        self.count = 0
        """How many shards there are so far."""

    def add(self, key: str, fields: Mapping[str, bytes]) -> str:
        """One sample; gives the name of its shard.

        Raises InputError for a key that was there before: of two samples with one key a reader
        makes one, or none.
        """
        if key in self._keys:
            raise InputError(
                f"two photographs would be the sample {key!r} of {self._stem}; rename one of them"
            )
        self._keys.add(key)
        size = sum(_member_bytes(data) for data in fields.values())
        tar = self._tar
        if tar is not None and (
            tar.count == self._most_samples or self._bytes + size > self._most_bytes
        ):
            tar.__exit__()
            tar = None
        if tar is None:
            tar = WebdatasetTar(self._folder / f"{self._stem}-{self.count:06}.tar")
            self.count += 1
            self._bytes = 0
        self._tar = tar
        tar.add(key, fields)
        self._bytes += size
        return f"{self._stem}-{self.count - 1:06}.tar"

    def __exit__(self, *error: object) -> None:
        if self._tar is not None:
            self._tar.__exit__()


def _member_bytes(data: bytes) -> int:
    """Its header, and its data in whole blocks."""
    return _BLOCK_BYTES * (1 + -(-len(data) // _BLOCK_BYTES))
