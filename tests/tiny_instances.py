"""A COCO instances dataset of a few pixels. Every picture is 8 × 6, with these annotations::

    11  dog, polygon (1, 1) (5, 1) (5, 4) (1, 4)   12 px, box [1, 1, 4, 3]
    12  dog, compressed RLE of column 7              6 px, box [7, 0, 1, 6]
    13  cat, uncompressed RLE of row 5, a crowd      8 px, box [0, 5, 8, 1]
    14  cat, a box and no mask                      [2.5, 0, 3, 2]

Image n has the ids 10 n + 1 … 10 n + 4. The annotations of all images lie mixed in the file.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from annoengine.sources.coco_instances import CocoInstances, CocoInstancesParameters
from tests.tiny_coco import HEIGHT, LICENCES, WIDTH

CATEGORIES = [
    {"id": 18, "name": "dog", "supercategory": "animal"},
    {"id": 17, "name": "cat", "supercategory": "animal"},
]


def annotations_of(number: int) -> list[dict[str, Any]]:
    """The four annotations of an image."""
    row_5 = [5, *[1, 5] * 7, 1]
    return [
        {
            "id": 10 * number + 1,
            "category_id": 18,
            "segmentation": [[1, 1, 5, 1, 5, 4, 1, 4]],
            "area": 12,
            "bbox": [1, 1, 4, 3],
            "iscrowd": 0,
            "image_id": number,
        },
        {
            "id": 10 * number + 2,
            "category_id": 18,
            "segmentation": {"size": [HEIGHT, WIDTH], "counts": "Z16"},
            "area": 6,
            "bbox": [7, 0, 1, 6],
            "iscrowd": 0,
            "image_id": number,
        },
        {
            "id": 10 * number + 3,
            "category_id": 17,
            "segmentation": {"size": [HEIGHT, WIDTH], "counts": row_5},
            "area": 8,
            "bbox": [0, 5, 8, 1],
            "iscrowd": 1,
            "image_id": number,
        },
        {
            "id": 10 * number + 4,
            "category_id": 17,
            "bbox": [2.5, 0, 3, 2],
            "image_id": number,
        },
    ]


class TinyInstances:
    """The dataset in a folder; change ``data`` and :meth:`write` it again to spoil it."""

    def __init__(self, root: Path, n: int = 1, name: str = "instances_val2017") -> None:
        self.root = root
        self.json = root / "annotations" / f"{name}.json"
        self.images = root / "val2017"
        for folder in (self.json.parent, self.images):
            folder.mkdir(parents=True)
        numbers = range(1, n + 1)
        of_images = [annotations_of(number) for number in numbers]
        self.data: dict[str, Any] = {
            "info": {"description": 'tiny [braces} and "quotes" \\'},
            "licenses": [dict(row) for row in LICENCES],
            "images": [self._image(number) for number in numbers],
            # All first annotations, then all second ones, and so on.
            "annotations": [a for column in zip(*of_images, strict=True) for a in column],
            "categories": [dict(row) for row in CATEGORIES],
        }
        for number in numbers:
            photo = np.full((HEIGHT, WIDTH, 3), 20 * number % 256, dtype=np.uint8)
            Image.fromarray(photo).save(self.images / f"{number:04d}.jpg", quality=90)
        self.write()

    @staticmethod
    def _image(number: int) -> dict[str, Any]:
        return {
            "license": 2 if number % 2 else 4,
            "file_name": f"{number:04d}.jpg",
            "coco_url": f"http://example.org/val2017/{number:04d}.jpg",
            "height": HEIGHT,
            "width": WIDTH,
            "id": number,
        }

    def write(self) -> None:
        """Writes the JSON again."""
        self.json.write_text(json.dumps(self.data), "utf-8")

    def source(self, seed: int = 0, **parameters: Any) -> CocoInstances:
        """The source over it."""
        return CocoInstances(
            CocoInstancesParameters.model_validate(parameters),
            {"images": self.images, "annotations": self.json},
            seed,
        )
