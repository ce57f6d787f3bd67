"""Masks in the forms that COCO keeps them: panoptic PNG, RLE, boolean arrays.

A panoptic PNG's pixel is ``R + 256 G + 65536 B``; 0 is void. A boolean mask is (height, width),
True on the segment.
"""

from __future__ import annotations

import functools
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from annoengine.box import BoxXyxy
from annoengine.errors import InputError
from annoengine.packed_file import PhotoFile
from annoengine.photo import UNREADABLE, picture_bytes, why

Mask = NDArray[np.bool_]
"""bool (height, width), True on the segment."""

IdMap = NDArray[np.uint32]
"""uint32 (height, width), the id at each pixel, 0 = void."""

MAX_ID = (1 << 24) - 1
"""The largest id that an RGB pixel can hold."""


_PNG_END = b"IEND\xaeB`\x82"
"""A PNG's last chunk; Pillow does not miss it where all pixels are there, other readers do."""


class Rle(TypedDict):
    """A compressed COCO run-length encoding: ``size`` is [height, width], ``counts`` ASCII."""

    size: list[int]
    counts: str


def ids_from_rgb(rgb: NDArray[np.uint8]) -> IdMap:
    """Ids of a panoptic picture's pixels, uint8 (height, width, 3) as uint32 (height, width).

    >>> ids_from_rgb(np.array([[[1, 2, 3]]], dtype=np.uint8)).tolist()
    [[197121]]
    """
    # In place: widening all three channels at once costs several times as much.
    ids: IdMap = rgb[..., 2].astype(np.uint32)
    for channel in (1, 0):
        ids <<= 8
        ids |= rgb[..., channel]
    return ids


def rgb_from_ids(ids: NDArray[np.integer]) -> NDArray[np.uint8]:
    """The panoptic picture of an id map. Raises ValueError for ids that do not fit 24 bits.

    >>> rgb_from_ids(np.array([[197121]])).tolist()
    [[[1, 2, 3]]]
    """
    if ids.size and (int(ids.min()) < 0 or int(ids.max()) > MAX_ID):
        raise ValueError(f"ids must be 0..{MAX_ID}, got {int(ids.min())}..{int(ids.max())}")
    wide = ids.astype(np.uint32)
    return np.stack([wide & 255, (wide >> 8) & 255, (wide >> 16) & 255], axis=-1).astype(np.uint8)


def ids_from_png(data: bytes, name: str) -> IdMap:
    """The id map in a panoptic PNG's bytes, uint32 (height, width).

    A single-channel PNG (as some releases have) is taken as ids 0..255, or 0..65535 in 16 bits;
    alpha is no part of an id. Raises InputError, which calls the picture ``name``, for bytes that
    are truncated, no picture, lossy, or of another mode.
    """
    try:
        with Image.open(io.BytesIO(data)) as image:
            image.load()
            refusal = _refusal(image, data)
            if refusal:
                raise InputError(f"the panoptic mask {name} {refusal}")
            if image.mode in ("L", "I;16", "I"):
                return np.asarray(image).astype(np.uint32)
            if image.mode == "LA":
                return np.asarray(image)[..., 0].astype(np.uint32)
            width, height = image.size
            # Four bytes a pixel, read as a little-endian number, are the id in the low 24
            # bits: a third of the time that three widened planes take.
            packed = image.tobytes("raw", "RGBX" if image.mode == "RGB" else "RGBA")
            ids = np.frombuffer(packed, dtype="<u4").reshape(height, width)
            return (ids & np.uint32(0xFFFFFF)).astype(np.uint32, copy=False)
    except UNREADABLE as error:
        raise InputError(f"the panoptic mask {name} cannot be read: {why(error, data)}") from None


_MODES = ("RGB", "RGBA", "L", "LA", "I;16", "I")
_LOSSY = ("JPEG", "MPO", "JPEG2000")
_DEEP_COLOURS = (b"\x10\x02", b"\x10\x04", b"\x10\x06")
"""Bit depth and colour type of a PNG (bytes 24 and 25 of its header) that Pillow cuts to 8 bits
a channel: 16-bit RGB, grey with alpha, RGBA. Source: PNG specification, section 11.2.2."""


