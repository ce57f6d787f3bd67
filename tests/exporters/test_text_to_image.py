"""Pairs of photograph and caption, read by the rules of webdatasets and of image folders."""

from __future__ import annotations

import hashlib
import io
import json
import re
import tarfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from annoengine.errors import InputError
from annoengine.exporter import Exported
from annoengine.exporters.text_to_image import TextToImage, TextToImageParameters
from annoengine.mask import RecordFiles
from annoengine.reading.webdataset_tar import read_samples
from annoengine.record import Caption, Licence, Photo, Record
from annoengine.registry import find
from annoengine.writing.tar_shards import TarShards
from annoengine.writing.webdataset import WebdatasetTar
from tests.exporters.grounded_files import (
    ORIGIN,
    contents,
    example_photographs,
    read_lines,
)
from tests.exporters.runs import Run

_SAMPLE = re.compile(r"^((?:.*/|)[^.]+)[.]([^/]*)$")


def export(run: Run, folder: Path, **parameters: Any) -> Exported:
    folder.mkdir(exist_ok=True)
    return TextToImage(TextToImageParameters.model_validate(parameters)).export(run, folder)


def photographs(folder: Path, *names: str, exif: int = 0) -> Run:
    """Records with a photograph each, of 4 × 2 pixels, and a caption."""
    run = Run()
    for number, name in enumerate(names, start=1):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        image = Image.new("RGB", (4, 2), (number, 0, 0))
        tags = Image.Exif()
        if exif:
            tags[0x0112] = exif
        kind = "PNG" if name.endswith(".png") else "JPEG"
        image.save(path, format=kind, exif=tags)
        data = path.read_bytes()
        wh = (2, 4) if exif >= 5 else (4, 2)
        photo = Photo(file=name, width=wh[0], height=wh[1], sha256=hashlib.sha256(data).hexdigest())
        caption = Caption(text=f"Picture {number}.", origin=ORIGIN)
        record = Record(id=f"coco/train/{number}", photo=photo, captions=(caption,))
        run.given.append(record)
        run.where[record.id] = RecordFiles(image=path)
    return run


def webdataset(path: Path) -> list[dict[str, Any]]:
    """What a reader of webdatasets makes of a tar: members that follow each other, by key."""
    samples: list[dict[str, Any]] = []
    with tarfile.open(path, "r|") as tar:
        for member in tar:
            matched = _SAMPLE.match(member.name)
            file = tar.extractfile(member)
            assert matched is not None
            assert file is not None
            if not samples or samples[-1]["__key__"] != matched[1]:
                samples.append({"__key__": matched[1]})
            assert matched[2] not in samples[-1]
            samples[-1][matched[2]] = file.read()
            told = (member.mtime, member.uid, member.gid, member.uname, member.gname, member.mode)
            assert told == (0, 0, 0, "", "", 0o644)
    return samples


def test_the_exporter_is_found_by_its_name() -> None:
    assert find("exporter", "text_to_image") is TextToImage


def test_a_pair_is_a_photograph_as_it_is_and_its_clean_caption(tmp_path: Path) -> None:
    run = photographs(tmp_path / "photos", "000000000009.jpg")
    licence = Licence(id=4, name="Attribution License", url="http://example.org/by/2.0/")
    record = run.given[0]
    run.given = [record.but(photo=record.photo.but(licence=licence, coco_url="http://c/9.jpg"))]
    out = tmp_path / "out"
    exported = export(run, out)
    assert exported.counts == {"images": 1, "shards": 1}
    assert exported.notes == []
    assert sorted(contents(out)) == [
        "captions_train.jsonl",
        "coco_train-000000.tar",
        "left_out_train.jsonl",
        "train/metadata.jsonl",
    ]
    (sample,) = webdataset(out / "coco_train-000000.tar")
    assert list(sample) == ["__key__", "jpg", "txt", "json"]
    assert sample["__key__"] == "000000000009"
    assert sample["jpg"] == (tmp_path / "photos/000000000009.jpg").read_bytes()
    assert sample["txt"] == b"Picture 1."
    assert json.loads(sample["json"]) == {
        "key": "000000000009",
        "caption": "Picture 1.",
        "file_name": "000000000009.jpg",
        "width": 4,
        "height": 2,
        "sha256": hashlib.sha256(sample["jpg"]).hexdigest(),
        "record": "coco/train/1",
        "image_id": 1,
        "model": "gpt-4o-2024-11-20",
        "prompt": "coconut_pancap/merge1.v1",
        "license": {"id": 4, "name": "Attribution License", "url": "http://example.org/by/2.0/"},
        "coco_url": "http://c/9.jpg",
    }
    assert read_lines(out / "train/metadata.jsonl") == [
        {
            "file_name": "000000000009.jpg",
            "text": "Picture 1.",
            "shard": "coco_train-000000.tar",
            "key": "000000000009",
        }
    ]
    (said,) = read_lines(out / "captions_train.jsonl")
    assert (said["text"], said["shard"]) == ("Picture 1.", "coco_train-000000.tar")


