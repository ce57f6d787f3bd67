"""Makes a panoptic record of one image: its listed segments, found again in its id map.

The pixels are the truth for where a segment lies: areas and boxes are measured there, and what
the annotation says is only compared, as a score where it differs. Ids that are in one of the two
but not in the other set the record aside, because every later stage speaks of segments by them.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Literal, NamedTuple

from annoengine.box import BoxXyxy, iou, xyxy_from_xywh
from annoengine.errors import Drop, InputError, RecordFailed
from annoengine.fingerprint import sha256_hex
from annoengine.mask import IdMap, Rle, ids_from_png, palette_ids, rles_from_ids
from annoengine.reading.coco_photo import size_scores
from annoengine.reading.coco_sample import AnnotatedImagesParameters
from annoengine.reading.panoptic_annotation import ListedSegment
from annoengine.reading.rle_segments import rle_store
from annoengine.record import Category, MaskStore, Photo, Record, Score, Segment
from annoengine.segments_png import Measured, measure
from annoengine.source import Entry, Opened

_SHOWN_IDS = 20
"""How many ids of a list a message names before it only counts them."""

PALETTE_COLOURS, PALETTE_INDICES = "ids_are_palette_colours", "ids_are_palette_indices"
"""Scores of a record that say how a PNG with a palette was read."""


class PanopticParameters(AnnotatedImagesParameters):
    """Which images of the annotation file, and what becomes of those that contradict it."""

    on_mismatch: Literal["fail", "drop"] = "fail"
    """What becomes of an image whose mask and annotation do not name the same segments."""


class MaskPicture(NamedTuple):
    """A mask picture's bytes, and its file; None where the annotation itself carries them."""

    data: bytes
    file: str | None


def panoptic_record(
    entry: Entry,
    photo: Photo,
    picture: MaskPicture,
    where: str,
    parameters: PanopticParameters,
    by: str,
) -> Opened:
    """The record of an entry with ``image`` and ``segments``, its segments found in the picture.

    ``where`` is the annotation's place, as messages say it, and ``by`` the source's name, as
    scores say it. A picture that has no file, or a palette, is kept as RLEs. An entry with
    ``from_zero`` counts its segments from 0. Raises RecordFailed: ``mask``, ``size``, ``ids``.
    """
    listed = [ListedSegment(*values) for values in entry["segments"]]
    read = read_mask(picture.data, picture.file or where, listed)
    height, width = read.ids.shape
    _check_size(entry["image"], photo, (width, height))
    scores = size_scores(entry["image"], (width, height), by)
    measured = measure(read.ids)
    measured.pop(0, None)
    ids = [segment.id for segment in listed]
    names = (where, picture.file or "its mask")
    from_zero = entry.get("from_zero", False)
    _compare_ids(ids, measured.keys(), names, parameters.on_mismatch, from_zero)
    if read.palette:
        scores.append(Score(name=read.palette, value=1, by=by))
    as_rles = bool(read.palette) or picture.file is None
    segments, differences = _placed_segments(listed, measured, parameters.dataset, by, as_rles)
    rles: tuple[Rle, ...] = ()
    if as_rles:
        rles = rles_from_ids(read.ids, ids)
        masks = rle_store(entry["record_id"], rles)
    else:
        sha256 = sha256_hex(picture.data)
        masks = MaskStore(kind="panoptic_png", file=picture.file, sha256=sha256)
    record = Record(
        id=entry["record_id"],
        photo=photo,
        masks=masks,
        segments=tuple(segments),
        scores=tuple(scores + differences),
    )
    return Opened(record.id, record, rles)


class ReadMask(NamedTuple):
    """A mask picture's ids, and the score that says how they were found where it has a palette.

    A picture with a palette cannot be a record's mask store: who opens it later does not know
    which of its two readings is meant.
    """

    ids: IdMap
    palette: str = ""


def read_mask(data: bytes, name: str, listed: Sequence[ListedSegment]) -> ReadMask:
    """The ids in a mask picture's bytes. Raises RecordFailed("mask").

    In a picture with a palette, the ids are its colours or its indices: whichever the annotation
    lists, by their ids and, where those fit both, by their areas.
    """
    try:
        palette = palette_ids(data, name)
        if palette is None:
            return ReadMask(ids_from_png(data, name))
    except InputError as error:
        raise RecordFailed("mask", str(error)) from None
    by_colour, by_index = measure(palette.by_colour), measure(palette.by_index)
    colours_fit, indices_fit = (_fits(listed, found) for found in (by_colour, by_index))
    if colours_fit and indices_fit and by_colour != by_index:
        colours_fit, indices_fit = (_areas_fit(listed, found) for found in (by_colour, by_index))
        if colours_fit == indices_fit:
            detail = "both its colours and its indices are the ids in the JSON; save it as RGB"
            raise RecordFailed("mask", f"the panoptic mask {name} has a palette, and {detail}")
    if colours_fit:
        return ReadMask(palette.by_colour, PALETTE_COLOURS)
    if indices_fit:
        return ReadMask(palette.by_index, PALETTE_INDICES)
    colours, indices = (_list_ids(sorted(found.keys() - {0})) for found in (by_colour, by_index))
    given = _list_ids(sorted(segment.id for segment in listed))
    raise RecordFailed(
        "mask",
        f"the panoptic mask {name} has a palette, and neither its colours (as ids: {colours}) "
        f"nor its indices ({indices}) are the ids in the JSON ({given})",
    )


