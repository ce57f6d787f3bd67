"""Marks images outside a run: finds each one's segments, draws it, lists its marks.

It goes through the same sources and the same stage as a run, so that what is seen here is what a
model will see there. Which source that is follows from what is given: an annotation file tells
its own format, a folder holds masks, and where nothing is given the regions are found in the
pixels.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Literal

from annoengine import registry
from annoengine.compute import Pool, default_workers
from annoengine.errors import InputError, RecordFailed
from annoengine.mask import RecordFiles, keyed_rles
from annoengine.reading.coco_json import survey
from annoengine.reading.photo_folder import PICTURE_SUFFIXES
from annoengine.record import Record
from annoengine.segmenter import find_segmenter
from annoengine.som.draw import DrawnPicture, draw_marks
from annoengine.source import Entry, Opened, Source
from annoengine.stage import Setup

_LISTED_ONCE = frozenset({"coco_panoptic", "coco_instances"})
"""Sources whose entries come from the annotation file alone, whatever the photographs' folder."""

_OF_ONE_FILE = frozenset({"images", "mask_folder"})
"""Sources whose input ``images`` may be one photograph."""

_ALONE = 4
"""This many images are not worth a pool of processes."""

_MOST_NAMED = 10_000
"""Among more file names than this no nearest one is looked for."""


@dataclass(frozen=True)
class Given:
    """Where the command line says that the segments are; all None: nowhere."""

    annotations: Path | None = None
    panoptic: Path | None = None
    masks: Path | None = None
    boxes: Path | None = None
    segmenter: str | None = None

    def check(self) -> None:
        """Raises InputError for ways that exclude each other, and for paths that are not there."""
        ways = {
            "--annotations": self.annotations,
            "--masks": self.masks,
            "--boxes": self.boxes,
            "--segmenter": self.segmenter,
        }
        chosen = [option for option, value in ways.items() if value is not None]
        if len(chosen) > 1 and chosen != ["--annotations", "--boxes"]:
            raise InputError(f"{' and '.join(chosen)} both say where the segments are; give one")
        if self.panoptic is not None and self.annotations is None:
            raise InputError(
                "--annotations is missing: a panoptic PNG holds ids alone. Give the JSON file "
                "that says what they are"
            )
        for option, path in (*ways.items(), ("--panoptic", self.panoptic)):
            if isinstance(path, Path) and not path.exists():
                raise InputError(f"{option} {path}: there is no such file or folder")


@dataclass(frozen=True)
class Marked:
    """One image with its pictures: several where its marks were split."""

    image: Path
    source: str
    record: Record
    pictures: tuple[DrawnPicture, ...]


@dataclass(frozen=True)
class NotMarked:
    """An image that could not be marked, and why."""

    image: Path
    why: str


def images_of(paths: Sequence[Path]) -> list[Path]:
    """The images named, and those in the folders named, in order; folders sorted by name.

    Raises InputError for what is not there and for a folder without a picture.
    """
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            inside = sorted(p for p in path.iterdir() if p.suffix.lower() in PICTURE_SUFFIXES)
            if not inside:
                raise InputError(
                    f"the folder {path} holds no picture ({', '.join(PICTURE_SUFFIXES)})"
                )
            found += inside
        elif path.is_file():
            found.append(path)
        else:
            raise InputError(f"there is no image {path}")
    return list(dict.fromkeys(found))


def kind_of_annotations(path: Path) -> Literal["coco_panoptic", "coco_instances", "coconut"]:
    """The source that reads an annotation file or folder, told by its content.

    Raises InputError for a file that is none of them.
    """
    if path.is_dir() or path.suffix.lower() == ".parquet" or _first_byte(path) == b"[":
        return "coconut"
    first: list[Any] = []

    def take(entry: Any) -> None:
        if not first:
            first.append(entry)

    counts = survey(path, {"annotations": take})
    if "segments_info" in counts:
        return "coconut"
    entry = first[0] if first else None
    if isinstance(entry, dict) and "segments_info" in entry:
        return "coco_panoptic" if "categories" in counts else "coconut"
    if isinstance(entry, dict) and entry.keys() & {"segmentation", "bbox"}:
        return "coco_instances"
    raise InputError(
        f"{path} is neither a COCO panoptic nor a COCO instances file: its 'annotations' hold "
        "neither 'segments_info' nor 'segmentation' or 'bbox'"
    )


