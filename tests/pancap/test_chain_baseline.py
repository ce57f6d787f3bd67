"""The embedded answers to PancapChain's first three questions: true, in the paper's form."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import pytest

from annoengine.mask import RecordFiles
from annoengine.pancap.chain_baseline import CHAIN_WANTS, about_chain, chain_answer
from annoengine.pancap.grid_boxes import BoxGrid
from annoengine.provider import Context, Message, Request, TextPart
from annoengine.providers.pixels import Pixels
from annoengine.record import Category, Photo, Record, Segment

NAMES = {5: "dog", 9: "sky-other-merged", 3: "region"}
BOXES = {5: (20, 10, 100, 70), 9: (0, 0, 200, 40), 3: (120, 10, 180, 90)}
RECORD = Record(
    id="a/b/1",
    photo=Photo(file="1.jpg", width=200, height=100, sha256=""),
    segments=tuple(
        Segment(id=i, category=Category(name=NAMES[i]), isthing=True, box_xyxy=BOXES[i], area_px=9)
        for i in NAMES
    ),
)
IDS = tuple(NAMES)
DOG, SKY, THING = (
    "<box>[[100, 300, 500, 600]]</box>",
    "<box>[[0, 250, 1000, 450]]</box>",
    "<box>[[600, 300, 900, 700]]</box>",
)


PADDED = BoxGrid()


def answer(wants: str, told: str, grid: BoxGrid = PADDED) -> str:
    return chain_answer(RECORD, wants, IDS, about_chain(grid, told))


def test_each_question_has_its_answer() -> None:
    boxes = answer("boxes", "None")
    assert boxes == f"{DOG}, {SKY}, {THING}"
    tagged = answer("tags", boxes)
    assert tagged == f"dog {DOG}, sky {SKY}, object {THING}"
    assert answer("missing", tagged) == "None"
    assert answer("missing", f"dog {DOG}") == f"sky {SKY}, object {THING}"
    # A box that is nobody's has the tag of what it lies on most.
    near = "<box>[[90, 300, 480, 610]]</box>"
    assert answer("tags", near) == f"dog {near}"
    assert answer("boxes", "", BoxGrid("resized", 999)).startswith("<box>[[100, 100, 500, 699]]")


def test_without_a_region_nothing_is_there() -> None:
    assert chain_answer(RECORD, "boxes", (), about_chain(BoxGrid(), "")) == "None"
    assert chain_answer(RECORD, "tags", (), about_chain(BoxGrid(), DOG)) == f"object {DOG}"
    with pytest.raises(ValueError, match=r"a/b/1 has no segment 4$"):
        chain_answer(RECORD, "boxes", (4,), about_chain(BoxGrid(), ""))


def test_a_key_hangs_on_what_is_told() -> None:
    async def nowhere(*_: object) -> None:
        raise AssertionError("nothing is computed")

    def key(wants: Literal["boxes", "tags", "missing"], told: str) -> str:
        about = about_chain(BoxGrid(), told)
        context = Context(RECORD, IDS, "pancap", RecordFiles(Path("1.jpg")), nowhere, wants, about)
        words = (TextPart(text="Where?"),)
        request = Request("m", (Message(role="user", parts=words),), context=context)
        return request.key("pixels", Pixels("", {}).key_extra(request))

    keys = [key(wants, told) for wants in CHAIN_WANTS for told in (DOG, SKY)]
    assert len(set(keys)) == 6
    assert key("tags", DOG) == keys[2]
