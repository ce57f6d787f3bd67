"""From which number a caption counts: found where it can be, and never guessed.

The captions are made (``made_captions``): what is right, and what was done to it, is known.
"""

from __future__ import annotations

from functools import cache
from random import Random

import pytest

from annoengine.grounded.known_segments import KnownSegment
from annoengine.grounded.mending import mend
from annoengine.grounded.numbering import (
    Evidence,
    Numbering,
    base_of,
    evidence,
    numbering_of,
)
from annoengine.grounded.tags import Tagged, parse_tags, write_tags
from annoengine.record import Span
from tests.grounded.made_captions import Made, made, shifted

KNOWN = {
    id: KnownSegment(id, name)
    for id, name in enumerate(["sky-other-merged", "grass-merged", "person", "person", "dog"], 1)
}
PEOPLE = {id: KnownSegment(id, "person") for id in (1, 2, 3)}


@cache
def made_captions(count: int, leave_out: float, shown: bool = False) -> tuple[Made, ...]:
    """So many, a quarter each of one, two, three and any number of categories."""
    kinds = (None, 1, 2, 3)
    found = (made(seed, leave_out, kinds[seed % 4], shown) for seed in range(2 * count))
    return tuple(m for m in found if m.tagged.spans)[:count]


def zero_based(m: Made) -> str:
    """The caption as a writer who counts from 0 would have written it, spaces and all."""
    tagged = shifted(m.tagged, -1)
    pieces, done = [], 0
    for span in tagged.spans:
        ids = ",".join(map(str, span.segments))
        pieces += [tagged.text[done : span.start], f"<{ids}:{tagged.phrase(span)}>"]
        done = span.end
    return "".join([*pieces, tagged.text[done:]])


@pytest.mark.parametrize("leave_out", [0.0, 0.3, 0.6, 0.9])
def test_no_right_caption_is_altered(leave_out: float) -> None:
    captions = made_captions(200, leave_out)
    assert len(captions) == 200
    for m in captions:
        text = write_tags(m.tagged.text, m.tagged.spans)
        mended = mend(text, m.known)
        assert mended.write() == text
        assert (mended.numbering, mended.mends) == (Numbering(1, 1), ())
        kinds = {fault.kind for fault in mended.judged.faults}
        assert kinds <= ({"missing"} if leave_out else set())


def test_two_hundred_captions_from_zero_are_mended_to_the_last_id() -> None:
    captions = made_captions(200, 0.0, shown=True)
    assert len(captions) == 200
    assert sum(len(m.tagged.spans) for m in captions) > 1500
    for m in captions:
        mended = mend(zero_based(m), m.known)
        assert mended.write() == write_tags(m.tagged.text, m.tagged.spans)
        assert mended.right
        assert mended.numbering == Numbering(0, 0)
        (numbering,) = [mend for mend in mended.mends if mend.kind == "numbering"]
        assert numbering.detail == "The ids count from 0: each is 1 too low."


@pytest.mark.parametrize("leave_out", [0.0, 0.3, 0.6, 0.9])
def test_captions_from_zero_are_mended_rightly_or_not_at_all(leave_out: float) -> None:
    outcomes: dict[object, int] = {0: 0, 1: 0, "undetermined": 0}
    for m in made_captions(200, leave_out):
        planted = shifted(m.tagged, -1)
        mended = mend(planted, m.known)
        outcomes[mended.numbering.base] += 1
        changed = mended.numbering.base == 0
        assert mended.tagged.spans == (m.tagged if changed else planted).spans
        if mended.numbering.base == 1:
            # All of it could as well be meant as it stands.
            assert evidence(planted, m.known, 1).against == 0
            assert not any(0 in span.segments for span in planted.spans)
    least = {0.0: 190, 0.3: 110, 0.6: 70, 0.9: 30}
    assert outcomes[0] >= least[leave_out]


