"""Records from a folder of photographs: which, in what order, and what goes wrong how."""

from __future__ import annotations

import asyncio
import json
import os
import pickle
import random
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest
from PIL import Image
from pydantic import ValidationError

from annoengine.compute import Pool
from annoengine.errors import InputError, RecipeError
from annoengine.mask import RecordFiles, mask_from_rle
from annoengine.record import Record
from annoengine.source import Opened
from annoengine.sources.images import Images, ImagesParameters
from tests.sources.opening import open_by_name, record_of

EXAMPLES = Path(__file__).parents[2] / "examples/photographs/images"


def source(path: Path, seed: int = 0, **parameters: Any) -> Images:
    """pytest's folders have "test" in their name, which would be the split."""
    split = parameters.pop("split", "all")
    return Images(ImagesParameters(split=split, **parameters), {"images": path}, seed)


def halves(width: int = 60, height: int = 40) -> Image.Image:
    """Left red, right blue."""
    pixels = np.zeros((height, width, 3), dtype=np.uint8)
    pixels[:, : width // 2] = (200, 30, 30)
    pixels[:, width // 2 :] = (30, 30, 200)
    return Image.fromarray(pixels)


def save(path: Path, picture: Image.Image | None = None, **options: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    (picture or halves()).save(path, **options)
    return path


def names(one: Images) -> list[str]:
    return [entry["image"]["file_name"] for entry in one.entries()]


def test_a_record_has_the_photograph_and_its_regions(tmp_path: Path) -> None:
    photo = save(tmp_path / "val2017/a b.png")
    one = source(tmp_path / "val2017", split=None)
    (entry,) = one.entries()
    opened = one.open(entry)
    record = record_of(opened)
    assert record.id == "images/val/a b.png"
    assert record.photo.file == "a b.png"
    assert (record.photo.width, record.photo.height) == (60, 40)
    assert record.photo.sha256 == sha256(photo.read_bytes()).hexdigest()
    left, right = record.segments
    assert (left.id, right.id, left.mask, right.mask) == (1, 2, 0, 1)
    assert {s.area_px for s in record.segments} == {1200}
    assert {s.box_xyxy for s in record.segments} == {(0, 0, 30, 40), (30, 0, 60, 40)}
    for segment, rle in zip(record.segments, opened.rles, strict=True):
        assert segment.category.name == "region"
        assert segment.category.id is None
        assert segment.isthing
        assert segment.source == "graph"
        assert segment.score is not None
        assert mask_from_rle(rle).sum() == segment.area_px
    assert record.masks is not None
    assert record.masks.kind == "rle"
    assert Record.from_line(record.to_line()) == record


def test_the_runners_hash_of_the_masks_is_the_records(tmp_path: Path) -> None:
    save(tmp_path / "a.png")
    (opened,) = open_by_name(source(tmp_path)).values()
    record = record_of(opened)
    line = orjson.dumps({"id": record.id, "rles": list(opened.rles)})
    assert record.masks is not None
    assert record.masks.sha256 == sha256(line).hexdigest()


def test_files_are_found_again(tmp_path: Path) -> None:
    photo = save(tmp_path / "sub/a.png")
    for path in (tmp_path, photo):
        one = source(path, recursive=True)
        (opened,) = open_by_name(one).values()
        assert one.files(record_of(opened)) == RecordFiles(image=photo)


def test_the_order_is_that_of_the_paths_characters(tmp_path: Path) -> None:
    wanted = ["B.PNG", "a b.jpeg", "a.jpg", "a.png", "b/ü.png", "b1.webp", "z/y/x.tif", "日本.gif"]
    for name in wanted:
        save(tmp_path / name)
    (tmp_path / "notes.txt").write_text("no picture")
    assert names(source(tmp_path, recursive=True)) == sorted(wanted)
    assert names(source(tmp_path)) == sorted(n for n in wanted if "/" not in n)


def test_one_stem_with_two_suffixes_is_two_records(tmp_path: Path) -> None:
    for name in ("a.jpg", "a.png", "sub/a.png"):
        save(tmp_path / name)
    ids = [entry["record_id"] for entry in source(tmp_path, recursive=True).entries()]
    assert ids == ["images/all/a.jpg", "images/all/a.png", "images/all/sub/a.png"]


def test_odd_names_are_names(tmp_path: Path) -> None:
    odd = ["two  spaces.png", "line\nbreak.png", "quote\"'.png", "emoji 🐈.png", "%41#?.png"]
    for name in odd:
        save(tmp_path / name)
    found = open_by_name(source(tmp_path))
    assert sorted(found) == sorted(odd)
    for name, opened in found.items():
        record = record_of(opened)
        assert record.id == f"images/all/{name}"
        assert Record.from_line(record.to_line()) == record
        assert b"\n" not in record.to_line()


def test_names_that_no_dataset_can_hold_fail_with_a_sentence(tmp_path: Path) -> None:
    for name in ("12:30.png", "back\\slash.png", os.fsdecode(b"latin\xff.png")):
        save(tmp_path / name)
    told = {
        o.record_id: (o.reason, o.detail, o.failed) for o in open_by_name(source(tmp_path)).values()
    }
    advice = "has a backslash or a colon, which is a path on other systems; rename the file"
    assert told == {
        "images/all/12:30.png": (
            "file name",
            f"the name of the photograph '12:30.png' {advice}",
            True,
        ),
        "images/all/back\\slash.png": (
            "file name",
            f"the name of the photograph 'back\\\\slash.png' {advice}",
            True,
        ),
        "images/all/latin\\xff.png": (
            "file name",
            "the name of the photograph 'latin\\\\xff.png' is no UTF-8; rename the file",
            True,
        ),
    }


def test_hidden_pictures_and_linked_folders_are_counted(tmp_path: Path) -> None:
    save(tmp_path / "photos/a.png")
    save(tmp_path / "photos/._a.png")
    save(tmp_path / "photos/.cache/b.png")
    (tmp_path / "photos/.DS_Store").write_bytes(b"x")
    (tmp_path / "photos/again").symlink_to(tmp_path / "photos")
    os.mkfifo(tmp_path / "photos/pipe.png")
    one = source(tmp_path / "photos", recursive=True)
    assert names(one) == ["a.png"]
    assert one.left_out == {"hidden": 1, "linked folder": 1, "no file": 1}


def test_a_link_out_of_the_folder_is_refused_unless_it_may_be_followed(tmp_path: Path) -> None:
    outside = save(tmp_path / "outside.png")
    inside = save(tmp_path / "photos/inside.png")
    (tmp_path / "photos/out.png").symlink_to(outside)
    (tmp_path / "photos/in.png").symlink_to(inside)
    (tmp_path / "photos/nowhere.png").symlink_to(tmp_path / "gone.png")
    found = open_by_name(source(tmp_path / "photos"))
    assert found["inside.png"].record is not None
    assert found["in.png"].record is not None
    assert (found["out.png"].reason, found["out.png"].failed) == ("unsafe path", True)
    assert "'out.png' is a link that leads out of its folder" in found["out.png"].detail
    assert found["nowhere.png"].failed
    followed = open_by_name(source(tmp_path / "photos", links="follow"))
    assert followed["out.png"].record is not None
    assert followed["nowhere.png"].reason == "image"


def test_one_photograph_can_be_the_input(tmp_path: Path) -> None:
    save(tmp_path / "val/a.png")
    photo = save(tmp_path / "val/b.png")
    assert [e["record_id"] for e in source(photo, split=None).entries()] == ["images/val/b.png"]


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (
            [],
            "the folder F holds no photograph (.jpg, .jpeg, .png, .bmp, .gif, .tif, .tiff, .webp)",
        ),
        ([".a.png"], "; 1 hidden, whose names begin with a dot"),
        (["sub/a.png"], "; it holds folders, which 'recursive: true' looks into"),
    ],
)
def test_a_folder_without_photographs_ends_the_run(
    tmp_path: Path, made: list[str], words: str
) -> None:
    for name in made:
        save(tmp_path / name)
    with pytest.raises(InputError) as caught:
        list(source(tmp_path).entries())
    assert str(caught.value).replace(str(tmp_path), "F").endswith(words)


def test_a_missing_input_is_told_how_to_be_given(tmp_path: Path) -> None:
    with pytest.raises(
        InputError, match="'images' is missing: give the folder or tars with the ph"
    ):
        Images(ImagesParameters(), {}, 0).check()
    with pytest.raises(InputError, match="does not exist; give the folder or tars with the ph"):
        source(tmp_path / "gone").check()


def test_a_sample_is_the_same_whatever_else_is_there(tmp_path: Path) -> None:
    for number in range(20):
        save(tmp_path / f"{number}.png", halves(4, 4))
    small, large = (source(tmp_path, 7, sample={"n": n}) for n in (5, 9))
    assert len(names(small)) == 5
    assert set(names(small)) < set(names(large))
    assert small.left_out == {"sample": 15}
    assert names(small) == sorted(names(small))
    assert set(names(source(tmp_path, 8, sample={"n": 5}))) != set(names(small))
    assert names(source(tmp_path, 8, sample={"n": 5, "seed": 7})) == names(small)
    assert len(names(source(tmp_path, sample={"n": 99}))) == 20
    with pytest.raises(ValidationError, match="segments"):
        source(tmp_path, sample={"n": 5, "segments": [1, 2]})


def test_the_fingerprint_changes_with_every_file(tmp_path: Path) -> None:
    def fingerprint(**parameters: Any) -> Any:
        return source(tmp_path, **parameters).fingerprint()

    save(tmp_path / "a.png")
    save(tmp_path / "b.png")
    first = fingerprint()
    (tmp_path / "notes.txt").write_text("nothing to see")
    assert fingerprint() == first
    (tmp_path / "b.png").rename(tmp_path / "c.png")
    renamed = fingerprint()
    save(tmp_path / "d.png")
    added = fingerprint()
    (tmp_path / "a.png").unlink()
    removed = fingerprint()
    with (tmp_path / "c.png").open("ab") as file:
        file.write(b"1")
    longer = fingerprint()
    found = [json.dumps(f) for f in (first, renamed, added, removed, longer)]
    assert len(set(found)) == 5
    assert fingerprint(segmenter="none") != longer
    assert fingerprint(max_regions=3) != longer
    assert fingerprint(split="val") != longer
    assert str(tmp_path) not in str(longer)


def test_where_a_model_lies_is_in_no_key(tmp_path: Path) -> None:
    parameters = ImagesParameters(segmenter=f"sam:{tmp_path}", options={"device": "cpu"})
    assert parameters.segmenter == f"sam:{tmp_path}"
    assert parameters.model_dump(mode="json") == {
        "dataset": "images",
        "split": None,
        "sample": None,
        "recursive": False,
        "links": "refuse",
    }


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"segmenter": "grapf"}, "no segmenter called 'grapf'. Did you mean 'graph'?"),
        (
            {"segmenter": "sam"},
            "the segmenter 'sam' lacks the folder with the model: write sam:PATH",
        ),
        (
            {"options": {"x": 1}},
            "the segmenter 'graph' has no option 'x'. Known: least_area.",
        ),
        (
            {"segmenter": "none", "options": {"x": 1}},
            "'options' are the segmenter's, and 'segmenter' is none",
        ),
    ],
)
def test_a_wrong_segmenter_is_found_before_anything_is_read(
    tmp_path: Path, parameters: dict[str, Any], words: str
) -> None:
    with pytest.raises(RecipeError) as caught:
        source(tmp_path, **parameters)
    assert str(caught.value) == words


