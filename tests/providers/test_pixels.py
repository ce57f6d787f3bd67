"""The provider ``pixels``: its contract, its keys and its texts on small pictures."""

from __future__ import annotations

import asyncio
import functools
import pickle
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest
from PIL import Image

from annoengine import registry
from annoengine.answer import Answer, Expected, Interaction, Region
from annoengine.baseline.claim import Claim
from annoengine.baseline.region_choice import choose
from annoengine.baseline.region_claims import claims_of
from annoengine.baseline.region_english import describe
from annoengine.baseline.region_facts import measure_record
from annoengine.baseline.region_phrases import Wording
from annoengine.compute import Pool
from annoengine.errors import InputError, RecipeError
from annoengine.fingerprint import seeded_random
from annoengine.mask import RecordFiles, write_panoptic_png
from annoengine.provider import Context, Message, Request, TextPart
from annoengine.providers.pixels import Pixels, describe_regions
from annoengine.record import Record, Segment
from tests.pixels.scenes import Made, make, marks_for


class Plain:
    """A grammar that keeps the answer as it is, to look at."""

    VERSION = 1

    def write(self, answer: Answer) -> str:
        return orjson.dumps(answer).decode()


GRAMMAR = f"{__name__}:Plain"


async def here(function: Callable[..., Any], *arguments: Any) -> Any:
    """Computes in this process, through a pickle, as a pool does."""
    sent = pickle.loads(pickle.dumps(functools.partial(function, *arguments)))
    return pickle.loads(pickle.dumps(await asyncio.to_thread(sent)))


def request_for(made: Made, marks: tuple[int, ...] | None = None) -> Request:
    numbers = tuple(mark.number for mark in made.record.marks) if marks is None else marks
    return Request(
        model="annotator",
        messages=(Message(role="user", parts=(TextPart(text="Describe."),)),),
        context=Context(made.record, numbers, GRAMMAR, made.files, here),
    )


@pytest.fixture
def made(tmp_path: Path) -> Made:
    return make(7, tmp_path)


async def answer_of(made: Made, marks: tuple[int, ...] | None = None) -> Answer:
    reply = await Pixels("", {}).reply(request_for(made, marks))
    content = orjson.loads(reply.text)
    return Answer(
        tuple(Region(**region) for region in content["regions"]),
        tuple(Interaction(tuple(i["marks"]), i["text"]) for i in content["interactions"]),
    )


async def test_it_answers_each_mark_in_the_grammar_asked_for(made: Made) -> None:
    provider = Pixels("pixels", {})
    await provider.open()
    reply = await provider.reply(request_for(made))
    await provider.close()
    await provider.close()
    assert (reply.outcome, reply.model, reply.usage.input_tokens) == ("answer", "pixels/1", None)
    answer = await answer_of(made)
    assert [r.mark for r in answer.regions] == [m.number for m in made.record.marks]
    shown = {"grass-merged": "grass", "lattice tower": "lattice tower", "wall-brick": "brick wall"}
    for region, mark in zip(answer.regions, made.record.marks, strict=True):
        category = made.record.segment(mark.segment).category.name
        assert region.summary == shown.get(category, category)
    assert answer.interactions


async def test_the_strict_judge_of_answers_accepts_every_one(tmp_path: Path) -> None:
    grammar = registry.find("answer", "numbered")()
    for seed in range(25):
        made = make(seed, tmp_path)
        request = request_for(made)
        assert request.context is not None
        context = replace(request.context, grammar="numbered")
        reply = await Pixels("", {}).reply(replace(request, context=context))
        expected = tuple(
            Expected(mark.number, made.record.segment(mark.segment).category.name)
            for mark in made.record.marks
        )
        judgement = grammar.judge(grammar.parse(reply.text), expected)
        assert judgement.faults == ()
        assert list(judgement.accepted) == [mark.number for mark in made.record.marks]


