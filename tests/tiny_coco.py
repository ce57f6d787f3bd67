"""A COCO panoptic dataset of a few pixels, with which sources and exporters are tested.

Every picture is 8 × 6 and is divided so::

    300 300 300 300 300 300 300 300      300    sky     16 px, box [0, 0, 8, 2]
    300 300 300 300 300 300 300 300        7    person  12 px, box [0, 2, 3, 4]
      7   7   7   .   . 70k 70k 70k    70000    crowd   12 px, box [5, 2, 3, 4]
      7   7   7   .   . 70k 70k 70k        .    void     8 px
      7   7   7   .   . 70k 70k 70k
      7   7   7   .   . 70k 70k 70k
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from annoengine.mask import IdMap, write_panoptic_png
from annoengine.sources.coco_panoptic import CocoPanoptic, CocoPanopticParameters

WIDTH, HEIGHT = 8, 6

CATEGORIES = [
    {"id": 1, "name": "person", "isthing": 1, "supercategory": "person", "color": [220, 20, 60]},
    {
        "id": 187,
        "name": "sky-other-merged",
        "isthing": 0,
        "supercategory": "sky",
        "color": [70, 130, 180],
    },
]
LICENCES = [
    {"url": "http://example.org/by-nc/2.0/", "id": 2, "name": "Attribution-NonCommercial"},
    {"url": "http://example.org/by/2.0/", "id": 4, "name": "Attribution"},
]


def id_map() -> IdMap:
    """The picture above."""
    ids = np.zeros((HEIGHT, WIDTH), dtype=np.uint32)
    ids[:2] = 300
    ids[2:, :3] = 7
    ids[2:, 5:] = 70000
    return ids


def segments_info() -> list[dict[str, Any]]:
    """What a right annotation says of the picture above."""
    return [
        {"id": 7, "category_id": 1, "iscrowd": 0, "bbox": [0, 2, 3, 4], "area": 12},
        {"id": 300, "category_id": 187, "iscrowd": 0, "bbox": [0, 0, 8, 2], "area": 16},
        {"id": 70000, "category_id": 1, "iscrowd": 1, "bbox": [5, 2, 3, 4], "area": 12},
    ]


class TinyCoco:
    """The dataset in a folder; change ``data`` and :meth:`write` it again to spoil it."""

    def __init__(self, root: Path, n: int = 1, name: str = "panoptic_val2017") -> None:
        self.root = root
        self.json = root / "annotations" / f"{name}.json"
        self.images = root / "val2017"
        self.masks = self.json.with_suffix("")
        for folder in (self.images, self.masks):
            folder.mkdir(parents=True)
        self.data: dict[str, Any] = {
            "info": {"year": 2017},
            "licenses": [dict(row) for row in LICENCES],
            "images": [self._image(number) for number in range(1, n + 1)],
            "annotations": [
                {
                    "image_id": number,
                    "file_name": f"{number:04d}.png",
                    "segments_info": segments_info(),
                }
                for number in range(1, n + 1)
            ],
            "categories": [dict(row) for row in CATEGORIES],
        }
        for number in range(1, n + 1):
            photo = np.full((HEIGHT, WIDTH, 3), number, dtype=np.uint8)
            Image.fromarray(photo).save(self.images / f"{number:04d}.jpg", quality=90)
            write_panoptic_png(self.masks / f"{number:04d}.png", id_map())
        self.write()

    @staticmethod
    def _image(number: int) -> dict[str, Any]:
        return {
            "license": 2 if number % 2 else 4,
            "file_name": f"{number:04d}.jpg",
            "coco_url": f"http://example.org/{number}",
            "height": HEIGHT,
            "width": WIDTH,
            "date_captured": "2013-11-20 16:47:35",
            "flickr_url": f"http://example.org/f/{number}",
            "id": number,
        }

    def write(self) -> None:
        """Writes the JSON again."""
        self.json.write_text(json.dumps(self.data))

    def source(self, seed: int = 0, **parameters: Any) -> CocoPanoptic:
        """The source over it."""
        return CocoPanoptic(
            CocoPanopticParameters.model_validate(parameters),
            {"images": self.images, "annotations": self.json},
            seed,
        )
