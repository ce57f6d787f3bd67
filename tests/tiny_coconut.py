"""COCONut of a few pixels, in each of the forms it comes in.

Every picture is 8 × 6 and is divided as in ``tests/tiny_coco.py``, with the ids 1 (person), 2
(sky) and 3 (a crowd of persons) where 7, 300 and 70000 stand there. There is a photograph of
COCO's and one of Objects365.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from annoengine.mask import IdMap, rgb_from_ids
from annoengine.sources.coconut import Coconut, CoconutParameters
from tests.tiny_coco import HEIGHT, WIDTH, id_map

# pyarrow has no types, and mypy need not look for them.
arrow: Any = importlib.import_module("pyarrow")
parquet: Any = importlib.import_module("pyarrow.parquet")

STEMS = ("000000000009", "objects365_v2_00908726")
IDS = (9, 908726)


def small_ids() -> IdMap:
    """The picture, with ids from 1."""
    ids = id_map()
    return np.select([ids == 7, ids == 300, ids == 70000], [1, 2, 3], 0).astype(np.uint32)


def png(ids: np.ndarray, mode: str = "RGB") -> bytes:
    """A mask picture's bytes; ``L``: one channel, as COCONut-XL has them."""
    file = BytesIO()
    array = rgb_from_ids(ids) if mode == "RGB" else ids.astype(np.uint8)
    Image.fromarray(array).save(file, format="PNG")
    return file.getvalue()


def infos() -> list[dict[str, Any]]:
    """The segments as COCONut's JSON has them: no box, the kind on the segment."""
    return [
        {"id": 1, "category_id": 1, "iscrowd": 0, "isthing": 1, "area": 12},
        {"id": 2, "category_id": 187, "iscrowd": 0, "isthing": 0, "area": 16},
        {"id": 3, "category_id": 1, "iscrowd": 1, "isthing": 1, "area": 12},
    ]


class TinyCoconut:
    """Photographs in a folder, one of them in a sub-folder; change ``rows`` and write a form."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.images = root / "images"
        self.photos = [
            self.images / f"{STEMS[0]}.jpg",
            self.images / "patch16" / f"{STEMS[1]}.jpg",
        ]
        for number, photo in enumerate(self.photos):
            photo.parent.mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (WIDTH, HEIGHT), (number, 90, 90)).save(photo)
        self.rows: list[dict[str, Any]] = [
            {
                "mask": {"bytes": png(small_ids()), "path": f"{stem}.png"},
                "segments_info": {
                    "file_name": f"{stem}.png",
                    "image_id": id,
                    "segments_info": infos(),
                },
                "image_info": {
                    "coco_url": f"http://images.cocodataset.org/train2017/{stem}.jpg",
                    "date_captured": "2013-11-14 16:03:19",
                    "file_name": f"{stem}.jpg",
                    "height": HEIGHT,
                    "id": id,
                    "license": 3,
                    "width": WIDTH,
                },
            }
            for stem, id in zip(STEMS, IDS, strict=True)
        ]
        del self.rows[1]["image_info"]["coco_url"]
        self.annotations = root / "nothing"
        self.panoptic: Path | None = None

    @property
    def segments(self) -> list[dict[str, Any]]:
        """The segments of the first image."""
        found: list[dict[str, Any]] = self.rows[0]["segments_info"]["segments_info"]
        return found

    def parquet(self, name: str = "coconut_s.parquet", group: int = 1) -> TinyCoconut:
        """Writes one parquet file, so many rows in a group."""
        self.annotations = self.root / name
        self.annotations.parent.mkdir(parents=True, exist_ok=True)
        table = arrow.Table.from_pylist(self.rows)
        parquet.write_table(table, self.annotations, row_group_size=group)
        return self

    def _pngs(self, folder: str, stems: Sequence[str] = STEMS) -> None:
        self.panoptic = self.root / folder
        self.panoptic.mkdir(parents=True, exist_ok=True)
        for stem, row in zip(stems, self.rows, strict=True):
            (self.panoptic / f"{stem}.png").write_bytes(row["mask"]["bytes"])

    def rebuilt(self, **changes: Any) -> TinyCoconut:
        """Writes what the download script makes of the rows: a panoptic JSON and PNGs."""
        data = {
            "images": [row["image_info"] for row in self.rows],
            "annotations": [row["segments_info"] for row in self.rows],
            "licenses": [{"url": "http://example.org/nd", "id": 3, "name": "NoDerivs"}],
            **changes,
        }
        self.annotations = self.root / "coconut_s.json"
        self.annotations.write_text(json.dumps(data, indent=4))
        self._pngs("coconut_s")
        return self

    def bare_list(self) -> TinyCoconut:
        """Writes a bare list of annotation records, and PNGs."""
        self.annotations = self.root / "coconut_b.json"
        self.annotations.write_text(json.dumps([row["segments_info"] for row in self.rows]))
        self._pngs("coconut_b")
        return self

    def files(self) -> TinyCoconut:
        """Writes one JSON for each image with its bare segments, and PNGs."""
        self.annotations = self.root / "panseg_info"
        self.annotations.mkdir(exist_ok=True)
        for stem, row in zip(STEMS, self.rows, strict=True):
            text = json.dumps(row["segments_info"]["segments_info"])
            (self.annotations / f"{stem}.json").write_text(text)
        self._pngs("panseg")
        return self

    def source(self, seed: int = 0, **parameters: Any) -> Coconut:
        """The source over what was written last."""
        inputs = {"images": self.images, "annotations": self.annotations}
        return Coconut(CoconutParameters.model_validate(parameters), inputs, seed)
