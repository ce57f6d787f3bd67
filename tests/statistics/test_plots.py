"""Plots say what was counted, keep inside of their frame, and are the same bytes every time."""

from __future__ import annotations

import io
import itertools
import xml.etree.ElementTree as ET
from collections import Counter
from pathlib import Path

import pytest
from PIL import Image

from annoengine.errors import InputError
from annoengine.figure import Figure, text_width
from annoengine.statistics.counting import CaptionSet
from annoengine.statistics.plots import check_folder, plots_of, write_plots
from annoengine.statistics.sample import Level, Notes
from annoengine.statistics.tally import Tally
from annoengine.statistics.word_classes import WordClasses

TAG = "{http://www.w3.org/2000/svg}"


def made(name: str, level: Level = "region", parsed: bool = True, long: int = 1) -> CaptionSet:
    """Ten captions: four of 5 words, six of 20; their words made up."""
    tally = Tally(captions=10, characters=800, words=140, sentences=12)
    tally.lengths = Counter({5 * long: 4, 20 * long: 6})
    tally.word_forms = Counter({"the": 20, "horse": 8, "red": 4})
    if parsed:
        tally.classes = WordClasses(nouns=12, adjectives=8, verbs=5)
        tally.classes.attributes = Counter({0: 2, 1: 5, 3 * long: 3})
        tally.classes.noun_forms = Counter(
            {("horses", "class name"): 5, ("horse", "class name"): 3, ("jacket", "beyond"): 4}
        )
        tally.classes.adjective_forms = Counter({"red": 8})
        tally.classes.verb_forms = Counter({("runs", "run"): 2, ("running", "run"): 3})
    return CaptionSet(name, level, "jsonl", Notes(), frozenset({"horse"}), tally, 10, 4)


def words_of(figure: Figure) -> list[tuple[str, float, float, str, float]]:
    """Every text with its place, anchor and size."""
    root = ET.fromstring(figure.to_svg())
    return [
        (
            node.text or "",
            float(node.get("x", 0)),
            float(node.get("y", 0)),
            node.get("text-anchor", ""),
            float(node.get("font-size", 0)),
        )
        for node in root.iter(f"{TAG}text")
    ]


def boxes_of(figure: Figure) -> list[tuple[str, float, float, float, float]]:
    """Where every text lies: x1, y1, x2, y2."""
    found = []
    for text, x, y, anchor, size in words_of(figure):
        width = text_width(text, size)
        x1 = x - {"start": 0.0, "middle": width / 2, "end": width}[anchor]
        found.append((text, x1, y - 0.75 * size, x1 + width, y + 0.2 * size))
    return found


_MANY = [
    made("ours"),
    made("a dataset whose name is far too long to be written out beside its violin anywhere"),
    made("paragraphs", "image", long=12),
]


@pytest.mark.parametrize("sets", [_MANY, _MANY[:1], [made("x", parsed=False)]])
def test_words_lie_inside_of_the_frame_and_not_on_each_other(sets: list[CaptionSet]) -> None:
    for name, figure in plots_of(sets, 15).items():
        boxes = boxes_of(figure)
        for text, x1, y1, x2, y2 in boxes:
            assert 0 <= x1 < x2 <= figure.width or not text, (name, text)
            assert 0 <= y1 < y2 <= figure.height, (name, text)
        for one, other in itertools.combinations(boxes, 2):
            apart = (
                one[3] <= other[1] or other[3] <= one[1] or one[4] <= other[2] or other[4] <= one[2]
            )
            assert apart or not one[0] or not other[0], (name, one, other)


def test_common_words_are_as_long_as_they_are_frequent() -> None:
    """8 horses and 4 jackets in 10 captions; the bar of the first is twice as long."""
    figure = plots_of([made("ours")], 15)["common_words"]
    words: dict[str, tuple[float, float]] = {}
    for text, x, y, _, _ in words_of(figure):
        # The first panel has the nouns.
        words.setdefault(text, (x, y))
    # All forms together, as they come most often.
    assert {"horses", "jacket", "red", "running"} <= set(words)
    bars = {}
    for node in ET.fromstring(figure.to_svg()).iter(f"{TAG}polygon"):
        points = [tuple(map(float, p.split(","))) for p in (node.get("points") or "").split()]
        (x1, y1), (x2, y2) = points[0], points[2]
        for text, (x, y) in words.items():
            if y1 < y < y2 and 0 < x1 - x < 10:
                bars[text] = x2 - x1
    assert bars["horses"] == pytest.approx(2 * bars["jacket"], abs=0.2)
    # The axis: 80 and 40 in 100.
    assert words["80"][0] - words["0"][0] == pytest.approx(bars["horses"], abs=0.2)


def test_attributes_are_shares_of_captions() -> None:
    """Of ten captions 2, 5 and 3 have none, one and three attributes."""
    figure = plots_of([made("ours")], 15)["attributes_per_caption"]
    told = [text for text, *_ in words_of(figure)]
    assert "ours: 1.40 per caption, 30 % of captions with more than one" in told
    heights = []
    for node in ET.fromstring(figure.to_svg()).iter(f"{TAG}polygon"):
        if node.get("fill") == "#0072b2":
            ys = [float(p.split(",")[1]) for p in (node.get("points") or "").split()]
            heights.append(max(ys) - min(ys))
    # The first is the legend's.
    assert [h / heights[2] for h in heights[1:]] == pytest.approx([0.4, 1, 0.6], abs=0.01)


def test_lengths_are_told_with_median_mean_and_number() -> None:
    figure = plots_of([made("ours")], 15)["caption_lengths"]
    assert "median 20, mean 14.0; n = 10" in [text for text, *_ in words_of(figure)]
    quartiles = [
        node
        for node in ET.fromstring(figure.to_svg()).iter(f"{TAG}polyline")
        if node.get("stroke-dasharray")
    ]
    assert len(quartiles) == 3


def test_nouns_are_coloured_by_what_they_are_to_the_classes() -> None:
    figure = plots_of([made("ours")], 15)["nouns_and_classes"]
    told = [text for text, *_ in words_of(figure)]
    assert "ours: 33 % of 12 nouns are beyond the 1 classes" in told
    fills = Counter(n.get("fill") for n in ET.fromstring(figure.to_svg()).iter(f"{TAG}polygon"))
    # One of the legend, and one bar of horses; one of the legend, and the jacket twice.
    assert (fills["#0072b2"], fills["#e69f00"]) == (2, 3)


def test_without_parts_of_speech_words_that_only_join_are_left_out() -> None:
    drawn = plots_of([made("ours", parsed=False)], 15)
    assert set(drawn) == {"caption_lengths", "common_words"}
    told = [text for text, *_ in words_of(drawn["common_words"])]
    assert {"horse", "red"} <= set(told)
    assert "the" not in told


def test_files_are_whole_and_the_same_every_time(tmp_path: Path) -> None:
    first = write_plots([made("a & <b>")], tmp_path / "one", 15)
    again = write_plots([made("a & <b>")], tmp_path / "two", 15)
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in again]
    assert len(first) == 8
    for png, svg in zip(first[::2], first[1::2], strict=True):
        root = ET.fromstring(svg.read_bytes())
        with Image.open(io.BytesIO(png.read_bytes())) as picture:
            size_wh = int(root.get("width", 0)), int(root.get("height", 0))
            assert picture.size == (2 * size_wh[0], 2 * size_wh[1])


def test_a_file_is_no_folder_for_plots(tmp_path: Path) -> None:
    (tmp_path / "a").touch()
    with pytest.raises(InputError, match="is a file; plots are written into a folder"):
        check_folder(tmp_path / "a")
