"""Ties the boxes of a caption to its phrases and to the image's entities, one to one.

What the numbers count is seen from all boxes together: of the grids that hold them, the one under
which they lie best on the entities' boxes. A box is its entity's by overlap and tag, assigned over
all of them at once (scipy), so that of two cups each gets its own. A box of a right phrase that
lies elsewhere has moved; one that fits nothing was invented.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment

from annoengine.box import iou
from annoengine.categories import fits, is_known
from annoengine.pancap.box_phrases import Stretch, is_place, phrases_before
from annoengine.pancap.boxed_caption import BoxedCaption, ExpectedEntity, Numbers
from annoengine.pancap.caption_boxes import BoxTrouble, Grid, are_shares, box_as_shares
from annoengine.pancap.content import BoxUnit

_FIT = 0.25
"""What a phrase that names the entity is worth beside an IoU of 0 to 1: it decides between boxes
that lie alike, never against one that lies clearly better. Ours."""

_SAME = 0.9
"""IoU from which a box is an entity's whatever its phrase says. Ours."""

_APART = 0.9
"""IoU under which two readings of the same numbers are two different boxes. Ours."""

_MARGIN = 0.1
"""How much better, in mean IoU, a reading must be for the other to be ruled out. Ours."""

_MOST_SHARE = 2.0
"""Numbers with a fraction below this are shares, though they leave the image. Ours."""

_SIDE = re.compile(r"\s+from the (?:left|right|top|bottom)\b(?! (?:of|side|edge))")
_ORDINAL = re.compile(r"\b(?:first|second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth)\b")
_GRIDS: tuple[Grid, ...] = ("of 1000", "of 999", "pixels")


@dataclass(frozen=True)
class TiedPlace:
    """The n-th box of a caption: as shares, its phrase, and the entity's number.

    ``entity`` is None where it is no entity's; ``moved`` is the entity whose phrase it follows
    without lying on it.
    """

    box: BoxUnit | None
    phrase: Stretch | None
    entity: int | None = None
    moved: int | None = None
    trouble: BoxTrouble | None = None


@dataclass(frozen=True)
class Tied:
    """All boxes in the order of the text. ``undetermined``: nobody can tell what they count."""

    places: tuple[TiedPlace, ...]
    grid: Grid
    undetermined: bool = False

    @property
    def told(self) -> frozenset[int]:
        """The entities that have a box of their own."""
        return frozenset(p.entity for p in self.places if p.entity is not None)


def tie(caption: BoxedCaption, expected: Sequence[ExpectedEntity], least_iou: float) -> Tied:
    """Each box with its phrase and its entity.

    >>> dog = ExpectedEntity(1, "dog", (0.1, 0.2, 0.3, 0.4))
    >>> from annoengine.pancap.boxed_caption import BoxPlace
    >>> said = BoxedCaption(text="A dog sleeps.", places=(BoxPlace(5, (100, 200, 300, 400)),))
    >>> tied = tie(said, (dog,), 0.5)
    >>> tied.grid, tied.places[0].entity, tied.places[0].phrase
    ('of 1000', 1, (0, 5))
    """
    numbers = [place.numbers for place in caption.places]
    grid, undetermined = _grid_of(numbers, expected)
    size_wh = expected[0].size_wh if expected else None
    read = [box_as_shares(n, "shares" if _are_shares(n) else grid, size_wh) for n in numbers]
    boxes = [box for box, _ in read]
    phrases = _phrases(caption)
    fit = np.array(
        [
            [any(_named(caption.text, s, e.category) for s in some) for e in expected]
            for some in phrases
        ],
        dtype=bool,
    ).reshape(len(boxes), len(expected))
    overlap = _overlaps(boxes, expected)
    own = _assigned(overlap + _FIT * fit, overlap >= least_iou)
    _repeat(own, overlap, fit, least_iou)
    left = [n for n in range(len(expected)) if n not in own.values()]
    moved = _assigned(
        np.where(fit, 1 + overlap, 0)[:, left],
        fit[:, left] & np.array([n not in own for n in range(len(boxes))], dtype=bool)[:, None],
    )
    places = []
    for n, (box, troubles) in enumerate(read):
        entity = expected[own[n]] if n in own else None
        away = expected[left[moved[n]]] if n in moved else None
        known = entity or away
        if entity is not None and away is None and box is not None:
            away = _other(caption.text, phrases[n], entity, expected)
            entity = None if away is not None else entity
        chosen = next(
            (s for s in phrases[n] if known and _named(caption.text, s, known.category)),
            phrases[n][0] if phrases[n] else None,
        )
        places.append(
            TiedPlace(
                box,
                _with_side(caption.text, chosen),
                entity.mark if entity else None,
                away.mark if away and box is not None else None,
                troubles[0] if box is None else None,
            )
        )
    return Tied(tuple(places), grid, undetermined)


