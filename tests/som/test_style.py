"""Styles are found by their file."""

from __future__ import annotations

import pytest

from annoengine.errors import RecipeError
from annoengine.som.style import find_style, style_names


def test_every_style_is_found_and_has_a_version() -> None:
    assert style_names()
    for name in style_names():
        assert find_style(name).VERSION >= 1


def test_an_unknown_style_is_named() -> None:
    with pytest.raises(RecipeError, match=r"'pix2cup'.* Did you mean 'pix2cap'"):
        find_style("pix2cup")


def test_pix2cap_says_the_number_alone() -> None:
    assert find_style("pix2cap").text(17, "person") == "17"
