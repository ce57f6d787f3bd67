"""The paint that styles share: who wins a pixel, what a fill changes, that lines are seen."""

from __future__ import annotations

import itertools

import cv2
import numpy as np
import pytest

from annoengine.photo import ImageRgb
from annoengine.som.layout import Bits, Label, Region, Target
from annoengine.som.lettering import label_size_wh
from annoengine.som.outline import outline_of
from annoengine.som.paint import Painting, from_large_to_small
from annoengine.som.palette import DARK, PALETTE, WHITE
from tests.som.contrast import ciede2000, contrast

WIDTH, HEIGHT = 120, 90
Box = tuple[int, int, int, int]


def mask_of(*boxes: Box, less: tuple[Box, ...] = ()) -> Bits:
    """The pixels of some boxes, without those of others, in a frame of the picture's size."""
    frame: Bits = np.zeros((HEIGHT, WIDTH), dtype=np.uint8)
    for value, some in ((1, boxes), (0, less)):
        for x1, y1, x2, y2 in some:
            frame[y1:y2, x1:x2] = value
    return frame


def region(number: int, frame: Bits, visible: Bits | None = None) -> Region:
    """A region of a full-frame mask, cut to its box."""
    x, y, w, h = cv2.boundingRect(frame)
    mask = np.ascontiguousarray(frame[y : y + h, x : x + w])
    seen = mask if visible is None else np.ascontiguousarray(visible[y : y + h, x : x + w])
    target = Target(number, 10 + number, str(number), (x, y, x + w, y + h), number)
    return Region(target, x, y, mask, seen, int(seen.sum()))


def grey(level: int = 90) -> ImageRgb:
    return np.full((HEIGHT, WIDTH, 3), level, dtype=np.uint8)


def painting_of(picture: ImageRgb, regions: list[Region], thickness: int = 2) -> Painting:
    height, width = picture.shape[:2]
    outlines = [outline_of(each, thickness, (width, height)) for each in regions]
    return Painting(picture, regions, outlines, thickness)


def whole(frame: Bits) -> np.ndarray:
    return frame.astype(bool)


def is_colour(picture: ImageRgb, colour: tuple[int, int, int]) -> np.ndarray:
    return np.asarray((picture == np.array(colour)).all(axis=-1))


def test_a_fill_is_its_share_of_the_colour_and_nothing_else() -> None:
    picture = np.random.default_rng(1).integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    before = picture.astype(int)
    frame = mask_of((10, 10, 60, 60), less=((30, 30, 40, 40),))
    painting = painting_of(picture, [region(1, frame)])
    painting.fill(32)
    mixed = before * (224 / 256) + np.array(painting.colours[0]) * (32 / 256)
    inside = whole(frame)
    assert abs(picture[inside] - mixed[inside]).max() <= 0.5
    # Neither the ground nor the hole.
    assert (picture[~inside] == before[~inside]).all()


def test_overlapping_regions_are_tinted_once_the_small_one_on_top() -> None:
    large, small = mask_of((0, 0, 100, 80)), mask_of((20, 20, 50, 50), (60, 20, 70, 30))
    covered = large & (1 - small)
    regions = [region(1, small), region(2, large, covered)]
    picture = grey(100)
    painting = painting_of(picture, regions)
    painting.fill(64)
    top, below = (
        np.rint(100 * 0.75 + np.array(colour) * 0.25).astype(int) for colour in painting.colours
    )
    assert painting.colours[0] != painting.colours[1]
    assert (picture[whole(small)] == top).all()
    assert (picture[whole(covered)] == below).all()


def test_a_part_that_is_most_of_its_whole_lies_on_top_all_the_same() -> None:
    """4,000 pixels of 4,400: what is left of the whole is smaller than the part."""
    large, part = mask_of((10, 10, 120, 50)), mask_of((15, 10, 115, 50))
    regions = [region(1, large, large & (1 - part)), region(2, part)]
    assert regions[0].area_px < regions[1].area_px
    assert from_large_to_small(regions) == [0, 1]
    picture = grey()
    painting = painting_of(picture, regions)
    painting.fill(128)
    assert (picture[30, 60] == np.rint(45 + np.array(painting.colours[1]) / 2)).all()


def test_of_twins_the_lower_number_lies_on_top() -> None:
    frame = mask_of((10, 10, 60, 60))
    twins = [region(2, frame), region(1, frame)]
    picture = grey()
    painting = painting_of(picture, twins)
    painting.outline()
    assert is_colour(picture, painting.colours[1])[10, 10:60].all()


def test_lines_of_small_regions_lie_on_those_of_large_ones() -> None:
    large, small = mask_of((0, 0, 100, 80)), mask_of((40, 0, 70, 30))
    regions = [region(1, small), region(2, large, large & (1 - small))]
    picture = grey(30)
    painting = painting_of(picture, regions)
    painting.outline()
    assert is_colour(picture, painting.colours[0])[:2, 40:70].all()
    assert is_colour(picture, painting.colours[1])[:2, :40].all()


