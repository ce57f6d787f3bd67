"""Draws the marked picture of one image: bytes in, encoded picture and marks out.

:func:`draw_marks` is a plain function of plain values, so that it runs in another process. The
same arguments give the same bytes.
"""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from PIL import Image

from annoengine.errors import InputError, RecordFailed
from annoengine.fingerprint import sha256_hex
from annoengine.mask import RecordFiles
from annoengine.model_sight import Sight, shrunk
from annoengine.photo import ImageRgb, decode_photo
from annoengine.som.inset import Zoom, paint_insets
from annoengine.som.layout import Layout, Region, Target, TextHeights
from annoengine.som.lettering import label_size_wh
from annoengine.som.mask_files import MaskFiles
from annoengine.som.palette import hex_of
from annoengine.som.placement import place_labels
from annoengine.som.room import Room
from annoengine.som.style import find_style
from annoengine.som.view import MIN_TEXT_PX, SEAM_PX, View

VERSION = 3
"""Goes up with any change that moves a mark or alters a pixel, other than a style's own."""

Encoder = Literal["jpeg", "png"]

MAX_TEXT_PX = 40

_USUAL_OF_SIDE = 1 / 44
"""The digits' usual height as a share of the picture's side (the root of its area)."""

_MOST_OF_SIDE = 1 / 28
"""The digits' height on large regions: 20 at 640 × 480."""

_CROWDED = 0.08
"""Labels that fill more than this share of the picture are all made as small as they may be."""

_MARGIN_GREY = 32

_SEAM_GREY = 255
_ROUNDS = 5
"""Scales and text heights that are tried before the picture goes without a margin."""

_LEAST_SHRINK = 0.6
"""A margin that would shrink the photograph by more than this is not worth it."""

_LAST_SCALES = (1.0, 0.86, 0.73, _LEAST_SHRINK)
"""How large the photograph is where the view cannot hold all labels with ease."""

_LEAST_SHRINK_FOR_INSETS = 0.9
"""The same of a margin for insets, which are worth less than labels."""


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
    inset_xyxy: tuple[int, int, int, int] | None = None


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
    view = View(commission.sight, style.CLEAN_BESIDE)
    masks = MaskFiles(files, commission.targets, commission.photo_wh, commission.masks_sha256)
    plan = _arrange(commission, masks, view)
    regions, layout, scale = plan.regions, plan.layout, plan.zoom.scale
    marked = _on_canvas(photo, commission.photo_wh, scale, layout.picture_wh)
    clean = marked.copy() if style.CLEAN_BESIDE else None
    colours = style.paint(marked, regions, layout)
    if any(label.inset is not None for label in layout.labels):
        paint_insets(marked, photo, layout.labels, regions, colours, plan.zoom, masks.cut)
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
            inset_xyxy=None if label.inset is None else label.inset.box_xyxy,
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


def _side_by_side(marked: ImageRgb, clean: ImageRgb) -> ImageRgb:
    """Both panels with the seam between them."""
    seam = np.full((marked.shape[0], SEAM_PX, 3), _SEAM_GREY, dtype=np.uint8)
    return np.concatenate([marked, seam, clean], axis=1)


@dataclass(frozen=True)
class _Plan:
    """What is to be painted, and at which scale."""

    regions: list[Region]
    layout: Layout
    zoom: Zoom
    least_px: int
    """The least height that digits were drawn with."""

    @property
    def legible(self) -> int:
        """How many labels are not spoilt."""
        return sum(label.alone for label in self.layout.labels)


def _arrange(commission: Commission, masks: MaskFiles, view: View) -> _Plan:
    """Regions and labels at the scale at which the whole picture, margin included, is seen.

    A margin can make the picture larger than the model takes, and all of it must then shrink; a
    few rounds settle that. Where they do not (hundreds of labels, a tiny view), the margin is all
    that the view has room for, beside the photograph at some scales: the first that spoils no
    label is taken, or the one that spoils fewest.
    """
    settled = _settle(commission, masks, view)
    if settled is not None:
        return settled
    whole = view.scale(commission.photo_wh)
    plans: list[_Plan] = []
    for step in _LAST_SCALES:
        plans.append(_fill(commission, masks, view, step * whole))
        if plans[-1].legible == len(commission.targets):
            break
    return max(plans, key=lambda plan: (plan.legible, plan.zoom.scale))


def _fill(commission: Commission, masks: MaskFiles, view: View, scale: float) -> _Plan:
    """The photograph at one scale beside the largest margin that the view allows."""
    least = 0
    for _ in range(_ROUNDS):
        plan = _place(commission, masks, view, scale, least, at_last=True)
        needed = view.least_text_px(plan.layout.picture_wh)
        if plan.least_px >= needed:
            break
        least = needed
    return plan


def _settle(commission: Commission, masks: MaskFiles, view: View) -> _Plan | None:
    """The layout whose picture the model takes as it is, with all labels in their own places."""
    whole = view.scale(commission.photo_wh)
    scale, least = whole, 0
    for _ in range(_ROUNDS):
        plan = _place(commission, masks, view, scale, least)
        picture_wh = plan.layout.picture_wh
        again = view.scale(picture_wh)
        needed = view.least_text_px(view.drawn_wh(picture_wh))
        if again == 1.0 and plan.least_px >= needed:
            return plan if plan.legible == len(plan.layout.labels) else None
        if scale * again < _LEAST_SHRINK * whole:
            return None
        least = max(least, needed)
        if again < 1.0:
            scale *= 0.98 * again
    return None


def _place(
    commission: Commission,
    masks: MaskFiles,
    view: View,
    scale: float,
    least: int,
    at_last: bool = False,
) -> _Plan:
    """One try: all labels at one scale, digits of ``least`` pixels or more.

    The picture may grow to what makes the photograph shrink to _LEAST_SHRINK; ``at_last``, to
    what the model takes as it is, and without insets.
    """
    drawn_wh = shrunk(commission.photo_wh, scale)
    least = max(least, view.least_text_px(drawn_wh))
    scene = masks.scene(drawn_wh, scale)
    zoom = Zoom(scale, 1 / view.shrink(drawn_wh), drawn_wh)
    tightest = 1.0 if at_last else _LEAST_SHRINK
    layout = place_labels(
        scene.regions,
        drawn_wh,
        _heights(drawn_wh, commission.targets, least),
        bystanders=scene.others,
        zoom=None if at_last else zoom,
        room=Room(view.scale, tightest, _LEAST_SHRINK_FOR_INSETS, all_of_it=at_last),
        owners=scene.owners,
    )
    return _Plan(scene.regions, layout, zoom, least)


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
