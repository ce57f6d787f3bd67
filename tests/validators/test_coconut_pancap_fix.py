"""Mending grounded captions: what is mended, and that nothing else changes by a byte."""

from __future__ import annotations

import gzip
import importlib
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from annoengine.checks.tag_writing import written_tags
from annoengine.cli import app
from annoengine.errors import InputError
from annoengine.grounded.tags import Tagged, parse_tags
from annoengine.validator import Rules
from annoengine.validators.coconut_pancap import CoconutPancap
from tests.grounded.made_captions import Made, made, shifted
from tests.validators.pancap_files import (
    FROM_ZERO,
    RIGHT,
    Release,
    findings,
    name_of,
    read_tar,
    without_masks,
    write_segments,
    write_tar,
)

# pyarrow has no types, and mypy need not look for them.
arrow: Any = importlib.import_module("pyarrow")
parquet: Any = importlib.import_module("pyarrow.parquet")


def tagged_text(tagged: Tagged) -> str:
    return written_tags(tagged.text, tagged.spans)


def known_images(images: list[Made]) -> dict[int, list[str]]:
    return {
        number: [segment.category for segment in image.known.values()]
        for number, image in enumerate(images, start=1)
    }


def names_first_segment(image: Made) -> bool:
    return any(1 in span.segments for span in image.tagged.spans)


