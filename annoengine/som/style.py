"""A style: what a mark says and how a picture is painted. Kinds live in ``annoengine/som/styles/``.

Where labels stand is the same for all styles (``placement``); a style gives the words and lays on
the paint.
"""

from __future__ import annotations

import functools
import importlib
import pkgutil
from collections.abc import Sequence
from typing import Protocol

from annoengine.errors import RecipeError
from annoengine.photo import ImageRgb
from annoengine.registry import class_name, did_you_mean
from annoengine.som.layout import Layout, Region
from annoengine.som.palette import Rgb


class Style(Protocol):
    """One way to mark a picture. ``VERSION`` goes up with any change that alters a pixel.

    With ``CLEAN_BESIDE`` the photograph stands without marks on the right of the marked one.
    """

    VERSION: int
    CLEAN_BESIDE: bool

    def text(self, number: int, category: str) -> str:
        """What the label of a segment says."""
        ...

    def paint(self, picture: ImageRgb, regions: Sequence[Region], layout: Layout) -> list[Rgb]:
        """Paints all marks onto ``picture``, in place; gives each region's colour, in order.

        ``picture`` is uint8 (height, width, 3) of the layout's size, RGB, with the photograph in
        its upper left corner.
        """
        ...


def style_names() -> list[str]:
    """All styles that can be named, sorted.

    >>> "pix2cap" in style_names()
    True
    """
    package = importlib.import_module("annoengine.som.styles")
    return sorted(module.name for module in pkgutil.iter_modules(package.__path__))


@functools.cache
def find_style(name: str) -> Style:
    """The style of a name. Raises RecipeError with the nearest known name."""
    if name not in style_names():
        raise RecipeError(f"no mark style called {name!r}.{did_you_mean(name, style_names())}")
    module = importlib.import_module(f"annoengine.som.styles.{name}")
    style: Style = getattr(module, class_name(name))()
    return style
