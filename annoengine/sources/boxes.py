"""Begins records at photographs and boxes alone: a detector's, or anybody's, without masks.

Boxes come as JSON Lines or a JSON list with one object an image (``annoengine/reading/box_rows.py``
has the form), or as COCO detection results, whose images and categories are in a COCO file that the
input ``annotations`` names. Segments have no mask; boxes are cut to the photograph, and the score
``box_in_json_iou`` says how much of one that was cut is left.

What is wrong with a file as a whole ends the run; so does an image that comes twice, or a key
that the form does not have. A bad box (no four numbers, reversed, without area, outside of the
photograph, of an unknown category, with an id that came before) fails its image, or with
``on_bad: drop_segment`` is left out and counted: ``dropped_box``, ``dropped_category``,
``dropped_segments``. Boxes without an id are numbered from 1, past the ids that are given; an id
that is no whole number from 1 up is replaced so too, with the score ``id_made_up``.
"""

from __future__ import annotations

import functools
import math
from array import array
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from annoengine.box import area_px, iou
from annoengine.errors import Drop, InputError, RecordFailed
from annoengine.fingerprint import sha256_of_file
from annoengine.mask import RecordFiles
from annoengine.reading import box_rows
from annoengine.reading.box_results import BoxResults, Result, box_of_result
from annoengine.reading.box_rows import BoxRow, ListedBox, listed_box
from annoengine.reading.coco_json import is_whole, text_hash
from annoengine.reading.coco_photo import check_size, image_of, read_photo_of, size_scores
from annoengine.reading.coco_sample import (
    AnnotatedImagesParameters,
    Candidate,
    IdPart,
    choose,
)
from annoengine.reading.instance_annotation import segment_ids
from annoengine.reading.json_slices import SliceReader, Slices, first_byte, parsed, value_of
from annoengine.reading.listed_box import cut_to_photo
from annoengine.record import Category, Record, Score, Segment, make_record_id, split_from_name
from annoengine.source import Entry, Opened, Source
from annoengine.stage import Parameters

_NAME = "boxes"
Form = Literal["lines", "list", "results"]


class BoxesParameters(AnnotatedImagesParameters):
    """Which images and boxes, and under which name."""

    dataset: IdPart = "boxes"
    """The dataset's name: the first part of each record's id."""
    found_by: str = ""
    """Who found the boxes (a detector's name), as each segment says it; the dataset unless set."""
    licences: tuple[int | str, ...] | None = None
    """Take only photographs under these licences: ids, or parts of a name or URL. They are in the
    COCO file that goes with detection results."""
    min_score: float | None = None
    """Leave out boxes with a lower score; the record counts them. Boxes without one stay."""
    most_boxes: int | None = Field(default=None, ge=1)
    """At most this many boxes an image: those with the highest scores; the record counts the
    others."""
    on_bad: Literal["fail", "drop_segment"] = "fail"
    """What a bad box costs: its image, or its segment, which the record then counts."""