def _phrases(caption: BoxedCaption) -> list[list[Stretch]]:
    """The phrases that each box may be for, likeliest first: those of things, then of places.

    A phrase with a box of its own directly behind it is not another box's.
    """
    found: list[list[Stretch]] = []
    text, taken = caption.text, -1
    for n, place in enumerate(caption.places):
        if n and caption.places[n - 1].at < place.at:
            taken = caption.places[n - 1].at
        some = [s for s in phrases_before(text, place.at) if s[1] > taken]
        found.append(sorted(some, key=lambda s: is_place(text[s[0] : s[1]])))
    return found


def _are_shares(numbers: Numbers) -> bool:
    """Are these shares, be it of a box that leaves the image?"""
    fraction = any(number != int(number) for number in numbers)
    return are_shares(numbers) or (fraction and max(numbers) < _MOST_SHARE)


def _named(text: str, stretch: Stretch, category: str) -> bool:
    return is_known(category) and fits(text[stretch[0] : stretch[1]], category)


def _other(
    text: str, phrases: Sequence[Stretch], own: ExpectedEntity, expected: Sequence[ExpectedEntity]
) -> ExpectedEntity | None:
    """Whom else the phrases of a box name, where they do not name whose box it is.

    A box behind words that fit nobody is still its entity's: a tag may be wrong.
    """
    if not is_known(own.category) or any(_named(text, s, own.category) for s in phrases):
        return None
    nearest = phrases[0] if phrases else None
    others = [e for e in expected if e.mark != own.mark]
    return next((e for e in others if nearest and _named(text, nearest, e.category)), None)


def _with_side(text: str, stretch: Stretch | None) -> Stretch | None:
    """The phrase with the side from which it counts: "the second cup from the left"."""
    side = _SIDE.match(text, stretch[1]) if stretch is not None else None
    if stretch is None or side is None or not _ORDINAL.search(text[stretch[0] : stretch[1]]):
        return stretch
    return stretch[0], side.end()


def _overlaps(boxes: Sequence[BoxUnit | None], expected: Sequence[ExpectedEntity]) -> np.ndarray:
    """float64 (boxes, entities): IoU, 0 for what is no box."""
    rows = [[iou(box, e.box) if box is not None else 0.0 for e in expected] for box in boxes]
    return np.array(rows, dtype=float).reshape(len(boxes), len(expected))


def _assigned(worth: np.ndarray, allowed: np.ndarray) -> dict[int, int]:
    """The pairs of the best assignment, row to column, of those that are allowed."""
    if not worth.size:
        return {}
    rows, columns = linear_sum_assignment(np.where(allowed, worth, 0.0), maximize=True)
    return {int(r): int(c) for r, c in zip(rows, columns, strict=True) if allowed[r, c]}


def _repeat(own: dict[int, int], overlap: np.ndarray, fit: np.ndarray, least_iou: float) -> None:
    """Gives further boxes to entities that have one: the caption may name a thing twice."""
    for n in range(len(overlap)):
        if n in own or not overlap.shape[1]:
            continue
        best = int(np.argmax(overlap[n] + _FIT * fit[n]))
        if overlap[n, best] >= _SAME or (fit[n, best] and overlap[n, best] >= least_iou):
            own[n] = best


def _grid_of(numbers: Sequence[Numbers], expected: Sequence[ExpectedEntity]) -> tuple[Grid, bool]:
    """What numbers that are no shares count, and whether that stays open."""
    counted = [n for n in numbers if not _are_shares(n)]
    if not counted:
        return "shares", False
    size_wh = expected[0].size_wh if expected else None
    read: dict[Grid, list[BoxUnit | None]] = {
        grid: [box_as_shares(n, grid, size_wh)[0] for n in counted] for grid in _GRIDS
    }
    held = {grid: sum(box is not None for box in boxes) for grid, boxes in read.items()}
    most = max(held.values())
    left = [grid for grid in _GRIDS if held[grid] == most and most]
    if not left:
        return ("pixels" if max(map(max, counted)) > 1000 else "of 1000"), False
    scores = {
        grid: float(_overlaps(read[grid], expected).max(axis=1).mean()) if expected else 0.0
        for grid in left
    }
    best = max(left, key=lambda grid: (scores[grid], -_GRIDS.index(grid)))
    open_too = [
        grid
        for grid in left
        if scores[best] - scores[grid] < _MARGIN and _differ(read[best], read[grid])
    ]
    return best, bool(open_too)


def _differ(one: Sequence[BoxUnit | None], other: Sequence[BoxUnit | None]) -> bool:
    return any(
        a is not None and b is not None and iou(a, b) < _APART
        for a, b in zip(one, other, strict=True)
    )
