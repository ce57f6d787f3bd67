"""Draws what each threshold would keep: a panel a score, over the way its values lie.

Across a panel lies the threshold, up the share that is kept. The curve that falls is what
``score >= t`` keeps, the one that rises what ``score <= t`` keeps; the thin line of the same colour
is of images. Grey bars are the values themselves, the dashed line is the recipe's threshold.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from annoengine.errors import InputError
from annoengine.figure import Figure, Point
from annoengine.quantiles import Histogram
from annoengine.storage import LocalFolder, write_bytes
from annoengine.sweep.counts import Kept, ScoreCounts, Swept, Threshold
from annoengine.sweep.report import constant_line, head_lines, is_constant

_ABOVE = "#0b6e99"
_ABOVE_THIN = "#7fb9d3"
_BELOW = "#c2540a"
_BELOW_THIN = "#e6ab7f"
_BARS = "#dfe3e6"
_GRID = "#e9ebed"
_INK = "#22272b"
_FAINT = "#6a737b"
_NOW = "#8a1c7c"
"""Blue and orange are told apart by everyone; purple is darker than both."""

_PANEL_WH = (360, 250)
_COLUMNS = 3
_MARGIN = 24
_FRAME = (46, 40, 14, 34)
"""Room in a panel to the left of its axes, above, to the right and below."""

_BINS = 48
_BAR_SHARE = 0.45
"""The highest bar, of the height of the panel."""

_FEW = 12
"""Up to so many different values a curve has a dot at each."""


def check_plot(file: Path) -> None:
    """Raises InputError for a file that cannot hold a plot."""
    if file.suffix.lower() not in (".png", ".svg"):
        raise InputError(f"--plot {file}: only .png and .svg files can be written")


def write_plot(swept: Swept, file: Path) -> None:
    """Writes the drawing, as PNG or SVG by the file's ending; the whole of it or nothing."""
    drawn = plot(swept)
    data = drawn.to_png() if file.suffix.lower() == ".png" else drawn.to_svg().encode()
    write_bytes(LocalFolder(file.parent), file.name, data)