@pytest.mark.parametrize("parameters", [{"max_regions": 0}, {"dataset": "a/b"}, {"links": "yes"}])
def test_settings_are_closed(parameters: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        ImagesParameters(**parameters)


def test_without_a_segmenter_there_are_photographs_alone(tmp_path: Path) -> None:
    save(tmp_path / "a.png")
    one = source(tmp_path, segmenter="none")
    assert frozenset() == one.GIVES
    assert Images.GIVES == source(tmp_path).GIVES == frozenset({"masks", "segments"})
    assert one.requirements() == ()
    (opened,) = open_by_name(one).values()
    record = record_of(opened)
    assert (record.segments, record.masks, opened.rles) == ((), None, ())


def test_settings_reach_the_segmenter(tmp_path: Path) -> None:
    save(tmp_path / "a.jpg", Image.open(EXAMPLES / "astronaut.jpg"))
    few, many = (
        record_of(open_by_name(source(tmp_path, max_regions=n, options={"least_area": a}))["a.jpg"])
        for n, a in ((4, 0.01), (60, 0.001))
    )
    assert len(few.segments) <= 4
    assert len(many.segments) > 25


def on_its_side() -> dict[str, Any]:
    exif = Image.Exif()
    exif[0x0112] = 6
    return {"exif": exif, "quality": 95}


@pytest.mark.parametrize(
    ("name", "picture", "size_wh"),
    [
        ("palette.png", halves().quantize(4), (60, 40)),
        ("alpha.png", halves().convert("RGBA"), (60, 40)),
        ("grey.png", halves().convert("L"), (60, 40)),
        ("bits.png", halves().convert("1"), (60, 40)),
        ("cmyk.jpg", halves().convert("CMYK"), (60, 40)),
        ("deep.png", Image.fromarray(np.full((40, 60), 40000, dtype=np.uint16)), (60, 40)),
        ("dot.png", Image.new("RGB", (1, 1)), (1, 1)),
        ("line.png", Image.new("RGB", (300, 1)), (300, 1)),
        ("flat.png", Image.new("RGB", (200, 100), (9, 9, 9)), (200, 100)),
    ],
)
def test_every_kind_of_picture_is_read(
    tmp_path: Path, name: str, picture: Image.Image, size_wh: tuple[int, int]
) -> None:
    save(tmp_path / name, picture)
    opened = open_by_name(source(tmp_path))[name]
    record = record_of(opened)
    assert (record.photo.width, record.photo.height) == size_wh
    assert sum(int(s.area_px) for s in record.segments) == size_wh[0] * size_wh[1]
    assert all(rle["size"] == [size_wh[1], size_wh[0]] for rle in opened.rles)


def test_a_photograph_that_lies_on_its_side_is_seen_upright(tmp_path: Path) -> None:
    save(tmp_path / "a.jpg", halves(), **on_its_side())
    opened = open_by_name(source(tmp_path))["a.jpg"]
    record = record_of(opened)
    assert (record.photo.width, record.photo.height) == (40, 60)
    assert {s.box_xyxy[2] for s in record.segments} == {40}


def test_what_a_file_is_shows_when_it_is_opened(tmp_path: Path) -> None:
    save(tmp_path / "png.jpg", format="PNG")
    (tmp_path / "text.jpg").write_text("no picture")
    (tmp_path / "empty.png").write_bytes(b"")
    (tmp_path / "page.png").write_text("<!DOCTYPE html><p>404")
    whole = (EXAMPLES / "coffee.jpg").read_bytes()
    (tmp_path / "cut.jpg").write_bytes(whole[:-2000])
    found = open_by_name(source(tmp_path))
    assert found.pop("png.jpg").record is not None
    assert {o.reason for o in found.values()} == {"image"}
    assert all(o.failed for o in found.values())
    told = {name: opened.detail for name, opened in found.items()}
    assert (
        told["text.jpg"] == "the image text.jpg cannot be read: it is no picture of a known format"
    )
    assert told["empty.png"] == "the image empty.png cannot be read: it is empty"
    assert told["page.png"] == "the image page.png cannot be read: it is an HTML page"
    assert told["cut.jpg"].startswith("the image cut.jpg cannot be read: ")


def test_a_photograph_that_went_away_fails_alone(tmp_path: Path) -> None:
    save(tmp_path / "a.png")
    one = source(tmp_path)
    (entry,) = one.entries()
    (tmp_path / "a.png").unlink()
    opened = one.open(entry)
    assert (opened.reason, opened.detail, opened.failed) == (
        "image",
        "there is no photograph 'a.png' in its folder",
        True,
    )


# Pillow warns of a TIFF whose directory is cut, before it raises.
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_damaged_files_only_ever_give_a_reason(tmp_path: Path) -> None:
    rng = random.Random(5)
    save(tmp_path / "whole/a.png")
    save(tmp_path / "whole/b.jpg", quality=80)
    save(tmp_path / "whole/c.webp")
    save(tmp_path / "whole/d.gif")
    save(tmp_path / "whole/e.tif", compression="tiff_lzw")
    save(tmp_path / "whole/f.bmp")
    wholes = sorted((tmp_path / "whole").iterdir())
    broken = tmp_path / "broken"
    broken.mkdir()
    for number in range(150):
        whole = wholes[number % len(wholes)]
        data = bytearray(whole.read_bytes())
        kind = rng.randrange(4)
        if kind == 0:
            data = bytearray(rng.randbytes(rng.randrange(200)))
        elif kind == 1:
            del data[rng.randrange(len(data)) :]
        elif kind == 2:
            for _ in range(rng.randrange(1, 9)):
                data[rng.randrange(len(data))] = rng.randrange(256)
        else:
            start = rng.randrange(len(data))
            del data[start : start + rng.randrange(1, 40)]
        (broken / f"{number}{whole.suffix}").write_bytes(data)
    one = source(broken, max_regions=3)
    found = open_by_name(one)
    assert len(found) == 150
    failed = [opened for opened in found.values() if opened.record is None]
    assert 50 < len(failed) < 150
    for opened in failed:
        assert opened.failed
        assert opened.reason == "image"
        assert opened.detail
        assert str(tmp_path) not in opened.detail
        assert " at 0x" not in opened.detail


def test_records_are_the_same_from_another_process(tmp_path: Path) -> None:
    save(tmp_path / "a.jpg", Image.open(EXAMPLES / "flower.jpg"))
    one = source(tmp_path)
    (entry,) = one.entries()
    assert pickle.loads(pickle.dumps(one)).open(entry) == one.open(entry)

    async def elsewhere() -> Opened:
        pool = Pool(1)
        try:
            return await pool.run(one.open, entry)
        finally:
            pool.close()

    assert asyncio.run(elsewhere()) == one.open(entry)
