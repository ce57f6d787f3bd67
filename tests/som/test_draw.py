"""The marked picture as a whole: what is on it, at which size, and the same bytes every time."""

from __future__ import annotations

import io
import pickle
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from annoengine.errors import RecordFailed
from annoengine.fingerprint import sha256_hex
from annoengine.mask import RecordFiles, rle_from_mask
from annoengine.model_sight import (
    AS_IS,
    GEMINI,
    OPENAI_LOW,
    OPENAI_PATCHES,
    OPENAI_TILES,
    QWEN2_VL,
    Sight,
    bounded,
)
from annoengine.photo import ImageRgb
from annoengine.som.draw import Commission, DrawnPicture, draw_marks, encode
from annoengine.som.layout import Layout, Region, Target, TextHeights
from annoengine.som.palette import PALETTE, hex_of
from annoengine.som.placement import place_labels
from annoengine.som.region import regions_of_ids
from annoengine.som.styles.pix2cap import Pix2cap
from tests.som.marked_scenes import (
    Scene,
    blank,
    commission_of,
    random_scene,
    scene_of,
    stored,
)

SMALL_EYES = Sight("small_eyes", max_side_px=200)


def picture_of(drawn: DrawnPicture) -> ImageRgb:
    with Image.open(io.BytesIO(drawn.data)) as image:
        return np.asarray(image.convert("RGB"))


def plain(ids: np.ndarray, crowds: frozenset[int] = frozenset()) -> Scene:
    grey = np.full((*ids.shape, 3), 128, dtype=np.uint8)
    return Scene(grey, ids.astype(np.uint32), crowds)


def drawn_of(
    scene: Scene, folder: Path, sight: Sight = AS_IS
) -> tuple[DrawnPicture, ImageRgb, Commission, RecordFiles]:
    files = stored(scene, folder)
    commission = commission_of(scene, files, sight)
    drawn = draw_marks(files, commission)
    return drawn, picture_of(drawn), commission, files


@pytest.mark.parametrize(
    "sight",
    [SMALL_EYES, OPENAI_TILES, OPENAI_PATCHES, OPENAI_LOW, GEMINI, QWEN2_VL,
     bounded(QWEN2_VL, 30_000), AS_IS],
    ids=lambda sight: sight.name,
)  # fmt: skip
def test_every_number_is_legible_in_what_the_model_sees(sight: Sight, tmp_path: Path) -> None:
    for seed in range(100, 108):
        scene = random_scene(seed, most=16)
        drawn, picture, commission, _ = drawn_of(scene, tmp_path, sight)
        assert picture.shape == (drawn.height, drawn.width, 3)
        # The model does not shrink it further, and it is no enlargement of the photograph.
        assert sight.scale((drawn.width, drawn.height)) == 1.0
        assert 0 < drawn.scale <= 1
        assert drawn.seen_wh == sight.seen_wh((drawn.width, drawn.height))
        assert len(drawn.marks) == len(commission.targets)
        for mark in drawn.marks:
            assert mark.legible
            assert mark.text_px >= 12
            x1, y1, x2, y2 = mark.label_box_xyxy
            assert min(x1, y1) >= 0
            assert x2 <= drawn.width
            assert y2 <= drawn.height


def test_too_many_numbers_for_so_small_a_view_are_told(tmp_path: Path) -> None:
    """60 labels cannot stand in 160 × 160 pixels: some stand alone, the others say so."""
    scene = scene_of(3, 640, 480, 120)
    drawn, _, commission, _ = drawn_of(scene, tmp_path, Sight("keyhole", max_side_px=160))
    assert len(commission.targets) >= 60
    assert max(drawn.width, drawn.height) <= 160
    assert drawn.scale >= 0.6 * 160 / 640 - 1e-9
    assert len(drawn.marks) == len(commission.targets)
    assert {mark.legible for mark in drawn.marks} == {True, False}
    for mark in drawn.marks:
        assert mark.text_px >= 12
        if mark.legible:
            a = mark.label_box_xyxy
            for b in (other.label_box_xyxy for other in drawn.marks if other is not mark):
                assert a[0] >= b[2] or b[0] >= a[2] or a[1] >= b[3] or b[1] >= a[3]


