"""Shares the marks of a dense image among several drawings, each with few enough to be told apart.

A model must tell things of one category apart, so it should see them together: a category that
fits on one drawing is never split, and one that does not is cut into neighbourhoods. There are as
few drawings as that allows, none much emptier than the others; among equals, what lies close
together is shown together. A bin packing: largest block first, then moves and exchanges for as
long as they help. It is not optimal, and it is the same on every machine.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count, permutations

_MOST_TRIALS = 20_000
"""Moves and exchanges that are tried at most: some tens of milliseconds, for hundreds of tags."""


@dataclass(frozen=True)
class Markable:
    """What is to be marked: its number, its category, and the middle of its box."""

    number: int
    category: str
    centre_xy: tuple[float, float]


def split_marks(marks: Sequence[Markable], most: int | None) -> list[tuple[int, ...]]:
    """The numbers on each drawing, rising; drawings are ordered by their lowest number.

    ``most``: the marks that one drawing may carry; None for no limit. No marks give no drawing.

    >>> row = [Markable(n, "cup" if n % 2 else "dog", (n, 0)) for n in range(1, 8)]
    >>> split_marks(row, 4), split_marks(row, None)
    ([(1, 3, 5, 7), (2, 4, 6)], [(1, 2, 3, 4, 5, 6, 7)])
    """
    if not marks:
        return []
    if most is None or len(marks) <= most:
        return [tuple(sorted(mark.number for mark in marks))]
    by_category: dict[str, list[Markable]] = {}
    for mark in sorted(marks, key=lambda mark: mark.number):
        by_category.setdefault(mark.category, []).append(mark)
    # Even parts of a large category, unless full ones and a rest save a drawing.
    even = _pack(_blocks(by_category, most, even=True), most)
    full = _pack(_blocks(by_category, most, even=False), most)
    bins = full if len(full) < len(even) else even
    _improve(bins, most)
    return sorted(tuple(sorted(bin.numbers())) for bin in bins)


@dataclass(frozen=True)
class _Block:
    """Marks that stay together, with their count and the sums that a spread is worked out from."""

    marks: tuple[Markable, ...]
    size: int
    x: float
    y: float
    squares: float


@dataclass
class _Bin:
    """The blocks of one drawing, and their sums."""

    blocks: list[_Block] = field(default_factory=list)
    size: int = 0
    x: float = 0
    y: float = 0
    squares: float = 0

    def numbers(self) -> Iterator[int]:
        """The numbers of all its marks."""
        return (mark.number for block in self.blocks for mark in block.marks)

    def put(self, block: _Block) -> None:
        """Takes a block in."""
        self.blocks.append(block)
        self._count(block, 1)

    def take(self, block: _Block) -> None:
        """Gives a block away."""
        self.blocks.remove(block)
        self._count(block, -1)

    def _count(self, block: _Block, sign: int) -> None:
        self.size += sign * block.size
        self.x += sign * block.x
        self.y += sign * block.y
        self.squares += sign * block.squares

    def spread(self, plus: _Block | None = None, minus: _Block | None = None) -> float:
        """The sum of squared distances from the marks' middle, after an exchange."""
        size, x, y, squares = self.size, self.x, self.y, self.squares
        for block, sign in ((plus, 1), (minus, -1)):
            if block is not None:
                size += sign * block.size
                x, y = x + sign * block.x, y + sign * block.y
                squares += sign * block.squares
        return squares - (x * x + y * y) / size if size else 0.0


def _block(marks: Sequence[Markable]) -> _Block:
    xs, ys = [mark.centre_xy[0] for mark in marks], [mark.centre_xy[1] for mark in marks]
    squares = sum(x * x for x in xs) + sum(y * y for y in ys)
    return _Block(tuple(marks), len(marks), sum(xs), sum(ys), squares)


def _blocks(by_category: dict[str, list[Markable]], most: int, even: bool) -> list[_Block]:
    """Each category, whole where it fits, the largest first."""
    blocks = []
    for marks in by_category.values():
        parts, rest = -(-len(marks) // most), len(marks) % most
        if even:
            least, more = divmod(len(marks), parts)
            sizes = [least + 1] * more + [least] * (parts - more)
        else:
            sizes = [most] * (len(marks) // most) + ([rest] if rest else [])
        blocks += [_block(part) for part in _cut(marks, sizes)]
    return sorted(blocks, key=lambda block: (-block.size, block.marks[0].number))


def _cut(marks: list[Markable], sizes: list[int]) -> list[list[Markable]]:
    """Neighbourhoods of these sizes: halved again and again across the longer extent."""
    if len(sizes) == 1:
        return [sorted(marks, key=lambda mark: mark.number)]
    extents = [
        max(mark.centre_xy[axis] for mark in marks) - min(mark.centre_xy[axis] for mark in marks)
        for axis in (0, 1)
    ]
    axis = 0 if extents[0] >= extents[1] else 1
    ordered = sorted(marks, key=lambda mark: (mark.centre_xy[axis], mark.number))
    half = len(sizes) // 2
    first = sum(sizes[:half])
    return _cut(ordered[:first], sizes[:half]) + _cut(ordered[first:], sizes[half:])


def _pack(blocks: list[_Block], most: int) -> list[_Bin]:
    """The blocks in as few bins as largest-first finds: evenly if it can, else tightly."""
    total = sum(block.size for block in blocks)
    for number in count(-(-total // most)):
        for tightly in (False, True):
            bins = [_Bin() for _ in range(number)]
            if _fill(bins, blocks, most, tightly):
                return bins
    raise AssertionError("one bin for each block is always enough")


def _fill(bins: list[_Bin], blocks: list[_Block], most: int, tightly: bool) -> bool:
    for block in blocks:
        room = [bin for bin in bins if bin.size + block.size <= most]
        if not room:
            return False
        (max if tightly else min)(room, key=lambda bin: bin.size).put(block)
    return all(bin.size for bin in bins)


def _improve(bins: list[_Bin], most: int) -> None:
    """Moves and exchanges blocks while that fills what is too empty, or brings neighbours close."""
    # Three quarters of an even share leave room for neighbours to come together.
    least = 3 * sum(bin.size for bin in bins) // (4 * len(bins))
    trials = 0
    better = True
    while better:
        better = False
        for one, other in permutations(bins, 2):
            for mine in tuple(one.blocks):
                for theirs in (None, *other.blocks):
                    trials += 1
                    if trials > _MOST_TRIALS:
                        return
                    if _exchange(one, other, mine, theirs, most, least):
                        better = True
                        break


def _exchange(
    one: _Bin, other: _Bin, mine: _Block, theirs: _Block | None, most: int, least: int
) -> bool:
    """Does the exchange if it helps. ``theirs`` may be nothing: then it is a move."""
    moved = mine.size - (theirs.size if theirs else 0)
    after = (one.size - moved, other.size + moved)
    if max(after) > most or not min(after):
        return False
    short = sum(max(0, least - size) for size in after)
    short_before = sum(max(0, least - bin.size) for bin in (one, other))
    if short > short_before:
        return False
    spread_before = one.spread() + other.spread()
    spread = one.spread(theirs, mine) + other.spread(mine, theirs)
    # Rounding must never look like a gain, or there would be no end.
    if short == short_before and spread > spread_before - 1e-6 * (1 + spread_before):
        return False
    one.take(mine)
    other.put(mine)
    if theirs is not None:
        other.take(theirs)
        one.put(theirs)
    return True
