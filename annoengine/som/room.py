"""How large a margin may make a picture: what the view leaves beside the photograph."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Room:
    """How large a margin may make the picture.

    ``scale_of`` says how much a picture of a size must shrink to be seen whole; it may be no less
    than ``least_scale`` for labels, ``least_for_insets`` for insets.
    """

    scale_of: Callable[[tuple[int, int]], float] = lambda picture_wh: 1.0
    least_scale: float = 0.0
    least_for_insets: float = 0.9
    all_of_it: bool = False
    """Take all the room there is, and leave no label out that could stand anywhere in it."""

    def largest(self, picture_wh: tuple[int, int]) -> tuple[int, int]:
        """The largest picture that holds one of this size and is seen as it is."""
        width, height = picture_wh
        across = self._longest(lambda side: (side, height), width)
        down = self._longest(lambda side: (width, side), height)
        wide = (across, self._longest(lambda side: (across, side), height))
        tall = (self._longest(lambda side: (side, down), width), down)
        return max(wide, tall, key=math.prod)

    def _longest(self, size_of: Callable[[int], tuple[int, int]], least: int) -> int:
        """The longest side that fits, by halving; four times the least at most."""
        low, high = least, 4 * max(size_of(least))
        while high > low:
            middle = (low + high + 1) // 2
            if self.scale_of(size_of(middle)) >= self.least_scale:
                low = middle
            else:
                high = middle - 1
        return low