def _fits(listed: Sequence[ListedSegment], found: Mapping[int, Measured]) -> bool:
    return {segment.id for segment in listed} == found.keys() - {0}


def _areas_fit(listed: Sequence[ListedSegment], found: Mapping[int, Measured]) -> bool:
    """Of those that the annotation gives."""
    return all(one.area_px in (None, found[one.id].area_px) for one in listed)


def _check_size(image: Mapping[str, Any], photo: Photo, png_wh: tuple[int, int]) -> None:
    """Raises RecordFailed("size") for a mask of another size; ``image`` has what the JSON says."""
    photo_wh = (photo.width, photo.height)
    json_wh = (image.get("width"), image.get("height"))
    if png_wh == photo_wh:
        return

    def times(size_wh: tuple[int | None, int | None]) -> str:
        return f"{size_wh[0]}×{size_wh[1]}"

    detail = f"{photo.file} is {times(photo_wh)} upright, its panoptic mask {times(png_wh)}"
    if None not in json_wh:
        if json_wh == photo_wh:
            detail += "; the JSON agrees with the photograph"
        elif json_wh == png_wh:
            detail += "; the JSON agrees with the mask"
        else:
            detail += f"; the JSON says {times(json_wh)}, which is neither"
    if png_wh == (photo_wh[1], photo_wh[0]):
        detail += ". Perhaps the mask was drawn before the photograph's EXIF orientation"
    raise RecordFailed("size", detail)


def _compare_ids(
    listed: Collection[int],
    found: Collection[int],
    names: tuple[str, str],
    on_mismatch: Literal["fail", "drop"],
    from_zero: bool,
) -> None:
    """RecordFailed("ids"), or Drop, where the annotation and the mask name other segments.

    ``names`` are theirs. ``found`` is without void. ``from_zero``: the annotation has the ids of
    ``listed`` less one, 0 among them, which no mask can hold.
    """
    detail = _counted_from_zero(listed, found, names) if from_zero else ""
    unpainted = sorted(set(listed) - set(found))
    unlisted = sorted(set(found) - set(listed))
    if not unpainted and not unlisted and not from_zero:
        return
    detail = detail or (
        f"{names[0]} and {names[1]} do not name the same segments: "
        f"in the JSON alone {_list_ids(unpainted)}; in the PNG alone {_list_ids(unlisted)}"
    )
    if not found:
        detail += ". The PNG is void all over"
    if on_mismatch == "drop":
        raise Drop("ids", detail)
    raise RecordFailed("ids", detail)


def _counted_from_zero(
    listed: Collection[int], found: Collection[int], names: tuple[str, str]
) -> str:
    given = sorted(id - 1 for id in listed)
    if set(listed) == set(found):
        return (
            f"{names[0]} counts the segments from 0 ({_list_ids(given)}), {names[1]} from 1 "
            f"({_list_ids(sorted(found))}); if they are otherwise the same, set 'id_base: 0'"
        )
    return (
        f"{names[0]} has a segment 0, which is void in {names[1]}, and they do not name the same "
        f"segments: in the JSON {_list_ids(given)}; in the PNG {_list_ids(sorted(found))}"
    )


def _placed_segments(
    listed: Sequence[ListedSegment],
    measured: Mapping[int, Measured],
    dataset: str,
    by: str,
    as_rles: bool,
) -> tuple[list[Segment], list[Score]]:
    """The segments as the pixels have them, and a score for each figure that differs.

    ``as_rles``: the key of a mask is its position, not its id.
    """
    segments: list[Segment] = []
    scores: list[Score] = []
    for position, one in enumerate(listed):
        seen = measured[one.id]
        segments.append(
            Segment(
                id=one.id,
                category=Category(id=one.category_id, name=one.category),
                isthing=one.isthing,
                iscrowd=one.iscrowd,
                box_xyxy=seen.box_xyxy,
                area_px=seen.area_px,
                mask=position if as_rles else one.id,
                source=dataset,
            )
        )
        scores += _differences(one, seen, by)
    return segments, scores


def _differences(one: ListedSegment, seen: Measured, by: str) -> list[Score]:
    scores = [
        Score(name=f"{key}_in_json_unusable", value=1, by=by, segment=one.id)
        for key in one.unusable
    ]
    if one.area_px is not None and one.area_px != seen.area_px:
        scores.append(Score(name="area_in_json", value=one.area_px, by=by, segment=one.id))
    if one.box_xywh is not None:
        x, y, width, height = one.box_xywh
        box_xyxy: BoxXyxy = xyxy_from_xywh((x, y, width, height))
        if box_xyxy != seen.box_xyxy:
            overlap = round(iou(box_xyxy, seen.box_xyxy), 4)
            scores.append(Score(name="box_in_json_iou", value=overlap, by=by, segment=one.id))
    return scores


def _list_ids(ids: Sequence[int]) -> str:
    """Ids as a message names them, the first twenty.

    >>> _list_ids([3, 7]), _list_ids([])
    ('3, 7', 'none')
    """
    if not ids:
        return "none"
    shown = ", ".join(map(str, ids[:_SHOWN_IDS]))
    return shown if len(ids) <= _SHOWN_IDS else f"{shown} and {len(ids) - _SHOWN_IDS} more"
