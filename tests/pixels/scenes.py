"""Pictures with masks, made by seed: rectangles, ellipses, polygons, overlaps and crowds."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from annoengine.mask import RecordFiles, box_of, rle_from_mask, write_panoptic_png
from annoengine.record import Category, Mark, MaskStore, Photo, Record, Segment
from tests.pixels.truth import Thing

NAMES = (
    ("cup", True),
    ("cup", True),
    ("person", True),
    ("skis", True),
    ("broccoli", True),
    ("orange", True),
    ("lattice tower", True),
    ("grass-merged", False),
    ("wall-brick", False),
    ("stairs", False),
)
COLOURS = (
    *((255, 0, 0), (20, 90, 30), (240, 240, 235), (10, 10, 10), (120, 120, 120), (0, 0, 128)),
    *((210, 180, 140), (139, 69, 19), (255, 165, 0), (250, 230, 60), (255, 170, 190)),
    *((70, 130, 180), (0, 128, 128), (110, 110, 20), (90, 20, 30), (130, 60, 160), (200, 205, 220)),
)
ALIKE = ((100, 100, 100), (108, 106, 100), (118, 116, 112))


@dataclass(frozen=True)
class Made:
    """A record with its files, and what is needed to judge statements about it."""

    record: Record
    files: RecordFiles
    photo: NDArray[np.uint8]
    things: tuple[Thing, ...]


def marks_for(segments: tuple[Segment, ...]) -> tuple[Mark, ...]:
    """A mark for each segment that is no crowd, numbered from 1."""
    marked = [segment for segment in segments if not segment.iscrowd]
    return tuple(
        Mark(
            number=number,
            segment=segment.id,
            text=str(number),
            anchor_xy=(0, 0),
            label_box_xyxy=(0, 0, 1, 1),
            colour="#ffffff",
            text_px=12,
        )
        for number, segment in enumerate(marked, start=1)
    )


def _shape(rng: np.random.Generator, width: int, height: int) -> NDArray[np.bool_]:
    canvas = Image.new("L", (width, height))
    draw = ImageDraw.Draw(canvas)
    w, h = (int(v) for v in rng.integers(4, [int(width * 0.7), int(height * 0.7)]))
    x, y = int(rng.integers(-3, width - 2)), int(rng.integers(-3, height - 2))
    kind = rng.integers(6)
    if kind == 0:
        draw.rectangle((x, y, x + w, y + h), fill=1)
    elif kind == 1:
        draw.ellipse((x, y, x + w, y + h), fill=1)
    elif kind == 2:
        r = min(w, h)
        draw.ellipse((x, y, x + r, y + r), fill=1)
    elif kind == 3:
        points = rng.integers((x, y), (x + w + 1, y + h + 1), size=(int(rng.integers(3, 8)), 2))
        draw.polygon([(int(px), int(py)) for px, py in points], fill=1)
    elif kind == 4:
        # Two parts, one of them now and then too small to count.
        cut = int(rng.integers(2, max(3, w)))
        draw.rectangle((x, y, x + cut, y + h), fill=1)
        draw.rectangle((x + cut + 3, y, x + w + 6, y + h), fill=1)
    else:
        ends = (x, y, x + w, y + h) if rng.random() < 0.5 else (x + w, y, x, y + h)
        draw.line(ends, fill=1, width=int(rng.integers(3, 8)))
    return np.asarray(canvas, dtype=bool)


def _paint(
    rng: np.random.Generator,
    photo: NDArray[np.uint8],
    mask: NDArray[np.bool_],
    palette: Sequence[tuple[int, int, int]],
) -> None:
    """One to four colours in stripes, and sometimes noise."""
    colours = [palette[int(i)] for i in rng.integers(len(palette), size=int(rng.integers(1, 5)))]
    ys, xs = np.nonzero(mask)
    along = ys if rng.random() < 0.5 else xs
    stripe = (along // int(rng.integers(3, 12))) % len(colours)
    pixels = np.array(colours)[stripe].astype(float)
    if rng.random() < 0.4:
        pixels += rng.normal(0, rng.uniform(2, 40), size=(len(ys), 1))
    photo[ys, xs] = np.clip(pixels, 0, 255).astype(np.uint8)


def make(seed: int, folder: Path) -> Made:
    """A scene of three to ten segments. Every third keeps overlapping masks as RLEs, every fifth
    has segments of which only a box is known; every fourth shows cups that look much alike."""
    rng = np.random.default_rng(seed)
    width, height = int(rng.integers(50, 130)), int(rng.integers(50, 100))
    photo = np.full((height, width, 3), COLOURS[int(rng.integers(len(COLOURS)))], dtype=np.uint8)
    overlapping, boxes, alike = seed % 3 == 0, seed % 5 == 0, seed % 4 == 1
    ids = np.zeros((height, width), dtype=np.uint32)
    layers: list[tuple[int, str, bool, NDArray[np.bool_]]] = []
    if rng.random() < 0.5:
        ground = np.zeros((height, width), dtype=bool)
        ground[int(height * rng.uniform(0.2, 0.8)) :] = True
        layers.append((1, "grass-merged", False, ground))
    for number in range(2, int(rng.integers(5, 12))):
        name, isthing = ("cup", True) if alike else NAMES[int(rng.integers(len(NAMES)))]
        layers.append((number, name, isthing, _shape(rng, width, height)))
    for id, _, _, mask in layers:
        _paint(rng, photo, mask, ALIKE if alike else COLOURS)
        ids[mask] = id
    segments: list[Segment] = []
    things: list[Thing] = []
    rles: list[tuple[int, str, tuple[int, int]]] = []
    for id, name, isthing, drawn in layers:
        mask = drawn if overlapping else ids == id
        if mask.sum() < 8:
            continue
        iscrowd = isthing and bool(rng.random() < (0.03 if alike else 0.12))
        box = box_of(mask)
        only_box = boxes and isthing and not iscrowd and bool(rng.random() < 0.4)
        key = None if only_box else len(rles) if overlapping else id
        if key is not None and overlapping:
            rles.append((key, rle_from_mask(mask)["counts"], (height, width)))
        segments.append(
            Segment(
                id=id,
                category=Category(name=name),
                isthing=isthing,
                box_xyxy=box,
                area_px=int(mask.sum()),
                iscrowd=iscrowd,
                mask=key,
            )
        )
        things.append(Thing(id, name, isthing, iscrowd, None if only_box else mask, box))
    Image.fromarray(photo).save(folder / f"{seed}.png")
    write_panoptic_png(folder / f"{seed}_ids.png", ids)
    record = Record(
        id=f"made/all/{seed}",
        photo=Photo(
            file=f"{seed}.png",
            width=width,
            height=height,
            sha256=hashlib.sha256(photo.tobytes()).hexdigest(),
        ),
        masks=MaskStore(
            kind="rle" if overlapping else "panoptic_png",
            sha256=hashlib.sha256(ids.tobytes()).hexdigest(),
        ),
        segments=tuple(segments),
        marks=marks_for(tuple(segments)),
    )
    files = RecordFiles(
        image=folder / f"{seed}.png",
        panoptic=None if overlapping else folder / f"{seed}_ids.png",
        rles=tuple(rles) if overlapping else None,
    )
    return Made(record, files, photo, tuple(things))