async def test_the_same_text_whatever_else_is_asked(made: Made) -> None:
    whole = await answer_of(made)
    for region in whole.regions:
        alone = await answer_of(made, (region.mark,))
        assert alone.regions == (region,)
        assert alone.interactions == ()
    some = await answer_of(made, tuple(region.mark for region in whole.regions[:3]))
    assert some.regions == whole.regions[:3]
    assert set(some.interactions) <= set(whole.interactions)


async def test_a_pool_of_processes_gives_the_same(made: Made) -> None:
    pool = Pool(1)
    marks = tuple(mark.number for mark in made.record.marks)
    arguments = (made.files, made.record.to_line(), marks)
    try:
        assert await pool.run(describe_regions, *arguments) == describe_regions(*arguments)
    finally:
        pool.close()


def test_other_records_and_marks_are_worded_otherwise(made: Made) -> None:
    scene = measure_record(made.files, made.record)
    marks = {mark.number: mark.segment for mark in made.record.marks}
    one, _ = describe(scene, "a/b/1", marks)
    assert one == describe(scene, "a/b/1", marks)[0]
    others = [describe(scene, f"a/b/{n}", marks)[0] for n in range(2, 12)]
    assert len({regions[0].description for regions in [one, *others]}) > 5


def test_the_key_lists_what_is_looked_at(made: Made) -> None:
    provider = Pixels("", {})

    def key(record: Record, marks: tuple[int, ...] = (1, 2)) -> str:
        request = request_for(replace(made, record=record), marks)
        return request.key("pixels", provider.key_extra(request))

    record = made.record
    first, *rest = record.segments
    changed = [
        record.but(photo=record.photo.but(sha256="1" * 64)),
        record.but(masks=record.masks and record.masks.but(sha256="1" * 64)),
        record.but(segments=(first.but(category=first.category.but(name="dog")), *rest)),
        record.but(segments=(first.but(box_xyxy=(0, 0, 1, 1)), *rest)),
        record.but(segments=(first.but(iscrowd=not first.iscrowd), *rest)),
        record.but(marks=record.marks[:-1]),
        record.but(id="made/all/other"),
    ]
    keys = [key(other) for other in changed] + [key(record, (2, 1)), key(record, (1,))]
    assert len({key(record), *keys}) == len(keys) + 1
    # Where the files lie, and what other stages said, is not looked at.
    moved = record.but(photo=record.photo.but(file="elsewhere.png"))
    assert key(moved) == key(record)
    other_grammar = request_for(made, (1, 2))
    assert other_grammar.context is not None
    context = replace(other_grammar.context, grammar="other")
    assert (
        other_grammar.key("pixels", provider.key_extra(replace(other_grammar, context=context)))
        != key(record)
    )  # fmt: skip


@pytest.mark.parametrize(
    ("model", "options", "message"),
    [
        ("large", {}, "the provider pixels has no model 'large': write just 'pixels'"),
        ("", {"seed": 1}, "the provider pixels has no option 'seed': it takes none, remove it"),
    ],
)
def test_a_wrong_recipe_is_refused(model: str, options: dict[str, int], message: str) -> None:
    with pytest.raises(RecipeError, match=re.escape(message)):
        Pixels(model, options)


async def test_what_cannot_be_computed_is_never_tried_again(made: Made) -> None:
    provider = Pixels("", {})
    with pytest.raises(ValueError, match="has no mark 99"):
        await provider.reply(request_for(made, (99,)))
    with pytest.raises(ValueError, match="must set Request\\.context"):
        await provider.reply(Request(model="annotator", messages=()))
    gone = replace(made, files=RecordFiles(image=Path("gone.png")))
    with pytest.raises(InputError, match=r"no image gone\.png") as caught:
        await provider.reply(request_for(gone))
    verdict = provider.classify(caught.value)
    assert (verdict.action, verdict.paid) == ("never", "no")
    assert "gone.png" in verdict.reason
    assert provider.window >= 2


def test_files_that_contradict_the_record_are_named(made: Made) -> None:
    wide = made.record.but(photo=made.record.photo.but(width=1000))
    with pytest.raises(InputError, match="but the record made/all/7 says 1000 ×"):
        measure_record(made.files, wide)
    outside = Segment(
        id=99,
        category=made.record.segments[0].category,
        isthing=True,
        box_xyxy=(5000, 0, 5010, 10),
        area_px=100,
    )
    with pytest.raises(InputError, match="of segment 99 of made/all/7 lies outside"):
        measure_record(made.files, made.record.but(segments=(outside,)))