def test_the_photograph_lies_where_the_scale_says(tmp_path: Path) -> None:
    ids = blank(400, 300)
    ids[100:200, 200:300] = 7
    drawn, picture, _, _ = drawn_of(plain(ids), tmp_path, SMALL_EYES)
    assert (drawn.width, drawn.height) == (200, 150)
    assert drawn.scale == 0.5
    colour = tuple(int(drawn.marks[0].colour[i : i + 2], 16) for i in (1, 3, 5))
    ys, xs = np.nonzero((picture == colour).all(axis=-1))
    assert (xs.min(), ys.min(), xs.max() + 1, ys.max() + 1) == (100, 50, 150, 100)


def test_crowds_and_void_are_left_alone(tmp_path: Path) -> None:
    ids = blank(200, 120)
    ids[20:100, 10:90] = 3
    ids[20:100, 110:190] = 4
    drawn, picture, _, _ = drawn_of(plain(ids, frozenset({4})), tmp_path)
    assert [mark.segment for mark in drawn.marks] == [3]
    assert (picture[:, 100:] == 128).all()
    assert (picture[:18] == 128).all()


def test_outline_and_number_share_a_colour(tmp_path: Path) -> None:
    ids = blank(200, 120)
    ids[20:100, 10:90] = 3
    drawn, picture, _, _ = drawn_of(plain(ids), tmp_path)
    mark = drawn.marks[0]
    colour = tuple(int(mark.colour[i : i + 2], 16) for i in (1, 3, 5))
    assert tuple(picture[20, 50]) == colour
    x1, y1, x2, y2 = mark.label_box_xyxy
    assert (picture[y1:y2, x1:x2] == colour).all(axis=-1).any()


def only_label(layout: Layout, regions: list[Region], ground: int) -> tuple[ImageRgb, ImageRgb]:
    """A picture before and after painting labels on it, without any outline."""
    width, height = layout.picture_wh
    picture = np.full((height, width, 3), ground, dtype=np.uint8)
    bare = [replace(region, mask=np.zeros_like(region.mask)) for region in regions]
    before = picture.copy()
    Pix2cap().paint(picture, bare, layout)
    return before, picture


@pytest.mark.parametrize("ground", [0, 60, 128, 200, 255])
@pytest.mark.parametrize("number", [1, 7, 11, 68, 100, 194])
def test_a_painted_number_is_high_enough_and_inside_its_box(number: int, ground: int) -> None:
    """Measured on the picture: only the label's box changes, and its digits are 12 px high."""
    ids = blank(60, 60, 1)
    target = Target(number, 1, str(number), (0, 0, 60, 60), 1)
    regions = regions_of_ids(ids, [target], (60, 60), 1.0)
    layout = place_labels(regions, (60, 60), TextHeights(12, 12, 12))
    before, after = only_label(layout, regions, ground)
    ys, xs = np.nonzero((before != after).any(axis=-1))
    x1, y1, x2, y2 = layout.labels[0].box_xyxy
    assert x1 <= xs.min()
    assert xs.max() < x2
    assert y1 <= ys.min()
    assert ys.max() < y2
    bright = after[y1:y2, x1:x2].max(axis=-1) > 128
    rows = np.flatnonzero(bright.any(axis=1))
    assert rows[-1] - rows[0] + 1 >= 12
    plate = after[y1:y2, x1:x2].max(axis=-1) < 64
    assert plate[0].all()
    assert plate[:, 0].all()


def test_every_label_has_its_own_pixels(tmp_path: Path) -> None:
    """Independent of the layout's own boxes: each box holds its plate and its bright text."""
    drawn, picture, _, _ = drawn_of(scene_of(21, 320, 240, 30), tmp_path)
    for mark in drawn.marks:
        x1, y1, x2, y2 = mark.label_box_xyxy
        inside = picture[y1:y2, x1:x2].astype(int)
        colour = np.array([int(mark.colour[i : i + 2], 16) for i in (1, 3, 5)])
        assert (abs(inside - colour).max(axis=-1) < 40).sum() >= 12
        assert (inside[0].max(axis=-1) < 64).all()
        assert (inside[-1].max(axis=-1) < 64).all()


