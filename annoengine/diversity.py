"""Chooses splits whose images look unlike each other, by cosines of one vector an image.

Test and validation images are chosen as one set: the best by score first, each no nearer than
``apart`` to any chosen before it. What is left is for training, the best first again, where it is
no nearer than ``away`` to any image of that set. Images of equal score go by their id, so the
result depends on nothing but ids, scores and vectors.

An image is compared with what is chosen, never with all others, and block by block: with n images
and k chosen ones it takes n × k products, and memory for k vectors and one block.

Source: arXiv 2505.16334, section 4.2 (0.2, 0.5, the best captions first, and how many).
Deviations: the feature and how far a split may fall short are not published.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from annoengine.fingerprint import fingerprint

Split = Literal["train", "val", "test"]
SPLITS: tuple[Split, ...] = ("train", "val", "test")

TOO_NEAR, FULL = "near evaluation", "split full"
"""Why an image is in no split: it is too like one of val or test; there are enough without it."""

_BLOCK = 2048


@dataclass(frozen=True)
class Choice:
    """``split`` of each chosen image by its id, ``left`` with the reason of the others, and
    ``nearest``: its largest cosine to an (other) image of val and test, and that image's id."""

    split: Mapping[str, Split]
    left: Mapping[str, str]
    nearest: Mapping[str, tuple[float, str]]


@dataclass
class _Chosen:
    """Images of val and test with their vectors, float64 (chosen, dimensions)."""

    ids: list[str] = field(default_factory=list)
    rows: list[NDArray[np.float64]] = field(default_factory=list)

    def nearest(self, block: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
        """float64 (rows of the block,): the largest cosine of each, and with which; -2: none."""
        if not self.rows:
            return np.full(len(block), -2.0), np.zeros(len(block), dtype=np.intp)
        cosines = block @ np.stack(self.rows).T
        which = cosines.argmax(axis=1)
        return cosines[np.arange(len(block)), which], which


def apportioned(counts: Mapping[Split, int], images: int) -> dict[Split, int]:
    """The counts, made smaller in proportion where there are fewer images; none becomes empty.

    >>> apportioned({"train": 9000, "val": 500, "test": 130}, 963)
    {'train': 900, 'val': 50, 'test': 13}
    >>> apportioned({"train": 9000, "val": 500, "test": 130}, 6)
    {'train': 4, 'val': 1, 'test': 1}
    >>> apportioned({"train": 9000, "val": 500, "test": 130}, 20000)
    {'train': 9000, 'val': 500, 'test': 130}
    """
    total = sum(counts.values())
    if images >= total:
        return dict(counts)
    found: dict[Split, int] = {
        name: max(1, math.floor(count * images / total)) if count else 0
        for name, count in counts.items()
    }
    by_rest = sorted(counts, key=lambda name: (-((counts[name] * images / total) % 1), name))
    for name in by_rest:
        if sum(found.values()) < images and counts[name]:
            found[name] += 1
    while sum(found.values()) > images:
        largest = max(found, key=lambda name: found[name])
        found[largest] -= 1
    return found


def choose(
    ids: Sequence[str],
    scores: NDArray[np.float64],
    vectors: NDArray[np.float32],
    counts: Mapping[Split, int],
    apart: float,
    away: float,
    seed: int,
) -> Choice:
    """The splits of images with ``scores`` (n,), NaN where there is none, and ``vectors`` (n, d)
    of length 1. ``counts`` are the images wanted of each split.

    Which of the evaluation images are test images is drawn by seed and id. Where fewer are far
    enough from each other than wanted, val and test shrink in proportion.
    """
    lowest = np.where(np.isnan(scores), -np.inf, scores)
    order = sorted(range(len(ids)), key=lambda i: (-lowest[i], ids[i]))
    chosen = _Chosen()
    _choose_apart(order, ids, vectors, chosen, counts["val"] + counts["test"], apart)
    split = _shared_out(chosen.ids, counts, seed)
    nearest = _among_themselves(chosen)
    left: dict[str, str] = {}
    rest = [i for i in order if ids[i] not in split]
    room = counts["train"]
    for start in range(0, len(rest), _BLOCK):
        block = rest[start : start + _BLOCK]
        cosines, which = chosen.nearest(_rows(vectors, block))
        for i, cosine, other in zip(block, cosines.tolist(), which.tolist(), strict=True):
            if chosen.ids:
                nearest[ids[i]] = (cosine, chosen.ids[other])
            if cosine > away:
                left[ids[i]] = TOO_NEAR
            elif room:
                split[ids[i]] = "train"
                room -= 1
            else:
                left[ids[i]] = FULL
    return Choice(split, left, nearest)


def _rows(vectors: NDArray[np.float32], block: Sequence[int]) -> NDArray[np.float64]:
    # Double precision: a cosine at the threshold falls on one side, whatever library adds it up.
    return np.asarray(vectors[np.asarray(block, dtype=np.intp)], dtype=np.float64)


def _choose_apart(
    order: Sequence[int],
    ids: Sequence[str],
    vectors: NDArray[np.float32],
    chosen: _Chosen,
    wanted: int,
    apart: float,
) -> None:
    """Adds images in their order, each no nearer than ``apart`` to those before, up to wanted."""
    for start in range(0, len(order), _BLOCK):
        if len(chosen.ids) >= wanted:
            return
        block = order[start : start + _BLOCK]
        rows = _rows(vectors, block)
        largest, _ = chosen.nearest(rows)
        for at, i in enumerate(block):
            if largest[at] > apart:
                continue
            chosen.ids.append(ids[i])
            chosen.rows.append(rows[at])
            if len(chosen.ids) >= wanted:
                return
            np.maximum(largest[at:], rows[at:] @ rows[at], out=largest[at:])


def _shared_out(ids: Sequence[str], counts: Mapping[Split, int], seed: int) -> dict[str, Split]:
    """Val or test for each evaluation image."""
    wanted = counts["val"] + counts["test"]
    test = counts["test"]
    if len(ids) < wanted:
        test = round(len(ids) * counts["test"] / wanted)
        if counts["test"] and counts["val"] and len(ids) > 1:
            test = min(max(test, 1), len(ids) - 1)
    drawn = set(sorted(ids, key=lambda id: fingerprint([seed, id]))[:test])
    return {id: "test" if id in drawn else "val" for id in ids}


def _among_themselves(chosen: _Chosen) -> dict[str, tuple[float, str]]:
    """The nearest other image of each evaluation image; nothing for one alone."""
    if len(chosen.ids) < 2:
        return {}
    rows = np.stack(chosen.rows)
    cosines = rows @ rows.T
    np.fill_diagonal(cosines, -2.0)
    which = cosines.argmax(axis=1)
    return {
        id: (float(cosines[i, which[i]]), chosen.ids[which[i]]) for i, id in enumerate(chosen.ids)
    }
