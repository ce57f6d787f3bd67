"""Chooses images of an annotation file before any of them is opened: a sample, some licences."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, NamedTuple

from pydantic import Field, field_validator

from annoengine.errors import InputError
from annoengine.fingerprint import canonical_json, sha256_hex
from annoengine.reading.input_file import Links
from annoengine.record import Licence
from annoengine.stage import Parameters

IdPart = Annotated[str, Field(pattern=r"^[^/]+$")]
"""A part of a record's id, between its slashes."""


class Sample(Parameters):
    """A sample of the annotation file, the same on every machine.

    The ``n`` images are those with the smallest seeded hash of their record id, so that a larger
    sample holds the smaller one, and another order of the file changes nothing.
    """

    n: int = Field(ge=1)
    """How many images to take; fewer where fewer qualify."""
    seed: int | None = None
    """Which sample; the run's seed unless set."""
    segments: tuple[int, int] | None = None
    """The least and the greatest number of segments that are no crowd, both included."""

    @field_validator("segments")
    @classmethod
    def _ordered(cls, value: tuple[int, int] | None) -> tuple[int, int] | None:
        if value is not None and not 0 <= value[0] <= value[1]:
            raise ValueError(f"the range {list(value)} must be [least, greatest], from 0 up")
        return value


class AnnotatedImagesParameters(Parameters):
    """Which images of the annotation file, and under which name."""

    dataset: IdPart = "coco"
    """The dataset's name: the first part of each record's id."""
    split: IdPart | None = None
    """The split's name; told by the name of the annotation file, or of its folder, unless set."""
    sample: Sample | None = None
    """Take only a sample of the images."""
    licences: tuple[int | str, ...] | None = None
    """Take only photographs under these licences: ids, or parts of a name or URL."""
    links: Links = "follow"
    """Whether photographs and masks may be symbolic links that lead out of their folder."""


def smallest(n: int, seed: int, candidates: Iterable[tuple[str, int]]) -> set[int]:
    """The positions of the ``n`` candidates (record id, position) with the smallest hashes.

    Keeps ``n`` of them in memory, whatever the number of candidates.

    >>> smallest(2, 0, [("coco/val/1", 0), ("coco/val/2", 1), ("coco/val/3", 2)])
    {0, 2}
    """
    hashed = ((sha256_hex(canonical_json([seed, id]))[:32], at) for id, at in candidates)
    return {position for _, position in heapq.nsmallest(n, hashed)}


class Candidate(NamedTuple):
    """An image that may be chosen: ``segments`` counts those that are no crowd."""

    record_id: str
    position: int
    licence: int | None
    segments: int


def choose(
    candidates: Iterable[Candidate],
    which: AnnotatedImagesParameters,
    seed: int,
    path: Path,
    licences: Mapping[int, Licence],
    listing: Path | None = None,
) -> tuple[set[int] | None, dict[str, int]]:
    """The positions that the sample and the licences choose, and how many each left out.

    Without a sample and licences the positions are None, for all, and no candidate is asked for.
    ``seed`` is the run's; the sample's own goes before it. ``licences`` are those that ``listing``
    has, which is ``path`` itself unless it is another file. Raises InputError for a licence that
    is none of them, and where nothing of ``path`` is left.

    >>> images = [Candidate("d/s/1", 0, 4, 9), Candidate("d/s/2", 1, 2, 9)]
    >>> licences = {id: Licence(id=id) for id in (2, 4)}
    >>> which = AnnotatedImagesParameters(licences=(2,))
    >>> choose(images, which, 0, Path("instances.json"), licences)
    ({1}, {'licence': 1})
    """
    sample, wanted = which.sample, which.licences
    if sample is None and wanted is None:
        return None, {}
    allowed = None if wanted is None else _licences_named(wanted, licences, listing or path)
    left_out = dict.fromkeys(("licence", "segments", "sample"), 0)
    range_ = sample.segments if sample else None

    def fitting() -> Iterator[tuple[str, int]]:
        for record_id, position, licence, segments in candidates:
            if allowed is not None and licence not in allowed:
                left_out["licence"] += 1
            elif range_ is not None and not range_[0] <= segments <= range_[1]:
                left_out["segments"] += 1
            else:
                left_out["sample"] += 1
                yield record_id, position

    if sample is None:
        chosen = {position for _, position in fitting()}
    else:
        chosen = smallest(sample.n, seed if sample.seed is None else sample.seed, fitting())
    left_out["sample"] -= len(chosen)
    left_out = {reason: n for reason, n in left_out.items() if n}
    if not chosen:
        why = ", ".join(f"{n} by {reason}" for reason, n in left_out.items())
        raise InputError(f"nothing of {path} is chosen: left out {why}")
    return chosen, left_out


def _licences_named(
    wanted: Sequence[int | str], licences: Mapping[int, Licence], path: Path
) -> frozenset[int]:
    """Ids of the licences that are named by id, or by a part of their name or URL.

    Raises InputError, listing what ``path`` has, for a name that fits none.
    """
    ids: set[int] = set()
    for want in wanted:
        matching = {licence.id for licence in licences.values() if _is_named(licence, want)}
        if not matching:
            known = "; ".join(f"{x.id} {x.name} ({x.url})" for x in licences.values())
            raise InputError(
                f"no licence in {path} is {want!r}. "
                + (f"There are: {known}" if known else "It lists none")
            )
        ids |= matching
    return frozenset(ids)


def _is_named(licence: Licence, want: int | str) -> bool:
    if isinstance(want, int):
        return licence.id == want
    sought = want.lower()
    return bool(sought) and (sought in licence.name.lower() or sought in licence.url.lower())
