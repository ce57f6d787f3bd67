"""Scenes of painted squares: each segment a picture of its own, side by side on grey."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from annoengine.baseline.region_facts import Scene, measure_record
from annoengine.claims.colour_evidence import PhotoColours
from annoengine.mask import RecordFiles, write_panoptic_png
from annoengine.record import Category, MaskStore, Photo, Record, Segment

MARGIN = 20


def painted(
    tmp_path_factory: pytest.TempPathFactory,
    pictures: Mapping[str, NDArray[np.uint8]],
    *,
    masks: bool = True,
    cut_rows: int = 0,
) -> tuple[Scene, PhotoColours]:
    """Segments 1, 2, … by category ("#" marks a crowd), each painted as its picture.

    ``cut_rows``: so many of a picture's first rows are painted but are not in the mask.
    """
    folder = tmp_path_factory.mktemp("painted")
    height = max(len(picture) for picture in pictures.values()) + 2 * MARGIN
    width = sum(picture.shape[1] + MARGIN for picture in pictures.values()) + MARGIN
    photo = np.full((height, width, 3), (150, 150, 150), dtype=np.uint8)
    ids = np.zeros((height, width), dtype=np.uint32)
    segments, x = [], MARGIN
    for number, (name, picture) in enumerate(pictures.items(), start=1):
        rows, columns = picture.shape[:2]
        photo[MARGIN : MARGIN + rows, x : x + columns] = picture
        ids[MARGIN + cut_rows : MARGIN + rows, x : x + columns] = number
        segments.append(
            Segment(
                id=number,
                category=Category(name=name.strip().rstrip("#")),
                isthing=True,
                box_xyxy=(x, MARGIN + cut_rows, x + columns, MARGIN + rows),
                area_px=(rows - cut_rows) * columns,
                iscrowd="#" in name,
                mask=number if masks else None,
            )
        )
        x += columns + MARGIN
    Image.fromarray(photo).save(folder / "photo.png")
    write_panoptic_png(folder / "ids.png", ids)
    record = Record(
        id="painted/all/1",
        photo=Photo(file="photo.png", width=width, height=height, sha256="0" * 64),
        masks=MaskStore(kind="panoptic_png", sha256="0" * 64),
        segments=tuple(segments),
    )
    files = RecordFiles(image=folder / "photo.png", panoptic=folder / "ids.png")
    return measure_record(files, record), PhotoColours(files, record)
