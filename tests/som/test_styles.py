"""Every style on whole pictures: which pixels it changes, and what can still be seen."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image
from skimage.metrics import structural_similarity

from annoengine.mask import RecordFiles, rle_from_mask
from annoengine.model_sight import AS_IS, OPENAI_TILES, Sight
from annoengine.photo import ImageRgb, read_photo
from annoengine.som.draw import Commission, DrawnPicture, draw_marks
from annoengine.som.layout import Bits, Layout, Target, TextHeights
from annoengine.som.outline import line_px
from annoengine.som.placement import place_labels
from annoengine.som.region import regions_of_ids
from annoengine.som.style import find_style, style_names
from annoengine.som.styles import coconut, som
from annoengine.som.view import SEAM_PX
from tests.som.contrast import contrast
from tests.som.marked_scenes import (
    Scene,
    blank,
    commission_of,
    random_scene,
    scene_of,
    stored,
    targets_of,
)

STYLES = style_names()
FILLS = {"som": som.FILL, "coconut": coconut.FILL}
EXAMPLES = Path(__file__).parents[2] / "examples/photographs"


def picture_of(drawn: DrawnPicture) -> ImageRgb:
    with Image.open(io.BytesIO(drawn.data)) as image:
        return np.asarray(image.convert("RGB"))


def in_style(style: str, commission: Commission) -> Commission:
    """The commission in another style; every category is a lamp."""
    said = find_style(style)
    targets = tuple(replace(t, text=said.text(t.number, "lamp")) for t in commission.targets)
    return replace(commission, style=style, targets=targets)


def drawn_of(style: str, scene: Scene, folder: Path, sight: Sight = AS_IS) -> DrawnPicture:
    files = stored(scene, folder)
    return draw_marks(files, in_style(style, commission_of(scene, files, sight)))


def painted(style: str, scene: Scene) -> tuple[ImageRgb, ImageRgb, Layout, list[np.ndarray]]:
    """A scene before and after the paint, its layout, and each region's full-frame mask.

    Nothing but the style touches the picture: no inset, no shrinking.
    """
    said = find_style(style)
    targets = [replace(t, text=said.text(t.number, "lamp")) for t in targets_of(scene)]
    regions = regions_of_ids(scene.ids, targets, scene.size_wh, 1.0)
    layout = place_labels(regions, scene.size_wh, TextHeights(12, 12, 14))
    width, height = layout.picture_wh
    before = np.full((height, width, 3), 32, dtype=np.uint8)
    before[: scene.size_wh[1], : scene.size_wh[0]] = scene.photo
    after = before.copy()
    colours = said.paint(after, regions, layout)
    assert len(colours) == len(regions)
    masks = []
    for target in targets:
        mask = np.zeros((height, width), dtype=bool)
        mask[: scene.size_wh[1], : scene.size_wh[0]] = scene.ids == target.mask
        masks.append(mask)
    return before, after, layout, masks


def beyond(mask: np.ndarray, reach: int) -> np.ndarray:
    """All within ``reach`` pixels of a mask."""
    square = np.ones((2 * reach + 1, 2 * reach + 1), dtype=np.uint8)
    return np.asarray(cv2.dilate(mask.astype(np.uint8), square) != 0)


def border_of(mask: np.ndarray, reach: int) -> np.ndarray:
    """All within ``reach`` pixels of a mask's border, on either side; the frame is one too."""
    square = np.ones((2 * reach + 1, 2 * reach + 1), dtype=np.uint8)
    core = cv2.erode(mask.astype(np.uint8), square, borderType=cv2.BORDER_CONSTANT, borderValue=0)
    return np.asarray(beyond(mask, reach) & (core == 0))


def box_of(mask: np.ndarray) -> np.ndarray:
    ys, xs = np.nonzero(mask)
    box = np.zeros(mask.shape, dtype=bool)
    box[ys.min() : ys.max() + 1, xs.min() : xs.max() + 1] = True
    return box


def lettered(layout: Layout, thickness: int) -> np.ndarray:
    """All pixels of labels and leaders."""
    width, height = layout.picture_wh
    taken: Bits = np.zeros((height, width), dtype=np.uint8)
    for label in layout.labels:
        x1, y1, x2, y2 = label.box_xyxy
        taken[y1:y2, x1:x2] = 1
        if label.leader_xyxy is not None:
            cv2.line(taken, label.leader_xyxy[:2], label.leader_xyxy[2:], 1, thickness + 2)
    return np.asarray(taken != 0)


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("seed", range(30, 38))
def test_nothing_else_changes(style: str, seed: int) -> None:
    """Lines and their edges at borders, fills inside, labels and leaders: crowds and void stay."""
    scene = random_scene(seed)
    before, after, layout, masks = painted(style, scene)
    height, width = before.shape[:2]
    thickness = line_px((width, height))
    allowed = lettered(layout, thickness)
    for mask in masks:
        lined = box_of(mask) if style == "boxes" else mask
        allowed |= border_of(lined, thickness + 1)
        if style in FILLS:
            allowed |= mask
    changed = (before != after).any(axis=-1)
    assert changed.any()
    assert not (changed & ~allowed).any()