def test_what_is_read_is_what_the_run_said(tmp_path: Path) -> None:
    run = example_photographs()
    export(run, tmp_path / "out", shard_samples=4)
    paths = sorted((tmp_path / "out").glob("*.tar"))
    read = [sample for path in paths for sample in webdataset(path)]
    own = [sample for path in paths for sample in read_samples(path)]
    assert [len(webdataset(path)) for path in paths] == [4, 2]
    lines = read_lines(tmp_path / "out/all/metadata.jsonl")
    for record, sample, ours, line in zip(run.given, read, own, lines, strict=True):
        assert sample["jpg"] == run.files(record).image.read_bytes()
        assert hashlib.sha256(sample["jpg"]).hexdigest() == record.photo.sha256
        assert sample["txt"].decode() == record.captions[0].text == line["text"]
        assert (ours.key, ours.fields) == (
            sample["__key__"],
            {name: value for name, value in sample.items() if name != "__key__"},
        )
        assert line["file_name"] == record.photo.file


def test_shards_end_by_count_and_by_bytes(tmp_path: Path) -> None:
    names = [f"{n}.jpg" for n in range(1, 8)]
    run = photographs(tmp_path / "photos", *names)

    def samples(folder: str, **parameters: Any) -> list[int]:
        export(run, tmp_path / folder, **parameters)
        paths = sorted((tmp_path / folder).glob("*.tar"))
        assert [p.name for p in paths] == [f"coco_train-{n:06}.tar" for n in range(len(paths))]
        return [len(webdataset(path)) for path in paths]

    assert samples("three", shard_samples=3) == [3, 3, 1]
    # Three headers and three files of at most 512 × 2 bytes: a sample takes 4,096 bytes or less.
    sizes = {p.stat().st_size for p in (tmp_path / "photos").iterdir()}
    assert 512 < min(sizes) <= max(sizes) <= 1024
    assert samples("bytes", shard_bytes=2 * 3584) == [2, 2, 2, 1]
    assert samples("tiny", shard_bytes=1) == [1] * 7
    line = read_lines(tmp_path / "three/train/metadata.jsonl")[3]
    assert (line["key"], line["shard"]) == ("4", "coco_train-000001.tar")


@pytest.mark.parametrize("how", ["copy", "link"])
def test_photographs_may_lie_beside_their_texts(how: str, tmp_path: Path) -> None:
    run = photographs(tmp_path / "photos", "a.jpg", "sub/b.png")
    export(run, tmp_path / "out", photographs=how)
    for line in read_lines(tmp_path / "out/train/metadata.jsonl"):
        there, own = tmp_path / "out/train" / line["file_name"], tmp_path / "photos"
        assert there.read_bytes() == (own / line["file_name"]).read_bytes()
        assert there.samefile(own / line["file_name"]) == (how == "link")
    assert [s["__key__"] for s in webdataset(tmp_path / "out/coco_train-000000.tar")] == [
        "a",
        "sub/b",
    ]


def test_what_is_left_out_is_told(tmp_path: Path) -> None:
    run = photographs(tmp_path / "photos", "1.jpg", "2.jpg", exif=6)
    only_region = Caption(text="A dog.", segment=1, origin=ORIGIN)
    run.given[0] = run.given[0].but(captions=(only_region,))
    exported = export(run, tmp_path / "out")
    assert exported.counts == {"images": 1, "shards": 1, "images with no paragraph": 1}
    assert exported.notes == [
        "train: 1 photographs are turned by their EXIF data, which readers that ignore it show as "
        "they are stored",
        "train: 1 captions of segments are not part of this format and were not written",
    ]
    (row,) = read_lines(tmp_path / "out/left_out_train.jsonl")
    assert (row["file_name"], row["reason"]) == ("1.jpg", "no paragraph")
    run.given = run.given[:1]
    assert export(run, tmp_path / "none").notes == [
        "train: no image has a text of the whole image, which is what this format is about; a "
        "stage such as merge writes one",
        "train: 1 captions of segments are not part of this format and were not written",
    ]
    assert export(Run(), tmp_path / "empty").notes == [
        "no record reached the end of the run: nothing was written"
    ]


