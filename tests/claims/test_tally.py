"""What counts as a right and a wrong contradiction, worked out by hand."""

from __future__ import annotations

import pytest

from annoengine.claims.caption_claim import Statement
from annoengine.claims.caption_claim import Truth as Verdict
from tests.claims.label_table import Kind, Label, Truth
from tests.claims.tally import Judged, Stray, Tally, judge, strays, table_of, tally

CAPTION = "A red cup to the left of a plate."


def label(words: str, truth: Truth, kind: Kind = "colour") -> Label:
    return Label("a.jpg", 1, CAPTION, words, kind, truth)


def statement(words: str, verdict: Verdict, kind: str = "colour") -> Statement:
    start = CAPTION.index(words)
    return Statement(kind, words, start, start + len(words), verdict, "")


def judged(truth: Truth, verdict: Verdict, kind: Kind = "colour") -> Judged:
    return judge(label("red cup", truth, kind), [statement("red", verdict)])


def test_statements_that_share_a_letter_with_the_words_judge_them() -> None:
    inside = statement("red", "supported")
    before = Statement("colour", "A ", 0, 2, "contradicted", "")
    after = statement("to the left of a plate", "contradicted")
    one = judge(label("red cup", "true"), [inside, before, after])
    assert one.by == (inside,)
    assert one.verdict == "supported"
    assert judge(label("red cup", "true"), [before, after]).verdict == "cannot tell"


def test_a_contradiction_outweighs_support_and_support_silence() -> None:
    said = [statement("red", "supported"), statement("cup", "contradicted")]
    assert judge(label("red cup", "false"), said).verdict == "contradicted"
    said = [statement("red", "cannot tell"), statement("cup", "supported")]
    assert judge(label("red cup", "false"), said).verdict == "supported"


def test_what_is_said_of_another_matter_is_no_verdict_on_what_is_false() -> None:
    said = [statement("red cup", "supported", "relation")]
    assert judge(label("red cup", "false"), said).verdict == "cannot tell"
    said = [statement("red cup", "contradicted", "relation")]
    assert judge(label("red cup", "false"), said).verdict == "cannot tell"


def test_a_true_statement_is_contradicted_wrongly_whatever_the_matter() -> None:
    one = judge(label("red cup", "true"), [statement("red cup", "contradicted", "relation")])
    assert one.verdict == "contradicted"
    assert one.wrong


def test_a_kind_that_nobody_placed_is_told() -> None:
    with pytest.raises(ValueError, match="the kind 'smell' speak of is not in MATTERS"):
        judge(label("red cup", "true"), [statement("red", "supported", "smell")])


@pytest.mark.parametrize(
    ("truth", "verdict", "kind", "right", "wrong"),
    [
        ("false", "contradicted", "colour", True, False),
        ("true", "contradicted", "colour", False, True),
        ("unclear", "contradicted", "colour", False, False),
        ("false", "contradicted", "own side", True, False),
        ("true", "contradicted", "own side", False, True),
        ("false", "contradicted", "depth", False, True),
        ("true", "contradicted", "depth", False, True),
        ("unclear", "contradicted", "no colour", False, True),
        ("false", "supported", "colour", False, True),
        ("true", "supported", "colour", False, False),
        ("false", "cannot tell", "colour", False, False),
        ("true", "cannot tell", "depth", False, False),
    ],
)
def test_right_and_wrong(
    truth: Truth, verdict: Verdict, kind: Kind, right: bool, wrong: bool
) -> None:
    one = judged(truth, verdict, kind)
    assert (one.rightly_contradicted, one.wrong) == (right, wrong)


def test_a_contradiction_beside_all_labelled_words_is_a_stray() -> None:
    labels = [label("red", "true"), label("left", "true", "relation")]
    said = [
        statement("cup to", "contradicted"),
        statement("red cup", "contradicted"),
        statement("plate", "supported"),
    ]
    assert strays(labels, said) == [Stray("a.jpg", 1, CAPTION, said[0])]


def test_precision_recall_and_silence() -> None:
    counts = Tally(
        [judged("false", "contradicted")] * 3
        + [judged("true", "contradicted")]
        + [judged("false", "cannot tell")] * 2
        + [judged("true", "supported")] * 4
    )
    assert counts.precision == 0.75
    assert counts.recall == 0.6
    assert counts.silence == 0.2
    assert Tally().precision is None
    assert Tally().recall is None


def test_kinds_that_pixels_cannot_decide_take_no_part_in_the_decidable() -> None:
    said = [judged("false", "contradicted"), judged("false", "cannot tell", "own side")]
    counts = tally(said)
    assert counts["all"].recall == 0.5
    assert counts["decidable"].recall == 1.0
    assert list(counts) == ["colour", "own side", "all", "decidable"]


def test_the_table_shows_each_kind() -> None:
    lines = table_of([judged("false", "contradicted"), judged("true", "supported")]).splitlines()
    assert lines[1].split() == "colour 1 1 0 │ 1 1 0 │ 1.000 1.000 0.000 │ 0".split()
    assert lines[-1].startswith("decidable")