@pytest.mark.parametrize("style", sorted(FILLS))
@pytest.mark.parametrize("seed", range(40, 46))
def test_a_fill_stays_within_its_bound(style: str, seed: int) -> None:
    """Inside, no channel moves further than its share of the whole range, nor twice."""
    scene = random_scene(seed, largest=200)
    before, after, layout, masks = painted(style, scene)
    thickness = line_px((before.shape[1], before.shape[0]))
    inside = np.zeros(before.shape[:2], dtype=bool)
    borders = lettered(layout, thickness)
    for mask in masks:
        inside |= mask
        borders |= border_of(mask, thickness + 1)
    inside &= ~borders
    moved = abs(after[inside].astype(int) - before[inside])
    assert moved.size == 0 or moved.max() <= FILLS[style] / 256 * 255 + 0.5


def test_fills_are_faint() -> None:
    """Set-of-Mark fills at 0.05 to 0.1; the colours of things are to stay their own."""
    for parts in FILLS.values():
        assert 0.05 <= parts / 256 <= 0.11


def example(name: str) -> tuple[RecordFiles, Commission]:
    listed = json.loads((EXAMPLES / "panoptic.json").read_bytes())
    (image,) = (i for i in listed["images"] if i["file_name"] == f"{name}.jpg")
    (annotation,) = (a for a in listed["annotations"] if a["image_id"] == image["id"])
    files = RecordFiles(
        EXAMPLES / "images" / image["file_name"], EXAMPLES / "panoptic" / annotation["file_name"]
    )
    targets = []
    for number, info in enumerate(annotation["segments_info"], start=1):
        x, y, w, h = info["bbox"]
        targets.append(Target(number, info["id"], "", (x, y, x + w, y + h), info["id"]))
    wh = (image["width"], image["height"])
    return files, Commission(tuple(targets), wh, None, None, AS_IS, encoder="png")


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("name", ["astronaut", "rocket", "china"])
def test_a_photograph_is_recognised_under_its_marks(style: str, name: str) -> None:
    files, commission = example(name)
    drawn = draw_marks(files, in_style(style, commission))
    photo = read_photo(files.image)
    marked = picture_of(drawn)[: photo.shape[0], : photo.shape[1]]
    alike = structural_similarity(  # type: ignore[no-untyped-call]
        photo, marked, channel_axis=-1, data_range=255
    )
    assert 0.6 < alike < 0.99
    # Half of all channels are where they were, or within what a fill moves them.
    moved = np.median(abs(marked.astype(int) - photo))
    assert moved <= FILLS.get(style, 0) / 256 * 225


@pytest.mark.parametrize("style", STYLES)
def test_a_hole_is_left_as_it_is(style: str) -> None:
    ids = blank(160, 120)
    ids[20:100, 20:140] = 7
    ids[45:75, 60:100] = 0
    scene = Scene(np.full((120, 160, 3), 90, dtype=np.uint8), ids, frozenset())
    before, after, layout, _ = painted(style, scene)
    x1, y1, x2, y2 = layout.labels[0].box_xyxy
    assert not (x1 < 98 and x2 > 62 and y1 < 73 and y2 > 47)
    assert (after[47:73, 62:98] == before[47:73, 62:98]).all()
    assert (after[:18] == before[:18]).all()


@pytest.mark.parametrize("style", [name for name in STYLES if name != "boxes"])
def test_every_part_of_a_segment_is_lined(style: str) -> None:
    ids = blank(160, 120)
    ids[20:60, 10:70] = 7
    ids[70:110, 90:150] = 7
    scene = Scene(np.full((120, 160, 3), 40, dtype=np.uint8), ids, frozenset())
    before, after, _, _ = painted(style, scene)
    changed = (before != after).any(axis=-1)
    for x1, y1, x2, y2 in [(10, 20, 70, 60), (90, 70, 150, 110)]:
        assert changed[y1, x1:x2].all()
        assert changed[y1:y2, x2 - 1].all()