def test_a_photograph_that_changed_is_refused(tmp_path: Path) -> None:
    run = photographs(tmp_path / "photos", "1.jpg")
    path = Path(str(run.files(run.given[0]).image))
    path.write_bytes(path.read_bytes() + b"\0")
    with pytest.raises(InputError) as caught:
        export(run, tmp_path / "out")
    assert str(caught.value) == (
        f"the image {path} of coco/train/1 has changed since the run read it; put the old file "
        "back, or run again"
    )


def test_two_photographs_of_one_key_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        export(photographs(tmp_path / "photos", "9.jpg", "9.png"), tmp_path / "out")
    assert str(caught.value) == (
        "two photographs would be the sample '9' of coco_train; rename one of them"
    )


def test_a_name_that_is_taken_in_the_folder_is_refused(tmp_path: Path) -> None:
    run = photographs(tmp_path / "photos", "metadata.jsonl")
    with pytest.raises(InputError, match="cannot be put into the folder train"):
        export(run, tmp_path / "out", photographs="copy")


def test_endings_come_from_the_name_or_the_format(tmp_path: Path) -> None:
    export(photographs(tmp_path / "photos", "a.JPEG", "b", "c.png"), tmp_path / "out")
    samples = webdataset(tmp_path / "out/coco_train-000000.tar")
    assert [list(sample)[1] for sample in samples] == ["jpeg", "jpg", "png"]


def test_the_same_records_give_the_same_bytes(tmp_path: Path) -> None:
    run = example_photographs()
    for folder in ("one", "two"):
        export(run, tmp_path / folder)
    assert contents(tmp_path / "one") == contents(tmp_path / "two")


@settings(max_examples=30)
@given(
    samples=st.lists(
        st.tuples(
            st.text(
                st.characters(exclude_characters="./\0", exclude_categories=["Cs"]), max_size=120
            ),
            st.binary(max_size=1100),
        ).filter(lambda sample: sample[0] != ""),
        max_size=4,
    )
)
def test_a_tar_is_what_tarfile_writes(
    samples: list[tuple[str, bytes]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("tars")
    with WebdatasetTar(folder / "ours.tar") as ours:
        for key, data in samples:
            ours.add(key, {"txt": data})
    with tarfile.open(folder / "theirs.tar", "w", format=tarfile.PAX_FORMAT) as theirs:
        for key, data in samples:
            member = tarfile.TarInfo(f"{key}.txt")
            member.size = len(data)
            theirs.addfile(member, io.BytesIO(data))
    assert (folder / "ours.tar").read_bytes() == (folder / "theirs.tar").read_bytes()


def test_a_reader_tells_what_is_no_webdataset(tmp_path: Path) -> None:
    with TarShards(tmp_path, "x", 9, 1 << 20) as shards:
        shards.add("a", {"txt": b"one", "jpg": b"x" * 600})
        shards.add("b", {"txt": b"two"})
    whole = tmp_path / "x-000000.tar"
    assert [(s.key, list(s.fields)) for s in read_samples(whole)] == [
        ("a", ["txt", "jpg"]),
        ("b", ["txt"]),
    ]
    cut = tmp_path / "cut.tar"
    cut.write_bytes(whole.read_bytes()[:1800])
    with pytest.raises(InputError, match=r"cut\.tar cannot be read as a tar, at a\.jpg"):
        list(read_samples(cut))
    (tmp_path / "no.tar").write_bytes(b"no tar at all")
    with pytest.raises(InputError, match=r"no\.tar cannot be read as a tar, at its beginning"):
        list(read_samples(tmp_path / "no.tar"))
    with tarfile.open(tmp_path / "twice.tar", "w") as tar:
        for _ in range(2):
            tar.addfile(tarfile.TarInfo("a.txt"))
    with pytest.raises(InputError, match=r"has 'a\.txt' twice in one sample"):
        list(read_samples(tmp_path / "twice.tar"))