def _first_byte(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            head = file.read(64).lstrip(b"\xef\xbb\xbf \t\r\n")
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from None
    return head[:1]


@dataclass(frozen=True)
class Way:
    """A source by name, its inputs but for the photographs, and its parameters."""

    kind: str
    inputs: Mapping[str, Path]
    parameters: Mapping[str, Any]

    def open(self, images: Path) -> Source:
        """The source over one folder of photographs."""
        found = registry.find("source", self.kind)
        parameters = found.Parameters(**self.parameters)
        source: Source = found(parameters, {"images": images, **self.inputs}, 0)
        return source


def way_of(given: Given) -> Way:
    """The source that fits what is given."""
    given.check()
    if given.masks is not None:
        return Way("mask_folder", {"masks": given.masks.resolve()}, {"links": "follow"})
    if given.boxes is not None:
        inputs = {"boxes": given.boxes.resolve()}
        if given.annotations is not None:
            inputs["annotations"] = given.annotations.resolve()
        return Way("boxes", inputs, {})
    if given.annotations is not None:
        inputs = {"annotations": given.annotations.resolve()}
        kind = kind_of_annotations(given.annotations)
        if given.panoptic is not None:
            folder = given.panoptic if given.panoptic.is_dir() else given.panoptic.parent
            inputs["panoptic"] = folder.resolve()
        return Way(kind, inputs, {})
    spec = given.segmenter or "graph"
    find_segmenter(spec).check()
    return Way("images", {}, {"segmenter": spec, "links": "follow"})


def mark_images(
    images: Sequence[Path], given: Given, settings: Mapping[str, Any], model: str
) -> Iterator[Marked | NotMarked]:
    """Every image with its marks drawn, in order.

    ``settings`` are the parameters of the stage ``mark``; ``model`` is whose sight they are drawn
    for. Raises InputError for what is wrong with all of them.
    """
    way = way_of(given)
    if given.panoptic is not None and given.panoptic.is_file() and len(images) > 1:
        raise InputError(
            f"--panoptic {given.panoptic} is one PNG for {len(images)} images; give the folder"
        )
    found = _find_entries(images, way, given)
    kind = registry.find("stage", "mark")
    stage = kind(
        kind.Parameters(**settings), Setup("render-som", 0, _no_prompt, {"annotator": model})
    )
    pool = Pool(default_workers() if len(images) > _ALONE else 0)
    with asyncio.Runner() as runner:
        try:
            for first in range(0, len(images), 4 * max(1, pool.workers)):
                some = images[first : first + 4 * max(1, pool.workers)]
                jobs = [_mark(found[image], image, way.kind, stage, pool) for image in some]
                yield from runner.run(_gathered(jobs))
        finally:
            pool.close()


async def _gathered(jobs: Sequence[Any]) -> list[Marked | NotMarked]:
    return list(await asyncio.gather(*jobs))


async def _mark(
    found: tuple[Source, Entry] | NotMarked, image: Path, kind: str, stage: Any, pool: Pool
) -> Marked | NotMarked:
    if isinstance(found, NotMarked):
        return found
    source, entry = found
    opened: Opened = await pool.run(source.open, entry)
    record = opened.record
    if record is None:
        return NotMarked(image, opened.detail or opened.reason)
    files = source.files(record)
    if opened.rles:
        files = RecordFiles(image=files.image, rles=keyed_rles(opened.rles))
    try:
        pictures = [
            await pool.run(draw_marks, files, commission)
            for commission in stage.commissions(record)
        ]
    except RecordFailed as failure:
        return NotMarked(image, failure.detail)
    return Marked(image, kind, record, tuple(pictures))


def _find_entries(
    images: Sequence[Path], way: Way, given: Given
) -> dict[Path, tuple[Source, Entry] | NotMarked]:
    """The source and entry of each image, found by its file name."""
    found: dict[Path, tuple[Source, Entry] | NotMarked] = {}
    by_folder: dict[Path, dict[str, Path]] = defaultdict(dict)
    for image in images:
        by_folder[image.parent][image.name] = image
    listed: list[Entry] | None = None
    names: list[str] = []
    for folder, wanted in by_folder.items():
        only = next(iter(wanted.values())) if len(images) == 1 else None
        # One photograph is named itself where that is allowed: its folder may hold any number.
        alone = only is not None and way.kind in _OF_ONE_FILE
        source = way.open(only.absolute() if only is not None and alone else folder.resolve())
        if listed is None or way.kind not in _LISTED_ONCE:
            everywhere = {image.name for image in images}
            names = []
            listed = list(_matching(source, everywhere, names))
        for entry in listed:
            name = PurePosixPath(source.photo_name(entry) or "").name
            image_path = wanted.get(name)
            if image_path is None:
                continue
            if image_path in found:
                found[image_path] = NotMarked(
                    image_path, f"{image_path}: two images are called {name!r} in what was given"
                )
                continue
            entry = source.with_photo_name(entry, name)
            if given.panoptic is not None and given.panoptic.is_file():
                entry = {**entry, "png": given.panoptic.name}
            found[image_path] = (source, entry)
        for name, image in wanted.items():
            if image not in found:
                found[image] = NotMarked(image, _not_listed(name, names, way))
    return found


def _matching(source: Source, wanted: set[str], names: list[str]) -> Iterator[Entry]:
    """Entries whose photograph has one of the names; all names go into ``names``."""
    for entry in source.entries():
        name = PurePosixPath(source.photo_name(entry) or "").name
        names.append(name)
        if name in wanted:
            yield entry


def _not_listed(name: str, names: Sequence[str], way: Way) -> str:
    near = registry.did_you_mean(name, names) if len(names) <= _MOST_NAMED else ""
    where = next(iter(way.inputs.values()), Path())
    return (
        f"{where} has no image with the file name {name!r} (among {len(names)})."
        f"{near if 'Did you' in near else ''}"
    )


def _no_prompt(name: str) -> Any:
    raise LookupError(f"no prompt {name!r} is at hand")


def listed(marked: Marked, files: Sequence[Path]) -> dict[str, Any]:
    """An image's marks for ``--marks-json``; ``files`` are its pictures as they were written."""
    record = marked.record
    return {
        "image": marked.image.name,
        "source": marked.source,
        "pictures": [
            {
                "file": file.name,
                "size_wh": [picture.width, picture.height],
                "scale": picture.scale,
                "seen_wh": list(picture.seen_wh),
            }
            for file, picture in zip(files, marked.pictures, strict=True)
        ],
        "marks": [
            {
                "mark": mark.number,
                "picture": position,
                "segment": mark.segment,
                "category": record.segment(mark.segment).category.name,
                "label_box_xyxy": list(mark.label_box_xyxy),
                "anchor_xy": list(mark.anchor_xy),
                "leader_xyxy": _list(mark.leader_xyxy),
                "inset_xyxy": _list(mark.inset_xyxy),
                "colour": mark.colour,
                "text_px": mark.text_px,
                "legible": mark.legible,
            }
            for position, picture in enumerate(marked.pictures)
            for mark in picture.marks
        ],
    }


def _list(box: tuple[int, ...] | None) -> list[int] | None:
    return None if box is None else list(box)
