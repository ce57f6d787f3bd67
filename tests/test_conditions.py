"""Conditions on scores: what they say, and what is none."""

from __future__ import annotations

import pytest

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
