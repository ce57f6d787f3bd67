"""Begins records at a COCO instances file: photographs, and segments as polygons, RLEs or boxes.

The annotations of an image are scattered over the file, which is half a gigabyte for COCO's
train2017: it is gone through once, keeping where each annotation lies, and each image's are then
read from their places. Masks are kept as RLEs and may overlap. What the JSON says of an area or
a box is only compared with the mask, and stands on the record as a score where it differs.

What is wrong with the file as a whole is the user's to mend and ends the run. What is wrong with
one annotation (an unknown category, a mask of another size, no mask and no usable box, an id that
the image has twice) fails its image, or with ``on_bad: drop_segment`` costs that segment; the
record then counts them in its scores, by reason: ``dropped_category``, ``dropped_mask``,
``dropped_box``, ``dropped_segments``. Masks without a pixel are always left out and counted, as
``empty_masks``. An annotation whose id is no whole number from 1 up gets the least number that is
free in its image, and the score ``id_made_up``: its place in the file.

What is odd and kept is a score of its segment: ``area_in_json``, ``box_in_json_iou``,
``area_in_json_unusable`` and ``bbox_in_json_unusable`` (see
``annoengine/reading/instance_annotation.py``); ``short_polygons``, ``self_crossing_polygons`` and
``points_outside_photo`` (see ``annoengine/reading/coco_masks.py``); ``id_of_other_annotations``,
how many of other images have its id.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal, NamedTuple

from pydantic import Field

from annoengine.errors import Drop, RecordFailed
from annoengine.fingerprint import sha256_of_file
from annoengine.mask import RecordFiles, Rle
from annoengine.reading.annotation_index import AnnotationIndex
from annoengine.reading.coco_json import (
    ImageIndex,
    check_arrays,
    is_whole,
    licences_of,
    shown,
    text_of,
)
from annoengine.reading.coco_photo import check_size, image_of, read_photo_of, size_scores
from annoengine.reading.coco_sample import AnnotatedImagesParameters, Candidate, choose
from annoengine.reading.instance_annotation import (
    Instance,
    has_own_size,
    id_twice,
    image_id_of,
    read_instance,
    segment_ids,
)
from annoengine.reading.json_slices import SliceReader, Slices, parsed, value_of
from annoengine.reading.listed_box import is_number
from annoengine.reading.panoptic_annotation import Categories
from annoengine.reading.rle_segments import RleSegments
from annoengine.record import (
    Category,
    Licence,
    Record,
    Score,
    Segment,
    make_record_id,
    split_from_name,
)
from annoengine.rle_counts import rle_of_counts
from annoengine.source import Entry, Opened, Source
from annoengine.stage import Parameters
from annoengine.writing.panoptic_json import coco_categories

_NAME = "coco_instances"
_WHAT = "a COCO instances file is a JSON object with 'images', 'annotations' and 'categories'"
_ARRAYS = frozenset({"images", "annotations", "categories", "licenses"})


class CocoInstancesParameters(AnnotatedImagesParameters):
    """Which images and segments of the annotation file, and under which name."""

    crowds: Literal["keep", "drop"] = "keep"
    """Whether segments that are crowds stay; the record counts those that do not."""
    min_area_px: float = Field(default=0, ge=0)
    """Leave out segments with fewer pixels; the record counts them."""
    on_bad: Literal["fail", "drop_segment"] = "fail"
    """What a bad annotation costs: its image, or its segment, which the record then counts."""


class _Listed(NamedTuple):
    """What an entry carries of an annotation; ``uses``: how many of the file have its id."""

    place: int
    text: str
    category: Sequence[Any] | None
    """Name, and whether it is a thing."""
    uses: int


class CocoInstances(Source):
    """Photographs with COCO's instance annotations, in the order of ``images``.

    After them come the images that annotations name but ``images`` does not list; they fail.
    After :meth:`entries` has run through, ``left_out`` says how many images the sample and the
    licences left aside.
    """

    VERSION: ClassVar[int] = 1
    GIVES: ClassVar[frozenset[str]] = frozenset({"masks", "segments"})
    INPUTS: ClassVar[Mapping[str, str]] = {
        "images": "the folder with the photographs",
        "annotations": "the instances JSON file",
    }
    Parameters: ClassVar[type[Parameters]] = CocoInstancesParameters
    parameters: CocoInstancesParameters

    @property
    def split(self) -> str:
        """The split of every record."""
        return self.parameters.split or split_from_name(self._annotations.name)

    @property
    def _annotations(self) -> Path:
        return self.input_path("annotations")

    @property
    def _images(self) -> Path:
        return self.input_path("images")

    def check(self) -> None:
        """Raises InputError for a path that is missing or of the wrong kind."""
        self.check_input("images", "folder")
        self.check_input("annotations", "file")

    def fingerprint(self) -> Mapping[str, Any]:
        """The annotation file's hash, and the split that its name tells."""
        self.check()
        return {"annotations": sha256_of_file(self._annotations), "split": self.split}

    def entries(self) -> Iterator[Entry]:
        """The images in their order, each with the text of its annotations.

        Raises InputError naming the file and the place in it.
        """
        path = self._annotations
        with SliceReader(path) as reader:
            images, annotations = ImageIndex(path), AnnotationIndex()
            licences, categories = self._survey(images, annotations)
            candidates = self._candidates(images, annotations)
            chosen, self.left_out = choose(candidates, self.parameters, self.seed, path, licences)
            if chosen is not None and (unlisted := sum(1 for _ in annotations.never_asked())):
                self.left_out["not in 'images'"] = unlisted
            for position in range(len(images)):
                if chosen is not None and position not in chosen:
                    continue
                row = images.row(position)
                at = annotations.of(row["id"])
                entry: dict[str, Any] = {"record_id": self._record_id(row["id"])}
                if not at:
                    words = f"{path.name} has no annotation for image {row['id']}"
                    yield {**entry, "trouble": ["no annotation", words, False]}
                    continue
                entry["image"] = image_of(row, licences)
                entry["annotations"] = [
                    _listed(annotations, reader, place, categories) for place in at
                ]
                entry["categories"] = len(categories)
                yield entry
            if chosen is None:
                yield from self._unlisted(annotations, reader)

    def _survey(
        self, images: ImageIndex, annotations: AnnotationIndex
    ) -> tuple[Mapping[int, Licence], Categories]:
        """Goes through the file once, filling both indices."""
        path = self._annotations
        others: dict[str, list[Any]] = {"licenses": [], "categories": []}
        slices = Slices(path, _ARRAYS, _WHAT)
        for slice in slices:
            value = parsed(path, slice.raw, slice.start)
            if slice.array == "annotations":
                annotations.add(slice, image_id_of(value, slice.position, path), value)
            elif slice.array == "images":
                images.add(value)
            else:
                others[slice.array].append(value)
        check_arrays(slices.counts, path, "instances")
        images.seal()
        annotations.seal()
        return licences_of(others["licenses"], path), Categories(others["categories"], path)

    def _unlisted(self, annotations: AnnotationIndex, reader: SliceReader) -> Iterator[Entry]:
        """Images that annotations name and ``images`` does not list."""
        for at in annotations.never_asked():
            image_id = str(value_of(annotations.read(reader, at[0]).encode())["image_id"])
            image_id = text_of(image_id) or ""
            words = (
                f"{self._annotations.name}: annotations[{at[0]}], image {image_id}: there is no "
                f"such image in 'images', and {len(at)} of the annotations name it"
            )
            yield {"record_id": self._record_id(image_id), "trouble": ["image", words, True]}

    def _record_id(self, image_id: str) -> str:
        return make_record_id(self.parameters.dataset, self.split, image_id)

    def _candidates(self, images: ImageIndex, annotations: AnnotationIndex) -> Iterator[Candidate]:
        for position in range(len(images)):
            row = images.row(position)
            count = annotations.count(row["id"])
            yield Candidate(self._record_id(row["id"]), position, row["licence"], count)

    def _opened(self, entry: Entry) -> Opened:
        """The record of an entry, its photograph checked and its masks measured.

        Reasons of a failure: ``image``, ``unsafe path``, ``size``, and those of bad annotations:
        ``category``, ``mask``, ``box``, ``segments``.
        """
        photo, _ = read_photo_of(entry["image"], self._images, self.parameters.links)
        size_wh = (photo.width, photo.height)
        listed = [_Listed(*row) for row in entry["annotations"]]
        values = [_value_of(one.text, self._where(entry, one)) for one in listed]
        if not all(map(has_own_size, values)):
            check_size(entry["image"], size_wh)
        record_id, scores = entry["record_id"], size_scores(entry["image"], size_wh, _NAME)
        segments: list[Segment] = []
        rles: list[Rle] = []
        left_out: dict[str, int] = {}
        for one, value, id in zip(listed, values, segment_ids(values), strict=True):
            where = self._where(entry, one)
            try:
                if id is None:
                    raise RecordFailed("segments", id_twice(where, value["id"], values))
                category = _category_of(value, one.category, where, entry["categories"])
                instance = read_instance(value, where, size_wh)
            except RecordFailed as failure:
                if self.parameters.on_bad == "fail":
                    raise
                why = f"dropped_{failure.reason}"
                left_out[why] = left_out.get(why, 0) + 1
                continue
            why = self._why_left_out(instance)
            if why:
                left_out[why] = left_out.get(why, 0) + 1
                continue
            isthing = one.category is not None and one.category[1]
            segment = self._segment(id, category, isthing, value, instance)
            if instance.counts is not None:
                segment = segment.but(mask=len(rles))
                rles.append(rle_of_counts(instance.counts, (size_wh[1], size_wh[0])))
            segments.append(segment)
            remarks = [*instance.remarks, *_remarks_on_id(id, value, one)]
            scores += [Score(name=n, value=v, by=_NAME, segment=id) for n, v in remarks]
        if not segments:
            words = ", ".join(f"{n} {name}" for name, n in sorted(left_out.items()))
            raise Drop("no segments", f"all {len(values)} annotations were left out: {words}")
        counted = [Score(name=n, value=left_out[n], by=_NAME) for n in sorted(left_out)]
        made = RleSegments(tuple(segments), tuple(rles))
        return made.opened(record_id, photo, (*counted, *scores))

    def _where(self, entry: Entry, one: _Listed) -> str:
        image_id = str(entry["record_id"]).split("/", 2)[2]
        return f"{self._annotations.name}: annotations[{one.place}], image {image_id}"

    def _why_left_out(self, instance: Instance) -> str:
        if instance.iscrowd and self.parameters.crowds == "drop":
            return "crowds_left_out"
        if not instance.area_px:
            return "empty_masks"
        return "below_min_area" if instance.area_px < self.parameters.min_area_px else ""

    def _segment(
        self,
        id: int,
        category: Category,
        isthing: bool,
        annotation: Mapping[str, Any],
        instance: Instance,
    ) -> Segment:
        score = annotation.get("score")
        return Segment(
            id=id,
            category=category,
            isthing=isthing,
            iscrowd=instance.iscrowd,
            box_xyxy=instance.box_xyxy,
            area_px=instance.area_px,
            source=self.parameters.dataset,
            score=score if is_number(score) else None,
        )

    def files(self, record: Record) -> RecordFiles:
        """Where the record's photograph lies; its masks lie in the run's folder."""
        return RecordFiles(image=self._images / record.photo.file)


