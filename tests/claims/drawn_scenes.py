"""Draws pictures of coloured shapes with their panoptic masks, by seed, as a folder in COCO's form.

A folder holds ``panoptic.json``, ``images/`` and ``panoptic/``, like the example photographs, so
that both are read and measured by the same code. Shapes stand apart, touch, or lie in one another;
light falls off across the picture and the pixels are noisy, as in a photograph.
"""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageColor, ImageDraw

SIZE_WH = (640, 480)
HORIZON = 200
"""The row where the sky ends and the grass begins."""

THINGS = (
    *("ball", "kite", "book", "bowl", "clock", "vase"),
    *("umbrella", "suitcase", "chair", "cup", "bench", "truck"),
)
STUFF = ("sky-other-merged", "grass-merged")
CATEGORIES = {name: number for number, name in enumerate((*THINGS, *STUFF), start=1)}

PAINTS = (
    *("crimson", "darkorange", "gold", "forestgreen", "royalblue", "darkorchid", "hotpink"),
    *("saddlebrown", "black", "white", "gray", "navy", "darkgreen", "firebrick", "indigo"),
)
"""CSS names (CSS Color Module Level 4, section 6.1) of the shapes' colours."""

Box = tuple[int, int, int, int]


@dataclass(frozen=True)
class Shape:
    """One thing to draw: an ellipse or a rectangle that fills a box (x1, y1, x2, y2), half-open."""

    name: str
    form: str
    box: Box
    paint: str


def choose_shapes(dice: random.Random) -> list[Shape]:
    """Four to seven shapes; one category may come several times, at most one lies in another."""
    names = dice.sample(THINGS, 4)
    names += [names[0]] * dice.choice([0, 1, 2, 3])
    shapes: list[Shape] = []
    for name in names:
        box = _free_box(dice, [shape.box for shape in shapes])
        if box is not None:
            form = dice.choice(["ellipse", "rectangle"])
            shapes.append(Shape(name, form, box, dice.choice(PAINTS)))
    if dice.random() < 0.6:
        shapes.append(_inner(dice, shapes, dice.choice(sorted(set(THINGS) - set(names)))))
    elif dice.random() < 0.7:
        beside = _touching(dice, shapes, dice.choice(sorted(set(THINGS) - set(names))))
        shapes += beside
    return shapes


def _free_box(dice: random.Random, taken: list[Box], gap: int = 14) -> Box | None:
    """A box that keeps its distance to the others and to the frame."""
    for _ in range(200):
        w, h = dice.randint(36, 190), dice.randint(36, 170)
        x, y = dice.randint(6, SIZE_WH[0] - w - 6), dice.randint(6, SIZE_WH[1] - h - 6)
        apart = all(
            x + w + gap <= x1 or x2 + gap <= x or y + h + gap <= y1 or y2 + gap <= y
            for x1, y1, x2, y2 in taken
        )
        if apart:
            return x, y, x + w, y + h
    return None


def _inner(dice: random.Random, shapes: list[Shape], name: str) -> Shape:
    """A shape in the middle of the largest one, in another colour."""
    outer = max(shapes, key=lambda s: (s.box[2] - s.box[0]) * (s.box[3] - s.box[1]))
    x1, y1, x2, y2 = outer.box
    dx, dy = (x2 - x1) // 3, (y2 - y1) // 3
    paint = dice.choice([paint for paint in PAINTS if paint != outer.paint])
    return Shape(name, "rectangle", (x1 + dx, y1 + dy, x2 - dx, y2 - dy), paint)


def _touching(dice: random.Random, shapes: list[Shape], name: str) -> list[Shape]:
    """A rectangle that touches the right side of another, where there is room."""
    for shape in shapes:
        _, y1, x2, y2 = shape.box
        box = (x2, y1 + 4, x2 + 60, y2 - 4)
        others = [s.box for s in shapes if s is not shape]
        free = all(
            box[2] <= a or c <= box[0] or box[3] <= b or d <= box[1] for a, b, c, d in others
        )
        if shape.form == "rectangle" and free and box[2] < SIZE_WH[0]:
            paint = dice.choice([paint for paint in PAINTS if paint != shape.paint])
            return [Shape(name, "rectangle", box, paint)]
    return []


def paint_scene(shapes: list[Shape], seed: int) -> tuple[NDArray[np.uint8], NDArray[np.int32]]:
    """The picture (rows, columns, RGB) and its id map: 1 the sky, 2 the grass, shapes from 3."""
    ids = Image.new("I", SIZE_WH, 1)
    photo = Image.new("RGB", SIZE_WH, ImageColor.getrgb("lightskyblue"))
    ImageDraw.Draw(ids).rectangle((0, HORIZON, *SIZE_WH), fill=2)
    ImageDraw.Draw(photo).rectangle((0, HORIZON, *SIZE_WH), fill=ImageColor.getrgb("olivedrab"))
    for number, shape in enumerate(shapes, start=3):
        x1, y1, x2, y2 = shape.box
        for canvas, fill in ((ids, number), (photo, ImageColor.getrgb(shape.paint))):
            draw = ImageDraw.Draw(canvas)
            draw_form = draw.ellipse if shape.form == "ellipse" else draw.rectangle
            draw_form((x1, y1, x2 - 1, y2 - 1), fill=fill)
    dice = np.random.default_rng(seed)
    light = np.linspace(0.86, 1.08, SIZE_WH[0])[None, :, None]
    noise = dice.normal(0, 5, (SIZE_WH[1], SIZE_WH[0], 3))
    pixels = np.clip(np.asarray(photo, dtype=float) * light + noise, 0, 255)
    return pixels.astype(np.uint8), np.asarray(ids, dtype=np.int32)


def draw_folder(folder: Path, n: int, seed: int) -> Path:
    """Writes ``n`` scenes with their masks into a folder; gives the folder."""
    (folder / "images").mkdir(parents=True)
    (folder / "panoptic").mkdir()
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for number in range(1, n + 1):
        shapes = choose_shapes(random.Random(f"{seed}/{number}"))
        photo, ids = paint_scene(shapes, seed * 1000 + number)
        name, masks = f"scene{number:03}.jpg", f"scene{number:03}.png"
        Image.fromarray(photo).save(folder / "images" / name, quality=95, subsampling=0)
        rgb = np.stack([ids % 256, ids // 256 % 256, ids // 65536], axis=-1)
        Image.fromarray(rgb.astype(np.uint8)).save(folder / "panoptic" / masks)
        images.append({"id": number, "file_name": name, "width": SIZE_WH[0], "height": SIZE_WH[1]})
        names = [*STUFF, *(shape.name for shape in shapes)]
        infos = [_info(ids, id, name) for id, name in enumerate(names, start=1)]
        annotations.append({"image_id": number, "file_name": masks, "segments_info": infos})
    categories = [
        {"id": id, "name": name, "isthing": int(name in THINGS), "supercategory": "drawn"}
        for name, id in CATEGORIES.items()
    ]
    index = {"images": images, "annotations": annotations, "categories": categories}
    (folder / "panoptic.json").write_text(json.dumps(index, indent=1) + "\n", encoding="utf-8")
    return folder


def _info(ids: NDArray[np.int32], id: int, name: str) -> dict[str, Any]:
    ys, xs = np.nonzero(ids == id)
    x, y = int(xs.min()), int(ys.min())
    box = [x, y, int(xs.max()) + 1 - x, int(ys.max()) + 1 - y]
    return {
        "id": id,
        "category_id": CATEGORIES[name],
        "bbox": box,
        "area": len(xs),
        "iscrowd": 0,
    }
