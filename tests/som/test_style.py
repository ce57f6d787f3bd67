"""Styles are found by their file."""

from __future__ import annotations

import pytest

from annoengine.errors import RecipeError
from annoengine.som.style import find_style, style_names


def test_the_styles() -> None:
    assert style_names() == ["boxes", "coconut", "pix2cap", "som"]


def test_every_style_is_found_and_has_a_version() -> None:
    for name in style_names():
        assert find_style(name).VERSION >= 1


def test_an_unknown_style_is_named() -> None:
    with pytest.raises(RecipeError, match=r"'pix2cup'.* Did you mean 'pix2cap'"):
        find_style("pix2cup")


@pytest.mark.parametrize(
    ("style", "text"),
    [("pix2cap", "17"), ("som", "17"), ("boxes", "17"), ("coconut", "17:stop sign")],
)
def test_what_labels_say(style: str, text: str) -> None:
    assert find_style(style).text(17, "stop sign") == text


def test_a_segment_without_a_category_has_its_number() -> None:
    assert find_style("coconut").text(3, "") == "3"


def test_only_coconut_shows_the_clean_photograph_too() -> None:
    assert [name for name in style_names() if find_style(name).CLEAN_BESIDE] == ["coconut"]
