"""Draws how captions are spread: their lengths (Pix2Cap-COCO, Fig. 3 A), their attributes (B)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from annoengine.figure import Figure, Point, shortened
from annoengine.statistics.counting import LEVELS, CaptionSet
from annoengine.statistics.measures import (
    attributes,
    length_quantile,
    more_than_one_attribute,
    words,
)
from annoengine.statistics.plot_frame import (
    FAINT,
    GRID,
    INK,
    MARGIN,
    SMALL,
    TEXT,
    colour_of,
    head,
    head_height,
    legend,
    log_ticks,
    number,
    room_for,
    round_step,
    tint,
)

_WIDTH = 760
_ROW = 74
_POINTS = 240
_NARROWEST = 0.02
"""The least bandwidth, in powers of ten: whole numbers of words are no continuum."""

_LEAST_DRAWN = 0.003
"""Where a violin is thinner than this part of its thickest, it ends."""

_MOST_BINS = 14
_PLOT = 220
_ABOVE, _BELOW = 34, 64
"""Room of a panel above its bars, and below them for the axis."""


def draw_lengths(sets: Sequence[CaptionSet]) -> Figure:
    """A violin a dataset over the logarithm of the words per caption, with its quartiles."""
    line = "how captions are spread over their numbers of words; dotted: quartiles"
    top = head_height(1)
    figure = Figure(_WIDTH, top + _ROW * len(sets) + 54)
    head(figure, "Caption length", line)
    told = [
        f"median {length_quantile(one, 50):,}, mean {words(one) or 0:.1f}; "
        f"n = {one.tally.captions:,}"
        for one in sets
    ]
    left, right = MARGIN + room_for(told, SMALL, 220) + 14, _WIDTH - MARGIN
    bottom = top + _ROW * len(sets)
    longest = max(max(one.tally.lengths) for one in sets)
    shortest = max(1, min(min(one.tally.lengths) for one in sets))
    low, high = math.log10(shortest / 1.25), math.log10(max(1, longest) * 1.25)

    def x(length: float) -> float:
        return left + (right - left) * (math.log10(length) - low) / (high - low)

    for tick in log_ticks(10**low, 10**high):
        figure.line([(x(tick), top), (x(tick), bottom)], GRID)
        figure.words((x(tick), bottom + 17), number(tick), SMALL, FAINT, "middle")
    figure.line([(left, bottom), (right, bottom)], FAINT)
    axis = "words per caption, logarithmic"
    figure.words(((left + right) / 2, bottom + 36), axis, TEXT, INK, "middle")
    for row, one in enumerate(sets):
        middle = top + _ROW * (row + 0.5)
        room = left - 14 - MARGIN
        figure.words((MARGIN, middle - 4), shortened(one.name, room, TEXT), TEXT, INK)
        figure.words((MARGIN, middle + 13), told[row], SMALL, FAINT)
        _draw_violin(figure, one, middle, (left, right), (low, high), colour_of(row))
    return figure


def _draw_violin(
    figure: Figure,
    one: CaptionSet,
    middle: float,
    sides: tuple[float, float],
    ends: tuple[float, float],
    colour: str,
) -> None:
    """A violin between two x, which are the powers of ten ``ends``."""
    grid = np.linspace(*ends, _POINTS)
    density = _density(one.tally.lengths, grid)
    shown = np.flatnonzero(density > _LEAST_DRAWN * density.max())
    inside = slice(int(shown[0]), int(shown[-1]) + 1)
    half = density / density.max() * _ROW * 0.38
    xs = np.linspace(*sides, _POINTS)
    upper: list[Point] = [
        (float(x), middle - float(h)) for x, h in zip(xs[inside], half[inside], strict=True)
    ]
    lower: list[Point] = [(x, 2 * middle - y) for x, y in reversed(upper)]
    figure.area([*upper, *lower], tint(colour, 0.35))
    figure.line([*upper, *lower, upper[0]], colour, 1.4)
    for percent in (25, 50, 75):
        length = math.log10(max(1, length_quantile(one, percent)))
        at = float(np.interp(length, grid, xs))
        reach = max(2.0, float(np.interp(at, xs, half)))
        width = 2.0 if percent == 50 else 1.3
        figure.line([(at, middle - reach), (at, middle + reach)], INK, width, dash=2.5)


def _density(lengths: Mapping[int, int], grid: NDArray[np.float64]) -> NDArray[np.float64]:
    """How densely captions lie at each log10 of the length: a sum of bells.

    The bells are as wide as Silverman's rule says (Density Estimation, 1986, eq. 3.31).
    """
    values = np.log10(np.array([max(1, n) for n in sorted(lengths)], dtype=np.float64))
    times = np.array([lengths[n] for n in sorted(lengths)], dtype=np.float64)
    total = times.sum()
    mean = (values * times).sum() / total
    spread = math.sqrt((times * (values - mean) ** 2).sum() / total)
    order = np.cumsum(times)
    quarters = [float(values[np.searchsorted(order, share * total)]) for share in (0.25, 0.75)]
    narrow = min([s for s in (spread, (quarters[1] - quarters[0]) / 1.34) if s > 0], default=0.0)
    width = max(_NARROWEST, 0.9 * narrow * total**-0.2)
    bells = np.exp(-0.5 * ((grid[:, None] - values[None, :]) / width) ** 2)
    density: NDArray[np.float64] = bells @ times
    return density


def draw_attributes(sets: Sequence[CaptionSet]) -> Figure:
    """The share of captions with so many attributes, bars of the datasets side by side.

    Captions of regions and captions of images, which have many more, are in panels of their own.
    """
    panels = [[k for k, one in enumerate(sets) if one.level == level] for level in LEVELS]
    panels = [panel for panel in panels if panel]
    top = head_height(1)
    heights = [18 * (len(panel) + 1) + _ABOVE + _PLOT + _BELOW for panel in panels]
    figure = Figure(_WIDTH, top + sum(heights))
    head(figure, "Attributes per caption", "adjectives that describe, and participles before nouns")
    for panel, height in zip(panels, heights, strict=True):
        y = top + 10.0
        figure.words((MARGIN, y), f"captions of {sets[panel[0]].level}s", TEXT, INK)
        for k in panel:
            y += 18
            legend(figure, (MARGIN, y), [(colour_of(k), _attributes_told(sets[k]))])
        bars = [(colour_of(k), _attributes_of(sets[k])) for k in panel]
        _draw_bars(figure, y + _ABOVE + 8, bars)
        top += height
    return figure


def _attributes_told(one: CaptionSet) -> str:
    share = 100 * (more_than_one_attribute(one) or 0)
    mean = attributes(one) or 0
    return f"{one.name}: {mean:.2f} per caption, {share:.0f} % of captions with more than one"


def _attributes_of(one: CaptionSet) -> Mapping[int, int]:
    return one.tally.classes.attributes if one.tally.classes else {}


def _draw_bars(
    figure: Figure, top: float, counted: Sequence[tuple[str, Mapping[int, int]]]
) -> None:
    """One panel: bars of so many captions in each bin, a colour a dataset."""
    # What a hundredth of the captions or less has more of is drawn as one bar.
    longest = max(1, *(_percentile(found, 99) for _, found in counted))
    width = max(1, int(round_step(longest + 1, _MOST_BINS)))
    bins = longest // width + 2
    rows = [(colour, _shares(found, width, bins)) for colour, found in counted]
    left, right, bottom = MARGIN + 42.0, _WIDTH - MARGIN, top + _PLOT
    step = round_step(max(max(row) for _, row in rows), 5)
    high = max(max(row) for _, row in rows) * 1.02
    for k in range(math.floor(high / step) + 1):
        at = bottom - _PLOT * k * step / high
        figure.line([(left, at), (right, at)], GRID)
        figure.words((left - 8, at + 4), f"{number(100 * k * step)} %", SMALL, FAINT, "end")
    figure.words((MARGIN, top - 14), "share of captions", SMALL, FAINT)
    room = (right - left) / bins
    bar = room * 0.8 / len(rows)
    gap = 0.6 if len(rows) > 1 else 0.0
    for k, (colour, shares) in enumerate(rows):
        for n, share in enumerate(shares):
            x1 = left + room * (n + 0.1) + bar * k
            if share:
                y = bottom - _PLOT * share / high
                figure.box(x1 + gap, y, x1 + bar - gap, bottom, colour)
    for n in range(bins):
        label = f"{n}" if width == 1 else f"{n * width}–{(n + 1) * width - 1}"
        label = f"{n * width}+" if n == bins - 1 else label
        figure.words((left + room * (n + 0.5), bottom + 17), label, SMALL, FAINT, "middle")
    figure.line([(left, bottom), (right, bottom)], FAINT)
    figure.words(((left + right) / 2, bottom + 37), "attributes per caption", TEXT, INK, "middle")


def _percentile(counts: Mapping[int, int], percent: int) -> int:
    below, total = 0, sum(counts.values())
    for n, times in sorted(counts.items()):
        below += times
        if below * 100 >= percent * total:
            return n
    return 0


def _shares(counts: Mapping[int, int], width: int, bins: int) -> list[float]:
    found = [0] * bins
    for n, times in counts.items():
        found[min(n // width, bins - 1)] += times
    total = sum(found) or 1
    return [times / total for times in found]
