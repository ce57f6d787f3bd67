"""Grounded phrases are where they belong after a caption was rewritten, by rules or a model."""

from __future__ import annotations

import asyncio
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annoengine.grounded.tags import Tagged, parse_tags, write_tags
from annoengine.language.parser import parser_of
from annoengine.prompt import load_prompt
from annoengine.record import Caption, Origin, Record, Span
from annoengine.rewriting.draft import Draft, Edit
from annoengine.rewriting.rules import rewrite_captions
from annoengine.rewriting.span_places import lost_phrases, moved_spans, spans_in
from annoengine.stage import Setup
from annoengine.stages.rephrase import Rephrase, RephraseParameters
from tests.claims.hand_made import files_of, photographs
from tests.rewriting.small_records import make_record
from tests.stages.scripted import Script, mark

THINGS = [("person", (0, 0, 20, 60)), ("dog", (40, 40, 60, 60)), ("grass-merged", (0, 60, 100, 99))]


def by_rules(caption: str) -> str:
    """A caption with tags after the rules, again with its tags."""
    tagged = parse_tags(caption)
    record = make_record(THINGS, [(None, tagged.text)])
    made = rewrite_captions(record, None, parser_of().parse_all)[0]
    return write_tags(made.text, moved_spans(tagged.spans, made.edits, made.text))


@pytest.mark.parametrize(
    ("caption", "rewritten"),
    [
        ("<1: A man> walks <2: a dog> on <3: green grass>.",
         "<1: A man> walks <2: a dog> on <3: green grass>."),
        ("<1: A man> labeled 1 walks <2: a dog>, marked with 2, on <3: grass>.",
         "<1: A man> walks <2: a dog> on <3: grass>."),
        ("<1: Object 1> walks <2: a dog>.", "<1: The person> walks <2: a dog>."),
        # A mark within a phrase goes, and the phrase stays one.
        ("<1: A man (1) in red> walks on <3: grass>.", "<1: A man in red> walks on <3: grass>."),
        # A sentence about the drawing alone takes its phrase with it.
        ("<1: A man> walks. The bounding box is green.", "<1: A man> walks."),
    ],
)  # fmt: skip
def test_phrases_follow_the_rules(caption: str, rewritten: str) -> None:
    assert by_rules(caption) == rewritten


@given(st.integers(0, 10_000))
def test_whatever_is_cut_or_put_around_phrases_they_stay(seed: int) -> None:
    rng = Random(seed)
    words = [rng.choice(["a", "cup", "red", "dog", "the", "two"]) for _ in range(20)]
    text = " ".join(words)
    starts = [sum(len(w) + 1 for w in words[:n]) for n in range(len(words))]
    chosen = [n for n in range(0, 18, 3) if rng.random() < 0.7]
    spans = tuple(
        Span(start=starts[n], end=starts[n + 1] + len(words[n + 1]), segments=(n + 1,))
        for n in chosen
    )
    draft = Draft(text)
    edits = []
    for n in range(2, 20, 3):
        kind = rng.randrange(3)
        end = starts[n] + len(words[n])
        if kind == 0:
            edits.append(Edit(starts[n], end, rng.choice(["of", "a big", "blue"])))
        elif kind == 1:
            edits.append(Edit(starts[n] - 1, end, ""))
    draft.apply(edits)
    moved = moved_spans(spans, draft.edits(), draft.text)
    assert [(draft.text[s.start : s.end], s.segments) for s in moved] == [
        (text[s.start : s.end], s.segments) for s in spans
    ]


OLD = "<1: A cup> and <2: a cup> stand by <3: the cups> on a table."


@pytest.mark.parametrize(
    ("new", "tagged"),
    [
        ("A cup and a cup stand by the cups on a table.", OLD),
        ("Here a cup, and also a cup, are close to the cups.",
         "Here <1: a cup>, and also <2: a cup>, are close to <3: the cups>."),
        # A phrase that is gone, doubled, or changed.
        ("A cup stands by the cups.", None),
        ("A cup, a cup, a cup by the cups.", None),
        ("A red cup and a cup by the cups.", None),
        ("The cups: a cup and a cup.", None),
    ],
)  # fmt: skip
def test_phrases_of_a_rewrite_are_found_or_it_is_of_no_use(new: str, tagged: str | None) -> None:
    old = parse_tags(OLD)
    found = spans_in(old.text, old.spans, new)
    assert (None if found is None else write_tags(new, found)) == tagged


def test_what_was_lost_is_named_once() -> None:
    old = parse_tags(OLD)
    assert lost_phrases(old.text, old.spans, "A cup by the cups.") == ["A cup", "a cup"]
    assert lost_phrases(old.text, old.spans, "The cups: a cup and a cup.") == []


PARAGRAPH = "<1: A flag> hangs on the left of <2: a person> labeled 5 in front of <3: a wall>."
FLAG, PERSON, WALL = 7547307, 5446613, 11758943


def rephrased(replies: dict[str, str]) -> tuple[Record, Script]:
    given_, _ = photographs()["astronaut"]
    tagged = parse_tags(PARAGRAPH)
    ids = {1: FLAG, 2: PERSON, 3: WALL}
    spans = tuple(s.but(segments=tuple(ids[i] for i in s.segments)) for s in tagged.spans)
    caption = Caption(text=tagged.text, spans=spans, origin=Origin(stage="merge", model="m-0"))
    marks = tuple(mark(n, s.id) for n, s in enumerate(given_.segments, start=1))
    given_ = given_.but(captions=(caption,), marks=marks)
    door = Script(dict(replies), files_of(given_))
    parameters = RephraseParameters(model="rewriter")
    stage = Rephrase(parameters, Setup("rephrase", 7, load_prompt, {"rewriter": "openai/m-1"}))
    return asyncio.run(stage.annotate(given_, door)), door


def written(record: Record) -> str:
    (caption,) = record.captions
    numbers = {FLAG: 1, PERSON: 2, WALL: 3}
    spans = [s.but(segments=tuple(numbers[i] for i in s.segments)) for s in caption.spans]
    return write_tags(caption.text, spans)


GOOD = "A flag hangs on the left of a person in front of a wall."
TAGGED = "<1: A flag> hangs on the left of <2: a person> in front of <3: a wall>."


def test_a_model_that_keeps_the_phrases_is_taken() -> None:
    record, door = rephrased({"caption 1": GOOD})
    assert written(record) == TAGGED
    assert record.captions[0].origin.turn == "caption 1"
    assert list(door.asked) == ["caption 1"]


def test_a_model_that_changes_a_phrase_is_told_so_and_the_rules_stand_in() -> None:
    changed = GOOD.replace("a person in", "the person in")
    record, door = rephrased({"caption 1": changed, "caption 1/repair 1": GOOD})
    assert "Keep these phrases word for word, as often as before: “a person”." in door.text(
        "caption 1/repair 1"
    )
    assert written(record) == TAGGED
    assert record.captions[0].origin.repairs == 1
    replies = dict.fromkeys(["caption 1", "caption 1/repair 1", "caption 1/repair 2"], changed)
    record, _ = rephrased(replies)
    assert written(record) == TAGGED
    assert record.captions[0].origin.model == "rules"
    scores: dict[str, Any] = {score.name: score.value for score in record.scores}
    assert (scores["rephrase.refused"], scores["rephrase.rules"]) == (3, 1)


def test_a_paragraph_without_any_trigger_is_left_to_the_letter() -> None:
    plain = Tagged("A flag hangs there.", (Span(start=0, end=6, segments=(FLAG,)),))
    assert moved_spans(plain.spans, (), plain.text) == plain.spans
