"""Conditions on scores: what they say, and what is none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annoengine.conditions import Condition
from annoengine.errors import RecipeError
from annoengine.record import Score

KNOWN = {"parse.failed", "clip.mean", "agreement"}


def scores(**values: float | tuple[float, ...]) -> list[Score]:
    """Scores by name (``__`` for a dot); several values are those of segments."""
    found = []
    for name, value in values.items():
        each = value if isinstance(value, tuple) else (value,)
        found += [Score(name=name.replace("__", "."), value=v, by="test") for v in each]
    return found


@pytest.mark.parametrize(
    ("text", "given", "holds"),
    [
        ("parse.failed", {"parse__failed": 0.25}, True),
        ("parse.failed", {"parse__failed": 0.0}, False),
        ("parse.failed", {}, False),
        ("clip.mean < 0.2", {"clip__mean": 0.19}, True),
        ("clip.mean < 0.2", {"clip__mean": 0.2}, False),
        ("0.2 > clip.mean", {"clip__mean": 0.19}, True),
        ("clip.mean < 0.2", {"clip__mean": (0.9, 0.1)}, True),
        ("clip.mean < 0.2", {}, False),
        ("clip.mean >= -1", {"clip__mean": -1.0}, True),
        ("not clip.mean < 0.2", {"clip__mean": 0.5}, True),
        ("parse.failed or clip.mean < 0.2", {"parse__failed": 1.0, "clip__mean": 0.5}, True),
        ("parse.failed and clip.mean < 0.2", {"parse__failed": 1.0, "clip__mean": 0.5}, False),
        ("(parse.failed or agreement != 1) and not clip.mean == 0", {"agreement": 0.5}, True),
    ],
)
def test_a_condition_holds(text: str, given: dict[str, float], holds: bool) -> None:
    assert Condition.read(text, KNOWN).holds(scores(**given)) is holds


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("clip.maen < 0.2", "no score is called 'clip.maen'. Did you mean 'clip.mean'?"),
        ("clip.mean <", "'clip.mean <' is no condition; one looks like"),
        ("", "'' is no condition; one looks like"),
        (
            "__import__('os').system('true')",
            "is neither a score nor a comparison of one with a number",
        ),
        ("clip.mean < agreement", "'clip.mean < agreement' is neither a score nor"),
        ("0 < clip.mean < 1", "'0 < clip.mean < 1' is neither a score nor"),
        ("clip.mean + 1 > 2", "'clip.mean + 1 > 2' is neither a score nor"),
        ("clip.mean < True", "'clip.mean < True' is neither a score nor"),
        ("1 < 2", "'1 < 2' is neither a score nor"),
        ("clip.mean in agreement", "'clip.mean in agreement' is neither a score nor"),
    ],
)
def test_what_is_no_condition_is_refused_with_a_sentence(text: str, problem: str) -> None:
    with pytest.raises(RecipeError) as caught:
        Condition.read(text, KNOWN)
    assert problem in str(caught.value)


@pytest.mark.parametrize("text", ["clip.mean < q10", "agreement and clip.mean >= q99"])
def test_a_quantile_needs_the_whole_dataset(text: str) -> None:
    with pytest.raises(RecipeError, match="stands for a quantile of the whole dataset"):
        Condition.read(text, KNOWN)
    assert Condition.read(text, KNOWN, quantiles=True).quantiles()


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("clip.mean < q0", "'q0' is none of q1 to q99"),
        ("clip.mean < q100", "'q100' is none of q1 to q99"),
        ("q10 < 0.5", "'q10 < 0.5' is neither a score nor"),
        ("q10", "'q10' is neither a score nor"),
        ("q10 < q20", "'q10 < q20' is neither a score nor"),
        ("clip.mean < agreement", "is neither a score nor"),
        ("clip.mena < q10", "no score is called 'clip.mena'. Did you mean 'clip.mean'?"),
        ("(" * 300 + "agreement" + ")" * 300, "is no condition"),
        ("not " * 4000 + "agreement", "is no condition"),
    ],
)
def test_what_is_no_quantile_is_refused_with_a_sentence(text: str, problem: str) -> None:
    with pytest.raises(RecipeError) as caught:
        Condition.read(text, KNOWN, quantiles=True)
    assert problem in str(caught.value)


def test_no_score_is_known_where_no_stage_gives_one() -> None:
    with pytest.raises(RecipeError) as caught:
        Condition.read("clip > 0", set())
    assert str(caught.value) == "no score is called 'clip'. Nothing before it gives a score."


@pytest.mark.parametrize(
    ("text", "values", "truth"),
    [
        ("facts == 0", {"facts": 0}, True),
        ("facts == 0", {"facts": 1}, False),
        ("facts == 0", {}, None),
        ("not facts == 0", {}, None),
        ("not facts", {"facts": 0}, True),
        ("not facts", {}, None),
        ("facts == 0 and clip > 0.2", {"facts": 1}, False),
        ("facts == 0 and clip > 0.2", {"facts": 0}, None),
        ("facts == 0 or clip > 0.2", {"facts": 0}, True),
        ("facts == 0 or clip > 0.2", {"facts": 1}, None),
        ("not (facts == 0 and clip > 0.2)", {"clip": 0.1}, True),
        ("clip >= q10", {"clip": 0.25}, True),
        ("clip >= q10", {"clip": 0.2499}, False),
        ("clip >= q10", {"clip": 0.24996}, True),
        ("q10 > clip", {"clip": 0.2}, True),
        ("clip >= q20", {"clip": 0.3}, None),
    ],
)
def test_a_judgement_never_passes_what_is_missing(
    text: str, values: dict[str, float], truth: bool | None
) -> None:
    condition = Condition.read(text, None, quantiles=True)
    assert condition.judge(values, {("clip", 10): 0.25}) is truth


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("facts", ["facts > 0"]),
        ("0.5 >= facts", ["facts <= 0.5"]),
        ("facts == 0 and clip>=q10 and -1 < a", ["facts == 0", "clip >= q10", "a > -1"]),
        ("a and b and c or d", ["(a > 0 and b > 0 and c > 0) or d > 0"]),
        ("a and (b or c < 1e-3)", ["a > 0", "b > 0 or c < 0.001"]),
        ("not (a and b) and not c", ["not (a > 0 and b > 0)", "not c > 0"]),
    ],
)
def test_a_condition_falls_into_the_parts_that_must_all_hold(text: str, parts: list[str]) -> None:
    condition = Condition.read(text, None, quantiles=True)
    assert [part.text for part in condition.parts()] == parts


LEAVES = st.sampled_from(["a", "b", "c < 0.5", "a >= 2", "0.1 == b", "c != -1", "b > q25"])
TEXTS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["and", "or"]), inner).map(
            lambda found: f"({found[0]} {found[1]} {found[2]})"
        ),
        inner.map(lambda text: f"not ({text})"),
    ),
    max_leaves=8,
)
VALUES = st.dictionaries(st.sampled_from("abc"), st.sampled_from([-1.0, 0.0, 0.1, 0.5, 2.0, 3.0]))


@given(text=TEXTS, values=VALUES)
def test_a_condition_means_the_same_when_its_parts_are_written_out(
    text: str, values: dict[str, float]
) -> None:
    quantiles = {("b", 25): 0.1}
    condition = Condition.read(text, None, quantiles=True)
    written = " and ".join(f"({part.text})" for part in condition.parts())
    again = Condition.read(written, None, quantiles=True)
    assert again.judge(values, quantiles) is condition.judge(values, quantiles)


@given(text=TEXTS, values=VALUES)
def test_a_judgement_is_right_whatever_the_missing_values_are(
    text: str, values: dict[str, float]
) -> None:
    """True or False stands for every value that a missing score might have had."""
    quantiles = {("b", 25): 0.1}
    condition = Condition.read(text, None, quantiles=True)
    judged = condition.judge(values, quantiles)
    if judged is None:
        return
    for filled in (-1.0, 0.0, 0.1, 0.5, 2.0, 3.0):
        whole = {**dict.fromkeys("abc", filled), **values}
        assert condition.judge(whole, quantiles) is judged
