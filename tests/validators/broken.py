"""Datasets of a few pixels, each broken in one way."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from annoengine.validator import Dataset, Finding, Rules, Validator
from annoengine.validators.instances import Instances
from annoengine.validators.panoptic import Panoptic
from tests.tiny_coco import CATEGORIES, HEIGHT, WIDTH, TinyCoco

TEXTS = {
    7: "A man in a red coat walks along the shore.",
    300: "A pale sky with a few thin clouds.",
    70000: "People who stand together at the water.",
}


def described(root: Path, n: int = 1) -> TinyCoco:
    """The tiny dataset with a description of each segment."""
    tiny = TinyCoco(root, n)
    for info in infos(tiny):
        info["description"] = TEXTS[info["id"]]
    tiny.write()
    return tiny


def infos(tiny: TinyCoco) -> list[dict[str, Any]]:
    """All entries of ``segments_info``."""
    return [info for a in tiny.data["annotations"] for info in a["segments_info"]]


def check(
    path: Path,
    validator: type[Validator] = Panoptic,
    masks: Path | None = None,
    images: Path | None = None,
    **rules: Any,
) -> list[Finding]:
    """The findings of a file."""
    dataset = validator.dataset(path, masks, images)
    return list(validator(Rules(**rules)).check(dataset))


def fix(path: Path, target: Path, validator: type[Validator] = Panoptic, **rules: Any) -> Any:
    """The mended file, read again, and the findings."""
    dataset: Dataset = validator.dataset(path, None, None)
    found = list(validator(Rules(**rules)).fix(dataset, target))
    return json.loads(target.read_text("utf-8")), found


def names(findings: list[Finding]) -> set[str]:
    """The codes of findings."""
    return {finding.code for finding in findings}


def boxes(path: Path, annotations: list[dict[str, Any]], **more: Any) -> Path:
    """An instances file over one image of 8 × 6; a member that is None is left out."""
    data = {
        "images": [{"id": 1, "file_name": "1.jpg", "width": WIDTH, "height": HEIGHT}],
        "annotations": annotations,
        "categories": CATEGORIES,
        **more,
    }
    path.write_text(json.dumps({key: value for key, value in data.items() if value is not None}))
    return path


def polygon(**values: Any) -> dict[str, Any]:
    """A right annotation with a polygon over the columns 1 to 4 and rows 1 to 3."""
    return {
        "id": 5,
        "image_id": 1,
        "category_id": 1,
        "iscrowd": 0,
        "area": 12,
        "bbox": [1, 1, 4, 3],
        "segmentation": [[1, 1, 5, 1, 5, 4, 1, 4]],
        **values,
    }


def rle(**values: Any) -> dict[str, Any]:
    """A right annotation with an RLE over column 1, rows 2 to 5, and column 2, rows 0 to 1.

    A column has 6 pixels: 8 of void, 6 of the segment, 34 of void.
    """
    return {
        "id": 6,
        "image_id": 1,
        "category_id": 1,
        "iscrowd": 1,
        "area": 6,
        "bbox": [1, 0, 2, 6],
        "segmentation": {"size": [6, 8], "counts": [8, 6, 34]},
        **values,
    }


__all__ = [
    "TEXTS",
    "Instances",
    "Panoptic",
    "boxes",
    "check",
    "described",
    "fix",
    "infos",
    "names",
    "polygon",
    "rle",
]
