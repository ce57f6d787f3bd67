"""What any place for shards must do, shown by one that is no folder at all."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

import pytest

from annoengine.record import Photo, Record
from annoengine.shard import ShardWriter, TarImages, read_marker, read_records
from annoengine.storage import LocalFolder, Storage, read_bytes, write_bytes


class InMemory:
    """Objects in a dictionary, as an object store has them: whole, or not there."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}

    def exists(self, key: str) -> bool:
        return key in self.objects

    def open(self, key: str) -> BinaryIO:
        if key not in self.objects:
            raise FileNotFoundError(key)
        return io.BytesIO(self.objects[key])

    @contextlib.contextmanager
    def publish(self, key: str) -> Iterator[BinaryIO]:
        buffer = io.BytesIO()
        yield buffer
        self.objects[key] = buffer.getvalue()

    def delete(self, key: str) -> None:
        self.objects.pop(key, None)

    def names(self, folder: str) -> list[str]:
        inside = [key[len(folder) + 1 :] for key in self.objects if key.startswith(f"{folder}/")]
        return sorted({name.split("/")[0] for name in inside})

    def local(self, key: str) -> Path:
        raise AssertionError("shards need no path")


@pytest.fixture(params=["folder", "memory"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Storage:
    makers: dict[str, Callable[[], Storage]] = {
        "folder": lambda: LocalFolder(tmp_path),
        "memory": InMemory,
    }
    return makers[request.param]()


def test_publish_open_delete(storage: Storage) -> None:
    assert not storage.exists("a/b.json")
    with pytest.raises(FileNotFoundError):
        storage.open("a/b.json")
    write_bytes(storage, "a/b.json", b"one")
    write_bytes(storage, "a/b.json", b"two")
    assert storage.exists("a/b.json")
    assert read_bytes(storage, "a/b.json") == b"two"
    assert storage.names("a") == ["b.json"]
    assert storage.names("nothing") == []
    storage.delete("a/b.json")
    storage.delete("a/b.json")
    assert not storage.exists("a/b.json")


def test_a_shard_lives_in_any_storage(storage: Storage) -> None:
    record = Record(id="t/val/1", photo=Photo(file="a", width=1, height=1, sha256="0" * 64))
    with ShardWriter(storage, "01-mark", "00000") as writer:
        writer.write(record.to_line())
        writer.write_image("x.jpg", b"data")
        writer.commit("f", {}, "in")
    assert list(read_records(storage, "01-mark/00000.jsonl")) == [record]
    marker = read_marker(storage, "01-mark", "00000")
    assert marker is not None
    assert marker.counts.given == 1
    tar = TarImages.open(storage, "01-mark/00000.images.tar")
    assert tar is not None
    assert tar.read("x.jpg") == b"data"
    tar.close()
