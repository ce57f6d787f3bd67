"""Paint the hand-drawn polygons of polygons.yaml into COCO panoptic PNGs and panoptic.json."""

import json
from collections import Counter
from pathlib import Path
from typing import Annotated, Literal

import cv2
import numpy as np
import numpy.typing as npt
import yaml
from PIL import Image
from pydantic import BaseModel, ConfigDict, Field

HERE = Path(__file__).resolve().parent

Point = tuple[int, int]
Polygon = Annotated[list[Point], Field(min_length=3)]
Colour = tuple[int, int, int]
Flag = Literal[0, 1]


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Info(Strict):
    description: str
    version: str
    year: int
    contributor: str
    url: str
    date_created: str


class License(Strict):
    id: int
    name: str
    url: str


class Category(Strict):
    id: int
    name: str
    isthing: Flag
    supercategory: str
    color: Colour


class Segment(Strict):
    category: str
    iscrowd: Flag
    polygons: list[Polygon]
    holes: list[Polygon] = []
    margin: int = 0
    note: str = ""


class Photograph(Strict):
    file: str
    id: int
    title: str
    license: int
    credit: str
    page: str
    segments: list[Segment]


class Drawing(Strict):
    info: Info
    licenses: list[License]
    photographs: list[Photograph]
    categories: list[Category]


def segment_colours(photo: Photograph, categories: dict[str, Category]) -> list[Colour]:
    """Give each segment a colour near its category's, unique in the photograph and never black."""
    seen: Counter[str] = Counter()
    taken: set[Colour] = set()
    colours: list[Colour] = []
    for segment in photo.segments:
        red, green, blue = categories[segment.category].color
        step = seen[segment.category] * 7 + photo.id
        seen[segment.category] += 1
        while True:
            colour = (shift(red, step * 23), shift(green, step * 37), shift(blue, step * 53))
            if colour not in taken:
                break
            step += 1
        taken.add(colour)
        colours.append(colour)
    return colours


def shift(channel: int, by: int) -> int:
    """Move a colour channel by at most 30, staying within 1..255."""
    return min(max(channel + by % 61 - 30, 1), 255)


def segment_mask(segment: Segment, width: int, height: int) -> npt.NDArray[np.uint8]:
    """Draw the polygons of a segment less its holes as a 0/1 mask."""
    mask = np.zeros((height, width), np.uint8)
    for polygons, value in ((segment.polygons, 1), (segment.holes, 0)):
        for polygon in polygons:
            cv2.fillPoly(mask, [np.array(polygon, np.int32)], value)
    return mask


def paint(photo: Photograph, width: int, height: int) -> npt.NDArray[np.int32]:
    """Paint the segments in order; each pixel holds the segment's place from 1, or 0 for none."""
    painted = np.zeros((height, width), np.int32)
    for place, segment in enumerate(photo.segments, start=1):
        mask = segment_mask(segment, width, height)
        if segment.margin:
            size = 2 * segment.margin + 1
            brush = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
            painted[cv2.dilate(mask, brush) > 0] = 0
        painted[mask > 0] = place
    return painted


def main() -> None:
    drawing = Drawing.model_validate(yaml.safe_load((HERE / "polygons.yaml").read_text("utf-8")))
    categories = {category.name: category for category in drawing.categories}
    (HERE / "panoptic").mkdir(exist_ok=True)
    images: list[dict[str, object]] = []
    annotations: list[dict[str, object]] = []
    for photo in drawing.photographs:
        with Image.open(HERE / "images" / photo.file) as image:
            width, height = image.size
        painted = paint(photo, width, height)
        colours = segment_colours(photo, categories)
        segments_info: list[dict[str, object]] = []
        for place, (segment, colour) in enumerate(zip(photo.segments, colours, strict=True), 1):
            ys, xs = np.nonzero(painted == place)
            if not xs.size:
                raise ValueError(f"{photo.file}: nothing of segment {place} is left to see")
            x, y = int(xs.min()), int(ys.min())
            segments_info.append(
                {
                    "id": colour[0] + 256 * colour[1] + 65536 * colour[2],
                    "category_id": categories[segment.category].id,
                    "iscrowd": segment.iscrowd,
                    "bbox": [x, y, int(xs.max()) - x + 1, int(ys.max()) - y + 1],
                    "area": int(xs.size),
                }
            )
        palette = np.array([(0, 0, 0), *colours], np.uint8)
        png = Path(photo.file).with_suffix(".png").name
        Image.fromarray(palette[painted]).save(HERE / "panoptic" / png, optimize=True)
        images.append(
            {
                "id": photo.id,
                "file_name": photo.file,
                "width": width,
                "height": height,
                "license": photo.license,
                "coco_url": photo.page,
                "date_captured": "",
            }
        )
        annotations.append({"image_id": photo.id, "file_name": png, "segments_info": segments_info})
    panoptic = {
        "info": drawing.info.model_dump(),
        "licenses": [one.model_dump() for one in drawing.licenses],
        "images": images,
        "annotations": annotations,
        "categories": [one.model_dump() for one in drawing.categories],
    }
    (HERE / "panoptic.json").write_text(json.dumps(panoptic, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
