"""Small COCO panoptic datasets made from a seed, for tests that need pictures and masks."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from annoengine.box import xywh_from_xyxy
from annoengine.mask import box_of, rgb_from_ids

_KINDS = (
    (1, "person", 1, "person", [220, 20, 60]),
    (18, "dog", 1, "animal", [0, 0, 230]),
    (3, "car", 1, "vehicle", [0, 0, 142]),
    (187, "sky-other-merged", 0, "sky", [70, 130, 180]),
    (193, "grass-merged", 0, "plant", [152, 251, 152]),
)
CATEGORIES: list[dict[str, Any]] = [
    {"id": id, "name": name, "isthing": isthing, "supercategory": over, "color": colour}
    for id, name, isthing, over, colour in _KINDS
]


def make_dataset(
    folder: Path, images: int, seed: int = 0, size_wh: tuple[int, int] = (96, 72)
) -> Path:
    """Writes images/, panoptic_val2017/ and panoptic_val2017.json; gives the folder.

    Every image has sky over grass, one to three coloured things, and a band of void.
    """
    rng = random.Random(seed)
    (folder / "images").mkdir(parents=True)
    (folder / "panoptic_val2017").mkdir()
    listed, annotations = [], []
    for number in range(1, images + 1):
        ids, rgb, segments = _scene(rng, size_wh)
        name = f"{number:012d}"
        Image.fromarray(rgb).save(folder / "images" / f"{name}.jpg", quality=90)
        Image.fromarray(rgb_from_ids(ids)).save(folder / "panoptic_val2017" / f"{name}.png")
        listed.append(
            {
                "id": number,
                "file_name": f"{name}.jpg",
                "width": size_wh[0],
                "height": size_wh[1],
                "license": 1,
            }
        )
        annotations.append(
            {"image_id": number, "file_name": f"{name}.png", "segments_info": segments}
        )
    data = {
        "info": {},
        "licenses": [{"id": 1, "name": "CC BY", "url": ""}],
        "images": listed,
        "annotations": annotations,
        "categories": CATEGORIES,
    }
    (folder / "panoptic_val2017.json").write_text(json.dumps(data), encoding="utf-8")
    return folder


def _scene(
    rng: random.Random, size_wh: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray, list[dict[str, Any]]]:
    width, height = size_wh
    ids = np.zeros((height, width), dtype=np.uint32)
    rgb = np.zeros((height, width, 3), dtype=np.uint8)
    horizon = rng.randrange(height // 3, 2 * height // 3)
    painted: list[tuple[int, int]] = []

    def paint(category: int, rows: slice, columns: slice, colour: tuple[int, int, int]) -> None:
        id = rng.randrange(1 << 16, 1 << 23)
        ids[rows, columns] = id
        rgb[rows, columns] = colour
        painted.append((id, category))

    paint(187, slice(0, horizon), slice(0, width), (120, 170, 230))
    paint(193, slice(horizon, height - 2), slice(0, width), (60, 140, 50))
    for _ in range(rng.randrange(1, 4)):
        w, h = rng.randrange(12, 24), rng.randrange(12, 24)
        x, y = rng.randrange(0, width - w), rng.randrange(0, height - 2 - h)
        colour = (rng.randrange(256), rng.randrange(256), rng.randrange(256))
        paint(rng.choice((1, 18, 3)), slice(y, y + h), slice(x, x + w), colour)
    segments = []
    for id, category in painted:
        mask = ids == id
        if mask.any():
            box_xywh = [int(v) for v in xywh_from_xyxy(box_of(mask))]
            segments.append(
                {
                    "id": id,
                    "category_id": category,
                    "iscrowd": 0,
                    "bbox": box_xywh,
                    "area": int(mask.sum()),
                }
            )
    return ids, rgb, segments
