"""What the plots of statistics share: colours, letters, axes."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from annoengine.figure import Figure, shortened, text_width

COLOURS = ("#0072b2", "#e69f00", "#009e73", "#d55e00", "#cc79a7", "#56b4e9", "#8c6d1f", "#5b5b5b")
"""For datasets, told apart by the colour-blind too.

Source of the first six: M. Okabe and K. Ito, Color Universal Design (2008)."""

INK, FAINT, GRID = "#22272b", "#6a737b", "#e9ebed"
TITLE, TEXT, SMALL = 15.0, 12.0, 11.0
MARGIN = 24
_WIDER = 1.1
"""Letters of an SVG may be so much wider than those that are measured."""


def colour_of(number: int) -> str:
    """The colour of a dataset, by its place among the others."""
    return COLOURS[number % len(COLOURS)]


def tint(colour: str, share: float) -> str:
    """A colour mixed with white.

    >>> tint("#0072b2", 0.5), tint("#000000", 1)
    ('#80b9d9', '#000000')
    """
    parts = [int(colour[at : at + 2], 16) for at in (1, 3, 5)]
    mixed = [int(255 - (255 - part) * share + 0.5) for part in parts]
    return "#" + "".join(f"{part:02x}" for part in mixed)


def room_for(texts: Sequence[str], size: float, most: float) -> float:
    """The width that a column of texts takes."""
    widest = max((text_width(text, size) for text in texts), default=0.0)
    return min(most, math.ceil(widest * _WIDER))


def head(figure: Figure, title: str, *lines: str) -> float:
    """Writes the title and what is to be said below it; gives where they end."""
    room = figure.width - 2 * MARGIN
    figure.words((MARGIN, MARGIN + 10), shortened(title, room, TITLE), TITLE, INK)
    y = MARGIN + 10.0
    for line in lines:
        y += 18
        figure.words((MARGIN, y), shortened(line, room, SMALL), SMALL, FAINT)
    return y


def head_height(lines: int) -> int:
    """How high a head with so many lines below its title is, with room below it."""
    return MARGIN + 10 + 18 * lines + 18


def legend(figure: Figure, at: tuple[float, float], entries: Sequence[tuple[str, str]]) -> float:
    """Colours and what they mean, in lines as wide as the figure; gives the y of the last."""
    x, y = at
    for colour, text in entries:
        width = 16 + text_width(text, SMALL) * _WIDER + 18
        if x > at[0] and x + width > figure.width - MARGIN + 18:
            x, y = at[0], y + 18
        figure.box(x, y - 9, x + 11, y + 1, colour)
        room = figure.width - MARGIN - x - 16
        figure.words((x + 16, y), shortened(text, room, SMALL), SMALL, INK)
        x += width
    return y


def round_step(most: float, steps: int) -> float:
    """The round step (1, 2 or 5 times a power of ten) in about so many of which ``most`` is.

    >>> round_step(0.37, 4), round_step(1300, 5), round_step(1, 4)
    (0.1, 500.0, 0.5)
    """
    raw = most / steps
    power = 10.0 ** math.floor(math.log10(raw)) if raw > 0 else 1.0
    step = next(k for k in (1, 2, 5, 10) if k * power >= raw * 0.999)
    return float(f"{step * power:.6g}")


def log_ticks(low: float, high: float) -> Iterator[int]:
    """Round numbers (1, 2, 5, 10, 20 …) in a range.

    >>> list(log_ticks(3, 120))
    [5, 10, 20, 50, 100]
    """
    power = 1
    while power <= high:
        yield from (k * power for k in (1, 2, 5) if low <= k * power <= high)
        power *= 10


def number(value: float) -> str:
    """A number as an axis shows it.

    >>> number(0.25), number(1200), number(37.0), number(8.25)
    ('0.25', '1,200', '37', '8.2')
    """
    if value and abs(value) < 1:
        return f"{value:.2g}"
    return f"{value:,.0f}" if value >= 100 or value == int(value) else f"{value:.1f}"
