"""Records from photographs and mask PNGs: whose a mask is, what it says, and when it is wrong."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from annoengine.errors import InputError, RecordFailed
from annoengine.mask import mask_from_rle
from annoengine.reading.mask_files import assign, category_of, natural_order, read_mask
from annoengine.record import Record
from annoengine.source import Opened
from annoengine.sources.mask_folder import MaskFolder, MaskFolderParameters
from tests.sources.opening import open_by_name, record_of

WIDTH, HEIGHT = 8, 6


def source(folder: Path, masks: Path | None = None, **parameters: Any) -> MaskFolder:
    inputs = {"images": folder / "images", "masks": masks or folder / "masks"}
    return MaskFolder(MaskFolderParameters(**parameters), inputs, 0)


def photo(path: Path, size_wh: tuple[int, int] = (WIDTH, HEIGHT), **options: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size_wh, (50, 90, 130)).save(path, **options)
    return path


def square(left: int = 1, top: int = 1, value: int = 255) -> np.ndarray:
    """A mask of 3 × 2 pixels."""
    mask = np.zeros((HEIGHT, WIDTH), dtype=np.uint8)
    mask[top : top + 2, left : left + 3] = value
    return mask


def mask(path: Path, values: np.ndarray | None = None) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(square() if values is None else values).save(path)
    return path


def told(opened: Opened) -> tuple[str, str]:
    assert opened.record is None
    assert opened.failed
    return opened.reason, opened.detail


def test_masks_become_segments_in_natural_order_and_may_overlap(tmp_path: Path) -> None:
    photo(tmp_path / "images/park.jpg")
    mask(tmp_path / "masks/park/dog_10.png", square(4))
    mask(tmp_path / "masks/park/dog_2.png", square(0))
    mask(tmp_path / "masks/park/traffic_light.png", square(2))
    mask(tmp_path / "masks/park/7.png", square(5, 4))
    opened = open_by_name(source(tmp_path))["park.jpg"]
    record = record_of(opened)
    assert [(s.id, s.category.name, s.box_xyxy) for s in record.segments] == [
        (1, "region", (5, 4, 8, 6)),
        (2, "dog", (0, 1, 3, 3)),
        (3, "dog", (4, 1, 7, 3)),
        (4, "traffic light", (2, 1, 5, 3)),
    ]
    assert [s.mask for s in record.segments] == [0, 1, 2, 3]
    assert {(s.area_px, s.isthing, s.source) for s in record.segments} == {(6, True, "images")}
    assert np.array_equal(mask_from_rle(opened.rles[3]), square(2) > 0)
    assert record.id == "images/all/park.jpg"
    assert Record.from_line(record.to_line()) == record


def test_masks_may_bear_the_photographs_name_instead(tmp_path: Path) -> None:
    for name in ("a.jpg", "a_1.jpg", "b c.jpg"):
        photo(tmp_path / "images" / name)
    for name in ("a_dog.png", "a_1_cat.png", "a_1_12.png", "b c_1.png", "stray.png", "a.png"):
        mask(tmp_path / "masks" / name)
    one = source(tmp_path)
    found = {name: record_of(opened) for name, opened in open_by_name(one).items()}
    categories = {name: [s.category.name for s in r.segments] for name, r in found.items()}
    assert categories == {"a.jpg": ["dog"], "a_1.jpg": ["region", "cat"], "b c.jpg": ["region"]}
    assert one.left_out == {"mask without a photograph": 2}


def test_one_photograph_may_have_the_masks_as_they_lie(tmp_path: Path) -> None:
    path = photo(tmp_path / "images/a.jpg")
    mask(tmp_path / "masks/dog.png")
    mask(tmp_path / "masks/cat 2.png")
    found = record_of(open_by_name(source(tmp_path))["a.jpg"])
    assert [s.category.name for s in found.segments] == ["cat", "dog"]
    photo(tmp_path / "images/b.jpg")
    assert told(open_by_name(source(tmp_path))["a.jpg"]) == (
        "mask",
        "no masks for 'a.jpg': the masks folder has neither 'a/*.png' nor 'a_*.png'; 2 of its "
        "PNGs are of no photograph, 'cat 2.png' among them",
    )
    alone = MaskFolder(MaskFolderParameters(), {"images": path, "masks": tmp_path / "masks"}, 0)
    (opened,) = open_by_name(alone).values()
    assert len(record_of(opened).segments) == 2


def test_photographs_and_masks_may_share_a_folder(tmp_path: Path) -> None:
    photo(tmp_path / "images/a.png")
    photo(tmp_path / "images/b.png")
    mask(tmp_path / "images/a_dog.png")
    mask(tmp_path / "images/b/1.png")
    one = source(tmp_path, masks=tmp_path / "images")
    found = open_by_name(one)
    assert {name: len(record_of(o).segments) for name, o in found.items()} == {
        "a.png": 1,
        "b.png": 1,
    }
    assert one.left_out == {"mask itself": 1}


def test_masks_of_photographs_in_folders_lie_in_folders_of_the_same_names(tmp_path: Path) -> None:
    for name in ("x/a.jpg", "y/a.jpg"):
        photo(tmp_path / "images" / name)
    mask(tmp_path / "masks/x/a/dog.png")
    mask(tmp_path / "masks/y/a_cat.png")
    found = open_by_name(source(tmp_path, recursive=True))
    names = {name: record_of(o).segments[0].category.name for name, o in found.items()}
    assert names == {"x/a.jpg": "dog", "y/a.jpg": "cat"}


def test_masks_that_could_be_of_two_photographs_are_of_none(tmp_path: Path) -> None:
    photo(tmp_path / "images/a.jpg")
    photo(tmp_path / "images/a.png")
    mask(tmp_path / "masks/a/1.png")
    found = open_by_name(source(tmp_path))
    assert told(found["a.jpg"]) == (
        "mask",
        "2 photographs are called 'a', 'a.jpg' among them, so its masks could be of any; rename "
        "the others and their masks",
    )
    assert told(found["a.png"])[0] == "mask"


def test_two_ways_at_once_are_refused(tmp_path: Path) -> None:
    photo(tmp_path / "images/a.jpg")
    mask(tmp_path / "masks/a/1.png")
    mask(tmp_path / "masks/a_1.png")
    assert told(open_by_name(source(tmp_path))["a.jpg"]) == (
        "mask",
        "'a.jpg' has masks both in 'a/' and as 'a_*.png'; keep one",
    )


@pytest.mark.parametrize(
    ("name", "category"),
    [
        ("dog_1.png", "dog"),
        ("dog.png", "dog"),
        ("dog1.PNG", "dog"),
        ("dog (12).png", "dog"),
        ("dog-003.png", "dog"),
        ("001_dog.png", "dog"),
        ("12.png", "region"),
        ("0_1.png", "region"),
        ("_.png", "region"),
        ("sky-other-merged_2.png", "sky-other-merged"),
        ("hot_dog_4.png", "hot dog"),
        ("3d printer_1.png", "3d printer"),
        ("köpek 2.png", "köpek"),
        ("two  spaces\nand a line_1.png", "two spaces and a line"),
    ],
)
def test_a_name_says_what_it_is_without_its_numbers(name: str, category: str) -> None:
    assert category_of(name) == category
    assert category_of(f"folder_9/{name}") == category


def test_the_photographs_name_is_no_category() -> None:
    assert category_of("park_dog_1.png", "park_") == "dog"
    assert category_of("park_1.png", "park_") == "region"


@given(st.lists(st.from_regex(r"[a-c]{0,2}[0-9]{0,3}\.png", fullmatch=True), unique=True))
@settings(max_examples=100)
def test_natural_order_is_one_order(listed: list[str]) -> None:
    by_key = sorted(listed, key=natural_order)
    shuffled = random.Random(1).sample(listed, len(listed))
    assert sorted(shuffled, key=natural_order) == by_key
    numbers = [int(n[:-4]) for n in by_key if n[:-4].isdigit()]
    assert numbers == sorted(numbers)


@given(
    st.lists(st.sampled_from(["a", "a_1", "b", "a_1_b"]), min_size=1, unique=True),
    st.lists(st.from_regex(r"(a|b|c)(_[1ab]){0,3}(/[1ab])?", fullmatch=True), unique=True),
)
@settings(max_examples=150)
def test_every_mask_is_of_one_photograph_or_a_stray(stems: list[str], masks: list[str]) -> None:
    files = assign([f"{m}.png" for m in masks], [f"{s}.jpg" for s in stems], direct=False)
    given_out = [m for listed in files.by_stem.values() for m in listed]
    assert sorted(given_out + files.strays) == sorted(f"{m}.png" for m in masks)
    for stem, listed in files.by_stem.items():
        for name in listed:
            assert name.startswith((f"{stem}/", f"{stem}_"))
            longer = [s for s in stems if len(s) > len(stem) and name.startswith(f"{s}_")]
            assert "/" in name or not longer


def encoded(picture: Image.Image, tmp_path: Path, **options: Any) -> bytes:
    path = tmp_path / "mask.png"
    picture.save(path, **options)
    return path.read_bytes()


def pictures() -> dict[str, Image.Image]:
    """The same mask in every way that a PNG can hold it."""
    on = square() > 0
    palette = Image.fromarray(on.astype(np.uint8), mode="P")
    palette.putpalette([0, 0, 0, 200, 10, 10])
    white = Image.fromarray((~on).astype(np.uint8), mode="P")
    white.putpalette([255, 255, 255, 0, 0, 0])
    black = Image.fromarray(on.astype(np.uint8), mode="P")
    black.putpalette([0, 0, 0, 0, 0, 0])
    colour = np.zeros((HEIGHT, WIDTH, 3), dtype=np.uint8)
    colour[on] = (0, 0, 9)
    opaque = np.dstack([colour, np.full((HEIGHT, WIDTH), 255, dtype=np.uint8)])
    cut_out = np.dstack([np.zeros_like(colour), square(value=200)])
    grey_alpha = np.dstack([np.zeros((HEIGHT, WIDTH), dtype=np.uint8), square()])
    return {
        "0 and 255": Image.fromarray(square()),
        "0 and 1": Image.fromarray(square(value=1)),
        "1 bit": Image.fromarray(on),
        "16 bit": Image.fromarray(on.astype(np.uint16)),
        "palette": palette,
        "palette from white": white,
        "palette all black": black,
        "colour": Image.fromarray(colour),
        "opaque": Image.fromarray(opaque),
        "a black cut-out": Image.fromarray(cut_out),
        "a grey cut-out": Image.fromarray(grey_alpha),
    }


@pytest.mark.parametrize("kind", list(pictures()))
def test_every_kind_of_mask_is_the_same_mask(kind: str, tmp_path: Path) -> None:
    found = read_mask(encoded(pictures()[kind], tmp_path), "mask.png")
    assert found.dtype == np.bool_
    assert np.array_equal(found, square() > 0)


def test_transparent_colours_of_a_palette_are_cut_out(tmp_path: Path) -> None:
    data = encoded(pictures()["palette"], tmp_path, transparency=0)
    assert np.array_equal(read_mask(data, "mask.png"), square() > 0)


def test_a_mask_that_is_none_fails_the_record(tmp_path: Path) -> None:
    photo(tmp_path / "images/a.jpg")
    bad = tmp_path / "masks/a/dog_1.png"
    mask(tmp_path / "masks/a/cat.png")

    def trouble() -> tuple[str, str]:
        return told(open_by_name(source(tmp_path))["a.jpg"])

    mask(bad, np.zeros((HEIGHT, WIDTH), dtype=np.uint8))
    assert trouble() == ("mask", "the mask 'a/dog_1.png' is empty: every pixel of it is 0")
    mask(bad, np.ones((WIDTH, HEIGHT), dtype=np.uint8))
    assert trouble() == (
        "size",
        "the mask 'a/dog_1.png' is 6×8, the photograph 'a.jpg' 8×6 upright. Perhaps the mask was "
        "drawn before the photograph's EXIF orientation",
    )
    mask(bad, np.ones((5, 5), dtype=np.uint8))
    assert trouble() == (
        "size",
        "the mask 'a/dog_1.png' is 5×5, the photograph 'a.jpg' 8×6 upright",
    )
    bad.write_text("no picture")
    assert trouble() == (
        "mask",
        "the mask 'a/dog_1.png' cannot be read: it is no picture of a known format",
    )
    photo(bad, format="JPEG")
    assert trouble() == ("mask", "the mask 'a/dog_1.png' is a JPEG, though it is called .png")
    mask(bad)
    bad.write_bytes(bad.read_bytes()[:-12])
    assert trouble() == ("mask", "the mask 'a/dog_1.png' cannot be read: it is cut off")
    bad.unlink()
    bad.symlink_to(mask(tmp_path / "elsewhere.png"))
    assert trouble()[0] == "unsafe path"
    followed = open_by_name(source(tmp_path, links="follow"))["a.jpg"]
    assert len(record_of(followed).segments) == 2


def test_a_turned_photograph_wants_its_masks_upright(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    photo(tmp_path / "images/a.jpg", exif=exif)
    mask(tmp_path / "masks/a/dog.png", np.ones((WIDTH, HEIGHT), dtype=np.uint8))
    record = record_of(open_by_name(source(tmp_path))["a.jpg"])
    assert (record.photo.width, record.photo.height) == (HEIGHT, WIDTH)


def test_a_photograph_without_masks_fails(tmp_path: Path) -> None:
    photo(tmp_path / "images/a.jpg")
    photo(tmp_path / "images/b.jpg")
    mask(tmp_path / "masks/a/1.png")
    (tmp_path / "masks/b").mkdir()
    found = open_by_name(source(tmp_path))
    assert record_of(found["a.jpg"])
    assert told(found["b.jpg"]) == (
        "mask",
        "no masks for 'b.jpg': the masks folder has neither 'b/*.png' nor 'b_*.png'",
    )


def test_missing_inputs_are_told_how_to_be_given(tmp_path: Path) -> None:
    photo(tmp_path / "images/a.jpg")
    with pytest.raises(InputError, match=r"masks does not exist; give the folder with the mask"):
        source(tmp_path).check()
    with pytest.raises(InputError, match="the input 'masks' is missing"):
        MaskFolder(MaskFolderParameters(), {"images": tmp_path / "images"}, 0).check()


def test_the_fingerprint_changes_with_every_mask(tmp_path: Path) -> None:
    photo(tmp_path / "images/a.jpg")
    path = mask(tmp_path / "masks/a/1.png")
    found = [dict(source(tmp_path).fingerprint())]
    assert found[0] == dict(source(tmp_path).fingerprint())
    path = path.rename(path.with_name("2.png"))
    found.append(dict(source(tmp_path).fingerprint()))
    mask(tmp_path / "masks/a/3.png")
    found.append(dict(source(tmp_path).fingerprint()))
    path.unlink()
    found.append(dict(source(tmp_path).fingerprint()))
    photo(tmp_path / "images/b.jpg")
    found.append(dict(source(tmp_path).fingerprint()))
    assert len({str(f) for f in found}) == 5
    assert str(tmp_path) not in str(found)


def test_a_sample_takes_some(tmp_path: Path) -> None:
    for number in range(6):
        photo(tmp_path / f"images/{number}.jpg")
        mask(tmp_path / f"masks/{number}/dog.png")
    one = source(tmp_path, sample={"n": 2})
    assert len(open_by_name(one)) == 2
    assert one.left_out == {"sample": 4}


def trouble_of(data: bytes) -> tuple[str, str]:
    try:
        found = read_mask(data, "m.png")
    except RecordFailed as failure:
        return failure.reason, failure.detail
    assert found.any()
    return "", ""


def test_damaged_masks_only_ever_give_a_reason(tmp_path: Path) -> None:
    rng = random.Random(9)
    wholes = [encoded(picture, tmp_path) for picture in pictures().values()]
    failed = 0
    for number in range(300):
        data = bytearray(wholes[number % len(wholes)])
        kind = rng.randrange(3)
        if kind == 0:
            data = bytearray(rng.randbytes(rng.randrange(100)))
        elif kind == 1:
            del data[rng.randrange(len(data)) :]
        else:
            for _ in range(rng.randrange(1, 6)):
                data[rng.randrange(len(data))] = rng.randrange(256)
        reason, detail = trouble_of(bytes(data))
        assert reason in ("", "mask")
        assert not reason or detail.startswith("the mask 'm.png' ")
        assert " at 0x" not in detail
        failed += bool(reason)
    assert failed > 200