def test_a_lone_box_is_described_by_what_a_box_tells(tmp_path: Path) -> None:
    made = make(3, tmp_path)
    box = Segment(
        id=1,
        category=made.record.segments[0].category.but(name="cup"),
        isthing=True,
        box_xyxy=(2, 3, 12, 43),
        area_px=10,
    )
    record = made.record.but(segments=(box,), marks=marks_for((box,)))
    regions, interactions = describe_regions(made.files, record.to_line(), (1,))
    assert interactions == ()
    assert regions[0][2].startswith("Th")
    scene = measure_record(made.files, record)
    assert {claim.kind for claim in claims_of(scene)[1]} == {
        *("proportion", "box_share", "place", "centre"),
    }


def test_two_segments_that_are_the_same_still_get_different_texts(tmp_path: Path) -> None:
    made = make(3, tmp_path)
    segment = next(s for s in made.record.segments if s.mask is not None and not s.iscrowd)
    twins = (segment.but(id=1), segment.but(id=2))
    record = made.record.but(segments=twins, marks=marks_for(twins))
    regions, _ = describe_regions(made.files, record.to_line(), (1, 2))
    assert regions[0][2] != regions[1][2]


def test_measures_worked_by_hand(tmp_path: Path) -> None:
    """A red 4 × 2 bar beside a 2 × 2 block, on a 10 × 6 picture."""
    made = make(1, tmp_path)
    photo = np.zeros((6, 10, 3), dtype=np.uint8)
    photo[2:4, 1:5] = (255, 0, 0)
    ids = np.zeros((6, 10), dtype=np.uint32)
    ids[2:4, 1:5], ids[2:4, 5:7] = 1, 2
    Image.fromarray(photo).save(tmp_path / "bar.png")
    write_panoptic_png(tmp_path / "bar_ids.png", ids)
    segments = tuple(
        Segment(
            id=id,
            category=made.record.segments[0].category.but(name=name),
            isthing=True,
            box_xyxy=(0, 0, 1, 1),
            area_px=1,
            mask=id,
        )
        for id, name in ((1, "bench"), (2, "dog"))
    )
    record = made.record.but(
        photo=made.record.photo.but(width=10, height=6), segments=segments, marks=()
    )
    files = RecordFiles(image=tmp_path / "bar.png", panoptic=tmp_path / "bar_ids.png")
    bar, block = measure_record(files, record).regions
    assert (bar.box_xyxy, bar.area_px, bar.centre_xy) == ((1, 2, 5, 4), 8, (3.0, 3.0))
    # Two sides of four pixels, two of two; the right one borders the block.
    assert (bar.edges, bar.frame_edges, dict(bar.contacts)) == (12, 0, {2: 2})
    assert dict(block.contacts) == {1: 2}
    assert bar.surface is not None
    assert bar.surface.colours == (("red", 1.0),)
    assert (bar.surface.grain, round(bar.surface.light_mean, 1)) == (0.0, 53.2)
    assert bar.outline is not None
    assert (bar.outline.fill, bar.outline.solidity, bar.outline.parts) == (1.0, 1.0, 1)
    # Variances (n² − 1) / 12 + 1 / 12 = n² / 12: the axes are as 4 to 2.
    assert (bar.outline.elongation, bar.outline.angle_deg) == (2.0, 0.0)


def test_what_is_chosen_tells_a_segment_from_others_of_its_name(tmp_path: Path) -> None:
    made = make(5, tmp_path)
    scene = measure_record(made.files, made.record)
    claims = claims_of(scene)
    wording = Wording(scene, claims)

    for id in claims:
        chosen, spare = choose(wording, id, seeded_random(0, str(id)))
        assert all(isinstance(claim, Claim) and claim.segment == id for claim in chosen + spare)
        assert not set(chosen) & set(spare)