def changes(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def test_of_right_captions_none_is_altered_and_of_planted_ones_all_are(tmp_path: Path) -> None:
    """200 of each, in one tar, in turn.

    The right ones name all segments, some of them, or the first alone. Those planted name every
    segment, as captions do that count from 0 and can be told from a slip.
    """
    right = [made(seed, leave_out=(0.0, 0.5, 0.9)[seed % 3]) for seed in range(186)]
    first_alone = [
        Made(image.known, Tagged(image.tagged.text, image.tagged.spans[:1]))
        for image in (made(seed, shown=True) for seed in range(3000, 3160))
        if image.tagged.spans and image.tagged.spans[0].segments == (1,)
    ]
    right += first_alone[: 200 - len(right)]
    planted = [
        image
        for image in (made(seed, kinds=4, shown=True) for seed in range(5000, 5300))
        if names_first_segment(image) and len({s.category for s in image.known.values()}) > 2
    ][:200]
    assert len(right) == len(planted) == 200
    assert sum({i for s in m.tagged.spans for i in s.segments} == {1} for m in right) >= 14
    images = [image for pair in zip(right, planted, strict=True) for image in pair]
    texts = {
        f"caption_train2017/{name_of(number)}.txt": tagged_text(
            image.tagged if number % 2 else shifted(image.tagged, -1)
        )
        for number, image in enumerate(images, start=1)
    }
    tar = write_tar(tmp_path / "captions.tar", texts)
    segments = write_segments(tmp_path / "s.json", known_images(images))
    dataset = CoconutPancap.dataset(tar, None, None, segments)
    target = tmp_path / "mended" / "captions.tar"
    target.parent.mkdir()
    found = without_masks(CoconutPancap(Rules()).fix(dataset, target))
    mended = read_tar(target)
    assert list(mended) == list(texts)
    for number, (name, before) in enumerate(texts.items(), start=1):
        if number % 2:
            assert mended[name] == before.encode(), name
        else:
            assert parse_tags(mended[name].decode()) == images[number - 1].tagged, name
    assert [f.image_id for f in found if f.fixable] == list(range(2, 401, 2))
    reported = changes(target.with_name("captions.changes.jsonl"))
    assert [row["key"] for row in reported] == [name_of(n) for n in range(2, 401, 2)]
    assert all(row["kinds"] == ["numbering"] for row in reported)
    for row in reported:
        assert row["before"] == texts[row["file"]]
        assert row["after"].encode() == mended[row["file"]]
    assert [f for f in findings(target, panoptic=segments) if f.fixable] == []


def test_a_caption_of_both_styles(tmp_path: Path) -> None:
    """Tags with a colon count from 1 and those without from 0, as some published captions do."""
    both = (
        "<1: The sky> and <2: the grass> are <0>sky> and <1>grass>. There are <2,3>two horses> and "
        "<4>a dog>. <3,4: Two horses> see <5: the dog>."
    )
    release = Release(tmp_path, both, RIGHT)
    found = release.fix(tmp_path / "mended.tar")
    first, second = read_tar(tmp_path / "mended.tar").values()
    assert first.decode() == (
        "<1: The sky> and <2: the grass> are <1: sky> and <2: grass>. There are <3,4: two horses> "
        "and <5: a dog>. <3,4: Two horses> see <5: the dog>."
    )
    assert second == RIGHT.encode()
    assert {f.code for f in found} == {"tag-without-colon", "ids-count-from-0"}
    assert "of its tags without a colon count from 0" in found[-1].message
    assert findings(tmp_path / "mended.tar", panoptic=release.json) == []


def test_what_stays_open_keeps_its_sentence(tmp_path: Path) -> None:
    """The others are mended, with what is wrong in one of them still there for a person."""
    texts = (
        "<3>A horse> runs. <5>A dog> sees <2: it.\n\n<4>A horse> is <1: blue, like the sky>.",
        f"On <77 there is nothing. {FROM_ZERO}",
    )
    release = Release(tmp_path, *texts)
    found = release.fix(tmp_path / "mended.tar")
    one, two = (data.decode() for data in read_tar(tmp_path / "mended.tar").values())
    assert one == (
        "<3: A horse> runs. <5>A dog> sees <2: it.\n\n<4: A horse> is <1: blue, like the sky>."
    )
    assert two == f"On <77 there is nothing. {RIGHT}"
    assert [(f.code, f.segment, f.fixable) for f in found] == [
        ("tag-without-colon", 3, True),
        ("tag-without-colon", 5, False),
        ("tag-unclosed", 2, False),
        ("tag-without-colon", 4, True),
        ("bracket-stray", None, False),
        ("ids-count-from-0", None, True),
    ]
    first, second = changes(tmp_path / "coconut_pancap.changes.jsonl")
    assert first["what"] == [
        "The tag “<3>A horse>” has no colon between its ids and its phrase.",
        "The tag “<4>A horse>” has no colon between its ids and its phrase.",
    ]
    assert second["kinds"] == ["numbering"]
    again = findings(tmp_path / "mended.tar", panoptic=release.json)
    assert [(f.code, f.segment, f.fixable) for f in again] == [
        ("tag-without-colon", 5, False),
        ("tag-unclosed", 2, False),
        ("bracket-stray", None, False),
    ]


def test_what_stays_open_keeps_the_whole_caption(tmp_path: Path) -> None:
    """An unclosed tag among ids that count from 0, and a count that cannot be told."""
    texts = (
        FROM_ZERO.replace("stand", "stand <3: and"),
        "<1>A dog> by <0>the horse>.",
        "<3>A horse> and <9: a dog>.",
    )
    release = Release(tmp_path, *texts)
    found = release.fix(tmp_path / "mended.tar")
    assert [f for f in found if f.fixable] == []
    assert (tmp_path / "mended.tar").read_bytes() == release.tar.read_bytes()
    assert not list(tmp_path.glob("*.changes.jsonl"))


def test_an_id_that_is_wrong_does_not_keep_the_form_from_mending(tmp_path: Path) -> None:
    text = RIGHT.replace("a dog>.", "a dog>. <77: A hill> and <3, 4: two horses> again.")
    release = Release(tmp_path, text)
    found = release.fix(tmp_path / "mended.tar")
    assert [(f.code, f.fixable) for f in found] == [
        ("tag-ids-spaced", True),
        ("id-unknown", False),
    ]
    (mended,) = read_tar(tmp_path / "mended.tar").values()
    assert mended.decode() == text.replace("<3, 4:", "<3,4:")


@pytest.mark.parametrize("format", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_every_other_byte_of_a_tar_stays(format: int, tmp_path: Path) -> None:
    long = "caption_train2017/" + ("ü" * 60 if format != tarfile.USTAR_FORMAT else "u" * 60)
    texts = {
        "caption_train2017/000000000001.txt": RIGHT,
        f"{long}.txt": "<3>a horse> runs on <2: grass>" + " and runs" * 70,
        "caption_train2017/notes.md": "<3>no caption>",
        "caption_train2017/000000000002.txt": FROM_ZERO,
        "caption_train2017/000000000003.txt": RIGHT,
    }
    tar = write_tar(tmp_path / "a.tar", texts, format=format)
    segments = write_segments(tmp_path / "s.json", {n: FARM_OF[n] for n in (1, 2, 3)})
    dataset = CoconutPancap.dataset(tar, None, None, segments)
    list(CoconutPancap(Rules()).fix(dataset, tmp_path / "mended.tar"))
    mended = read_tar(tmp_path / "mended.tar")
    assert list(mended) == list(texts)
    expected = {name: text.encode() for name, text in texts.items()}
    expected["caption_train2017/000000000002.txt"] = RIGHT.encode()
    expected[f"{long}.txt"] = expected[f"{long}.txt"].replace(b"<3>a", b"<3: a")
    assert mended == expected
    with tarfile.open(tar) as old, tarfile.open(tmp_path / "mended.tar") as new:
        for before, after in zip(old, new, strict=True):
            assert (before.mtime, before.mode, before.uname, before.pax_headers) == (
                after.mtime,
                after.mode,
                after.uname,
                after.pax_headers,
            )
    assert (tmp_path / "mended.tar").stat().st_size % 10240 == 0
    first = tar.read_bytes().index(b"<3>a horse>") - 512
    assert (tmp_path / "mended.tar").read_bytes()[:first] == tar.read_bytes()[:first]


FARM_OF = dict.fromkeys(range(1, 4), ("sky-other-merged", "grass-merged", "horse", "horse", "dog"))


def test_a_folder_of_texts(tmp_path: Path) -> None:
    release = Release(tmp_path, RIGHT, FROM_ZERO)
    folder = tmp_path / "coconut_pancap_50k"
    for name, data in read_tar(release.tar).items():
        path = folder / Path(name).name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(data)
    (folder / ".notes").write_text("mine")
    dataset = CoconutPancap.dataset(folder, None, None, release.json)
    list(CoconutPancap(Rules()).fix(dataset, tmp_path / "mended"))
    texts = {p.name: p.read_text() for p in sorted((tmp_path / "mended").iterdir())}
    assert texts == {".notes": "mine", f"{name_of(1)}.txt": RIGHT, f"{name_of(2)}.txt": RIGHT}
    assert (tmp_path / "mended" / f"{name_of(1)}.txt").samefile(folder / f"{name_of(1)}.txt")
    assert (folder / f"{name_of(2)}.txt").read_text() == FROM_ZERO


def test_rows_of_parquet(tmp_path: Path) -> None:
    release = Release(tmp_path, RIGHT, FROM_ZERO, RIGHT)
    columns = {
        "__key__": [f"caption_train2017/{name_of(n)}" for n in (1, 2, 3)],
        "__url__": ["hf://a.tar"] * 3,
        "txt": [RIGHT, FROM_ZERO, RIGHT],
    }
    path = tmp_path / "train-00000-of-00001.parquet"
    parquet.write_table(arrow.table(columns), path, row_group_size=2)
    dataset = CoconutPancap.dataset(path, None, None, release.json)
    list(CoconutPancap(Rules()).fix(dataset, tmp_path / "mended.parquet"))
    mended = parquet.read_table(tmp_path / "mended.parquet")
    assert mended.schema == parquet.read_table(path).schema
    assert mended.to_pydict() == {**columns, "txt": [RIGHT] * 3}
    assert [p.name for p in tmp_path.iterdir() if p.name.endswith(".part")] == []


def test_the_command_on_files_of_others(tmp_path: Path) -> None:
    release = Release(tmp_path, RIGHT, FROM_ZERO)
    arguments = ["validate", "--format", "coconut_pancap", str(release.tar)]
    arguments += ["--panoptic", str(release.json), "--fix", "--output", str(tmp_path / "out")]
    result = CliRunner().invoke(app, arguments, env={"COLUMNS": "100"}, catch_exceptions=False)
    assert result.exit_code == 0
    assert result.stdout == (
        f"{release.tar} (coconut_pancap): 2 images, 2 captions, 8 phrases\n"
        "  error           1  ids-count-from-0: captions whose ids are all one too low [mended]\n"
        "                     image 2 (caption_train2017/000000000002.txt): the ids count from 0; "
        "1 fit and 4 do not as they stand, 5 and 0 counted from 0\n"
        "  warning         1  masks-not-checked: the PNGs were not found; give --masks\n"
        "                     no folder with its PNGs lies beside coconut_s.json\n"
        f"  changes: {tmp_path / 'out' / 'coconut_pancap.changes.jsonl'}\n"
        f"  written: {tmp_path / 'out' / 'coconut_pancap.tar'}\n"
        "clean: 0 errors, 1 warning, 0 notes are left; mended 1\n"
    )
    assert set(read_tar(tmp_path / "out" / "coconut_pancap.tar").values()) == {RIGHT.encode()}


def test_a_folder_in_place_keeps_the_old_one(tmp_path: Path) -> None:
    release = Release(tmp_path, RIGHT, FROM_ZERO)
    folder = tmp_path / "caption_train2017"
    folder.mkdir()
    for name, data in read_tar(release.tar).items():
        (folder / Path(name).name).write_bytes(data)
    arguments = ["validate", str(folder), "--panoptic", str(release.json), "--fix", "--in-place"]
    result = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    assert {path.read_text() for path in folder.iterdir()} == {RIGHT}
    old = tmp_path / "caption_train2017.old"
    assert {path.read_text() for path in old.iterdir()} == {RIGHT, FROM_ZERO}


def test_a_packed_tar_is_read_and_not_mended(tmp_path: Path) -> None:
    release = Release(tmp_path, RIGHT)
    packed = tmp_path / "captions.tar.gz"
    packed.write_bytes(gzip.compress(Release(tmp_path, FROM_ZERO).tar.read_bytes()))
    assert CoconutPancap.recognises(packed)
    assert [f.code for f in findings(packed, panoptic=release.json)] == ["ids-count-from-0"]
    dataset = CoconutPancap.dataset(packed, None, None, release.json)
    with pytest.raises(InputError, match="is packed with gzip; unpack it to mend it"):
        list(CoconutPancap(Rules()).fix(dataset, tmp_path / "mended.tar.gz"))
