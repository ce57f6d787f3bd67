"""The photograph that an annotation file names: in a source's entry, and on a record."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from annoengine.errors import RecordFailed
from annoengine.fingerprint import sha256_hex
from annoengine.reading.coco_json import ImageRow
from annoengine.reading.input_file import Links, is_safe_path, read_below, whole_photo_size
from annoengine.record import Licence, Photo, Score


def image_of(row: ImageRow, licences: Mapping[int, Licence]) -> dict[str, Any]:
    """What a source's entry carries of an image, JSON-like.

    Where there is no ``file_name``, as in LVIS, it is the end of ``coco_url``: the folder of the
    split, and the file.
    """
    licence = licences.get(row["licence"]) if row["licence"] is not None else None
    if licence is None and row["licence"] is not None:
        licence = Licence(id=row["licence"])
    image: dict[str, Any] = {
        "file_name": row["file_name"],
        "width": row["width"],
        "height": row["height"],
        "licence": licence.model_dump() if licence else None,
        "coco_url": row["coco_url"],
        "flickr_url": row["flickr_url"],
        "date_captured": row["date_captured"],
    }
    if not row["file_name"] and row["coco_url"]:
        image["file_name"] = "/".join(row["coco_url"].split("/")[-2:])
        image["from_url"] = True
    return image


def read_photo_of(
    image: Mapping[str, Any], folder: Path, links: Links = "follow"
) -> tuple[Photo, bytes]:
    """The photograph as it stands on a record, and its file's bytes.

    Of ``image``, only the ``file_name`` has to be there. Raises RecordFailed: ``image`` for a
    file that is missing or no whole picture, ``unsafe path`` for a name that leads out of the
    folder.
    """
    name = _name_of(image, folder)
    data = read_below(folder, name, "photograph", "image", links)
    width, height = whole_photo_size(folder / name, name, data)
    photo = Photo(
        file=name,
        width=width,
        height=height,
        sha256=sha256_hex(data),
        licence=Licence(**image["licence"]) if image.get("licence") else None,
        coco_url=image.get("coco_url"),
        flickr_url=image.get("flickr_url"),
        date_captured=image.get("date_captured"),
    )
    return photo, data


def _name_of(image: Mapping[str, Any], folder: Path) -> str:
    name = image["file_name"] or ""
    if image.get("from_url") and is_safe_path(name) and not (folder / name).exists():
        # The folder may be that of one split, and the name is then the file alone.
        return PurePosixPath(name).name
    return str(name)


def check_size(image: Mapping[str, Any], size_wh: tuple[int, int]) -> None:
    """Raises RecordFailed("size") where the JSON's size, and so its coordinates, are of another
    picture than the photograph."""
    listed_wh = (image.get("width"), image.get("height"))
    if None in listed_wh or listed_wh == size_wh:
        return
    words = (
        f"{image['file_name']} is {size_wh[0]}×{size_wh[1]} upright, and the JSON's coordinates "
        f"are of {listed_wh[0]}×{listed_wh[1]}"
    )
    if listed_wh == size_wh[::-1]:
        words += ". Perhaps it was annotated before the photograph's EXIF orientation"
    raise RecordFailed("size", words)


def size_scores(image: Mapping[str, Any], size_wh: tuple[int, int], by: str) -> list[Score]:
    """The JSON's width and height as scores, where they are not those of the photograph."""
    json_wh = (image.get("width"), image.get("height"))
    if None in json_wh or json_wh == size_wh:
        return []
    return [
        Score(name="width_in_json", value=image["width"], by=by),
        Score(name="height_in_json", value=image["height"], by=by),
    ]
