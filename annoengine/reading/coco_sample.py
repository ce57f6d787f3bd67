"""Chooses images of an annotation file before any of them is opened: a sample, some licences."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from pydantic import Field, field_validator

from annoengine.errors import InputError
from annoengine.fingerprint import canonical_json, sha256_hex
from annoengine.record import Licence
from annoengine.stage import Parameters


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
    sample: Sample | None,
    seed: int,
    licences: frozenset[int] | None,
) -> tuple[set[int], dict[str, int]]:
    """The positions that a sample and licences (None: any) choose, and how many each left out.

    ``seed`` is the run's; the sample's own goes before it.

    >>> images = [Candidate("d/s/1", 0, 4, 9), Candidate("d/s/2", 1, 2, 9)]
    >>> choose(images, None, 0, frozenset({2}))
    ({1}, {'licence': 1})
    """
    left_out = dict.fromkeys(("licence", "segments", "sample"), 0)
    range_ = sample.segments if sample else None

    def allowed() -> Iterator[tuple[str, int]]:
        for record_id, position, licence, segments in candidates:
            if licences is not None and licence not in licences:
                left_out["licence"] += 1
            elif range_ is not None and not range_[0] <= segments <= range_[1]:
                left_out["segments"] += 1
            else:
                left_out["sample"] += 1
                yield record_id, position

    if sample is None:
        chosen = {position for _, position in allowed()}
    else:
        chosen = smallest(sample.n, seed if sample.seed is None else sample.seed, allowed())
    left_out["sample"] -= len(chosen)
    return chosen, {reason: n for reason, n in left_out.items() if n}


def licences_named(
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
