"""Writes the plots of statistics into a folder, each as PNG and as SVG.

They are drawn with ``annoengine.figure``: the same counts give the same bytes, whatever plotting
library a machine has, and the SVGs keep their words as text.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from annoengine.errors import InputError
from annoengine.figure import Figure
from annoengine.statistics.counting import CaptionSet
from annoengine.statistics.plot_distributions import draw_attributes, draw_lengths
from annoengine.statistics.plot_words import draw_common_words, draw_nouns
from annoengine.storage import LocalFolder, write_bytes

MOST_DRAWN = 40
"""More words than these find no room in a plot that someone reads."""


def plots_of(sets: Sequence[CaptionSet], most: int) -> dict[str, Figure]:
    """The drawings by the name of their files; those of parts of speech only where told."""
    most = min(most, MOST_DRAWN)
    drawn = {
        "caption_lengths": draw_lengths(sets),
        "common_words": draw_common_words(sets, most),
    }
    if all(one.tally.classes is not None for one in sets):
        drawn["attributes_per_caption"] = draw_attributes(sets)
        drawn["nouns_and_classes"] = draw_nouns(sets, most)
    return dict(sorted(drawn.items()))


def check_folder(folder: Path) -> None:
    """Raises InputError for a path that is a file."""
    if folder.exists() and not folder.is_dir():
        raise InputError(f"--plots {folder} is a file; plots are written into a folder")


def write_plots(sets: Sequence[CaptionSet], folder: Path, most: int) -> list[Path]:
    """Writes all plots; gives their files."""
    storage = LocalFolder(folder)
    written = []
    for name, figure in plots_of(sets, most).items():
        for ending, data in ((".png", figure.to_png()), (".svg", figure.to_svg().encode())):
            write_bytes(storage, name + ending, data)
            written.append(folder / (name + ending))
    return written
