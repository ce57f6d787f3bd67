"""Reads boxes as models write them: in one bracket or two, as shares, per mille or 0 to 999.

Which unit a box has is seen from its numbers; where they leave it open ([0, 0, 1, 1]), from the
other boxes of the same text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from annoengine.pancap.content import BoxUnit

Numbers = tuple[float, float, float, float]

_NUMBER = re.compile(r"(?<![\w.])[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?![\w])")
_PER_MILLE = 1000.0
"""Boxes of 0 to 999 are divided by it too. Source: the authors' conversion of predictions."""

_OVERSHOT = 1.05
"""A share up to here is one that was written a little too large; ours."""


class BoxError(ValueError):
    """What stands there is no box."""


def numbers_in(text: str) -> tuple[Numbers, ...]:
    """The numbers of a text by fours, brackets left aside. Raises BoxError.

    >>> numbers_in("[[0.1, 0.2, 0.3, 0.4], [0, 0, 1, 1]]")
    ((0.1, 0.2, 0.3, 0.4), (0.0, 0.0, 1.0, 1.0))
    """
    found = [float(number) for number in _NUMBER.findall(text)]
    if not found:
        raise BoxError("no box")
    if len(found) % 4:
        raise BoxError(f"{len(found)} numbers; a box has four")
    return tuple(
        (found[i], found[i + 1], found[i + 2], found[i + 3]) for i in range(0, len(found), 4)
    )


def is_per_mille(box: Numbers) -> bool | None:
    """Whether a box is of 0 to 1000 and no share; None where its numbers are 0 and 1 alone."""
    if max(box) > _OVERSHOT:
        return True
    return None if all(number in (0.0, 1.0) for number in box) else False


def per_mille_text(boxes: Iterable[Numbers]) -> bool:
    """Whether the boxes of a text that say it are all of 0 to 1000."""
    said = [unit for unit in map(is_per_mille, boxes) if unit is not None]
    return bool(said) and all(said)


def box_of(numbers: Numbers, per_mille: bool) -> tuple[BoxUnit, Sequence[str]]:
    """A box as shares, its corners in order, and the deviations: ``per_mille``, ``reversed``.

    ``per_mille`` is the unit of boxes that do not show it. Raises BoxError for numbers of no
    known unit.

    >>> box_of((500, 999, 250, 100), False)
    ((0.25, 0.1, 0.5, 0.999), ['per_mille', 'reversed'])
    """
    said = is_per_mille(numbers)
    tolerated = []
    divisor = 1.0
    if said or (said is None and per_mille):
        divisor = _PER_MILLE
        tolerated.append("per_mille")
    x1, y1, x2, y2 = (number / divisor for number in numbers)
    if max(x1, y1, x2, y2) > _OVERSHOT or min(x1, y1, x2, y2) < 1 - _OVERSHOT:
        raise BoxError(f"the box {list(numbers)} is neither of 0 to 1 nor of 0 to 1000")
    if x1 > x2 or y1 > y2:
        tolerated.append("reversed")
    x1, x2 = sorted((_clamped(x1), _clamped(x2)))
    y1, y2 = sorted((_clamped(y1), _clamped(y2)))
    return (x1, y1, x2, y2), tolerated


def _clamped(share: float) -> float:
    return min(1.0, max(0.0, share))
