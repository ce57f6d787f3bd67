"""Runs whose paragraphs leave with boxes, for the exporters that write them."""

from __future__ import annotations

from pathlib import Path

from annoengine.mask import RecordFiles
from annoengine.record import Caption, Category, Photo, Record, Segment
from tests.exporters.grounded_files import grounded
from tests.exporters.runs import Run

TEXT = "Two men walk a brown dog. The taller man laughs under the sky."
SAID = grounded(
    TEXT,
    ("Two men", (5, 9)),
    ("a brown dog", (7,)),
    ("The taller man", (9,)),
    ("the sky", (300,)),
)
BOXES = {
    5: (20, 50, 60, 100),
    9: (60, 40, 100, 100),
    7: (100, 80, 140, 100),
    300: (0, 0, 200, 50),
    11: (150, 60, 151, 61),
}
NAMES = {5: "person", 9: "person", 7: "dog", 300: "sky-other-merged", 11: "person"}
SIZE = (200, 100)


def record(
    number: int = 1,
    caption: Caption | None = SAID,
    ids: tuple[int, ...] = tuple(BOXES),
    split: str = "train",
    file: str = "",
) -> Record:
    """Men, a dog, the sky, and a person of one pixel of whom nobody speaks."""
    segments = tuple(
        Segment(
            id=id,
            category=Category(name=NAMES[id]),
            isthing=id != 300,
            box_xyxy=BOXES[id],
            area_px=4,
        )
        for id in ids
    )
    return Record(
        id=f"sa1b/{split}/{number}",
        photo=Photo(file=file or f"sa_{number}.jpg", width=SIZE[0], height=SIZE[1], sha256=""),
        segments=segments,
        captions=() if caption is None else (caption,),
    )


def run_of(*records: Record) -> Run:
    files = RecordFiles(image=Path("sa_1.jpg"))
    return Run(list(records), {one.id: files for one in records})
