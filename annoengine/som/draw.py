"""Draws the marked picture of one image: bytes in, encoded picture and marks out.

:func:`draw_marks` is a plain function of plain values, so that it runs in another process. The
same arguments give the same bytes.
"""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
from PIL import Image

from annoengine.errors import InputError, RecordFailed
from annoengine.fingerprint import sha256_hex
from annoengine.mask import IdMap, RecordFiles, ids_from_png, mask_from_rle
from annoengine.model_sight import Sight, shrunk
from annoengine.photo import ImageRgb, decode_photo
from annoengine.som.layout import Layout, Region, Target, TextHeights
from annoengine.som.lettering import label_size_wh
from annoengine.som.palette import hex_of
from annoengine.som.placement import place_labels
from annoengine.som.region import region_of_box, region_of_mask, regions_of_ids, uncover
from annoengine.som.style import find_style

Encoder = Literal["jpeg", "png"]

MIN_TEXT_PX = 12
"""The least height of a label's digits in what the model sees."""

MAX_TEXT_PX = 40

_USUAL_OF_SIDE = 1 / 44
"""The digits' usual height as a share of the picture's side (the root of its area)."""

_MOST_OF_SIDE = 1 / 28
"""The digits' height on large regions: 20 at 640 × 480."""

_CROWDED = 0.08
"""Labels that fill more than this share of the picture are all made as small as they may be."""

_MARGIN_GREY = 32

SEAM_PX = 8
"""The width of the seam between the marked photograph and the clean one."""

_SEAM_GREY = 255
_ROUNDS = 5
"""Scales and text heights that are tried before the picture goes without a margin."""

_LEAST_SHRINK = 0.6
"""A margin that would shrink the photograph by more than this is not worth it."""


@dataclass(frozen=True)
class Commission:
    """What is to be drawn: plain values, picklable.

    ``photo_wh`` and ``photo_sha256`` are what the record says of the photograph, ``masks_sha256``
    that of the panoptic PNG (None: not checked, or the masks are not in a PNG).
    """

    targets: tuple[Target, ...]
    photo_wh: tuple[int, int]
    photo_sha256: str | None
    masks_sha256: str | None
    sight: Sight
    style: str = "pix2cap"
    encoder: Encoder = "jpeg"
    quality: int = 92


@dataclass(frozen=True)
class DrawnMark:
    """A mark as it was drawn, in pixels of the drawn picture."""

    number: int
    segment: int
    text: str
    anchor_xy: tuple[int, int]
    label_box_xyxy: tuple[int, int, int, int]
    leader_xyxy: tuple[int, int, int, int] | None
    colour: str
    text_px: float
    legible: bool


@dataclass(frozen=True)
class DrawnPicture:
    """The encoded picture and all that the record keeps of it."""

    data: bytes
    encoder: str
    suffix: str
    width: int
    height: int
    scale: float
    seen_wh: tuple[int, int]
    marks: tuple[DrawnMark, ...]
    clean_x: int | None = None
    """Where the photograph without marks begins, on the right; None where there is none."""


def draw_marks(files: RecordFiles, commission: Commission) -> DrawnPicture:
    """The marked picture of one record.

    Raises RecordFailed: ``image`` for a photograph that cannot be read, ``image changed`` for one
    that is not what the record was made from, ``mask`` and ``mask changed`` likewise.
    """
    photo = _read_photo(files, commission)
    style = find_style(commission.style)
    view = _View(commission.sight, style.CLEAN_BESIDE)
    regions, layout, scale = _arrange(files, commission, view)
    marked = _on_canvas(photo, commission.photo_wh, scale, layout.picture_wh)
    clean = marked.copy() if style.CLEAN_BESIDE else None
    colours = style.paint(marked, regions, layout)
    picture = marked if clean is None else _side_by_side(marked, clean)
    height, width = picture.shape[:2]
    seen_wh = view.seen_wh(layout.picture_wh)
    shrink = view.shrink(layout.picture_wh)
    by_number = {r.target.number: hex_of(c) for r, c in zip(regions, colours, strict=True)}
    marks = tuple(
        DrawnMark(
            number=label.target.number,
            segment=label.target.segment,
            text=label.target.text,
            anchor_xy=label.anchor_xy,
            label_box_xyxy=label.box_xyxy,
            leader_xyxy=label.leader_xyxy,
            colour=by_number[label.target.number],
            text_px=round(label.text_px * shrink, 2),
            legible=label.alone and label.text_px * shrink > MIN_TEXT_PX - 1e-6,
        )
        for label in layout.labels
    )
    data, encoder, suffix = encode(picture, commission.encoder, commission.quality)
    clean_x = layout.picture_wh[0] + SEAM_PX if style.CLEAN_BESIDE else None
    return DrawnPicture(data, encoder, suffix, width, height, scale, seen_wh, marks, clean_x)