@pytest.mark.parametrize("wh", [(1, 1), (2, 2), (3, 2000), (2000, 3), (64, 48)])
@pytest.mark.parametrize("sight", [AS_IS, OPENAI_TILES, QWEN2_VL], ids=lambda s: s.name)
def test_awkward_sizes(wh: tuple[int, int], sight: Sight, tmp_path: Path) -> None:
    drawn, picture, _, _ = drawn_of(plain(blank(*wh, 5)), tmp_path, sight)
    assert len(drawn.marks) == 1
    assert drawn.marks[0].legible
    assert picture.shape[:2] == (drawn.height, drawn.width)
    x, y = drawn.marks[0].anchor_xy
    assert x < wh[0]
    assert y < wh[1]


def test_a_one_pixel_segment_is_seen(tmp_path: Path) -> None:
    ids = blank(100, 100, 1)
    ids[60, 40] = 2
    drawn, picture, _, _ = drawn_of(plain(ids), tmp_path)
    mark = next(mark for mark in drawn.marks if mark.segment == 2)
    colour = tuple(int(mark.colour[i : i + 2], 16) for i in (1, 3, 5))
    assert tuple(picture[60, 40]) == (128, 128, 128)
    ring = [(x, y) for x in (39, 40, 41) for y in (59, 60, 61) if (x, y) != (40, 60)]
    assert all(tuple(picture[y, x]) == colour for x, y in ring)
    assert mark.leader_xyxy is not None
    assert mark.leader_xyxy[2:] == (40, 60)


def test_the_smaller_outline_lies_on_top(tmp_path: Path) -> None:
    """A box-only segment on another: both outlines, the inner one whole."""
    files = stored(plain(blank(120, 120, 1)), tmp_path)
    targets = (
        Target(1, 1, "1", (0, 0, 120, 120), None),
        Target(2, 2, "2", (60, 60, 120, 120), None),
    )
    drawn = draw_marks(files, Commission(targets, (120, 120), None, None, AS_IS, encoder="png"))
    picture = picture_of(drawn)
    inner = tuple(int(drawn.marks[1].colour[i : i + 2], 16) for i in (1, 3, 5))
    assert all(tuple(picture[y, 119]) == inner for y in range(60, 120))
    assert drawn.marks[0].colour != drawn.marks[1].colour


def test_overlapping_rle_masks(tmp_path: Path) -> None:
    whole, part = np.zeros((100, 140), dtype=bool), np.zeros((100, 140), dtype=bool)
    whole[10:90, 10:130] = True
    part[30:70, 40:90] = True
    rles = tuple(
        (key, rle["counts"], (100, 140))
        for key, rle in enumerate([rle_from_mask(whole), rle_from_mask(part)])
    )
    image = tmp_path / "photo.png"
    Image.new("RGB", (140, 100), (90, 90, 90)).save(image)
    targets = (
        Target(1, 11, "1", (10, 10, 130, 90), 0),
        Target(2, 12, "2", (40, 30, 90, 70), 1),
    )
    commission = Commission(targets, (140, 100), None, None, AS_IS, encoder="png")
    drawn = draw_marks(RecordFiles(image, rles=rles), commission)
    x, y = drawn.marks[0].anchor_xy
    assert whole[y, x]
    assert not part[y, x]
    x1, y1, x2, y2 = drawn.marks[0].label_box_xyxy
    assert not part[y1:y2, x1:x2].any()
    x, y = drawn.marks[1].anchor_xy
    assert part[y, x]