def plot(swept: Swept) -> Figure:
    """The drawing of all scores."""
    varied = {name: counts for name, counts in swept.scores.items() if not is_constant(counts)}
    heads = head_lines(swept)
    constant = [constant_line(n, c) for n, c in swept.scores.items() if n not in varied]
    if constant:
        heads.append(f"the same everywhere: {', '.join(constant)}")
    columns = max(1, min(_COLUMNS, len(varied)))
    rows = math.ceil(len(varied) / columns)
    top = _MARGIN + 18 * len(heads) + 30
    width = max(columns * _PANEL_WH[0], 2 * _PANEL_WH[0]) + 2 * _MARGIN
    figure = Figure(width, top + rows * _PANEL_WH[1] + _MARGIN // 2)
    room = width - 2 * _MARGIN
    for number, line in enumerate(heads):
        text = _fitting(line.strip(), room, 13)
        at = (_MARGIN, _MARGIN + 8 + 18 * number)
        figure.words(at, text, 13, _FAINT if number else _INK)
    _legend(figure, top - 18)
    for number, (name, counts) in enumerate(varied.items()):
        corner = (
            _MARGIN + number % columns * _PANEL_WH[0],
            top + number // columns * _PANEL_WH[1],
        )
        thresholds = [one for one in swept.thresholds if one.score == name]
        _draw_panel(figure, corner, name, counts, thresholds)
    return figure


def _legend(figure: Figure, y: float) -> None:
    x: float = _MARGIN
    for colour, thin, text in (
        (_ABOVE, _ABOVE_THIN, "kept by score ≥ threshold"),
        (_BELOW, _BELOW_THIN, "kept by score ≤ threshold"),
    ):
        figure.line([(x, y - 6), (x + 22, y - 6)], colour, 2.4)
        figure.line([(x, y - 1), (x + 22, y - 1)], thin, 1.2)
        x += 28
        figure.words((x, y), text, 12, _INK)
        x += 168
    figure.words((x, y), "(thick: captions, thin: images)", 12, _FAINT)
    x += 196
    figure.line([(x, y - 4), (x + 22, y - 4)], _NOW, 1.6, 4)
    figure.words((x + 28, y), "the recipe's threshold", 12, _INK)


@dataclass(frozen=True)
class _Axes:
    """Where values lie in a panel."""

    left: float
    top: float
    right: float
    bottom: float
    low: float
    high: float

    def x(self, value: float) -> float:
        """Where a threshold lies; what is out of range lies at the edge."""
        share = (value - self.low) / (self.high - self.low)
        return self.left + min(1.0, max(0.0, share)) * (self.right - self.left)

    def y(self, share: float) -> float:
        """Where a share lies."""
        return self.bottom - share * (self.bottom - self.top)


def _draw_panel(
    figure: Figure,
    corner: Point,
    name: str,
    counts: ScoreCounts,
    thresholds: Sequence[Threshold],
) -> None:
    left, above, right, below = _FRAME
    x, y = corner
    width, height = _PANEL_WH
    lie = counts.captions if counts.captions.total else counts.most
    low, high = _range(lie, [one.value for one in thresholds])
    axes = _Axes(x + left, y + above, x + width - right, y + height - below, low, high)
    figure.words((axes.left, y + 13), _fitting(name, width - left - right, 13), 13, _INK)
    for percent in (0, 25, 50, 75, 100):
        at = axes.y(percent / 100)
        figure.line([(axes.left, at), (axes.right, at)], _GRID)
        if percent % 50 == 0:
            figure.words((axes.left - 6, at + 4), f"{percent} %", 11, _FAINT, "end")
    whole = all(value == int(value) for value in lie.values)
    for value in _ticks(low, high):
        if whole and value != int(value):
            continue
        at = axes.x(value)
        figure.line([(at, axes.bottom), (at, axes.bottom + 4)], _FAINT)
        figure.words((at, axes.bottom + 17), f"{value:.6g}", 11, _FAINT, "middle")
    _draw_bars(figure, axes, lie)
    _draw_curves(figure, axes, counts, lie)
    figure.line([(axes.left, axes.bottom), (axes.right, axes.bottom)], _FAINT)
    for one in thresholds:
        at = axes.x(one.value)
        figure.line([(at, axes.top - 5), (at, axes.bottom)], _NOW, 1.6, 4)
        figure.words((at, axes.top - 8), f"{one.sign} {one.bound}", 11, _NOW, "middle")


def _range(lie: Histogram, also: Sequence[float]) -> tuple[float, float]:
    """What of the values is shown: all, but for a long tail that would press the rest together."""
    values = lie.values
    low, high = values[0], values[-1]
    inner = (lie.quantile(1), lie.quantile(99))
    if high - low > 4 * (inner[1] - inner[0]) > 0:
        low, high = inner
    low, high = min(low, *also, low), max(high, *also, high)
    if len(values) <= _FEW:
        # Room for the bars of the first and the last.
        room = 0.04 * (high - low)
        low, high = low - room, high + room
    return low, high


def _ticks(low: float, high: float) -> list[float]:
    """Some round values in a range.

    >>> _ticks(0, 1), _ticks(-0.13, 0.42)
    ([0.0, 0.2, 0.4, 0.6, 0.8, 1.0], [-0.1, 0.0, 0.1, 0.2, 0.3, 0.4])
    """
    step = 10.0 ** math.floor(math.log10((high - low) / 4))
    step *= next(factor for factor in (1, 2, 5, 10) if (high - low) / (step * factor) <= 6)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [round(number * step, 12) for number in range(first, last + 1)]


def _draw_bars(figure: Figure, axes: _Axes, lie: Histogram) -> None:
    """How the values lie: the share of each bin, the highest as high as they may be."""
    if len(lie.values) <= _FEW:
        most = max(times for _, times in lie.to_json())
        for value, times in lie.to_json():
            if axes.low <= value <= axes.high:
                at, top = axes.x(value), axes.y(_BAR_SHARE * times / most)
                figure.box(at - 5, top, at + 5, axes.bottom, _BARS)
        return
    step = (axes.high - axes.low) / _BINS
    heights = [0] * _BINS
    for value, times in lie.to_json():
        if axes.low <= value <= axes.high:
            heights[min(_BINS - 1, int((value - axes.low) / step))] += times
    for number, n in enumerate(heights):
        if n:
            x1, x2 = (axes.x(axes.low + step * k) for k in (number, number + 1))
            top = axes.y(_BAR_SHARE * n / max(heights))
            figure.box(x1 + 0.5, top, x2 - 0.5, axes.bottom, _BARS)


def _draw_curves(figure: Figure, axes: _Axes, counts: ScoreCounts, lie: Histogram) -> None:
    total = counts.total
    sides: tuple[tuple[Callable[[float], Kept], str, str], ...] = (
        (counts.at_most, _BELOW, _BELOW_THIN),
        (counts.at_least, _ABOVE, _ABOVE_THIN),
    )
    places = [axes.low, *(v for v in lie.values if axes.low < v < axes.high), axes.high]
    if len(places) > 400:
        span = axes.high - axes.low
        places = [axes.low + span * k / 400 for k in range(401)]
    few = len(lie.values) <= _FEW
    for keeps, colour, thin in sides:
        kept = [(place, keeps(place)) for place in places]
        falls = keeps == counts.at_least
        if total.images:
            images = [(place, one.images / total.images) for place, one in kept]
            figure.line(list(_stairs(axes, images, falls)), thin, 1.2)
        if total.captions:
            captions = [(place, one.captions / total.captions) for place, one in kept]
            figure.line(list(_stairs(axes, captions, falls)), colour, 2.4)
            for value in lie.values if few else ():
                if axes.low <= value <= axes.high:
                    at = axes.x(value), axes.y(keeps(value).captions / total.captions)
                    figure.area(_dot(at, 3.2), colour)


def _stairs(axes: _Axes, shares: Sequence[tuple[float, float]], falls: bool) -> Iterator[Point]:
    """A curve that steps at the values: what falls at a value does so only behind it."""
    before: tuple[float, float] | None = None
    for place, share in shares:
        if before is not None:
            yield (
                (axes.x(before[0]), axes.y(share)) if falls else (axes.x(place), axes.y(before[1]))
            )
        yield axes.x(place), axes.y(share)
        before = place, share


def _dot(at: Point, radius: float) -> list[Point]:
    turns = [2 * math.pi * k / 16 for k in range(16)]
    return [(at[0] + radius * math.cos(t), at[1] + radius * math.sin(t)) for t in turns]


def _fitting(text: str, room: float, size: float) -> str:
    """A text cut to a room: letters are about half as wide as they are high."""
    letters = int(room / (0.52 * size))
    return text if len(text) <= letters else text[: max(1, letters - 1)] + "…"