def encode(picture: ImageRgb, encoder: Encoder, quality: int) -> tuple[bytes, str, str]:
    """The encoded picture, the name of the encoding (``jpeg-92``), and the file's suffix.

    JPEG keeps colour at full resolution (4:4:4): halved, thin bright lines would turn grey.
    """
    buffer = io.BytesIO()
    image = Image.fromarray(picture)
    if encoder == "png":
        image.save(buffer, format="PNG", compress_level=3)
        return buffer.getvalue(), "png", ".png"
    image.save(buffer, format="JPEG", quality=quality, subsampling=0)
    return buffer.getvalue(), f"jpeg-{quality}", ".jpg"


def _read_photo(files: RecordFiles, commission: Commission) -> ImageRgb:
    name = files.image.name
    try:
        data = files.image.read_bytes()
    except OSError as error:
        raise RecordFailed("image", f"{name} cannot be read: {error.strerror}") from None
    if commission.photo_sha256 is not None:
        found = sha256_hex(data)
        if found != commission.photo_sha256:
            raise RecordFailed(
                "image changed",
                f"{name} has sha256 {found[:12]}…, the record was made from "
                f"{commission.photo_sha256[:12]}…; restore the file, or start the run anew",
            )
    try:
        photo = decode_photo(data, name)
    except InputError as error:
        raise RecordFailed("image", str(error)) from None
    height, width = photo.shape[:2]
    if (width, height) != commission.photo_wh:
        raise RecordFailed(
            "image",
            f"{name} is {width} × {height} pixels, the record says "
            f"{commission.photo_wh[0]} × {commission.photo_wh[1]}",
        )
    return photo


@dataclass(frozen=True)
class _View:
    """The model's sight of the whole picture, said in sizes of the marked panel.

    With ``beside`` the picture is two panels of one size with a seam between them.
    """

    sight: Sight
    beside: bool

    def whole_wh(self, panel_wh: tuple[int, int]) -> tuple[int, int]:
        """The size of the picture that is sent."""
        width, height = panel_wh
        return (2 * width + SEAM_PX, height) if self.beside else panel_wh

    def seen_wh(self, panel_wh: tuple[int, int]) -> tuple[int, int]:
        """The size at which the model sees that picture."""
        return self.sight.seen_wh(self.whole_wh(panel_wh))

    def scale(self, panel_wh: tuple[int, int]) -> float:
        """How much a panel must shrink, 0 to 1, so that the model shrinks nothing further."""
        if not self.beside:
            return self.sight.scale(panel_wh)
        scale = self.sight.scale(self.whole_wh(panel_wh))
        # The seam does not shrink with the panels: a few steps make room for it.
        while scale < 1.0 and self.sight.scale(self.whole_wh(shrunk(panel_wh, scale))) < 1.0:
            scale *= 0.995
        return scale

    def drawn_wh(self, panel_wh: tuple[int, int]) -> tuple[int, int]:
        """The size to draw a panel at: the largest that the model takes as it is."""
        return shrunk(panel_wh, self.scale(panel_wh))

    def shrink(self, panel_wh: tuple[int, int]) -> float:
        """How much the model's own view of the picture is smaller than it, 0 to 1."""
        whole, seen = self.whole_wh(panel_wh), self.seen_wh(panel_wh)
        return min(1.0, seen[0] / whole[0], seen[1] / whole[1])

    def least_text_px(self, panel_wh: tuple[int, int]) -> int:
        """The height at which digits are drawn so that the model sees them MIN_TEXT_PX high."""
        return math.ceil(MIN_TEXT_PX / self.shrink(panel_wh) - 1e-6)


def _side_by_side(marked: ImageRgb, clean: ImageRgb) -> ImageRgb:
    """Both panels with the seam between them."""
    seam = np.full((marked.shape[0], SEAM_PX, 3), _SEAM_GREY, dtype=np.uint8)
    return np.concatenate([marked, seam, clean], axis=1)


def _arrange(
    files: RecordFiles, commission: Commission, view: _View
) -> tuple[list[Region], Layout, float]:
    """Regions and labels at the scale at which the whole picture, margin included, is seen.

    A margin can make the picture larger than the model takes, and all of it must then shrink; a
    few rounds settle that. Where they do not (hundreds of labels, a tiny view), there is no
    margin, and the labels without a place of their own say so.
    """
    masks = _Masks(files, commission)
    photo_wh, targets = commission.photo_wh, commission.targets
    scale = view.scale(photo_wh)
    drawn_wh = view.drawn_wh(photo_wh)
    least = view.least_text_px(drawn_wh)
    for _ in range(_ROUNDS):
        regions = masks.regions(drawn_wh, scale)
        layout = place_labels(regions, drawn_wh, _heights(drawn_wh, targets, least))
        again = view.scale(layout.picture_wh)
        needed = view.least_text_px(view.drawn_wh(layout.picture_wh))
        if again == 1.0 and least >= needed:
            return regions, layout, scale
        if again < _LEAST_SHRINK:
            break
        least = max(least, needed)
        if again < 1.0:
            scale *= 0.98 * again
            drawn_wh = shrunk(photo_wh, scale)
    scale = view.scale(photo_wh)
    drawn_wh = view.drawn_wh(photo_wh)
    heights = TextHeights(*[view.least_text_px(drawn_wh)] * 3)
    regions = masks.regions(drawn_wh, scale)
    return regions, place_labels(regions, drawn_wh, heights, margin=False), scale