def test_boxes_are_drawn_around_all_parts() -> None:
    ids = blank(160, 120)
    ids[20:60, 10:70] = 7
    ids[70:110, 90:150] = 7
    scene = Scene(np.full((120, 160, 3), 40, dtype=np.uint8), ids, frozenset())
    before, after, _, _ = painted("boxes", scene)
    changed = (before != after).any(axis=-1)
    assert changed[20, 10:150].all()
    assert changed[20:110, 149].all()
    assert changed[109, 10:150].all()
    assert not changed[25:55, 75:85].any()


@pytest.mark.parametrize("style", STYLES)
def test_a_record_of_boxes_alone(style: str, tmp_path: Path) -> None:
    """Every frame lies on its box's edge, the small one whole on the large one."""
    files = stored(Scene(np.full((120, 160, 3), 40, dtype=np.uint8), blank(160, 120, 1),
                         frozenset()), tmp_path)  # fmt: skip
    targets = (
        Target(1, 21, "", (10.0, 10.0, 150.0, 110.0), None),
        Target(2, 22, "", (90.4, 60.0, 150.0, 109.7), None),
    )
    commission = Commission(targets, (160, 120), None, None, AS_IS, encoder="png")
    drawn = draw_marks(RecordFiles(files.image), in_style(style, commission))
    picture = picture_of(drawn)
    assert [mark.segment for mark in drawn.marks] == [21, 22]
    large, small = (
        tuple(int(mark.colour[i : i + 2], 16) for i in (1, 3, 5)) for mark in drawn.marks
    )
    assert large != small
    free = np.ones((120, 160), dtype=bool)
    for mark in drawn.marks:
        x1, y1, x2, y2 = mark.label_box_xyxy
        free[y1:y2, x1:x2] = False
    for colour, x1, y1, x2, y2 in [
        (small, 149, 60, 150, 110),
        (small, 90, 60, 150, 61),
        (large, 10, 10, 150, 11),
        (large, 149, 10, 150, 60),
    ]:
        line = free[y1:y2, x1:x2]
        assert line.sum() >= 20
        assert (picture[y1:y2, x1:x2] == colour)[line].all()


@pytest.mark.parametrize("style", STYLES)
def test_overlapping_masks(style: str, tmp_path: Path) -> None:
    """The line of a part is whole where it crosses its whole's, in every style."""
    whole, part = np.zeros((100, 140), dtype=bool), np.zeros((100, 140), dtype=bool)
    whole[10:90, 10:130] = True
    part[40:90, 30:110] = True
    rles = tuple(
        (key, rle["counts"], (100, 140))
        for key, rle in enumerate([rle_from_mask(whole), rle_from_mask(part)])
    )
    image = tmp_path / "photo.png"
    Image.new("RGB", (140, 100), (30, 30, 60)).save(image)
    targets = (
        Target(1, 11, "", (10, 10, 130, 90), 0),
        Target(2, 12, "", (30, 40, 110, 90), 1),
    )
    commission = Commission(targets, (140, 100), None, None, AS_IS, encoder="png")
    drawn = draw_marks(RecordFiles(image, rles=rles), in_style(style, commission))
    inner = tuple(int(drawn.marks[1].colour[i : i + 2], 16) for i in (1, 3, 5))
    picture = picture_of(drawn)
    x1, _, x2, _ = drawn.marks[1].label_box_xyxy
    bottom = (picture[89, 30:110] == inner).all(axis=-1)
    top = (picture[40, 30:110] == inner).all(axis=-1)
    assert bottom.all() or bottom.sum() >= 80 - (x2 - x1)
    assert top.all() or top.sum() >= 80 - (x2 - x1)


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("wh", [(1, 1), (2, 2), (3, 400), (400, 3), (64, 48)])
def test_a_segment_that_is_all_of_the_picture(
    style: str, wh: tuple[int, int], tmp_path: Path
) -> None:
    scene = Scene(np.full((wh[1], wh[0], 3), 128, dtype=np.uint8), blank(*wh, 5), frozenset())
    drawn = drawn_of(style, scene, tmp_path)
    picture = picture_of(drawn)
    assert picture.shape == (drawn.height, drawn.width, 3)
    assert len(drawn.marks) == 1
    # Its line is there, in the margin where it would hide all of the photograph.
    colour = tuple(int(drawn.marks[0].colour[i : i + 2], 16) for i in (1, 3, 5))
    lined = (picture == colour).all(axis=-1)
    x1, y1, x2, y2 = drawn.marks[0].label_box_xyxy
    lined[y1:y2, x1:x2] = False
    assert lined[: wh[1] + 2, : wh[0] + 2].any()