def test_the_same_bytes_again_and_in_another_process(tmp_path: Path) -> None:
    scene = scene_of(5, 200, 160, 25)
    files = stored(scene, tmp_path)
    commission = replace(commission_of(scene, files, SMALL_EYES), encoder="jpeg")
    once = draw_marks(files, commission)
    assert draw_marks(files, commission) == once
    sent = tmp_path / "arguments.pickle"
    sent.write_bytes(pickle.dumps((files, commission)))
    code = (
        "import pickle, sys, pathlib, hashlib\n"
        "from annoengine.som.draw import draw_marks\n"
        "files, commission = pickle.loads(pathlib.Path(sys.argv[1]).read_bytes())\n"
        "print(hashlib.sha256(draw_marks(files, commission).data).hexdigest())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(sent)],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONHASHSEED": "12345", "PYTHONPATH": str(Path(__file__).parents[2])},
    )
    assert done.stdout.strip() == sha256_hex(once.data)


def test_jpeg_keeps_the_colour_of_thin_lines() -> None:
    """4:4:4: a one-pixel magenta line on green is still magenta."""
    picture = np.zeros((64, 64, 3), dtype=np.uint8)
    picture[...] = (0, 120, 0)
    picture[:, 32] = (255, 64, 255)
    data, name, suffix = encode(picture, "jpeg", 92)
    assert (name, suffix) == ("jpeg-92", ".jpg")
    with Image.open(io.BytesIO(data)) as image:
        seen = np.asarray(image.convert("RGB")).astype(int)
    assert abs(seen[32, 32] - (255, 64, 255)).max() < 40


def failure_of(files: RecordFiles, commission: Commission) -> tuple[str, str]:
    with pytest.raises(RecordFailed) as caught:
        draw_marks(files, commission)
    return caught.value.reason, caught.value.detail


def test_files_that_cannot_be_used(tmp_path: Path) -> None:
    scene = plain(blank(30, 20, 1))
    files = stored(scene, tmp_path)
    good = commission_of(scene, files)

    reason, detail = failure_of(files, replace(good, photo_sha256="0" * 64))
    assert reason == "image changed"
    assert "000000000000…" in detail
    reason, detail = failure_of(files, replace(good, masks_sha256="0" * 64))
    assert reason == "mask changed"
    assert "panoptic.png" in detail

    reason, detail = failure_of(replace(files, image=tmp_path / "gone.jpg"), good)
    assert (reason, detail) == ("image", "gone.jpg cannot be read: No such file or directory")
    reason, _ = failure_of(replace(files, panoptic=tmp_path / "gone.png"), good)
    assert reason == "mask"
    assert failure_of(files, replace(good, photo_wh=(20, 30), photo_sha256=None)) == (
        "image",
        "photo.png is 30 × 20 pixels, the record says 20 × 30",
    )
    absent = Target(1, 9, "1", (0, 0, 5, 5), 999)
    reason, detail = failure_of(files, replace(good, targets=(absent,)))
    assert reason == "mask"
    assert "segment 9 has no pixel" in detail

    Path(str(files.image)).write_bytes(b"no picture")
    reason, detail = failure_of(files, replace(good, photo_sha256=None))
    assert reason == "image"
    assert "no picture of a known format" in detail


def test_a_mask_of_another_size(tmp_path: Path) -> None:
    scene = plain(blank(30, 20, 1))
    files = stored(scene, tmp_path)
    commission = replace(commission_of(scene, files), masks_sha256=None)
    stored(plain(blank(31, 20, 1)), tmp_path)
    Image.fromarray(scene.photo).save(str(files.image))
    reason, detail = failure_of(files, replace(commission, photo_sha256=None))
    assert (reason, detail) == ("mask", "panoptic.png is 31 × 20 pixels, the photograph 30 × 20")


def test_failures_travel_between_processes() -> None:
    failure = pickle.loads(pickle.dumps(RecordFailed("image", "a.jpg is gone", ("x",))))
    assert (failure.reason, failure.detail, failure.turns) == ("image", "a.jpg is gone", ("x",))


def test_colours_are_of_the_palette(tmp_path: Path) -> None:
    drawn, _, _, _ = drawn_of(random_scene(9), tmp_path)
    assert {mark.colour for mark in drawn.marks} <= {hex_of(colour) for colour in PALETTE}
