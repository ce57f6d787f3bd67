"""A run with people in between, over records of a few pixels and a provider that counts.

Every picture is 8 × 4: segment 3 is its upper half, segment 5 the left part of its lower one.
``Drafts`` asks once about a record and describes both; ``Merges`` asks for one paragraph of the
region captions; so a corrected caption changes the second question, and no other one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import orjson
import yaml
from PIL import Image

from annoengine.errors import PeopleAwaited
from annoengine.fingerprint import sha256_hex
from annoengine.grounded.tags import parse_tags
from annoengine.mask import Mask, RecordFiles, Rle, box_of, rle_from_mask
from annoengine.provider import Request
from annoengine.recipe import Recipe, load_recipe
from annoengine.record import (
    Caption,
    Category,
    MaskStore,
    Origin,
    Photo,
    Record,
    Segment,
)
from annoengine.record import Mark as RecordMark
from annoengine.source import Entry, Opened, Source
from annoengine.stage import Ask, Parameters, Stage
from annoengine.workspace import Workspace
from tests.engine.carrying import carry
from tests.toy import message

WIDTH, HEIGHT = 8, 4
NAMES = {3: Category(name="sky-other-merged", id=187), 5: Category(name="dog", id=18)}


def mask_of(id: int) -> Mask:
    """The pixels of a segment of every record."""
    mask = np.zeros((HEIGHT, WIDTH), dtype=bool)
    if id == 3:
        mask[:2] = True
    else:
        mask[2:, :3] = True
    return mask


def toy_segment(id: int, key: int) -> Segment:
    mask = mask_of(id)
    return Segment(
        id=id,
        category=NAMES[id],
        isthing=id == 5,
        box_xyxy=box_of(mask),
        area_px=int(mask.sum()),
        mask=key,
        source="toy",
    )


def toy_mark(number: int, segment: int) -> RecordMark:
    return RecordMark(
        number=number,
        segment=segment,
        text=str(number),
        anchor_xy=(1, 1),
        label_box_xyxy=(0, 0, 1, 1),
        colour="#ff0000",
        text_px=9,
    )


class RowsParameters(Parameters):
    """Settings of :class:`Rows`."""

    n: int = 6
    """How many records."""


class Rows(Source):
    """Records with two masked segments, and a mark on each; with a picture where there is one."""

    GIVES: ClassVar[frozenset[str]] = frozenset({"segments", "marks", "masks"})
    INPUTS: ClassVar[Mapping[str, str]] = {"images": "any folder"}
    Parameters: ClassVar[type[Parameters]] = RowsParameters

    def entries(self) -> Iterator[Entry]:
        for number in range(self.parameters.n):
            yield {"record_id": f"toy/val/{number}"}

    def open(self, entry: Entry) -> Opened:
        id = entry["record_id"]
        rles: tuple[Rle, ...] = tuple(rle_from_mask(mask_of(n)) for n in (3, 5))
        line = orjson.dumps({"id": id, "rles": list(rles)})
        record = Record(
            id=id,
            photo=Photo(file="a.jpg", width=WIDTH, height=HEIGHT, sha256=sha256_hex(b"")),
            masks=MaskStore(kind="rle", sha256=sha256_hex(line)),
            segments=(toy_segment(3, 0), toy_segment(5, 1)),
            marks=(toy_mark(1, 3), toy_mark(2, 5)),
        )
        return Opened(id, record, rles)

    def files(self, record: Record) -> RecordFiles:
        return RecordFiles(image=Path(record.photo.file))


class DraftsParameters(Parameters):
    """Settings of :class:`Drafts`."""

    question: str = "What is in {id}?"
    """Asked of every record."""


class Drafts(Stage):
    """Describes the two segments of a record from one answer."""

    GIVES: ClassVar[frozenset[str]] = frozenset({"captions"})
    Parameters: ClassVar[type[Parameters]] = DraftsParameters

    def roles(self) -> Sequence[str]:
        return ("model",)

    async def annotate(self, record: Record, ask: Ask) -> Record:
        question = self.parameters.question.format(id=record.image_id)
        reply = await ask(Request("model", (message(question),)), "first")
        origin = Origin(stage=self.setup.name, model=reply.model, call=reply.key, turn="first")
        return record.but(
            captions=tuple(
                Caption(text=f"{reply.text} {s.category.name}", segment=s.id, origin=origin)
                for s in record.segments
            )
        )


class Merges(Stage):
    """Asks for a paragraph of the region captions."""

    NEEDS: ClassVar[frozenset[str]] = frozenset({"captions"})

    def roles(self) -> Sequence[str]:
        return ("model",)

    async def annotate(self, record: Record, ask: Ask) -> Record:
        said = " | ".join(f"{c.segment} {c.text}" for c in record.captions)
        reply = await ask(Request("model", (message(f"merge {record.id}: {said}"),)), "merge")
        origin = Origin(stage=self.setup.name, model=reply.model, call=reply.key, turn="merge")
        return record.but(captions=(*record.captions, Caption(text=reply.text, origin=origin)))


def review_recipe(folder: Path, review: Any = None, **changes: Any) -> Path:
    """The recipe: drafts, review, merging; written to a file."""
    data: dict[str, Any] = {
        "name": "reviewed",
        "source": {"tests.reviewing.toys:Rows": {"n": changes.pop("n", 6)}},
        "models": {"model": "tests.toy:Echo/a"},
        "stages": [
            {"tests.reviewing.toys:Drafts": changes.pop("drafts", {}), "as": "drafts"},
            {"review": review},
            {"tests.reviewing.toys:Merges": {}, "as": "merges"},
        ],
        "run": {"shard_size": changes.pop("shard_size", 4), "workers": 0},
        **changes,
    }
    path = folder / "recipe.yaml"
    path.write_text(yaml.safe_dump(data), encoding="utf-8")
    return path


def carry_on(recipe: Recipe, workspace: Workspace) -> PeopleAwaited | None:
    """Runs; gives what it waits for, or None where it came to the end."""
    try:
        carry(recipe, workspace)
    except PeopleAwaited as awaited:
        return awaited
    return None


def load_review(folder: Path, review: Any = None, **changes: Any) -> Recipe:
    """The recipe, loaded."""
    return load_recipe(review_recipe(folder, review, **changes))


def drafts_in(workspace: Workspace, stage: str = "02-review") -> list[dict[str, Any]]:
    """All drafts that lie there for people."""
    lines: list[dict[str, Any]] = []
    for path in sorted((workspace.root / stage).glob("*.drafts.jsonl")):
        lines += [orjson.loads(line) for line in path.read_bytes().splitlines()]
    return lines


def correct(workspace: Workspace, *lines: Mapping[str, Any], name: str = "review") -> Path:
    """Writes a corrections file anew."""
    path = workspace.root / "corrections" / f"{name}.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"".join(orjson.dumps(line) + b"\n" for line in lines))
    return path


def signed(line: Mapping[str, Any], **changes: Any) -> dict[str, Any]:
    """A draft with a name and a moment."""
    return {**line, "who": "Ann", "when": "2025-06-01T10:20:00Z", **changes}


def recaptioned(line: Mapping[str, Any], segment: int, text: str) -> dict[str, Any]:
    """A draft in which a person put another text."""
    rows = [{**r, "caption": text} if r["segment"] == segment else r for r in line["segments"]]
    return signed(line, segments=rows)


def toy_record() -> Record:
    """A record with captions, as it comes to a review."""
    drawn = Origin(stage="drafts", model="echo-a", call="c0ffee")
    tagged = parse_tags("A <3: blue sky> over <5: a dog>.")
    return Record(
        id="toy/val/0",
        photo=Photo(file="a.jpg", width=WIDTH, height=HEIGHT, sha256=sha256_hex(b"")),
        segments=(toy_segment(3, 0), toy_segment(5, 1)),
        marks=(toy_mark(1, 3), toy_mark(2, 5)),
        captions=(
            Caption(text="A blue sky.", segment=3, summary="sky", origin=drawn),
            Caption(text="A dog.", segment=5, origin=drawn),
            Caption(text=tagged.text, spans=tagged.spans, origin=drawn),
        ),
    )


def make_photo(folder: Path) -> None:
    """A picture that the records may be of."""
    Image.new("RGB", (WIDTH, HEIGHT), (9, 9, 9)).save(folder / "a.jpg")
