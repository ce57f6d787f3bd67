"""Compares the segments of an index with the pixels of their PNGs, image by image."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from annoengine.checks.ordered_work import results_in_order
from annoengine.checks.panoptic_checks import (
    CHECK_DIED,
    MASK_MISSING,
    MASK_UNREADABLE,
    PIXELS_WITHOUT_SEGMENT,
    SEGMENT_WITHOUT_PIXELS,
)
from annoengine.checks.segment_index import IndexedImage, PackedSegment, SegmentIndex
from annoengine.errors import InputError, RecordFailed
from annoengine.mask import ids_from_png
from annoengine.reading.coconut_rows import RowsListing, parquet_files
from annoengine.reading.input_file import read_below
from annoengine.reading.panoptic_annotation import Categories
from annoengine.segments_png import measure
from annoengine.validator import Finding, Place


class PixelTask(NamedTuple):
    """An image of the index: its segments, and its PNG in a folder or by its bytes."""

    file: str
    image: IndexedImage
    segments: tuple[PackedSegment, ...]
    folder: Path | None
    data: bytes | None


@dataclass(frozen=True)
class PixelReport:
    """What was found, the ids that the PNG lacks, and whether it could be read (1 or 0)."""

    findings: list[Finding]
    absent: tuple[int, ...] = ()
    read: int = field(default=0)


def pixel_findings(index: SegmentIndex, folder: Path | None, workers: int) -> Iterator[PixelReport]:
    """A report on each image, in the index's order; notes absent segments in the index.

    ``folder`` holds the PNGs; parquet rows carry their own.
    """
    tasks = _tasks_of_rows(index) if folder is None else _tasks_of_folder(index, folder)
    for place, report in enumerate(results_in_order(check_pixels, tasks, workers, died)):
        if report.absent:
            index.mark_absent(place, report.absent)
        yield report


def _tasks_of_folder(index: SegmentIndex, folder: Path) -> Iterator[PixelTask]:
    for image in index:
        yield PixelTask(index.path.name, image, index.segments(image.place), folder, None)


def _tasks_of_rows(index: SegmentIndex) -> Iterator[PixelTask]:
    listing = RowsListing(index.path, parquet_files(index.path), Categories((), index.path))
    places = iter(index)
    for listed in listing.listed(range(1 << 62)):
        if not isinstance(listed.annotation.get("segments_info"), list):
            continue
        image = next(places, None)
        if image is None:
            return
        segments = index.segments(image.place)
        yield PixelTask(index.path.name, image, segments, None, listed.mask or b"")


def check_pixels(task: PixelTask) -> PixelReport:
    """What the PNG of one image and its segments say of each other."""
    image = task.image
    place = Place(task.file, image.id, image.png)
    try:
        data = task.data
        if data is None:
            data = read_below(task.folder or Path(), image.png, "panoptic mask", "mask")
        measured = measure(ids_from_png(data, image.png))
    except RecordFailed as failed:
        return PixelReport([MASK_MISSING.at(place, failed.detail)])
    except InputError as error:
        return PixelReport([MASK_UNREADABLE.at(place, str(error))])
    listed = {segment.id for segment in task.segments}
    absent = tuple(id for id in listed if id and id not in measured)
    findings = [
        SEGMENT_WITHOUT_PIXELS.at(place, f"{image.png} has no pixel of it", id)
        for id in sorted(absent)
    ]
    findings += [
        PIXELS_WITHOUT_SEGMENT.at(
            place, f"{image.png} has {found.area_px} pixels of it, {task.file} nothing", id
        )
        for id, found in measured.items()
        if id and id not in listed
    ]
    return PixelReport(findings, absent, 1)


def died(task: PixelTask, why: str) -> PixelReport:
    """The report on an image whose check killed its process."""
    place = Place(task.file, task.image.id, task.image.png)
    return PixelReport([CHECK_DIED.at(place, f"{task.image.png}: {why}")])