@pytest.mark.parametrize("style", STYLES)
def test_one_pixel_is_ringed_and_kept(style: str) -> None:
    ids = blank(100, 100, 1)
    ids[60, 40] = 2
    photo = np.full((100, 100, 3), 90, dtype=np.uint8)
    photo[60, 40] = (200, 30, 30)
    before, after, _, _ = painted(style, Scene(photo, ids, frozenset()))
    ring = after[59:62, 39:42].reshape(-1, 3)
    assert len({tuple(pixel) for pixel in ring[[0, 1, 2, 3, 5, 6, 7, 8]]}) == 1
    assert (ring[0] != before[59, 39]).any()
    assert abs(after[60, 40].astype(int) - (200, 30, 30)).max() <= FILLS.get(style, 0)


@pytest.mark.parametrize("style", STYLES)
def test_three_hundred_segments(style: str) -> None:
    """Each square has a line of its own colour on its whole left side, labels aside."""
    ids = blank(480, 360)
    for number in range(300):
        x, y = 24 * (number % 20), 24 * (number // 20)
        ids[y + 2 : y + 20, x + 2 : x + 20] = number + 1
    photo = np.zeros((360, 480, 3), dtype=np.uint8)
    scene = Scene(photo, ids, frozenset())
    said = find_style(style)
    targets = [replace(t, text=said.text(t.number, "")) for t in targets_of(scene)]
    assert len(targets) == 300
    regions = regions_of_ids(ids, targets, (480, 360), 1.0)
    colours = said.paint(photo, regions, Layout((480, 360), ()))
    for region, colour in zip(regions, colours, strict=True):
        assert (photo[region.y : region.y + 18, region.x] == colour).all()
    assert (photo[20:26] == 0).all()


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("level", [0, 64, 128, 192, 255])
def test_every_label_is_read(style: str, level: int, tmp_path: Path) -> None:
    """WCAG 2 asks 4.5 to 1; measured on the picture, each label against its own plate."""
    scene = scene_of(21, 320, 240, 24)
    scene = replace(scene, photo=np.full(scene.photo.shape, level, dtype=np.uint8))
    drawn = drawn_of(style, scene, tmp_path)
    picture = picture_of(drawn)
    for mark in drawn.marks:
        x1, y1, x2, y2 = mark.label_box_xyxy
        inside = picture[y1:y2, x1:x2]
        plate = np.median(inside[[0, -1]].reshape(-1, 3), axis=0).astype(np.uint8)
        read = contrast(inside, plate) >= 4.5
        # The thinnest digit, 1, has about two columns of the full height.
        assert read.sum() >= 1.2 * mark.text_px, mark
        # And the plate is seen to end: nothing of the letters touches its edge.
        assert not read[0].any()
        assert not read[:, 0].any()


@pytest.mark.parametrize("sight", [AS_IS, OPENAI_TILES, Sight("small_eyes", max_side_px=300)],
                         ids=lambda sight: sight.name)  # fmt: skip
def test_the_clean_panel_is_the_photograph(sight: Sight, tmp_path: Path) -> None:
    scene = scene_of(4, 300, 220, 12)
    drawn = drawn_of("coconut", scene, tmp_path, sight)
    picture = picture_of(drawn)
    photo = scene.photo
    if drawn.scale != 1.0:
        wh = (int(300 * drawn.scale + 1e-6), int(220 * drawn.scale + 1e-6))
        photo = np.asarray(cv2.resize(photo, wh, interpolation=cv2.INTER_AREA), dtype=np.uint8)
    rows, columns = photo.shape[:2]
    assert drawn.clean_x is not None
    clean = picture[:, drawn.clean_x :]
    assert (clean[:rows, :columns] == photo).all()
    # Beside it only a margin, where labels needed one, and the seam.
    assert np.unique(clean[rows:]).size <= 1
    assert np.unique(clean[:, columns:]).size <= 1
    seam = picture[:, drawn.clean_x - SEAM_PX : drawn.clean_x]
    assert np.unique(seam).size == 1
    assert clean.shape[1] == drawn.clean_x - SEAM_PX
    assert (picture[:rows, :columns] != photo).any()


@pytest.mark.parametrize("style", [name for name in STYLES if name != "coconut"])
def test_other_styles_have_one_panel(style: str, tmp_path: Path) -> None:
    scene = scene_of(4, 300, 220, 6)
    drawn = drawn_of(style, scene, tmp_path)
    assert drawn.clean_x is None
    assert drawn.width < 450


@pytest.mark.parametrize("style", STYLES)
def test_the_same_bytes_again(style: str, tmp_path: Path) -> None:
    scene = random_scene(51)
    assert drawn_of(style, scene, tmp_path).data == drawn_of(style, scene, tmp_path).data


def test_no_two_styles_look_alike(tmp_path: Path) -> None:
    scene = scene_of(5, 200, 160, 6)
    assert len({drawn_of(style, scene, tmp_path).data for style in STYLES}) == len(STYLES)
