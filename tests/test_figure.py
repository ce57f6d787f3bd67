"""A drawing says the same as SVG and as PNG."""

from __future__ import annotations

import io
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from PIL import Image

from annoengine import figure as figure_module
from annoengine.figure import Figure, drawable


def drawn() -> Figure:
    figure = Figure(60, 40)
    figure.box(10, 10, 30, 20, "#ff0000")
    figure.line([(0, 30.5), (60, 30.5)], "#0000ff", 3)
    figure.line([(45, 0), (45, 28)], "#00aa00", 2, dash=4)
    figure.words((35, 20), "a < b & ≥", 9, "#000000", "end")
    return figure


def test_a_png_has_the_pixels_of_its_shapes() -> None:
    with Image.open(io.BytesIO(drawn().to_png(2))) as image:
        pixels = np.asarray(image.convert("RGB"))
    assert pixels.shape == (80, 120, 3)
    assert tuple(pixels[24, 24]) == (255, 0, 0)
    assert tuple(pixels[61, 5]) == (0, 0, 255)
    assert tuple(pixels[75, 5]) == (255, 255, 255)
    # The dashes: on for 4, off for 4.
    column = pixels[:56, 90]
    assert [tuple(column[y]) == (0, 0xAA, 0) for y in (4, 12, 20, 28)] == [True, False, True, False]
    # Words that end at 35 have nothing behind it; they are there in black.
    assert (pixels[20:40, 20:60].sum(axis=2) < 100).any()
    assert (pixels[30:50, 72:86] == 255).all()


def test_a_png_is_the_same_in_however_many_bands_it_is_drawn(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    whole = drawn().to_png()
    for height in (1, 7, 39):
        monkeypatch.setattr(figure_module, "_BAND", height)
        assert drawn().to_png() == whole


def test_an_svg_is_well_formed_and_keeps_its_words() -> None:
    svg = ET.fromstring(drawn().to_svg())
    tag = "{http://www.w3.org/2000/svg}"
    assert [node.text for node in svg.iter(f"{tag}text")] == ["a < b & ≥"]
    (box,) = svg.iter(f"{tag}polygon")
    assert box.get("points") == "10,10 30,10 30,20 10,20"
    solid, dashed = svg.iter(f"{tag}polyline")
    assert (solid.get("stroke-dasharray"), dashed.get("stroke-dasharray")) == (None, "4")
    assert (svg.get("width"), svg.get("height")) == ("60", "40")


def test_a_control_character_breaks_no_picture() -> None:
    figure = Figure(20, 20)
    figure.words((0, 10), "a\x00\x1b\nb\u200b", 8)
    assert [node.text for node in ET.fromstring(figure.to_svg())][-1] == "a   b "
    assert figure.to_png()


def test_letters_that_the_font_lacks_are_written_otherwise() -> None:
    assert drawable("Zürich, ≤ 3 × 4 µm — 犬") == "Zurich, <= 3 x 4 um - ?"
    plain = "".join(map(chr, range(32, 127)))
    assert drawable(plain) == plain
