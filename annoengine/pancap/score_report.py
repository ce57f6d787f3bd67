"""Tells a PancapScore: a table of its dimensions with how it was computed, and a line an image."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from textwrap import wrap
from typing import Any

from rich.console import Console
from rich.table import Table

from annoengine.language.wordnet import OFF
from annoengine.pancap.embedded_score import ScoredImage
from annoengine.pancap.scoring import MeanScore
from annoengine.pancap.ways import AS_PUBLISHED, Way, differences

_COLUMNS = 80


@dataclass
class Tally:
    """What is told of all images together. ``by``: where contents came from; ``wordnet`` and
    ``vectors``: the dictionary and the model by which tags were matched."""

    by: str = ""
    wordnet: str = OFF
    vectors: str = ""
    mean: MeanScore = field(default_factory=MeanScore)
    missing: int = 0
    judged: int = 0
    strangers: int = 0
    failed: int = 0

    def add(self, one: ScoredImage) -> None:
        """Counts an image."""
        self.mean.add(one.score)
        self.missing += one.missing
        self.judged += one.judged


def print_score(tally: Tally, way: Way) -> None:
    """The table, whose arithmetic it is, and what is worth knowing of the images."""
    mean = tally.mean
    table = Table(box=None, pad_edge=False)
    for name in ("dimension", "precision", "recall", "F"):
        table.add_column(name, justify="left" if name == "dimension" else "right")
    for dimension, score in mean.dimensions.items():
        table.add_row(dimension, f"{score.precision:.4f}", f"{score.recall:.4f}", f"{score.f1:.4f}")
    table.add_row("PancapScore", "", "", f"{mean.overall:.4f}")
    console = Console(highlight=False, markup=False, soft_wrap=True)
    console.print(table)
    console.print(f"{mean.pairs:,} images")
    for line in _notes(tally, way):
        console.print(f"  {line}")
    if way.name == AS_PUBLISHED:
        console.print("as published, other than the paper:")
        for sentence in differences():
            for line in wrap(sentence, _COLUMNS, initial_indent="  - ", subsequent_indent="    "):
                console.print(line)


def _notes(tally: Tally, way: Way) -> Iterator[str]:
    yield f"arithmetic: {way.name}: {way.rule}"
    yield from tally.by.splitlines()
    if tally.judged:
        yield f"{tally.judged:,} images with answers by rules: for comparing captions, not for"
        yield "setting beside figures that a language model made"
    by = "text" if way.name == AS_PUBLISHED else "words"
    by += f", by WordNet {tally.wordnet}" if tally.wordnet != OFF else ""
    yield f"tags alike by {by}{f', by vectors of {tally.vectors}' if tally.vectors else ''}"
    if tally.mean.failures:
        yield f"{tally.mean.failures:,} questions without an answer that is yes or no to both"
    if tally.missing:
        yield f"{tally.missing:,} images have no prediction and score 0"
    if tally.failed:
        yield f"{tally.failed:,} images failed and are in no mean; `annoengine retry` asks again"
    if tally.strangers:
        yield f"{tally.strangers:,} predictions are of images without a reference: not scored"


def score_line(one: ScoredImage, way: Way) -> dict[str, Any]:
    """An image's score as JSON-like values."""
    row: dict[str, Any] = {
        "image_path": one.image,
        "pancapscore": round(one.score.overall, 6),
    }
    row.update((name, round(score.f1, 6)) for name, score in one.score.dimensions.items())
    row["arithmetic"] = way.name
    if one.score.failures:
        row["failures"] = one.score.failures
    return {**row, "missing": True} if one.missing else row
