"""Nothing that a dataset contains makes a validator raise, and what it says can be read."""

from __future__ import annotations

import json
import random
import string
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from annoengine.validator import Finding, printable
from annoengine.validators.instances import Instances
from annoengine.validators.panoptic import Panoptic
from tests.tiny_coco import TinyCoco
from tests.validators.broken import boxes, check, described, fix, infos, names, polygon, rle

ODD: list[Any] = [
    None,
    True,
    -1,
    0,
    1,
    1.5,
    1e300,
    (1 << 63) - 1,
    -(1 << 62),
    "",
    "x",
    "../../etc/passwd",
    "a\0b",
    "\x1b[31mred",
    "狗" * 50,
    [],
    [[[]]],
    [1, 2, 3, 4],
    [None] * 4,
    {},
    {"a": {"b": []}},
]


def mutate(value: Any, rng: random.Random) -> Any:
    """The value with one part of it, chosen at random, made odd, removed or doubled."""
    if isinstance(value, dict) and value and rng.random() < 0.9:
        key = rng.choice(sorted(value))
        if rng.random() < 0.1:
            return {k: v for k, v in value.items() if k != key}
        return {**value, key: mutate(value[key], rng)}
    if isinstance(value, list) and value and rng.random() < 0.9:
        at = rng.randrange(len(value))
        if rng.random() < 0.1:
            return value[:at] + value[at + 1 :]
        if rng.random() < 0.1:
            return [*value, value[at]]
        return [*value[:at], mutate(value[at], rng), *value[at + 1 :]]
    return rng.choice(ODD)


def readable(finding: Finding) -> None:
    """A finding that can be shown in a terminal and written as JSON."""
    assert finding.line().isprintable()
    assert finding.message
    assert len(finding.line()) < 1000
    json.dumps(finding.row(), allow_nan=False).encode()


@pytest.mark.parametrize("seed", range(250))
def test_mutated_panoptic_files(seed: int, tmp_path: Path) -> None:
    rng = random.Random(seed)
    tiny = described(tmp_path, 2)
    for _ in range(rng.randint(1, 4)):
        tiny.data = mutate(tiny.data, rng)
    tiny.json.write_text(json.dumps(tiny.data))
    found = check(tiny.json, images=tiny.images)
    for finding in found:
        readable(finding)
    if not names(found) & {"file-malformed", "array-missing"}:
        target = tmp_path / "mended.json"
        _, mended = fix(tiny.json, target)
        fixable = {finding.code for finding in mended if finding.fixable}
        left = {f.code for f in check(target, masks=tiny.masks) if f.fixable}
        assert not fixable & left


@pytest.mark.parametrize("seed", range(250))
def test_mutated_instances_files(seed: int, tmp_path: Path) -> None:
    rng = random.Random(seed)
    path = boxes(tmp_path / "a.json", [polygon(), rle()])
    data = json.loads(path.read_text())
    for _ in range(rng.randint(1, 4)):
        data = mutate(data, rng)
    path.write_text(json.dumps(data))
    found = check(path, Instances)
    for finding in found:
        readable(finding)
    if not names(found) & {"file-malformed", "array-missing"}:
        target = tmp_path / "mended.json"
        _, mended = fix(path, target, Instances)
        assert not [f for f in check(target, Instances) if f.fixable], mended


@pytest.mark.parametrize("seed", range(60))
def test_files_with_other_bytes(seed: int, tmp_path: Path) -> None:
    """Cut off, or with some bytes changed: findings, or none where the bytes do not matter."""
    rng = random.Random(seed)
    tiny = described(tmp_path, 2)
    data = bytearray(tiny.json.read_bytes())
    if seed % 2:
        del data[rng.randrange(len(data)) :]
    for _ in range(seed % 4):
        if data:
            data[rng.randrange(len(data))] = rng.choice(string.printable).encode()[0]
    tiny.json.write_bytes(bytes(data))
    for finding in check(tiny.json, images=tiny.images):
        readable(finding)