def test_more_regions_than_a_byte_counts() -> None:
    """300 squares: every one is filled and lined in the colour that is told for it."""
    frame = np.zeros((400, 400), dtype=np.uint8)
    regions = []
    for number in range(300):
        x, y = 20 * (number % 20), 20 * (number // 20)
        mask: Bits = np.ones((16, 16), dtype=np.uint8)
        target = Target(number + 1, number + 1, str(number + 1), (x, y, x + 16, y + 16), number)
        regions.append(Region(target, x, y, mask, mask, 256))
    picture = np.zeros((*frame.shape, 3), dtype=np.uint8)
    painting = painting_of(picture, regions, thickness=1)
    painting.fill(128)
    painting.outline()
    for each, colour in zip(regions, painting.colours, strict=True):
        assert tuple(picture[each.y, each.x]) == colour
        assert (picture[each.y + 8, each.x + 8] == np.rint(np.array(colour) / 2)).all()
    assert (picture[16:20] == 0).all()
    # Neighbours differ.
    grid = np.array([PALETTE.index(colour) for colour in painting.colours]).reshape(15, 20)
    assert (grid[:, 1:] != grid[:, :-1]).all()
    assert (grid[1:] != grid[:-1]).all()


def test_large_regions_share_no_colour_with_the_many_beside_them() -> None:
    """Three groups of eight, far apart, on two halves of a picture: ten colours are enough."""
    picture = np.full((240, 700, 3), 40, dtype=np.uint8)
    frames = []
    for group, i in itertools.product(range(3), range(8)):
        frame = np.zeros(picture.shape[:2], dtype=np.uint8)
        x, y = 20 + 260 * group + 18 * (i % 4), 90 + 40 * (i // 4)
        frame[y : y + 20, x : x + 16] = 1
        frames.append(frame)
    for half in (np.s_[:120], np.s_[120:]):
        frame = np.zeros(picture.shape[:2], dtype=np.uint8)
        frame[half] = 1
        frames.append(frame & (1 - np.bitwise_or.reduce(frames[:24])))
    painting = painting_of(picture, [region(n, frame) for n, frame in enumerate(frames, start=1)])
    *small, upper, lower = painting.colours
    assert upper != lower
    assert not {upper, lower} & set(small)
    for group in range(3):
        assert len(set(small[8 * group : 8 * group + 8])) == 8


def test_a_speck_keeps_its_pixel_and_its_colour_is_unlike_it() -> None:
    speck = mask_of((50, 40, 51, 41))
    for ground in [(20, 90, 30), (60, 60, 60), (150, 150, 150), (240, 240, 240)]:
        for dot in PALETTE:
            picture = np.full((HEIGHT, WIDTH, 3), ground, dtype=np.uint8)
            picture[40, 50] = dot
            painting = painting_of(picture, [region(1, speck)])
            painting.outline()
            assert tuple(picture[40, 50]) == dot
            assert ciede2000(painting.colours[0], dot) >= 20
            assert is_colour(picture, painting.colours[0])[38:43, 48:53].sum() == 24


def test_lines_around_specks_keep_off_each_other() -> None:
    """Two pixels side by side: each is inside the other's ring."""
    picture = grey(60)
    painting_of(
        picture, [region(1, mask_of((50, 40, 51, 41))), region(2, mask_of((51, 40, 52, 41)))]
    ).outline()
    assert (picture[40, 50:52] == 60).all()


def test_a_dark_edge_spares_specks() -> None:
    """On white the last colour has a dark edge outside its ring; the speck inside stays white."""
    speck = mask_of((50, 40, 51, 41))
    picture = grey(255)
    painting = painting_of(picture, in_the_last_colour(speck))
    painting.outline()
    assert is_colour(picture, DARK)[37, 47:54].all()
    assert (picture[40, 50] == 255).all()


def grounds() -> list[tuple[str, ImageRgb]]:
    draw = np.random.default_rng(7)
    plain = [(f"grey {level}", grey(level)) for level in (0, 60, 110, 128, 160, 200, 235, 255)]
    coloured = [(f"palette {i}", np.broadcast_to(c, (HEIGHT, WIDTH, 3))) for i, c in
                enumerate(np.array(PALETTE, dtype=np.uint8))]  # fmt: skip
    halves = grey(255)
    halves[:, : WIDTH // 2] = (20, 40, 20)
    sky = np.linspace(40, 255, WIDTH)[None, :, None] * np.array([0.6, 0.8, 1.0])
    fade = np.broadcast_to(sky, (HEIGHT, WIDTH, 3)).astype(np.uint8)
    noise = draw.integers(0, 256, (HEIGHT // 6, WIDTH // 6, 3), dtype=np.uint8)
    rough = np.asarray(cv2.resize(noise, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC), np.uint8)
    return [
        *plain,
        *((name, np.ascontiguousarray(each, dtype=np.uint8)) for name, each in coloured),
        ("halves", halves),
        ("fade", fade),
        ("rough", rough),
    ]


RING = mask_of((30, 20, 95, 70), less=((50, 35, 75, 55),))


def in_the_last_colour(frame: Bits) -> list[Region]:
    """Eleven large regions that have the colours that are best seen, and one left with the worst.

    The one comes first.
    """
    large = [mask_of((i, 0, WIDTH, HEIGHT)) for i in range(11)]
    left = [some & (1 - frame) & (1 - after) for some, after in itertools.pairwise(large)]
    visible = [*left, large[-1] & (1 - frame)]
    regions = [region(n, f, v) for n, (f, v) in enumerate(zip(large, visible, strict=True), 2)]
    return [region(1, frame), *regions]


@pytest.mark.parametrize(("name", "ground"), grounds(), ids=[name for name, _ in grounds()])
@pytest.mark.parametrize("fill", [0, 26])
@pytest.mark.parametrize("worst", [False, True])
def test_a_line_is_seen_along_all_its_length(
    name: str, ground: ImageRgb, fill: int, worst: bool
) -> None:
    """Beside each pixel of a line is one that differs from it: the ground's, or the edge's."""
    picture = ground.copy()
    painting = painting_of(picture, in_the_last_colour(RING) if worst else [region(1, RING)])
    # On a ground of the very last colour one is repeated instead.
    assert len(set(painting.colours)) >= (11 if worst else 1)
    if fill:
        painting.fill(fill)
    painting.outline()
    colour = painting.colours[0]
    line = cv2.erode(RING, np.ones((5, 5), dtype=np.uint8)) != RING
    assert is_colour(picture, colour)[line].all()
    told_apart = (contrast(picture, colour) >= 1.4) | (ciede2000(picture, colour) >= 40)
    beside = cv2.dilate(told_apart.astype(np.uint8), np.ones((7, 7), dtype=np.uint8)) != 0
    assert beside[line].all()


def test_a_line_on_ground_that_it_stands_out_from_has_no_edge() -> None:
    picture = grey(0)
    picture[...] = (0, 0, 60)
    painting_of(picture, [region(1, mask_of((20, 20, 80, 70)))]).outline()
    assert not is_colour(picture, DARK).any()


def test_a_line_on_ground_like_it_has_an_edge_all_along() -> None:
    """On white the last colour is a pale one; its edge runs inside and out, one pixel wide."""
    picture = grey(255)
    painting = painting_of(picture, in_the_last_colour(RING))
    assert contrast(painting.colours[0], (255, 255, 255)) < 1.5
    painting.outline()
    dark = is_colour(picture, DARK)
    assert dark[19, 29:96].all()
    assert dark[22, 32:93].all()
    assert dark[35:55, 50].all()
    assert dark[33:57, 47].all()
    assert (picture[25:30, 34:46] == 255).all()


def test_a_leader_stops_at_a_speck() -> None:
    speck = mask_of((60, 40, 62, 42))
    picture = grey(200)
    regions = [region(1, speck)]
    painting = painting_of(picture, regions)
    painting.outline()
    lined = picture.copy()
    label = Label(regions[0].target, 12, (5, 5, 20, 20), (60, 40), leader_xyxy=(20, 15, 60, 40))
    painting.lead([label])
    changed = (picture != lined).any(axis=-1)
    assert changed.sum() > 40
    assert not changed[38:44, 58:64].any()


@pytest.mark.parametrize("ground", [(0, 0, 0), (128, 128, 128), (255, 255, 255), *PALETTE])
@pytest.mark.parametrize("lettering", ["colour", "white", "reverse"])
def test_text_is_read_on_its_plate(ground: tuple[int, int, int], lettering: str) -> None:
    """Ink against the plate as it came out, which lets a little of the ground through."""
    wide, high = label_size_wh("8", 14)
    picture = np.full((HEIGHT, WIDTH, 3), ground, dtype=np.uint8)
    regions = [region(n, mask_of((9 * n, 60, 9 * n + 8, 70))) for n in range(12)]
    painting = painting_of(picture, regions)
    places = [Label(
        Target(n, n, "8", (0, 0, 1, 1), n), 14, (x := 9 * n, y := 25 * (n % 2), x + wide, y + high),
        (0, 0)) for n in range(12)]  # fmt: skip
    labels = places[::2]
    if lettering == "reverse":
        painting.letter_in_reverse(labels)
    else:
        painting.letter(labels, WHITE if lettering == "white" else None)
    for label in labels:
        x1, y1, x2, y2 = label.box_xyxy
        inside = picture[y1:y2, x1:x2].reshape(-1, 3)
        plate = picture[y1, x1]
        assert (contrast(inside, plate) >= 4.5).sum() >= 25
        edge = np.concatenate([picture[y1, x1:x2], picture[y2 - 1, x1:x2]])
        assert (edge == plate).all()


def test_paint_has_no_memory() -> None:
    frame = mask_of((10, 10, 60, 60))
    once, again = grey(), grey()
    for picture in (once, again):
        painting = painting_of(picture, [region(1, frame)])
        painting.fill(26)
        painting.outline()
    assert (once == again).all()


def test_no_region_no_paint() -> None:
    picture = grey()
    painting = painting_of(picture, [])
    painting.fill(26)
    painting.outline()
    painting.lead([])
    painting.letter([])
    assert painting.colours == []
    assert (picture == 90).all()