class Boxes(Source):
    """Photographs with boxes: in the order of the lines, or for results in that of ``images``.

    After :meth:`entries` has run through, ``left_out`` says how many images the sample and the
    licences left aside.
    """

    VERSION: ClassVar[int] = 1
    GIVES: ClassVar[frozenset[str]] = frozenset({"segments"})
    INPUTS: ClassVar[Mapping[str, str]] = {
        "images": "the folder with the photographs",
        "boxes": "the file with the boxes (JSON Lines, a JSON list, or COCO detection results)",
        "annotations": "the COCO file with the images and categories of detection results",
    }
    Parameters: ClassVar[type[Parameters]] = BoxesParameters
    parameters: BoxesParameters

    @property
    def split(self) -> str:
        """The split of every record."""
        return self.parameters.split or split_from_name(self._boxes.name)

    @property
    def _boxes(self) -> Path:
        return self.input_path("boxes")

    @property
    def _images(self) -> Path:
        return self.input_path("images")

    def check(self) -> None:
        """Raises InputError for a path that is missing or of the wrong kind."""
        self.check_input("images", "folder")
        self.check_input("boxes", "file")
        if "annotations" in self.inputs:
            self.check_input("annotations", "file")

    def fingerprint(self) -> Mapping[str, Any]:
        """The files' hashes, and the split that the name tells."""
        self.check()
        files = [name for name in ("boxes", "annotations") if name in self.inputs]
        hashes = {name: sha256_of_file(self.inputs[name]) for name in files}
        return {**hashes, "split": self.split}

    def entries(self) -> Iterator[Entry]:
        """The images in their order. Raises InputError naming the file and the place in it."""
        form = self._form()
        if form == "results":
            yield from self._of_results(BoxResults(self._boxes, self.input_path("annotations")))
        elif "annotations" in self.inputs:
            raise InputError(
                f"{self._boxes} has an object for each image and needs no input 'annotations'; "
                "that is for COCO detection results"
            )
        else:
            yield from self._of_rows(form)

    def _form(self) -> Form:
        path = self._boxes
        first = first_byte(path)
        if first == b"{":
            return "lines"
        if first != b"[":
            raise InputError(f"{path} is no list of boxes; {box_rows.WHAT}")
        for slice in Slices(path, None, box_rows.WHAT):
            value = parsed(path, slice.raw, slice.start)
            is_result = isinstance(value, dict) and "image_id" in value and "image" not in value
            return "results" if is_result else "list"
        return "results" if "annotations" in self.inputs else "list"

    def _rows(self, form: Form) -> Iterator[BoxRow]:
        return box_rows.lines(self._boxes) if form == "lines" else box_rows.entries(self._boxes)

    def _of_rows(self, form: Form) -> Iterator[Entry]:
        hashes, counts = array("Q"), array("q")
        for row in self._rows(form):
            hashes.append(text_hash(row.value["image"]))
            boxes = row.value.get("boxes")
            counts.append(len(boxes) if isinstance(boxes, list) else -1)
        if not hashes:
            raise InputError(f"{self._boxes} names no image; {box_rows.WHAT}")
        self._check_once(form, np.asarray(hashes, dtype=np.uint64))
        if self.parameters.licences is not None:
            raise InputError(
                f"{self._boxes} says nothing of licences; leave out 'licences', or give COCO "
                "detection results with the file of their images"
            )
        candidates = (
            Candidate(self._record_id(row.value["image"]), position, None, counts[position])
            for position, row in enumerate(self._rows(form))
        )
        chosen, self.left_out = choose(candidates, self.parameters, self.seed, self._boxes, {})
        for position, row in enumerate(self._rows(form)):
            if chosen is None or position in chosen:
                yield self._entry_of_row(row)

    def _check_once(self, form: Form, hashes: np.ndarray) -> None:
        ordered = np.sort(hashes)
        twice = set(ordered[1:][ordered[1:] == ordered[:-1]].tolist())
        if not twice:
            return
        seen: dict[str, str] = {}
        for row in self._rows(form):
            image = row.value["image"]
            if text_hash(image) in twice and image in seen:
                raise InputError(
                    f"{self._boxes}: {seen[image]} and {row.where} are both of {image!r}; put all "
                    "boxes of an image into one object"
                )
            seen[image] = row.where

    def _entry_of_row(self, row: BoxRow) -> Entry:
        entry: dict[str, Any] = {"record_id": self._record_id(row.value["image"])}
        where, boxes = f"{self._boxes.name}: {row.where}", row.value.get("boxes")
        entry["image"] = {
            "file_name": row.value["image"],
            "width": row.value.get("width") if is_whole(row.value.get("width")) else None,
            "height": row.value.get("height") if is_whole(row.value.get("height")) else None,
        }
        if not isinstance(boxes, list):
            entry["trouble"] = ["segments", f"{where}: it has no list 'boxes'", True]
        elif not boxes:
            entry["trouble"] = ["no boxes", f"{where}: its list 'boxes' is empty", False]
        else:
            entry["where"] = where
            entry["row"] = row.raw.decode("utf-8")
        return entry

    def _of_results(self, results: BoxResults) -> Iterator[Entry]:
        images, listing = results.images, self.inputs["annotations"]
        candidates = (
            Candidate(self._record_id(row["id"]), at, row["licence"], results.count(row["id"]))
            for at, row in enumerate(map(images.row, range(len(images))))
        )
        chosen, self.left_out = choose(
            candidates, self.parameters, self.seed, self._boxes, results.licences, listing
        )
        with SliceReader(self._boxes) as reader:
            for at in range(len(images)):
                if chosen is not None and at not in chosen:
                    continue
                row = images.row(at)
                entry: dict[str, Any] = {"record_id": self._record_id(row["id"])}
                found = results.of(row["id"], reader)
                entry["image"] = image_of(row, results.licences)
                if found:
                    entry["where"] = f"{self._boxes.name}: image {row['id']}"
                    entry["results"] = [list(result) for result in found]
                    entry["categories"] = results.categories
                else:
                    words = f"{self._boxes.name} has no box of image {row['id']}"
                    entry["trouble"] = ["no boxes", words, False]
                yield entry
            for image_id, places in results.unlisted(reader):
                words = (
                    f"{self._boxes.name}: [{places[0]}] is of image {image_id}, which is not in "
                    f"{listing.name}; {len(places)} of the results are"
                )
                if chosen is not None:
                    self.left_out["not in 'images'"] = self.left_out.get("not in 'images'", 0) + 1
                    continue
                yield {"record_id": self._record_id(image_id), "trouble": ["image", words, True]}

    def _record_id(self, image_id: str) -> str:
        return make_record_id(self.parameters.dataset, self.split, image_id)

    def _opened(self, entry: Entry) -> Opened:
        """The record of an entry, its photograph checked and its boxes cut to it.

        Reasons of a failure: ``image``, ``unsafe path``, ``size``, and those of bad boxes:
        ``box``, ``category``, ``segments``.
        """
        photo, _ = read_photo_of(entry["image"], self._images, self.parameters.links)
        size_wh = (photo.width, photo.height)
        boxes = _boxes_of_row(entry) if "row" in entry else _boxes_of_results(entry)
        if any(box.in_pixels for box in boxes):
            check_size(entry["image"], size_wh)
        segments: list[Segment] = []
        scores = size_scores(entry["image"], size_wh, _NAME)
        left_out: dict[str, int] = {}
        for place, (box, id) in enumerate(
            zip(boxes, segment_ids([box.value for box in boxes]), strict=True)
        ):
            try:
                if id is None:
                    words = f"{box.where}: an earlier box has its id {box.value['id']} too"
                    raise RecordFailed("segments", words)
                listed = box.read(size_wh)
                segment = self._segment(id, listed, box.where, size_wh)
            except RecordFailed as failure:
                if self.parameters.on_bad == "fail":
                    raise
                why = f"dropped_{failure.reason}"
                left_out[why] = left_out.get(why, 0) + 1
                continue
            segments.append(segment)
            if segment.box_xyxy != listed.box_xyxy:
                left = round(iou(segment.box_xyxy, listed.box_xyxy), 4)
                scores.append(Score(name="box_in_json_iou", value=left, by=_NAME, segment=id))
            given = box.value.get("id")
            if given is not None and not (is_whole(given) and given == id):
                scores.append(Score(name="id_made_up", value=place, by=_NAME, segment=id))
        segments = self._best(segments, left_out)
        if not segments:
            words = ", ".join(f"{n} {name}" for name, n in sorted(left_out.items()))
            raise Drop("no segments", f"all {len(boxes)} boxes were left out: {words}")
        kept = {None, *(segment.id for segment in segments)}
        counted = [Score(name=n, value=left_out[n], by=_NAME) for n in sorted(left_out)]
        record = Record(
            id=entry["record_id"],
            photo=photo,
            segments=tuple(segments),
            scores=(*counted, *(score for score in scores if score.segment in kept)),
        )
        return Opened(record.id, record)

    def _segment(self, id: int, listed: ListedBox, where: str, size_wh: tuple[int, int]) -> Segment:
        try:
            inside = cut_to_photo(listed.box_xyxy, size_wh)
        except ValueError as error:
            raise RecordFailed("box", f"{where}: {error}") from None
        return Segment(
            id=id,
            category=Category(id=listed.category_id, name=listed.category),
            isthing=listed.isthing,
            box_xyxy=inside,
            area_px=area_px(inside),
            source=self.parameters.found_by or self.parameters.dataset,
            score=listed.score,
        )

    def _best(self, segments: list[Segment], left_out: dict[str, int]) -> list[Segment]:
        """What ``min_score`` and ``most_boxes`` leave, in the same order."""
        least, most = self.parameters.min_score, self.parameters.most_boxes
        kept = segments
        if least is not None:
            kept = [s for s in segments if s.score is None or s.score >= least]
            if len(kept) < len(segments):
                left_out["below_min_score"] = len(segments) - len(kept)
        if most is not None and len(kept) > most:
            # Equal scores keep the file's order; a box without one comes last.
            best = {s.id for s in sorted(kept, key=_rank)[:most]}
            left_out["beyond_most_boxes"] = len(kept) - most
            kept = [s for s in kept if s.id in best]
        return kept

    def files(self, record: Record) -> RecordFiles:
        """Where the record's photograph lies; there are no masks."""
        return RecordFiles(image=self._images / record.photo.file)


@dataclass(frozen=True)
class _Box:
    """A box of an entry: where it stands, what it says of its id, and how it is read."""

    where: str
    value: Mapping[str, Any]
    in_pixels: bool
    read: Callable[[tuple[int, int]], ListedBox]


def _boxes_of_row(entry: Entry) -> list[_Box]:
    boxes = []
    for position, box in enumerate(value_of(entry["row"].encode())["boxes"]):
        where = f"{entry['where']}, boxes[{position}]"
        value = box if isinstance(box, dict) else {}
        read = functools.partial(listed_box, box, where)
        boxes.append(_Box(where, value, "box_xyxyn" not in value, read))
    return boxes


def _boxes_of_results(entry: Entry) -> list[_Box]:
    boxes = []
    for row in entry["results"]:
        result = Result(*row)
        where = f"{entry['where']}, [{result.place}]"
        read = functools.partial(box_of_result, result, where, entry["categories"])
        # COCO's evaluation numbers results itself: an id in there means nothing.
        boxes.append(_Box(where, {}, True, read))
    return boxes


def _rank(segment: Segment) -> float:
    return math.inf if segment.score is None else -segment.score
