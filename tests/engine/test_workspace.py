"""The run's folder: locks, shards, publishing, and the sentences for what the disk refuses."""

from __future__ import annotations

import errno
import io
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import pytest

from annoengine.errors import InputError, WorkspaceError
from annoengine.record import Photo, Record
from annoengine.shard import (
    ShardWriter,
    TarImages,
    read_lines,
    read_marker,
    read_records,
    read_set_aside,
)
from annoengine.storage import LocalFolder, read_bytes, write_bytes
from annoengine.workspace import Shards, Workspace

HOLD = """
import sys, time
from pathlib import Path
from annoengine.workspace import Workspace
with Workspace(Path(sys.argv[1])).locked([int(n) for n in sys.argv[2].split(",")]):
    print("held", flush=True)
    sys.stdin.read()
"""


def hold(root: Path, shards: str) -> subprocess.Popen[str]:
    """Another process that holds shards until its standard input is closed."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(root), shards],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def end(process: subprocess.Popen[str]) -> None:
    process.communicate(timeout=30)


def test_overlapping_shards_are_refused_and_others_are_not(tmp_path: Path) -> None:
    other = hold(tmp_path, "0,1,2")
    try:
        workspace = Workspace(tmp_path)
        with workspace.locked([3, 4]):
            pass
        with (
            pytest.raises(WorkspaceError, match=rf"shard 2 \(process {other.pid}\)"),
            workspace.locked([2, 3]),
        ):
            pass
        # The shard that was got before the refusal is free again.
        end(hold(tmp_path, "3"))
    finally:
        end(other)
    with workspace.locked([0, 1, 2]):
        pass


def test_a_killed_holder_holds_nothing(tmp_path: Path) -> None:
    other = hold(tmp_path, "0")
    other.kill()
    end(other)
    with Workspace(tmp_path).locked([0]):
        pass


def test_one_process_cannot_take_a_shard_twice(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    with workspace.locked([0]):
        with (
            pytest.raises(WorkspaceError, match="this process already works"),
            workspace.locked([0]),
        ):
            pass
        with workspace.locked([1]):
            pass
        # Letting go of one shard must not let go of the other (POSIX locks are the process's).
        refused = subprocess.run(
            [sys.executable, "-c", HOLD, str(tmp_path), "0"], capture_output=True, check=False
        )
        assert b"another run works on shard 0" in refused.stderr


@pytest.mark.parametrize("text", ["x", "3-1", "0/4", "5/4", "-1", "1-", "1,2"])
def test_wrong_shards_are_a_sentence(text: str) -> None:
    with pytest.raises(WorkspaceError, match="neither a shard"):
        Shards.parse(text)


@pytest.mark.parametrize("text", [None, "all", "3", "2-5", "1/3", "3/3"])
def test_a_choice_of_shards_says_the_same_both_ways(text: str | None) -> None:
    shards = Shards.parse(text)
    assert shards.of(9) == [k for k in range(9) if shards.contains(k)]


def test_parts_cover_everything_once() -> None:
    parts = [k for i in range(1, 5) for k in Shards.parse(f"{i}/4").of(11)]
    assert sorted(parts) == list(range(11))


def record(number: int) -> Record:
    return Record(
        id=f"toy/val/{number}", photo=Photo(file="a.jpg", width=1, height=1, sha256="0" * 64)
    )


def test_a_shard_is_seen_whole_or_not_at_all(tmp_path: Path) -> None:
    storage = LocalFolder(tmp_path)
    with ShardWriter(storage, "01-x", "00000") as writer:
        writer.write(record(1).to_line())
        writer.write_image("a.png", b"12345")
        writer.set_aside("failed", b'{"id":"toy/val/2","reason":"image"}', "image")
        assert storage.names("01-x") == []
    assert storage.names("01-x") == []
    assert list((tmp_path / "01-x").iterdir()) == []
    with ShardWriter(storage, "01-x", "00000") as writer:
        writer.write(record(1).to_line())
        writer.write_image("a.png", b"12345")
        writer.set_aside("failed", b'{"id":"toy/val/2","reason":"image"}', "image")
        writer.commit("f", {"a": 1}, "in")
    marker = read_marker(storage, "01-x", "00000")
    assert marker is not None
    assert (marker.counts.taken, marker.counts.given, marker.counts.failed) == (2, 1, {"image": 1})
    assert [r.id for r in read_records(storage, "01-x/00000.jsonl")] == ["toy/val/1"]
    assert [s.reason for s in read_set_aside(storage, "01-x", "00000", "failed")] == ["image"]
    tar = TarImages.open(storage, "01-x/00000.images.tar")
    assert tar is not None
    assert (tar.read("a.png"), tar.read("b.png")) == (b"12345", None)
    tar.close()
    # Done again without failures and pictures: what is not written any more does not stay.
    with ShardWriter(storage, "01-x", "00000") as writer:
        writer.write(record(1).to_line())
        writer.commit("g", {}, "in")
    assert storage.names("01-x") == ["00000.done.json", "00000.jsonl"]


def test_a_commit_that_breaks_off_leaves_no_marker_of_the_old_content(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = LocalFolder(tmp_path)
    real = Path.replace
    for number in (1, 2):
        with ShardWriter(storage, "01-x", "00000") as writer:
            writer.write(record(number).to_line())
            if number == 2:

                def breaks(self: Path, target: Any) -> Path:
                    if str(target).endswith(".done.json"):
                        raise OSError(errno.EIO, "Input/output error")
                    return real(self, target)

                monkeypatch.setattr(Path, "replace", breaks)
                with pytest.raises(WorkspaceError):
                    writer.commit("f", {}, "in")
            else:
                writer.commit("f", {}, "in")
    assert [r.id for r in read_records(storage, "01-x/00000.jsonl")] == ["toy/val/2"]
    assert read_marker(storage, "01-x", "00000") is None


def test_the_same_shard_has_the_same_bytes(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        with ShardWriter(LocalFolder(tmp_path / folder), "01-x", "00000") as writer:
            writer.write(record(1).to_line())
            writer.write_image("a.png", b"12345" * 1000)
            writer.commit("f", {}, "in")
    for name in ("00000.jsonl", "00000.images.tar", "00000.done.json"):
        assert (tmp_path / "a/01-x" / name).read_bytes() == (
            tmp_path / "b/01-x" / name
        ).read_bytes()


def test_an_error_while_writing_leaves_no_trace(tmp_path: Path) -> None:
    storage = LocalFolder(tmp_path)
    write_bytes(storage, "x.json", b"before")

    def stop_half_way() -> None:
        with storage.publish("x.json") as file:
            file.write(b"half")
            raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        stop_half_way()
    assert read_bytes(storage, "x.json") == b"before"
    assert [p.name for p in tmp_path.iterdir()] == ["x.json"]


@pytest.mark.parametrize(
    ("number", "sentence"),
    [
        (errno.ENOSPC, "the disk is full; free some room and run the same command again"),
        (errno.EROFS, "it is not writable; choose another --workspace"),
        (errno.EDQUOT, "the disk quota is used up"),
        (errno.EIO, "Input/output error"),
    ],
)
def test_what_the_disk_refuses_is_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, sentence: str
) -> None:
    def refuse(self: Path, target: Any) -> Path:
        raise OSError(number, "Input/output error")

    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(WorkspaceError, match=sentence):
        write_bytes(LocalFolder(tmp_path), "x.json", b"data")
    assert list(tmp_path.iterdir()) == []


def test_a_broken_line_is_named(tmp_path: Path) -> None:
    storage = LocalFolder(tmp_path)
    write_bytes(storage, "01-x/00000.jsonl", record(1).to_line() + b'\n{"id": 3}\n')
    with pytest.raises(InputError, match=r"01-x/00000\.jsonl:2: this line is no record: id:"):
        list(read_records(storage, "01-x/00000.jsonl"))
    assert list(read_lines(storage, "nothing.jsonl")) == []


def test_a_folder_that_is_no_run_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(WorkspaceError, match="is no run"):
        Workspace.of_run(tmp_path)
    with pytest.raises(WorkspaceError, match="does not exist"):
        Workspace.of_run(tmp_path / "nothing")


def test_a_newer_format_is_refused(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    workspace.save("name: x", {}, {"format": 99, "recipe": "x"})
    with pytest.raises(WorkspaceError, match="Update annoengine"):
        Workspace.of_run(tmp_path)


def test_what_a_killed_process_left_is_swept(tmp_path: Path) -> None:
    code = (
        "import os, signal, sys; from pathlib import Path\n"
        "from annoengine.storage import LocalFolder\n"
        "with LocalFolder(Path(sys.argv[1])).publish('a/x.json') as file:\n"
        "    file.write(b'half'); file.flush(); os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False)
    assert len(list((tmp_path / "a").iterdir())) == 1
    write_bytes(LocalFolder(tmp_path), "a/y.json", b"data")
    assert [p.name for p in (tmp_path / "a").iterdir()] == ["y.json"]


def test_pictures_are_found_in_a_tar_as_tarfile_finds_them(tmp_path: Path) -> None:
    storage = LocalFolder(tmp_path)
    pictures = {
        f"{'long/' * n}{n}.jpg": bytes([n]) * size for n, size in enumerate((1, 512, 0, 9000))
    }
    with ShardWriter(storage, "01-x", "00000") as writer:
        for name, data in pictures.items():
            writer.write_image(name, data)
        writer.write_image("d" * 60 + "/" + "e" * 80, b"a long name")
        writer.commit("f", {}, "in")
    names = check_as_tarfile(storage, "01-x/00000.images.tar")
    assert len(names) == 5


@pytest.mark.parametrize("format", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_pictures_are_found_in_a_tar_that_another_program_wrote(
    format: int, tmp_path: Path
) -> None:
    with tarfile.open(tmp_path / "x.tar", "w", format=format) as tar:
        for name in ("a.jpg", "folder", "ü" * 120, "b.jpg"):
            member = tarfile.TarInfo(name)
            member.size = 0 if name == "folder" else 700
            member.type = tarfile.DIRTYPE if name == "folder" else tarfile.REGTYPE
            tar.addfile(member, io.BytesIO(name[:1].encode() * 700))
    names = check_as_tarfile(LocalFolder(tmp_path), "x.tar")
    assert names == ["a.jpg", "ü" * 120, "b.jpg"]


def check_as_tarfile(storage: LocalFolder, key: str) -> list[str]:
    """That every file of a tar is found where tarfile finds it; gives their names."""
    names: list[str] = []
    tar = TarImages.open(storage, key)
    assert tar is not None
    with tarfile.open(storage.root / key) as known:
        for member in known:
            file = known.extractfile(member)
            if file is not None:
                names.append(member.name)
                assert tar.read(member.name) == file.read()
        assert list(tar.places) == known.getnames()
    tar.close()
    return names