@functools.lru_cache(maxsize=1)
def _stuff() -> frozenset[tuple[int, str]]:
    """COCO's panoptic categories that are stuff, by id and name."""
    return frozenset((row["id"], row["name"]) for row in coco_categories() if not row["isthing"])


def _listed(
    annotations: AnnotationIndex, reader: SliceReader, place: int, categories: Categories
) -> list[Any]:
    id = annotations.category_of(place)
    found, category = categories.find(id), None
    if found is not None:
        name, isthing = found
        # Instances are things. Panoptic files made over into this form have COCO's stuff too, and
        # their categories do not always say so.
        category = (name, (id, name) not in _stuff() if isthing is None else isthing)
    uses = annotations.uses_of(place)
    return list(_Listed(place, annotations.read(reader, place), category, uses))


def _value_of(text: str, where: str) -> dict[str, Any]:
    try:
        value = value_of(text.encode())
    except ValueError as error:
        raise RecordFailed("segments", f"{where}: it cannot be read: {error}") from None
    if not isinstance(value, dict):
        raise RecordFailed("segments", f"{where}: it is no object")
    return value


def _category_of(
    annotation: Mapping[str, Any], category: Sequence[Any] | None, where: str, known: int
) -> Category:
    id = annotation.get("category_id")
    if category is None:
        raise RecordFailed(
            "category",
            f"{where}: the category id {shown(id)} is not among the {known} in 'categories'",
        )
    return Category(id=id, name=category[0])


def _remarks_on_id(id: int, annotation: Mapping[str, Any], one: _Listed) -> list[tuple[str, float]]:
    given = annotation.get("id")
    if not is_whole(given) or given != id:
        return [("id_made_up", one.place)]
    return [("id_of_other_annotations", one.uses - 1)] if one.uses > 1 else []