@pytest.mark.parametrize("seed", range(60))
def test_pngs_with_other_bytes(seed: int, tmp_path: Path) -> None:
    rng = random.Random(seed)
    tiny = described(tmp_path)
    for path in (tiny.masks / "0001.png", tiny.images / "0001.jpg"):
        data = bytearray(path.read_bytes())
        if seed % 3 == 0:
            del data[rng.randrange(len(data)) :]
        else:
            for _ in range(seed % 5):
                data[rng.randrange(len(data))] = rng.randrange(256)
        path.write_bytes(bytes(data))
    found = check(tiny.json, images=tiny.images)
    for finding in found:
        readable(finding)
    if seed % 3 == 0:
        assert {"mask-unreadable"} <= names(found)


def claim(path: Path, side: int) -> None:
    """A small PNG whose header says that it is large."""
    Image.fromarray(np.zeros((4, 4, 3), dtype=np.uint8)).save(path, format="PNG")
    data = bytearray(path.read_bytes())
    data[16:24] = side.to_bytes(4, "big") * 2
    data[29:33] = zlib.crc32(bytes(data[12:29])).to_bytes(4, "big")
    path.write_bytes(bytes(data))


@pytest.mark.parametrize("side", [60_000, 15_000])
def test_bombs_are_not_decoded(side: int, tmp_path: Path) -> None:
    """Pillow refuses the larger and only warns of the smaller."""
    tiny = TinyCoco(tmp_path)
    claim(tiny.masks / "0001.png", side)
    claim(tiny.images / "0001.jpg", side)
    found = check(tiny.json, images=tiny.images)
    assert [f.code for f in found] == ["mask-unreadable", "photo-unreadable"]
    assert all("it has more than 178956970 pixels" in f.message for f in found)


def test_a_path_that_leads_out_is_never_opened(tmp_path: Path) -> None:
    outside = tmp_path / "secret.png"
    outside.write_bytes(b"secret")
    tiny = TinyCoco(tmp_path / "set")
    for name in ("../../../secret.png", str(outside), "..\\secret.png", "C:/secret.png"):
        tiny.data["annotations"][0]["file_name"] = name
        tiny.data["images"][0]["file_name"] = name
        tiny.write()
        found = check(tiny.json, images=tiny.images)
        assert [f.code for f in found][:2] == ["unsafe-path", "unsafe-path"]
        assert "secret" not in "".join(f.message for f in found if "cannot be read" in f.message)


@pytest.mark.parametrize("name", ["\x1b[2Jboo.jpg", "a\nb.jpg", "a\u202eb.jpg", "\u0000.jpg"])
def test_control_characters_do_not_reach_the_terminal(name: str, tmp_path: Path) -> None:
    tiny = TinyCoco(tmp_path)
    tiny.data["images"][0]["file_name"] = name
    infos(tiny)[0]["area"] = 1
    tiny.write()
    found = check(tiny.json)
    assert "area-differs" in names(found)
    for finding in found:
        readable(finding)
    assert printable(name) == repr(name)


def test_deep_nesting_is_refused(tmp_path: Path) -> None:
    tiny = TinyCoco(tmp_path)
    for member in ("info", "images"):
        deep = "[" * 100_000 + "]" * 100_000
        text = json.dumps({**tiny.data, member: "here"}).replace('"here"', deep)
        tiny.json.write_text(text)
        (finding,) = check(tiny.json)
        assert finding.code == "file-malformed"
        assert "levels deep" in finding.message
        assert not Panoptic.recognises(tiny.json)


def test_an_rle_of_many_runs_is_not_painted(tmp_path: Path) -> None:
    """Its size says four billion pixels; only its runs are looked at."""
    side = 1 << 16
    row = rle(segmentation={"size": [side, side], "counts": [0, side * side]})
    row.update(area=side * side, bbox=[0, 0, side, side])
    images = [{"id": 1, "file_name": "1.jpg", "width": side, "height": side}]
    assert check(boxes(tmp_path / "a.json", [row], images=images), Instances) == []