@pytest.mark.parametrize("new", ["void", "another"])
def test_a_wrong_id_among_right_ones_moves_no_other(new: str) -> None:
    moved = 0
    for seed, m in enumerate(made_captions(200, 0.3)):
        rng = Random(seed)
        spans = list(m.tagged.spans)
        place = rng.randrange(len(spans))
        id = 0 if new == "void" else rng.choice(list(m.known))
        spans[place] = Span(start=spans[place].start, end=spans[place].end, segments=(id,))
        wrong = Tagged(m.tagged.text, tuple(spans))
        base = base_of(wrong, m.known)
        ids = sorted({id for span in spans for id in span.segments})
        if base in (0, 2) and ids != list(range(len(m.known))):
            moved += 1
    # Where all ids from 0 to the last but one are named once, it is no single wrong id.
    assert moved == 0


def test_captions_that_count_from_two_are_mended_rightly_or_not_at_all() -> None:
    mended_rightly = 0
    for m in made_captions(200, 0.0):
        planted = shifted(m.tagged, 1)
        mended = mend(planted, m.known)
        assert mended.tagged.spans in (m.tagged.spans, planted.spans)
        mended_rightly += mended.tagged.spans == m.tagged.spans
    assert mended_rightly > 100


@pytest.mark.parametrize(
    ("known", "text", "base"),
    [
        (KNOWN, "<1: The sky> over <2: grass>.", 1),
        (KNOWN, "<0: The sky> over <1: grass>.", 0),
        (KNOWN, "<2: The sky> over <3: grass>, <4,5: two men> and <6: a dog>.", 2),
        # without the id 0
        (KNOWN, "<1: Grass>, <2,3: two men> and <4: a dog>.", 0),
        (KNOWN, "<2,3: Two men>.", "undetermined"),
        (KNOWN, "<3: A man>.", 1),
        (KNOWN, "<4: A dog>.", "undetermined"),
        # one category only: all or nothing
        (PEOPLE, "<1: A man> and <2: a woman>.", 1),
        (PEOPLE, "<0: A man>, <1: a woman> and <2: a child>.", 0),
        (PEOPLE, "<0: A man> and <1: a woman>.", "undetermined"),
        (PEOPLE, "<0: The other one>, <1: a woman> and <2: a child>.", "undetermined"),
        # a 0 for what no segment is
        (KNOWN, "<0: The view> has <1: the sky>, <2: grass> and <5: a dog>.", 1),
        (PEOPLE, "<0: The room> with <1: a man>, <2: a woman> and <3: a child>.", "undetermined"),
        # nothing known, nothing said
        ({}, "<1: A dog>.", "undetermined"),
        (KNOWN, "A dog.", 1),
    ],
)
def test_the_fit_of_phrases_decides(
    known: dict[int, KnownSegment], text: str, base: object
) -> None:
    assert base_of(parse_tags(text), known) == base


def test_evidence_counts_each_id_once() -> None:
    tagged = parse_tags("<0: The sky>, <0: a cloud>, <1: the grass>, <1: a dog>, <2: the other>.")
    assert evidence(tagged, KNOWN, 1) == Evidence(fitting=0, against=2)
    assert evidence(tagged, KNOWN, 0) == Evidence(fitting=1, against=1)
    assert Evidence(3, 1).score == 2


def test_a_caption_that_mixes_both_forms_is_mended_in_parts() -> None:
    text = (
        "<1: The sky> spans over <2: the grass>. <2>a man> and <3>a woman> walk <4>a dog>, "
        "with <3,4: the two people> in front of <5: the dog>."
    )
    tagged = parse_tags(text)
    assert numbering_of(tagged, KNOWN) == Numbering(1, 0)
    mended = mend(text, KNOWN)
    assert mended.write() == (
        "<1: The sky> spans over <2: the grass>. <3: a man> and <4: a woman> walk <5: a dog>, "
        "with <3,4: the two people> in front of <5: the dog>."
    )
    assert mended.right


def test_a_mixed_caption_whose_part_cannot_be_told_is_left_alone() -> None:
    text = "<1: The sky> spans over <2: the grass>. <4>a dog> is with <3,4: two people>."
    mended = mend(text, KNOWN)
    assert mended.numbering.undetermined or mended.numbering == Numbering(1, 1)
    assert [span.segments for span in mended.tagged.spans] == [(1,), (2,), (4,), (3, 4)]
    assert [fault.kind for fault in mended.judged.faults] == ["category", "missing"]