def _refusal(image: Image.Image, data: bytes) -> str:
    """Why a picture that was opened holds no ids, as the end of a sentence; "" where it does."""
    if image.format == "PNG" and _PNG_END not in data:
        return "cannot be read: it is cut off"
    if image.format in _LOSSY:
        return f"is a {image.format}, whose compression changes ids; give it as a PNG"
    if image.format == "PNG" and data[24:26] in _DEEP_COLOURS:
        return "has 16 bits a channel; RGB with 8 is needed (id = R + 256 G + 65536 B)"
    if image.mode not in _MODES:
        return f"has mode {image.mode}; RGB is needed (id = R + 256 G + 65536 B)"
    return ""


@dataclass(frozen=True)
class PaletteIds:
    """The two ways to read a PNG with a palette: the palette's colours, or its indices, as ids."""

    by_colour: IdMap
    by_index: IdMap


def palette_ids(data: bytes, name: str) -> PaletteIds | None:
    """Both id maps of a PNG with a palette; None for any other picture.

    Raises InputError, which calls the picture ``name``, for one that is truncated.
    """
    # Colour type 3 in the header is a palette; see _DEEP_COLOURS.
    if data[:8] != b"\x89PNG\r\n\x1a\n" or data[25:26] != b"\x03":
        return None
    try:
        with Image.open(io.BytesIO(data)) as image:
            image.load()
            if _PNG_END not in data:
                raise InputError(f"the panoptic mask {name} cannot be read: it is cut off")
            by_index = np.asarray(image).astype(np.uint32)
            colours = (image.getpalette("RGB") or [])[: 3 * 256]
    except UNREADABLE as error:
        raise InputError(f"the panoptic mask {name} cannot be read: {why(error, data)}") from None
    table = np.zeros((256, 3), dtype=np.uint8)
    table[: len(colours) // 3] = np.array(colours, dtype=np.uint8).reshape(-1, 3)
    return PaletteIds(ids_from_rgb(table)[by_index], by_index)


def read_panoptic_png(path: Path) -> IdMap:
    """The id map of a panoptic PNG, like :func:`ids_from_png`."""
    return ids_from_png(picture_bytes(path, "panoptic mask"), str(path))


def write_panoptic_png(path: Path, ids: NDArray[np.integer]) -> None:
    """Writes an id map as an RGB PNG; the same ids give the same bytes."""
    Image.fromarray(rgb_from_ids(ids)).save(path, format="PNG", compress_level=6)


def box_of(mask: Mask) -> BoxXyxy:
    """The tight box of a mask, half-open; (0, 0, 0, 0) for an empty one.

    >>> box_of(np.array([[0, 0, 0], [0, 1, 1]], dtype=bool))
    (1, 1, 3, 2)
    """
    rows = np.flatnonzero(mask.any(axis=1))
    if rows.size == 0:
        return (0, 0, 0, 0)
    columns = np.flatnonzero(mask.any(axis=0))
    return (int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1)


def rle_from_mask(mask: Mask) -> Rle:
    """COCO's compressed RLE of a mask.

    >>> rle_from_mask(np.array([[0, 1], [1, 1]], dtype=bool))
    {'size': [2, 2], 'counts': '13'}
    """
    from pycocotools import mask as coco_mask

    encoded = coco_mask.encode(np.asfortranarray(mask.astype(np.uint8)))
    return {"size": [int(n) for n in encoded["size"]], "counts": encoded["counts"].decode("ascii")}


def mask_from_rle(rle: Rle) -> Mask:
    """The mask of a compressed RLE.

    >>> mask_from_rle({"size": [2, 2], "counts": "13"}).tolist()
    [[False, True], [True, True]]
    """
    from pycocotools import mask as coco_mask

    packed = {"size": rle["size"], "counts": rle["counts"].encode("ascii")}
    return np.asarray(coco_mask.decode(packed)).astype(np.bool_)


def rles_from_ids(ids: IdMap, keys: Iterable[int]) -> tuple[Rle, ...]:
    """COCO's compressed RLEs of several ids of one map, in the order of ``keys``.

    All runs are found in one go, whatever the number of ids.

    >>> rles_from_ids(np.array([[0, 5], [5, 5]], dtype=np.uint32), [5])
    ({'size': [2, 2], 'counts': '13'},)
    """
    from pycocotools import mask as coco_mask

    height, width = ids.shape
    columns_first = ids.ravel(order="F")
    starts = np.flatnonzero(np.append(True, columns_first[1:] != columns_first[:-1]))
    ends = np.append(starts[1:], columns_first.size)
    values = columns_first[starts]
    order = np.argsort(values, kind="stable")
    sorted_values = values[order]
    rles: list[Rle] = []
    for key in keys:
        first, last = np.searchsorted(sorted_values, [key, key + 1])
        runs = order[first:last]
        # Off and on in turn: from the end of the run before to the start of this one, and so on.
        bounds = np.empty(2 * len(runs) + 1, dtype=np.int64)
        bounds[0:-1:2], bounds[1::2], bounds[-1] = starts[runs], ends[runs], ids.size
        counts = np.diff(bounds, prepend=0)
        if len(counts) > 1 and counts[-1] == 0:
            counts = counts[:-1]
        packed = coco_mask.frPyObjects({"size": [height, width], "counts": counts.tolist()}, 0, 0)
        rles.append({"size": [height, width], "counts": packed["counts"].decode("ascii")})
    return tuple(rles)


def ids_from_masks(masks: Mapping[int, Mask], shape_hw: tuple[int, int]) -> IdMap:
    """One id map of several masks; where they overlap, the later one lies on top."""
    ids = np.zeros(shape_hw, dtype=np.uint32)
    for id, mask in masks.items():
        ids[mask] = id
    return ids


def areas_of(ids: IdMap) -> dict[int, int]:
    """Pixels of each id present, 0 (void) included.

    >>> areas_of(np.array([[0, 5], [5, 5]], dtype=np.uint32))
    {0: 1, 5: 3}
    """
    values, counts = np.unique(ids, return_counts=True)
    return {int(v): int(c) for v, c in zip(values, counts, strict=True)}


KeyedRles = tuple[tuple[int, str, tuple[int, int]], ...]
"""RLE masks: key, counts, (height, width)."""


def keyed_rles(rles: Iterable[Rle]) -> KeyedRles:
    """The RLE masks of a record, the key of each its place in the row.

    >>> keyed_rles([{"size": [2, 3], "counts": "06"}])
    ((0, '06', (2, 3)),)
    """
    return tuple(
        (key, rle["counts"], (rle["size"][0], rle["size"][1])) for key, rle in enumerate(rles)
    )


@dataclass(frozen=True)
class RecordFiles:
    """Opens one record's photograph and masks; picklable, so that another process can.

    Exactly one of ``panoptic`` (a PNG) and ``rles`` (by mask key) is set where the record has
    masks at all.
    """

    image: PhotoFile
    panoptic: Path | None = None
    rles: KeyedRles | None = None

    def ids(self) -> IdMap:
        """The id map (keys of the mask store) of a panoptic PNG, read-only.

        The last few are kept, by the PNG's bytes: a file that was rewritten is decoded anew.
        """
        if self.panoptic is None:
            raise InputError(f"{self.image.name} has no panoptic mask")
        data = picture_bytes(self.panoptic, "panoptic mask")
        return _kept_ids(data, str(self.panoptic))

    def masks(self, keys: Iterable[int]) -> dict[int, Mask]:
        """The masks of the given keys; a key that is not there raises InputError."""
        wanted = list(keys)
        if self.panoptic is not None:
            ids = self.ids()
            masks = {key: ids == key for key in wanted}
            missing = [key for key, mask in masks.items() if not mask.any()]
            if missing:
                raise InputError(f"{self.panoptic} has no pixel of segment {missing[0]}")
            return masks
        by_key = {key: (counts, size) for key, counts, size in self.rles or ()}
        absent = [key for key in wanted if key not in by_key]
        if absent:
            raise InputError(f"{self.image.name} has no mask with key {absent[0]}")
        return {
            key: mask_from_rle({"size": list(by_key[key][1]), "counts": by_key[key][0]})
            for key in wanted
        }


@functools.lru_cache(maxsize=4)
def _kept_ids(data: bytes, name: str) -> IdMap:
    ids = ids_from_png(data, name)
    ids.setflags(write=False)
    return ids
