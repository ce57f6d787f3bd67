"""The provider ``pixels`` where the marks of an image are shared among several drawings."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from annoengine import registry
from annoengine.answer import Expected, Parsed
from annoengine.provider import Context, Message, Request, TextPart
from annoengine.providers.pixels import Pixels
from annoengine.record import Category, Record
from tests.pixels.scenes import Made, make

GRAMMAR = registry.find("answer", "numbered")()


async def here(function: Any, *arguments: Any) -> Any:
    return await asyncio.to_thread(function, *arguments)


def request_for(made: Made, record: Record, wants: Any = "objects") -> Request:
    numbers = tuple(mark.number for mark in record.marks)
    return Request(
        model="annotator",
        messages=(Message(role="user", parts=(TextPart(text="Describe."),)),),
        context=Context(record, numbers, "numbered", made.files, here, wants),
    )


async def said(made: Made, record: Record, wants: Any = "objects") -> Parsed:
    reply = await Pixels("", {}).reply(request_for(made, record, wants))
    parsed: Parsed = GRAMMAR.parse_interactions(reply.text)
    return parsed


def shared(record: Record, drawings: int) -> Record:
    """The record with its marks dealt to drawings in turn."""
    return record.but(
        marks=tuple(mark.but(drawing=mark.number % drawings) for mark in record.marks)
    )


@pytest.mark.parametrize("seed", range(8))
async def test_only_interactions_across_drawings_are_told(seed: int, tmp_path: Path) -> None:
    made = make(seed, tmp_path)
    every = (await said(made, made.record)).answer.interactions
    for drawings in (1, 2, 3):
        record = shared(made.record, drawings)
        answer = (await said(made, record, "interactions")).answer
        drawing_of = {mark.number: mark.drawing for mark in record.marks}
        assert answer.regions == ()
        assert answer.interactions == tuple(
            i for i in every if len({drawing_of[number] for number in i.marks}) > 1
        ), "what is said of two marks is what was always said of them"


def test_the_key_of_a_question_about_objects_does_not_know_of_drawings(tmp_path: Path) -> None:
    made = make(7, tmp_path)
    provider = Pixels("", {})

    def key(drawings: int, wants: Any) -> str:
        request = request_for(made, shared(made.record, drawings), wants)
        return request.key("pixels", provider.key_extra(request))

    assert key(1, "objects") == key(2, "objects")
    assert len({key(1, "objects"), key(2, "interactions"), key(3, "interactions")}) == 3
    extra = provider.key_extra(request_for(made, made.record))
    assert set(extra) == {"pixels", "words", "grammar", "looks_at"}


async def test_what_nobody_has_named_is_described_all_the_same(tmp_path: Path) -> None:
    for seed in range(12):
        made = make(seed, tmp_path)
        record = made.record.but(
            segments=tuple(s.but(category=Category(name="region")) for s in made.record.segments)
        )
        reply = await Pixels("", {}).reply(request_for(replace(made, record=record), record))
        expected = tuple(Expected(mark.number, "region") for mark in record.marks)
        judged = GRAMMAR.judge(GRAMMAR.parse(reply.text), expected)
        assert judged.faults == ()
        assert len(judged.accepted) == len(expected)
        texts = [region.description for region in judged.accepted.values()]
        assert len(set(texts)) == len(texts)
        assert all("region" in text.lower() for text in texts)
