"""A door that answers from a script, and small records to ask about."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from annoengine.mask import RecordFiles
from annoengine.prompt import Prompt, load_prompt
from annoengine.provider import Outcome, Reply, Request, TextPart
from annoengine.record import (
    Caption,
    Category,
    Drawing,
    DrawnImage,
    Mark,
    Photo,
    Record,
    Score,
    Segment,
)
from annoengine.registry import find
from annoengine.stage import Setup
from annoengine.stages.annotate import Annotate, AnnotateParameters

FIRST = ("pix2cap/prompt1.v1", "pix2cap/prompt2.v1")
REPAIRS = ("pix2cap/repair1.v1", "pix2cap/repair2.v1")
# Segment ids are far from mark numbers, and in another order.
SEGMENTS = [(907, "person"), (31, "dog"), (404, "sky-other-merged")]
RIGHT = "1. Person: a man in red.;\n2. Dog: a brown dog.;\n3. Sky: the sky is blue.;"


def drawing(name: str) -> Drawing:
    image = DrawnImage(
        file=name, sha256=name[:1] * 64, width=64, height=48, size_bytes=9, encoder="png"
    )
    return Drawing(image=image, style="pix2cap", scale=1, seen_wh=(64, 48))


def mark(number: int, segment: int, of: int = 0) -> Mark:
    return Mark(
        number=number,
        segment=segment,
        text=str(number),
        anchor_xy=(5, 5),
        label_box_xyxy=(0, 0, 9, 9),
        colour="#ff0000",
        text_px=14,
        drawing=of,
    )


def record(
    id: str = "coco/val/7",
    marks: Sequence[Mark] | None = None,
    drawings: int = 1,
    named: Sequence[tuple[int, str]] = tuple(SEGMENTS),
) -> Record:
    segments = tuple(
        Segment(
            id=id,
            category=Category(name=name),
            isthing=name != "sky-other-merged",
            box_xyxy=(0, 0, 9, 9),
            area_px=81,
        )
        for id, name in named
    )
    if marks is None:
        marks = [mark(1, 907), mark(2, 31), mark(3, 404)]
    return Record(
        id=id,
        photo=Photo(file="7.jpg", width=64, height=48, sha256="0" * 64),
        segments=segments,
        drawings=tuple(drawing(f"{n}.png") for n in range(drawings)) if marks else (),
        marks=tuple(marks),
    )


@dataclass
class Script:
    """A door that gives one prepared reply for each turn and keeps what was asked."""

    replies: dict[str, str | Reply]
    files: RecordFiles = field(default_factory=lambda: RecordFiles(Path("7.jpg")))
    asked: dict[str, Request] = field(default_factory=dict)
    aside: list[tuple[Caption, str, tuple[Score, ...]]] = field(default_factory=list)

    async def __call__(self, request: Request, turn: str) -> Reply:
        assert turn not in self.asked, "a turn was used twice"
        self.asked[turn] = request
        reply = self.replies[turn]
        if isinstance(reply, str):
            return Reply(text=reply, outcome="answer", model="m-1", key=f"key {turn}", turn=turn)
        return reply

    async def all(self, requests: Sequence[tuple[Request, str]]) -> list[Reply]:
        return [await self(request, turn) for request, turn in requests]

    async def compute(self, function: Callable[..., Any], *arguments: Any) -> Any:
        return function(*arguments)

    async def embed(self, items: Sequence[str | bytes], model: str) -> np.ndarray:
        raise NotImplementedError

    def keep_image(
        self, name: str, data: bytes, width: int, height: int, encoder: str
    ) -> DrawnImage:
        raise NotImplementedError

    def set_aside(self, caption: Caption, reason: str, scores: Sequence[Score] = ()) -> None:
        self.aside.append((caption, reason, tuple(scores)))

    def text(self, turn: str) -> str:
        """The words of a turn's last message."""
        parts = self.asked[turn].messages[-1].parts
        return "".join(part.text for part in parts if isinstance(part, TextPart))


def stage(
    run_seed: int = 7, load: Callable[[str], Prompt] = load_prompt, **parameters: Any
) -> Annotate:
    settings = {"prompts": FIRST, "repair_prompts": REPAIRS, **parameters}
    setup = Setup("annotate", run_seed, load, {"annotator": "openai/m-1"})
    built = find("stage", "annotate")(AnnotateParameters(**settings), setup)
    assert isinstance(built, Annotate)
    return built


def bad(outcome: Outcome, text: str = "", detail: str = "") -> Reply:
    return Reply(text=text, outcome=outcome, model="m-1", detail=detail, key="k", turn="t")
