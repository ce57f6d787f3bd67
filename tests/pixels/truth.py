"""Decides from pixels and masks whether a statement is true, by code of its own.

The definitions of ``annoengine.baseline.region_looks`` and ``annoengine.baseline.region_relations``
are stated again here, on whole-image masks and in plain numpy: own sRGB to Lab, own colour names,
own geometry. Nothing of the code under test is used but the categories' names.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from annoengine.categories import words_of
from tests.pixels.colour_names import KIND_OF, colour_name, is_called, lab_of
from tests.pixels.sentences import Named, Said

BoolImage = NDArray[np.bool_]

SLACK = 1e-4
"""For shares that single- and double-precision arithmetic may round to different sides."""


@dataclass(frozen=True)
class Thing:
    """A segment: its mask on the whole image, or None and its box ``(x1, y1, x2, y2)``."""

    id: int
    category: str
    isthing: bool
    iscrowd: bool
    mask: BoolImage | None
    box: tuple[float, float, float, float]

    @property
    def noun(self) -> str:
        return words_of(self.category).show


class Truth:
    """The judge of one picture."""

    def __init__(self, photo: NDArray[np.uint8], things: Sequence[Thing]) -> None:
        self.photo = photo
        self.height, self.width = int(photo.shape[0]), int(photo.shape[1])
        self.things = list(things)
        self.by_id = {thing.id: thing for thing in things}
        self._cells: dict[int, tuple[list[tuple[str, float]], NDArray[np.float64]]] = {}
        self._shift: dict[int, tuple[list[BoolImage], int]] = {}

    # What is measured.

    def mask(self, id: int) -> BoolImage:
        mask = self.by_id[id].mask
        assert mask is not None, "something was said of a mask that is not there"
        return mask

    def box(self, id: int) -> tuple[float, float, float, float]:
        thing = self.by_id[id]
        if thing.mask is None:
            x1, y1, x2, y2 = thing.box
            return max(0, x1), max(0, y1), min(self.width, x2), min(self.height, y2)
        ys, xs = np.nonzero(thing.mask)
        return int(xs.min()), int(ys.min()), int(xs.max()) + 1, int(ys.max()) + 1

    def centre(self, id: int) -> tuple[float, float]:
        if self.by_id[id].mask is None:
            x1, y1, x2, y2 = self.box(id)
            return (x1 + x2) / 2, (y1 + y2) / 2
        ys, xs = np.nonzero(self.mask(id))
        return float(xs.mean()) + 0.5, float(ys.mean()) + 0.5

    def cells(self, id: int) -> tuple[list[tuple[str, float]], NDArray[np.float64]]:
        """(name, pixels) of each cell, and its L*."""
        if id not in self._cells:
            ys, xs = np.nonzero(self.mask(id))
            y, x = ys - ys.min(), xs - xs.min()
            side = -(-max(int(y.max()) + 1, int(x.max()) + 1) // 40)
            cell = (y // side) * 10_000 + x // side
            unique, place = np.unique(cell, return_inverse=True)
            count = np.bincount(place, minlength=len(unique))
            means = [
                np.bincount(place, weights=self.photo[ys, xs, c].astype(float)) / count
                for c in range(3)
            ]
            named = [
                (colour_name(round(float(r), 3), round(float(g), 3), round(float(b), 3)), float(n))
                for r, g, b, n in zip(*means, count, strict=True)
            ]
            light = np.array(
                [lab_of(*(float(v) for v in rgb))[0] for rgb in zip(*means, strict=True)]
            )
            self._cells[id] = named, light
        return self._cells[id]

    def colour_share(self, id: int, word: str) -> float:
        cells, _ = self.cells(id)
        return sum(n for name, n in cells if is_called(name, word)) / sum(n for _, n in cells)

    def families(self, id: int) -> list[float]:
        families = {
            KIND_OF.get(base, base) for base in (n.split()[-1] for n, _ in self.cells(id)[0])
        }
        return [self.colour_share(id, family) for family in families]

    def light(self, id: int) -> tuple[float, float, float]:
        """Mean, 5th and 95th percentile of L*, by pixels."""
        cells, light = self.cells(id)
        values = np.sort(np.repeat(light, [int(n) for _, n in cells]))
        n = len(values)
        low, high = (values[max(0, math.ceil(p * n - 1e-6) - 1)] for p in (0.05, 0.95))
        return float(values.mean()), float(low), float(high)

    def grain(self, id: int) -> float:
        mask, rgb = self.mask(id), self.photo.astype(np.float64)
        luma = rgb[..., 0] * 0.299 + rgb[..., 1] * 0.587 + rgb[..., 2] * 0.114
        right, down = mask[:, 1:] & mask[:, :-1], mask[1:] & mask[:-1]
        steps = np.concatenate(
            [np.abs(np.diff(luma, axis=1))[right], np.abs(np.diff(luma, axis=0))[down]]
        )
        return float(steps.mean()) if steps.size else math.nan

    def outer(self, id: int) -> tuple[list[BoolImage], int]:
        """For each of the four sides, the outer pixels of the edges; and edges at the frame."""
        if id not in self._shift:
            mask = self.mask(id)
            moved = []
            for axis, step in ((0, 1), (0, -1), (1, 1), (1, -1)):
                shifted = np.zeros_like(mask)
                source = [slice(None), slice(None)]
                target = [slice(None), slice(None)]
                source[axis] = slice(None, -1) if step == 1 else slice(1, None)
                target[axis] = slice(1, None) if step == 1 else slice(None, -1)
                shifted[tuple(target)] = mask[tuple(source)]
                moved.append(shifted & ~mask)
            frame = mask[0].sum() + mask[-1].sum() + mask[:, 0].sum() + mask[:, -1].sum()
            self._shift[id] = moved, int(frame)
        return self._shift[id]

    def edges(self, id: int) -> int:
        return sum(int(side.sum()) for side in self.outer(id)[0])

    def contacts(self, a: int, b: int) -> int:
        return sum(int((side & self.mask(b)).sum()) for side in self.outer(a)[0])

    def axes(self, id: int) -> tuple[float, float, float]:
        """Standard deviations along the principal axes and the angle of the longer one."""
        ys, xs = np.nonzero(self.mask(id))
        spread = np.cov(np.stack([xs, -ys]).astype(float), bias=True) + np.eye(2) / 12
        values, vectors = np.linalg.eigh(spread)
        angle = math.degrees(math.atan2(vectors[1, 1], vectors[0, 1]))
        return math.sqrt(values[1]), math.sqrt(values[0]), (angle + 90) % 180 - 90

    def ellipse_iou(self, id: int) -> float:
        ys, xs = np.nonzero(self.mask(id))
        points = np.stack([xs - xs.mean(), ys - ys.mean()])
        spread = points @ points.T / points.shape[1] + np.eye(2) / 12
        distance = (points * np.linalg.solve(spread, points)).sum(axis=0)
        inside = int((distance <= 4).sum())
        area = 4 * math.pi * math.sqrt(float(np.linalg.det(spread)))
        return inside / (len(xs) + area - inside)

    def hull_area(self, id: int) -> float:
        mask = self.mask(id)
        corners = set()
        for y in np.flatnonzero(mask.any(axis=1)).tolist():
            xs = np.flatnonzero(mask[y])
            for x in (int(xs[0]), int(xs[-1]) + 1):
                corners |= {(x, y), (x, y + 1)}
        points = sorted(corners)

        def chain(points: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
            out: list[tuple[int, int]] = []
            for p in points:
                while len(out) > 1 and (
                    (out[-1][0] - out[-2][0]) * (p[1] - out[-2][1])
                    <= (out[-1][1] - out[-2][1]) * (p[0] - out[-2][0])
                ):
                    out.pop()
                out.append(p)
            return out[:-1]

        hull = chain(points) + chain(points[::-1])
        return (
            abs(
                sum(
                    a[0] * b[1] - b[0] * a[1]
                    for a, b in zip(hull, hull[1:] + hull[:1], strict=True)
                )
            )
            / 2
        )

    def parts(self, id: int) -> int:
        """8-connected parts of at least a tenth of the area, by joining the runs of rows."""
        mask = self.mask(id)
        parent: list[int] = []
        size: list[int] = []

        def find(i: int) -> int:
            while parent[i] != i:
                i = parent[i]
            return i

        above: list[tuple[int, int, int]] = []
        for row in mask:
            ends = np.flatnonzero(np.diff(np.concatenate([[0], row.astype(np.int8), [0]])))
            runs = []
            for start, stop in zip(ends[::2].tolist(), ends[1::2].tolist(), strict=True):
                label = len(parent)
                parent.append(label)
                size.append(stop - start)
                for first, last, other in above:
                    if first <= stop and start <= last:
                        parent[find(other)] = find(label)
                runs.append((start, stop, label))
            above = runs
        totals: dict[int, int] = {}
        for label, pixels in enumerate(size):
            totals[find(label)] = totals.get(find(label), 0) + pixels
        return sum(total * 10 >= int(mask.sum()) for total in totals.values())

    # Whom a phrase may stand for.

    def candidates(self, name: Named, speaker: int) -> list[int]:
        alike = [t for t in self.things if t.noun == name.noun]
        if name.how == "the":
            return [t.id for t in alike] if len(alike) == 1 and not alike[0].iscrowd else []
        found = [t.id for t in alike if not t.iscrowd and t.id != speaker]
        if name.how in ("a", "another"):
            same = self.by_id[speaker].noun == name.noun
            return found if same == (name.how == "another") else []
        side = {"leftmost": "left", "rightmost": "right", "topmost": "top", "lowest": "bottom"}
        return [id for id in found if self.holds(id, Said("ordinal", (1, side[name.how])))]

    def holds(self, id: int, said: Said, between: Sequence[int] | None = None) -> bool:
        """Is the statement true of the segment? ``between`` fixes the others, as an interaction
        does; else some segments that the names may stand for must fit."""
        if not said.others:
            return bool(getattr(self, f"_{said.kind}")(id, *said.value))
        choices = self._choices(id, said) if between is None else [tuple(between)]
        method = getattr(self, "_" + said.kind.replace(" ", "_"))
        return any(method(id, *said.value, *others) for others in choices)

    def _choices(self, id: int, said: Said) -> Iterator[tuple[int, ...]]:
        lists = [self.candidates(name, id) for name in said.others]
        if len(lists) == 1:
            yield from ((one,) for one in lists[0])
        else:
            yield from ((one, two) for one in lists[0] for two in lists[1] if one != two)

    # The definitions.

    def _colour(self, id: int, form: str, *words: str) -> bool:
        shares = [self.colour_share(id, word) + SLACK for word in words]
        if form == "many":
            return sum(share + SLACK >= 0.1 for share in self.families(id)) >= 4
        if form == "two":
            return min(shares) >= 0.2 and sum(shares) >= 0.6 and not self._alike(*words)
        return shares[0] >= {"entirely": 0.9, "mostly": 0.6, "partly": 0.25}[form]

    def _alike(self, one: str, two: str) -> bool:
        """Would the two words count the same pixels twice?"""
        return one.split()[-1] == two.split()[-1] or is_called(one, two) or is_called(two, one)

    def _tinge(self, id: int, *words: str) -> bool:
        return all(self.colour_share(id, word) + SLACK >= 0.1 for word in words)

    def _tone(self, id: int, tone: str) -> bool:
        _, low, high = self.light(id)
        return high - low <= 12 + 1e-3 if tone == "even" else high - low >= 70 - 1e-3

    def _grain(self, id: int, grain: str) -> bool:
        value = self.grain(id)
        return value <= 2 + SLACK if grain == "smooth" else value >= 15 - SLACK

    def _shape(self, id: int, shape: str) -> bool:
        area = int(self.mask(id).sum())
        x1, y1, x2, y2 = self.box(id)
        long, short, _ = self.axes(id)
        ratio = long / short
        if area < 64:
            return False
        if shape == "rectangular":
            return area / ((x2 - x1) * (y2 - y1)) >= 0.93 - SLACK
        if shape == "irregular":
            return area / self.hull_area(id) <= 0.5 + SLACK
        if shape == "narrow":
            return ratio >= 3.5 - SLACK and area / self.hull_area(id) >= 0.6 - SLACK
        full = self.ellipse_iou(id) >= 0.93 - SLACK
        if shape == "round":
            return full and ratio <= 1.2 + SLACK
        return full and 1.2 - SLACK < ratio <= 3 + SLACK

    def _lie(self, id: int, lie: str) -> bool:
        long, short, angle = self.axes(id)
        if long / short < 2 - SLACK or int(self.mask(id).sum()) < 64:
            return False
        return {
            "upright": abs(angle) >= 75 - SLACK,
            "level": abs(angle) <= 15 + SLACK,
            "rising": 25 - SLACK <= angle <= 65 + SLACK,
            "falling": -65 - SLACK <= angle <= -25 + SLACK,
        }[lie]

    def _parts(self, id: int, n: int) -> bool:
        return n >= 2 and self.parts(id) == n

    def _proportion(self, id: int, way: str, times: int) -> bool:
        x1, y1, x2, y2 = self.box(id)
        ratio = (y2 - y1) / (x2 - x1) if way == "tall" else (x2 - x1) / (y2 - y1)
        return ratio >= 1.25 if times == 1 else abs(ratio - times) <= 0.25

    def _share(self, id: int, percent: int) -> bool:
        return self._percent(int(self.mask(id).sum()), percent)

    def _box_share(self, id: int, percent: int) -> bool:
        x1, y1, x2, y2 = self.box(id)
        return self.by_id[id].mask is None and self._percent(round((x2 - x1) * (y2 - y1)), percent)

    def _percent(self, area: float, percent: int) -> bool:
        true = 100 * area / (self.width * self.height)
        if percent == 0:
            return true < 0.5
        # Rounded to whole percents below ten, to fives above.
        return abs(true - percent) <= (0.5 if true < 9.5 else 2.5) and true >= 0.5

    def _place(self, id: int, column: str, row: str) -> bool:
        x1, y1, x2, y2 = self.box(id)
        x, y = self.centre(id)
        thirds = [
            (column, ("left", "centre", "right"), x / self.width, (x2 - x1) / self.width),
            (row, ("top", "middle", "bottom"), y / self.height, (y2 - y1) / self.height),
        ]
        for said, words, at, size in thirds:
            # Whatever spans most of the image is in no third of it.
            if (said == "") != (size >= 0.6):
                return False
            if said and words[min(2, math.floor(at * 3))] != said:
                return False
        return True

    def _centre(self, id: int, across: int, down: int) -> bool:
        x, y = self.centre(id)
        return (
            abs(100 * x / self.width - across) <= 0.5 + SLACK
            and abs(100 * y / self.height - down) <= 0.5 + SLACK
        )

    def _edges(self, id: int, *sides: str) -> bool:
        x1, y1, x2, y2 = self.box(id)
        met = {
            "left": x1 <= 1,
            "top": y1 <= 1,
            "right": self.width - x2 <= 1,
            "bottom": self.height - y2 <= 1,
        }
        return set(sides) == {side for side, is_met in met.items() if is_met}

    def _mates(self, id: int) -> tuple[list[int], list[int]]:
        """The others of its name, and the crowds of its name."""
        alike = [t for t in self.things if t.noun == self.by_id[id].noun and t.id != id]
        return [t.id for t in alike if not t.iscrowd], [t.id for t in alike if t.iscrowd]

    def _count(self, id: int, how: str, n: int) -> bool:
        others, crowds = self._mates(id)
        return len(others) + 1 == n and (how == "at least") == bool(crowds)

    def _ordinal(self, id: int, place: int, side: str) -> bool:
        others, crowds = self._mates(id)
        axis = 0 if side in ("left", "right") else 1
        size = (self.width, self.height)[axis]
        sign = 1 if side in ("left", "top") else -1
        own = sign * self.centre(id)[axis]
        ahead = [sign * self.centre(o)[axis] - own for o in others]
        clear = all(abs(distance) >= 0.02 * size - SLACK for distance in ahead)
        for crowd in crowds:
            near = self.box(crowd)[axis if sign == 1 else axis + 2]
            clear = clear and sign * near - own >= 0.02 * size - SLACK
        return bool(others) and clear and sum(d < 0 for d in ahead) == place - 1

    def _extreme(self, id: int, which: str, n: int) -> bool:
        others, crowds = self._mates(id)
        if crowds or len(others) + 1 != n:
            return False
        if which in ("largest", "smallest"):
            own, areas = int(self.mask(id).sum()), [int(self.mask(o).sum()) for o in others]
            if which == "largest":
                return own >= 1.1 * max(areas) - SLACK
            return own * 1.1 <= min(areas) + SLACK
        own_light, lights = self.light(id)[0], [self.light(o)[0] for o in others]
        if which == "lightest":
            return bool(own_light >= max(lights) + 4 - 1e-3)
        return own_light <= min(lights) - 4 + 1e-3

    def _direction(self, id: int, side: str, other: int) -> bool:
        a, b = self.box(id), self.box(other)

        def apart(axis: int) -> bool:
            shared = min(a[axis + 2], b[axis + 2]) - max(a[axis], b[axis])
            return shared <= 0.2 * min(a[axis + 2] - a[axis], b[axis + 2] - b[axis])

        across = {"left": -1, "right": 1}.get(side.split()[-1], 0)
        down = {"above": -1, "below": 1}.get(side.split()[0], 0)
        for axis, sign in ((0, across), (1, down)):
            if apart(axis) != (sign != 0):
                return False
            if sign * ((a[axis] + a[axis + 2]) - (b[axis] + b[axis + 2])) < 0:
                return False
        return True

    def _touch(self, id: int, other: int) -> bool:
        if not self._masks(id, other):
            return False
        shared = max(self.contacts(id, other), self.contacts(other, id))
        return shared >= 4 and shared >= 0.05 * min(self.edges(id), self.edges(other))

    def _close_direction(self, id: int, side: str, other: int) -> bool:
        return self._direction(id, side, other) and self._touch(id, other)

    def _masks(self, *ids: int) -> bool:
        return all(self.by_id[id].mask is not None for id in ids)

    def _bordered(self, id: int, other: int) -> bool:
        return self._masks(id, other) and self.contacts(id, other) >= 0.5 * self.edges(id) > 0

    def _surrounded(self, id: int, other: int) -> bool:
        if not self._masks(id, other):
            return False
        reached = self.contacts(id, other) >= 0.9 * self.edges(id) > 0
        return reached and self.outer(id)[1] == 0

    def _overlapping(self, id: int, other: int) -> float:
        if not self._masks(id, other):
            return 0.0
        return float((self.mask(id) & self.mask(other)).sum() / self.mask(id).sum())

    def _inside(self, id: int, other: int) -> bool:
        return self._overlapping(id, other) >= 0.95 > self._overlapping(other, id)

    def _overlap(self, id: int, other: int) -> bool:
        return self._overlapping(id, other) >= 0.1

    def _between(self, id: int, way: str, first: int, second: int) -> bool:
        before, after = ("right", "left") if way == "across" else ("below", "above")
        return self._direction(id, before, first) and self._direction(id, after, second)
