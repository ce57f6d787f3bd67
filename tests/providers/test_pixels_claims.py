"""Every sentence of ``pixels`` is read back and judged from pixels and masks by other code."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest

from annoengine.mask import RecordFiles, read_panoptic_png
from annoengine.photo import read_photo
from annoengine.providers.pixels import Described, describe_regions
from annoengine.record import Category, MaskStore, Photo, Record, Segment
from tests.pixels.scenes import Made, make, marks_for
from tests.pixels.sentences import Reader, Said, UnreadableError
from tests.pixels.truth import Thing, Truth

PHOTOGRAPHS = Path(__file__).parents[2] / "examples" / "photographs"
SCENES, GROUPS = 150, 6


def described(made: Made) -> Described:
    return describe_regions(
        made.files, made.record.to_line(), tuple(mark.number for mark in made.record.marks)
    )


def reader_of(made: Made) -> Reader:
    return Reader({segment.category.name for segment in made.record.segments})


def judge(made: Made) -> tuple[list[str], Counter[str]]:
    """What is untrue or cannot be read, and how often each kind of statement was made."""
    truth, reader = Truth(made.photo, made.things), reader_of(made)
    regions, interactions = described(made)
    by_mark = {mark.number: mark.segment for mark in made.record.marks}
    wrong: list[str] = []
    kinds: Counter[str] = Counter()
    said_of: dict[int, list[Said]] = {}
    for mark, _, text in regions:
        id = by_mark[mark]
        said_of[id] = reader.description(text, truth.by_id[id].noun)
        for said in said_of[id]:
            kinds[" ".join([said.kind, *(str(v) for v in said.value[:1])])] += 1
            if not truth.holds(id, said):
                wrong.append(f"{made.record.id} {id}: {said} is untrue: {text}")
    for marks, text in interactions:
        a, b = (by_mark[mark] for mark in marks)
        for said in reader.sentence(text, truth.by_id[a].noun):
            kinds["between marks"] += 1
            named = said.others[0].noun or truth.by_id[b].noun
            if named != truth.by_id[b].noun or not truth.holds(a, said, between=[b]):
                wrong.append(f"{made.record.id} {marks}: {said} is untrue: {text}")
    wrong += [text for _, _, text in regions if faulty_english(text)]
    wrong += [text for _, text in interactions if faulty_english(text)]
    wrong += _not_apart(made, truth, said_of, {by_mark[m]: text for m, _, text in regions})
    return wrong, kinds


def faulty_english(text: str) -> str:
    """What is wrong with the form of a text: articles, agreement, spaces, capitals."""
    for pattern in (
        r"\b[Aa] [aeiou]",
        r"\b[Aa]n [^aeiou]",
        r"\bIt (?:are|have|\w+(?<!s)\b(?<!can))",
        r"\bThey (?:is|has|\w+s)\b",
        r"  | [.,]|,,|\.\.|\[|\]|\{|\}",
        r"^[a-z]|\. [a-z]|[^.]$",
        r"\b(\w+) \1\b",
    ):
        found = re.search(pattern, text)
        if found:
            return f"{found[0]!r} in {text!r}"
    return ""


def _not_apart(
    made: Made, truth: Truth, said_of: dict[int, list[Said]], texts: dict[int, str]
) -> Iterable[str]:
    """Segments of one name with equal texts, or with a text that fits another one as well."""
    for id, statements in said_of.items():
        for rival in said_of:
            if rival == id or truth.by_id[rival].noun != truth.by_id[id].noun:
                continue
            (x1, y1), (x2, y2) = truth.centre(id), truth.centre(rival)
            distance = 100 * (abs(x1 - x2) / truth.width + abs(y1 - y2) / truth.height)
            if texts[id] == texts[rival]:
                yield f"{made.record.id}: {id} and {rival} read alike: {texts[id]}"
            # A copy of a segment can be told from it by nothing that pixels show.
            elif distance > 5 and all(_fits(truth, rival, said) for said in statements):
                yield f"{made.record.id}: all that is said of {id} fits {rival}: {texts[id]}"


def _fits(truth: Truth, id: int, said: Said) -> bool:
    needs_mask = said.kind not in (
        *("place", "edges", "centre", "count", "ordinal", "direction", "proportion", "between"),
        "box_share",
    )
    if needs_mask and truth.by_id[id].mask is None:
        return False
    return truth.holds(id, said)


@pytest.mark.parametrize("group", range(GROUPS))
def test_made_scenes_are_described_truly(group: int, tmp_path: Path) -> None:
    wrong: list[str] = []
    for seed in range(group, SCENES, GROUPS):
        wrong += judge(make(seed, tmp_path))[0]
    assert wrong == []


def test_every_kind_of_statement_is_made_and_read(tmp_path: Path) -> None:
    kinds: Counter[str] = Counter()
    for seed in range(60):
        kinds += judge(make(seed, tmp_path))[1]
    said = {kind.split()[0] for kind in kinds}
    assert said >= {
        *("colour", "tinge", "tone", "grain", "shape", "lie", "parts", "proportion", "share"),
        *("box_share", "place", "edges", "count", "ordinal", "extreme", "direction", "close"),
        *("touch", "bordered", "surrounded", "inside", "overlap", "between"),
    }


def photographs() -> list[str]:
    index = PHOTOGRAPHS / "panoptic.json"
    if not index.is_file():
        return []
    return [a["file_name"] for a in json.loads(index.read_text())["annotations"]]


def from_panoptic(index: Path, images: Path, masks: Path, file_name: str) -> Made:
    """One image of a COCO panoptic file, with every segment that is no crowd marked."""
    data = json.loads(index.read_text())
    annotation = next(a for a in data["annotations"] if a["file_name"] == file_name)
    image = next(i for i in data["images"] if i["id"] == annotation["image_id"])
    categories = {c["id"]: c for c in data["categories"]}
    photo = read_photo(images / image["file_name"])
    ids = read_panoptic_png(masks / file_name)
    segments, things = [], []
    for info in annotation["segments_info"]:
        category = categories[info["category_id"]]
        x, y, w, h = info["bbox"]
        box = (x, y, x + w, y + h)
        segments.append(
            Segment(
                id=info["id"],
                category=Category(name=category["name"], id=category["id"]),
                isthing=bool(category["isthing"]),
                box_xyxy=box,
                area_px=info["area"],
                iscrowd=bool(info["iscrowd"]),
                mask=info["id"],
            )
        )
        segment = segments[-1]
        things.append(
            Thing(
                segment.id,
                segment.category.name,
                segment.isthing,
                segment.iscrowd,
                ids == segment.id,
                box,
            )
        )
    record = Record(
        id=f"photographs/all/{annotation['image_id']}",
        photo=Photo(
            file=image["file_name"],
            width=photo.shape[1],
            height=photo.shape[0],
            sha256=hashlib.sha256(photo.tobytes()).hexdigest(),
        ),
        masks=MaskStore(kind="panoptic_png", file=file_name, sha256="0" * 64),
        segments=tuple(segments),
        marks=marks_for(tuple(segments)),
    )
    files = RecordFiles(image=images / image["file_name"], panoptic=masks / file_name)
    return Made(record, files, photo, tuple(things))


@pytest.mark.parametrize("file_name", photographs())
def test_photographs_are_described_truly(file_name: str) -> None:
    made = from_panoptic(
        PHOTOGRAPHS / "panoptic.json", PHOTOGRAPHS / "images", PHOTOGRAPHS / "panoptic", file_name
    )
    assert judge(made)[0] == []


@pytest.mark.check_data
def test_coco_images_are_described_truly(coco_sample: Path) -> None:
    index = coco_sample / "panoptic.json"
    for annotation in json.loads(index.read_text())["annotations"]:
        made = from_panoptic(
            index, coco_sample / "images", coco_sample / "panoptic", annotation["file_name"]
        )
        assert judge(made)[0] == []


# The judge itself must be able to say no.


def test_the_judge_sees_a_wrong_side_and_a_wrong_colour() -> None:
    photo = np.zeros((40, 60, 3), dtype=np.uint8)
    left, right = (np.zeros((40, 60), dtype=bool) for _ in range(2))
    left[10:30, 5:20] = True
    right[10:30, 40:55] = True
    photo[left] = (255, 0, 0)
    truth = Truth(
        photo,
        [
            Thing(1, "cup", True, False, left, (5, 10, 20, 30)),
            Thing(2, "bowl", True, False, right, (40, 10, 55, 30)),
        ],
    )
    reader = Reader(["cup", "bowl"])

    def verdicts(text: str) -> list[bool]:
        return [truth.holds(1, said) for said in reader.description(text, "cup")]

    assert verdicts("The cup is almost entirely red. It is to the left of the bowl.") == [True] * 2
    assert verdicts("The cup is almost entirely blue. It is to the right of the bowl.") == [
        False,
        False,
    ]
    assert verdicts("The cup is on the left side of the image and borders the bowl.") == [
        False,
        False,
    ]
    assert verdicts("It is halfway up the left side of the image. To its right is the bowl.") == [
        True,
        True,
    ]
    assert verdicts("The leftmost cup takes up about 13% of the image.") == [False, True]


@pytest.mark.parametrize(
    "text",
    ["A orange cup.", "It are red.", "They covers it.", "It is  red.", "it is red.", "It is red"],
)
def test_faulty_english_is_seen(text: str) -> None:
    assert faulty_english(text)


@pytest.mark.parametrize(
    "text",
    [
        "The cup is mostly charming.",
        "The cup is in front of the bowl.",
        "The cup sits on the bowl.",
        "The cup is mostly red",
        "Perhaps it is red.",
    ],
)
def test_the_reader_refuses_what_it_has_no_rule_for(text: str) -> None:
    with pytest.raises(UnreadableError):
        Reader(["cup", "bowl"]).description(text, "cup")
