"""Compares two sides measure by measure, over the images that both have."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from annoengine.budget import in_usd
from annoengine.comparing.bootstrap import RESAMPLES, SEED, Difference, paired_differences
from annoengine.comparing.columns import Columns, Joined, join
from annoengine.comparing.measuring import COUNTS, Measuring, References, measure_side
from annoengine.comparing.sides import Side
from annoengine.errors import InputError
from annoengine.pancap.scoring import DIMENSIONS

GROUPS = {
    "pancap": "PancapScore",
    "region": "captions of regions",
    "image": "captions of images",
    "all": "all captions",
    "score": "stored scores",
    "calls": "calls",
}
"""What measures are about, in the order in which they are shown."""

_NAMES = {
    "captions": "captions per image",
    "grounded": "share of segments",
    "score": "overall",
    "asked": "calls per image",
    "input_tokens": "tokens in per image",
    "output_tokens": "tokens out per image",
    "usd": "USD per image",
}


@dataclass(frozen=True)
class Compared:
    """A measure of both sides: over the images that both have it of, or of one side alone."""

    group: str
    name: str
    first: float | None
    second: float | None
    difference: Difference | None


@dataclass(frozen=True)
class Shares:
    """What became of a run's records, and what that took."""

    read: int
    kept: int
    dropped: int
    failed: int
    pending: int
    captions_dropped: int
    calls: int
    perhaps_paid: int
    input_tokens: int
    output_tokens: int
    usd: float


@dataclass(frozen=True)
class Comparison:
    """Two sides, side by side. ``accounts`` are None for what is no run."""

    sides: tuple[Side, Side]
    joined: Joined
    measures: tuple[Compared, ...]
    accounts: tuple[Shares | None, Shares | None]
    how: Measuring
    reference: str = ""
    resamples: int = RESAMPLES
    seed: int = SEED


def compare(
    sides: tuple[Side, Side],
    how: Measuring,
    references: References | None = None,
    resamples: int = RESAMPLES,
    seed: int = SEED,
    workers: int = 0,
) -> Comparison:
    """The comparison. Raises InputError where no image is on both sides."""
    one, other = (measure_side(side, how, references, workers) for side in sides)
    joined = join(one, other)
    if not joined.images:
        a, b = sides
        raise InputError(
            f"{a.name} ({joined.alone[0]:,} images) and {b.name} ({joined.alone[1]:,} images) have "
            "no image in common, by id, content or file name: give two ways of captioning the "
            "same images"
        )
    reference = "" if references is None else str(references.path)
    measures = tuple(_measures(one, other, joined, resamples, seed))
    if references is not None and not any(m.group == "pancap" for m in measures):
        raise InputError(
            f"{reference} has none of the {joined.images:,} images that {sides[0].name} and "
            f"{sides[1].name} have in common; its image_path must end in their file's name"
        )
    accounts = (_shares(sides[0]), _shares(sides[1]))
    return Comparison(sides, joined, measures, accounts, how, reference, resamples, seed)


def _measures(
    one: Columns, other: Columns, joined: Joined, resamples: int, seed: int
) -> Iterator[Compared]:
    known = _ordered(one, other)
    pairs = [
        (
            one.ratio(name, joined.places[0], joined.images),
            other.ratio(name, joined.places[1], joined.images),
        )
        for name in known
    ]
    found = paired_differences(pairs, resamples, seed)
    for name, (first, second), difference in zip(known, pairs, found, strict=True):
        group, _, measure = name.partition(".")
        told = _NAMES.get(measure, f"{measure} per caption" if measure in COUNTS else measure)
        if name == "all.words":
            told = "words per image"
        values = (first.value, second.value)
        if difference is not None:
            values = (difference.first, difference.second)
        if any(value is not None for value in values) and _says(group, measure, values):
            yield Compared(group, told, *values, difference)


def _says(group: str, measure: str, values: tuple[float | None, float | None]) -> bool:
    """Is it worth a row? Not where nothing of the kind is on either side."""
    optional = group == "calls" or measure == "captions"
    return not optional or any(values)


def _ordered(one: Columns, other: Columns) -> list[str]:
    """The measures of either side in the order in which they are shown."""
    measures = (*one.measures, *other.measures)
    inner = ("captions", *COUNTS, "grounded", "score", *DIMENSIONS)
    calls = ("asked", "input_tokens", "output_tokens", "usd")
    places = {name: place for place, name in enumerate((*inner, *calls))}
    groups = list(GROUPS)

    def place(measure: str) -> tuple[int, int, str]:
        group, _, name = measure.partition(".")
        # The names of stored scores are anybody's.
        at = len(places) if group == "score" else places.get(name, len(places))
        return groups.index(group), at, name

    return sorted(dict.fromkeys(measures), key=place)


def _shares(side: Side) -> Shares | None:
    account = side.account
    if account is None:
        return None
    stages, calls = account.stages, account.calls()
    return Shares(
        read=stages[0].came_in,
        kept=stages[-1].given,
        dropped=sum(sum(stage.dropped.values()) for stage in stages),
        failed=account.failed,
        pending=sum(stage.pending for stage in stages),
        captions_dropped=sum(sum(stage.captions_dropped.values()) for stage in stages),
        calls=calls.asked,
        perhaps_paid=calls.perhaps_paid,
        input_tokens=calls.input_tokens,
        output_tokens=calls.output_tokens,
        usd=in_usd(calls.spent_nano),
    )
