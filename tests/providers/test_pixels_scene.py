"""The provider ``pixels`` asked for a caption with boxes: true, each entity once, repeatable."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from annoengine.answers.pancap import Pancap
from annoengine.mask import RecordFiles
from annoengine.pancap.boxed_caption import BoxedJudgement
from annoengine.pancap.told_entities import told_entities
from annoengine.provider import Context, Message, Request, TextPart
from annoengine.providers.pixels import Pixels
from annoengine.record import Record
from tests.exporters.grounded_files import example_photographs
from tests.exporters.runs import Run


async def computed(function: Callable[..., Any], *arguments: Any) -> Any:
    return function(*arguments)


def request(one: Record, files: RecordFiles, ids: tuple[int, ...]) -> Request:
    context = Context(one, ids, "pancap", files, computed, "scene")
    words = (TextPart(text="Describe."),)
    return Request("m", (Message(role="user", parts=words),), context=context)


@pytest.fixture(scope="module")
def photographs() -> Run:
    return example_photographs()


def test_every_entity_is_told_rightly_with_its_box(photographs: Run) -> None:
    for one in photographs.records():
        entities = told_entities(one)
        ids = tuple(entity.segment.id for entity in entities)
        asked = request(one, photographs.files(one), ids)
        reply = asyncio.run(Pixels("", {}).reply(asked))
        grammar = Pancap()
        parsed = grammar.parse(reply.text)
        assert (parsed.faults, parsed.tolerated) == ((), ())
        expected = tuple(entity.expected(one.photo) for entity in entities)
        judged = grammar.judge(parsed, expected)
        assert isinstance(judged, BoxedJudgement)
        assert judged.faults == ()
        assert set(judged.accepted) == {entity.number for entity in entities}
        assert reply.text.count("[[") == len(entities)
        # One box, one segment: no phrase tells of a neighbour.
        by_number = {entity.number: entity.tag for entity in entities}
        for mark, region in judged.accepted.items():
            assert by_number[mark].split()[-1].rstrip("s") in region.description


def test_a_key_hangs_on_what_is_looked_at(photographs: Run, tmp_path: Path) -> None:
    one = next(photographs.records())
    files = photographs.files(one)
    ids = tuple(segment.id for segment in one.segments)
    provider = Pixels("", {})

    def key(record: Record, asked: tuple[int, ...]) -> str:
        made = request(record, files, asked)
        return made.key(provider.name, provider.key_extra(made))

    before = key(one, ids)
    assert key(one.but(captions=()), ids) == before
    assert key(one, ids[:2]) != before
    assert key(one.but(photo=one.photo.but(sha256="0" * 64)), ids) != before
    with pytest.raises(ValueError, match=r"has no segment 1$"):
        asyncio.run(provider.reply(request(one, files, (1,))))