def _heights(drawn_wh: tuple[int, int], targets: Sequence[Target], least: int) -> TextHeights:
    """How high digits may be: growing with the picture, unless that would crowd it."""
    side = math.sqrt(math.prod(drawn_wh))
    usual = max(least, min(MAX_TEXT_PX, round(_USUAL_OF_SIDE * side)))
    taken = sum(math.prod(label_size_wh(target.text, usual)) for target in targets)
    if taken > _CROWDED * side * side:
        return TextHeights(least, least, least)
    return TextHeights(least, usual, max(usual, min(MAX_TEXT_PX, round(_MOST_OF_SIDE * side))))


def _on_canvas(
    photo: ImageRgb, photo_wh: tuple[int, int], scale: float, picture_wh: tuple[int, int]
) -> ImageRgb:
    """A copy of the photograph at its drawn size, in the upper left corner of the picture."""
    width, height = picture_wh
    drawn = photo
    if scale != 1.0:
        size = (
            min(width, max(1, math.floor(photo_wh[0] * scale + 1e-6))),
            min(height, max(1, math.floor(photo_wh[1] * scale + 1e-6))),
        )
        drawn = np.asarray(cv2.resize(photo, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
    rows, columns = drawn.shape[:2]
    if (columns, rows) == picture_wh:
        return np.ascontiguousarray(drawn) if drawn is not photo else photo.copy()
    canvas = np.full((height, width, 3), _MARGIN_GREY, dtype=np.uint8)
    canvas[:rows, :columns] = drawn
    return canvas


class _Masks:
    """The record's masks, read once, cut anew for every scale that is tried."""

    def __init__(self, files: RecordFiles, commission: Commission) -> None:
        self.commission = commission
        self.ids: IdMap | None = None
        self.rles: dict[int, tuple[str, tuple[int, int]]] = {}
        if all(target.mask is None for target in commission.targets):
            return
        if files.panoptic is not None:
            self.ids = self._read_png(files.panoptic)
        else:
            self.rles = {key: (counts, size) for key, counts, size in files.rles or ()}

    def _read_png(self, path: Path) -> IdMap:
        wanted = self.commission.masks_sha256
        try:
            data = path.read_bytes()
        except OSError as error:
            raise RecordFailed("mask", f"{path.name} cannot be read: {error.strerror}") from None
        if wanted is not None and sha256_hex(data) != wanted:
            raise RecordFailed(
                "mask changed",
                f"{path.name} is not the panoptic mask that the record was made from; "
                "restore the file, or start the run anew",
            )
        try:
            ids = ids_from_png(data, path.name)
        except InputError as error:
            raise RecordFailed("mask", str(error)) from None
        self._check_size(ids.shape, path.name)
        return ids

    def _check_size(self, shape: tuple[int, ...], name: str) -> None:
        width, height = self.commission.photo_wh
        if shape != (height, width):
            raise RecordFailed(
                "mask",
                f"{name} is {shape[1]} × {shape[0]} pixels, the photograph {width} × {height}",
            )

    def regions(self, drawn_wh: tuple[int, int], scale: float) -> list[Region]:
        """The regions of all targets, in order, at one scale."""
        targets = self.commission.targets
        try:
            if self.ids is not None and all(target.mask is not None for target in targets):
                return regions_of_ids(self.ids, targets, drawn_wh, scale)
            regions = [self._region(target, drawn_wh, scale) for target in targets]
        except InputError as error:
            raise RecordFailed("mask", str(error)) from None
        return uncover(regions, drawn_wh)

    def _region(self, target: Target, drawn_wh: tuple[int, int], scale: float) -> Region:
        if target.mask is None:
            return region_of_box(target, drawn_wh, scale)
        if self.ids is not None:
            return regions_of_ids(self.ids, [target], drawn_wh, scale)[0]
        if target.mask not in self.rles:
            raise InputError(f"segment {target.segment} has no mask with key {target.mask}")
        counts, size = self.rles[target.mask]
        mask = mask_from_rle({"size": list(size), "counts": counts})
        self._check_size(mask.shape, f"the mask of segment {target.segment}")
        return region_of_mask(target, mask, drawn_wh, scale)
