"""Finds the mask PNGs of each photograph by their names, and reads them as they are found.

Three ways to lay them out are known: ``dog/*.png`` and ``dog_*.png`` for the photograph
``dog.jpg``, and, where there is one photograph alone, the PNGs themselves. A mask that fits
several photographs goes to the one with the longest name: ``dog_2_ear.png`` is of ``dog_2.jpg``,
if there is one.
"""

from __future__ import annotations

import io
import os
import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image

from annoengine.errors import InputError, RecordFailed
from annoengine.mask import Mask
from annoengine.photo import UNREADABLE, why
from annoengine.reading.input_file import PNG_END
from annoengine.reading.photo_folder import ListedFile, stem_of

_NUMBER_BEFORE = re.compile(r"^\d+[\s_.-]+")
_NUMBER_AFTER = re.compile(r"[\s_.-]*\(?\d+\)?$")

REGION = "region"
"""The category of a mask whose name says none."""


@dataclass
class MaskFiles:
    """The PNGs below a folder by the photograph that they are of (its path without suffix)."""

    by_stem: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    prefixes: dict[str, str] = field(default_factory=dict)
    """By mask: the part of its name that is the photograph's."""
    strays: list[str] = field(default_factory=list)
    """Masks that are of no photograph."""


def list_pngs(folder: Path) -> tuple[ListedFile, ...]:
    """Every PNG below a folder, sorted by path; hidden ones and links to folders are left out."""
    found: list[ListedFile] = []
    open_folders = [""]
    while open_folders:
        below = open_folders.pop()
        try:
            with os.scandir(folder / below) as entries:
                inside = list(entries)
        except OSError as error:
            raise InputError(
                f"the folder {folder / below} cannot be read: {error.strerror}"
            ) from None
        for entry in inside:
            if entry.name.startswith("."):
                continue
            if entry.is_dir(follow_symlinks=False):
                open_folders.append(f"{below}{entry.name}/")
            elif entry.name.lower().endswith(".png") and not entry.is_dir():
                size = entry.stat().st_size if entry.is_file() else 0
                found.append(ListedFile(below + entry.name, size))
    return tuple(sorted(found, key=lambda file: file.name))


def assign(masks: Sequence[str], photos: Sequence[str], direct: bool) -> MaskFiles:
    """Which masks are of which photograph, each photograph's in natural order.

    ``direct``: masks that lie in the folder itself are of the one photograph there is.

    >>> files = assign(["dog_2.png", "dog_10.png", "cat/1.png"], ["dog.jpg", "cat.jpg"], False)
    >>> dict(files.by_stem)
    {'dog': ['dog_2.png', 'dog_10.png'], 'cat': ['cat/1.png']}
    """
    stems = {stem_of(photo) for photo in photos}
    result = MaskFiles()
    for mask in masks:
        stem, prefix = _owner(mask, stems)
        if stem is None and direct and "/" not in mask:
            stem, prefix = stem_of(photos[0]), ""
        if stem is None:
            result.strays.append(mask)
        else:
            result.by_stem[stem].append(mask)
            result.prefixes[mask] = prefix
    for files in result.by_stem.values():
        files.sort(key=natural_order)
    return result


def _owner(mask: str, stems: set[str]) -> tuple[str | None, str]:
    """The photograph of a mask, by its folder or by its name, and the part that names it."""
    folder, _, name = mask.rpartition("/")
    if folder in stems:
        return folder, ""
    below = f"{folder}/" if folder else ""
    stem = stem_of(name)
    for end in range(len(stem) - 1, 0, -1):
        if stem[end] == "_" and below + stem[:end] in stems:
            return below + stem[:end], stem[: end + 1]
    return None, ""


def natural_order(name: str) -> tuple[list[tuple[int, int, str]], str]:
    """A key that sorts numbers in names by their value.

    >>> sorted(["m10.png", "m9.png", "m09.png"], key=natural_order)
    ['m09.png', 'm9.png', 'm10.png']
    """
    parts = re.split(r"([0-9]+)", name)
    key = [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts if part]
    return key, name


def category_of(mask: str, prefix: str = "") -> str:
    """What a mask's file name says it is, without the numbers before and after.

    >>> [category_of(n) for n in ("a/dog_1.png", "01_traffic_light (2).png", "0007.png")]
    ['dog', 'traffic light', 'region']
    """
    name = stem_of(mask.rpartition("/")[2]).removeprefix(prefix)
    name = _NUMBER_BEFORE.sub("", name)
    name = _NUMBER_AFTER.sub("", name)
    return " ".join(name.replace("_", " ").split()).strip("-. ") or REGION


def read_mask(data: bytes, name: str) -> Mask:
    """The segment in a mask PNG: bool (height, width), True wherever the picture is not 0.

    1, 8 and 16 bits, palettes and colour are all taken so. A picture with transparent pixels is a
    cut-out: there, the segment is what can be seen. Raises RecordFailed("mask").
    """
    try:
        with Image.open(io.BytesIO(data)) as image:
            if image.format != "PNG":
                raise RecordFailed(
                    "mask", f"the mask {name!r} is a {image.format}, though it is called .png"
                )
            image.load()
            if PNG_END not in data:
                raise RecordFailed("mask", f"the mask {name!r} cannot be read: it is cut off")
            mask = _not_zero(image)
    except UNREADABLE as error:
        raise RecordFailed(
            "mask", f"the mask {name!r} cannot be read: {why(error, data)}"
        ) from None
    if not mask.any():
        raise RecordFailed("mask", f"the mask {name!r} is empty: every pixel of it is 0")
    return mask


def _not_zero(image: Image.Image) -> Mask:
    if "A" in image.getbands() or "transparency" in image.info:
        rgba = np.asarray(image.convert("RGBA"))
        if (rgba[..., 3] < 255).any():
            return np.asarray(rgba[..., 3] > 0)
        return np.asarray(rgba[..., :3].any(axis=2))
    if image.mode == "P":
        colours: Mask = np.asarray(np.asarray(image.convert("RGB")).any(axis=2))
        # A palette that is black all over still has numbers.
        return np.asarray(colours if colours.any() else np.asarray(image) != 0)
    values = np.asarray(image)
    return np.asarray(values.any(axis=2) if values.ndim == 3 else values != 0)


def check_size(
    mask_name: str, mask_hw: tuple[int, ...], photo_name: str, photo_wh: tuple[int, int]
) -> None:
    """Raises RecordFailed("size") for a mask that has not the photograph's size."""
    mask_wh = (mask_hw[1], mask_hw[0])
    if mask_wh == photo_wh:
        return
    detail = (
        f"the mask {mask_name!r} is {mask_wh[0]}×{mask_wh[1]}, the photograph {photo_name!r} "
        f"{photo_wh[0]}×{photo_wh[1]} upright"
    )
    if mask_wh == photo_wh[::-1]:
        detail += ". Perhaps the mask was drawn before the photograph's EXIF orientation"
    raise RecordFailed("size", detail)


def none_for(photo: str, strays: Sequence[str]) -> str:
    """Why a photograph has no masks: where they were looked for, and what lies there instead."""
    stem = stem_of(photo)
    words = f"the masks folder has neither {stem + '/*.png'!r} nor {stem + '_*.png'!r}"
    if strays:
        words += f"; {len(strays)} of its PNGs are of no photograph, {strays[0]!r} among them"
    return words
