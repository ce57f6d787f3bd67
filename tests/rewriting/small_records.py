"""Records and scenes of boxes, written down by hand, for captions that speak of marks."""

from __future__ import annotations

from collections.abc import Sequence

from annoengine.baseline.region_facts import RegionFacts, Scene
from annoengine.box import BoxXyxy
from annoengine.record import Caption, Category, Mark, Origin, Photo, Record, Segment

SIZE_WH = (100, 100)
ORIGIN = Origin(stage="annotate", model="m")

Thing = tuple[str, BoxXyxy]


def make_record(
    things: Sequence[Thing], captions: Sequence[tuple[int | None, str]], colour: str = "#E6194B"
) -> Record:
    """Marks 1, 2, 3 … on the things, whose segments have the ids 101, 102, 103 …

    A caption is told with the number of its mark, or None for the whole image.
    """
    segments = tuple(
        Segment(
            id=100 + number,
            category=Category(name=name),
            isthing=not name.endswith(("-merged", "-other", "-stuff")) and name != "sand",
            box_xyxy=box,
            area_px=(box[2] - box[0]) * (box[3] - box[1]),
        )
        for number, (name, box) in enumerate(things, 1)
    )
    marks = tuple(
        Mark(
            number=number,
            segment=100 + number,
            text=str(number),
            anchor_xy=(box[0], box[1]),
            label_box_xyxy=box,
            colour=colour,
            text_px=12,
        )
        for number, (_, box) in enumerate(things, 1)
    )
    return Record(
        id="toy/val/1",
        photo=Photo(file="a.jpg", width=SIZE_WH[0], height=SIZE_WH[1], sha256="0" * 64),
        segments=segments,
        marks=marks,
        captions=tuple(
            Caption(text=text, segment=None if mark is None else 100 + mark, origin=ORIGIN)
            for mark, text in captions
        ),
    )


def scene_of(record: Record, contacts: dict[tuple[int, int], int] | None = None) -> Scene:
    """The scene of boxes; ``contacts`` are counts of shared edges by pairs of mark numbers."""
    touching: dict[int, dict[int, int]] = {}
    for (a, b), shared in (contacts or {}).items():
        touching.setdefault(100 + a, {})[100 + b] = shared
        touching.setdefault(100 + b, {})[100 + a] = shared
    return Scene(
        SIZE_WH,
        tuple(
            RegionFacts(
                id=s.id,
                category=s.category.name,
                isthing=s.isthing,
                iscrowd=s.iscrowd,
                box_xyxy=s.box_xyxy,
                area_px=int(s.area_px),
                centre_xy=(
                    (s.box_xyxy[0] + s.box_xyxy[2]) / 2,
                    (s.box_xyxy[1] + s.box_xyxy[3]) / 2,
                ),
                edges=40,
                contacts=touching.get(s.id, {}),
            )
            for s in record.segments
        ),
    )
