"""The provider ``pixels`` asked for a paragraph: it joins the captions that a record has."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from annoengine.mask import RecordFiles
from annoengine.provider import Context, Message, Request, TextPart
from annoengine.providers.pixels import Pixels
from annoengine.record import Caption, Origin, Record
from tests.stages.scripted import mark, record

ORIGIN = Origin(stage="annotate", model="m-1")
TOLD = {907: "This person is in red.", 31: "This dog is brown.", 404: "The sky is blue."}


def given(told: dict[int, str] = TOLD) -> Record:
    captions = tuple(Caption(text=text, segment=id, origin=ORIGIN) for id, text in told.items())
    return record().but(captions=captions)


async def refused(*_: Any) -> Any:
    raise AssertionError("nothing is computed")


def request(one: Record, marks: tuple[int, ...] = (1, 2, 3), words: str = "Merge.") -> Request:
    files = RecordFiles(Path("is not there.jpg"))
    context = Context(one, marks, "grounded", files, refused, "paragraph")
    return Request("m", (Message(role="user", parts=(TextPart(text=words),)),), context=context)


def key(asked: Request) -> str:
    provider = Pixels("", {})
    return asked.key(provider.name, provider.key_extra(asked))


def test_it_joins_the_captions_and_looks_at_no_pixel() -> None:
    reply = asyncio.run(Pixels("", {}).reply(request(given())))
    assert (reply.outcome, reply.model) == ("answer", Pixels("", {}).model)
    assert reply.text == (
        "The image shows <1: a person>, <2: a dog> and <3: the sky>. <1: The person> is in red. "
        "<2: The dog> is brown. <3: The sky> is blue."
    )


def test_a_corrected_caption_is_another_call_and_nothing_else_is() -> None:
    before = key(request(given()))
    assert key(request(given())) == before
    assert key(request(given({**TOLD, 31: "This dog is grey."}))) != before
    assert key(request(given(), words="Merge them.")) != before
    # Nothing of it hangs on where marks were drawn, or on who wrote a caption.
    elsewhere = given().but(marks=(mark(1, 907, of=1), mark(2, 31), mark(3, 404)))
    assert key(request(elsewhere)) == before
    people = tuple(c.but(origin=Origin(stage="review", model="people")) for c in given().captions)
    assert key(request(given().but(captions=people))) == before
    assert key(request(given().but(scores=()))) == before


def test_the_number_of_a_region_without_a_caption_is_refused() -> None:
    with pytest.raises(ValueError, match="has no region caption with the number 2"):
        asyncio.run(Pixels("", {}).reply(request(given({907: "A man."}))))
