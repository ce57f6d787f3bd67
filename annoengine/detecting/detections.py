"""What a detector found in a photograph, as a value and as the text of its answer.

Boxes are pixels of the upright photograph with one decimal, half-open, within the picture; scores
have four. A detector is asked like any model, so that its answers lie in a journal.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import orjson

from annoengine.box import BoxXyxy


@dataclass(frozen=True)
class Detection:
    """One box, the name that it was found by, and how sure the detector was (0 to 1)."""

    name: str
    box_xyxy: BoxXyxy
    score: float


def question(names: Iterable[str]) -> str:
    """What a detector is asked: the names to look for, as a JSON list.

    >>> question(["cat", "fire hydrant"])
    '["cat","fire hydrant"]'
    """
    return orjson.dumps(list(names)).decode()


def names_of(text: str) -> list[str]:
    """The names of a question. Raises ValueError for a text that is none."""
    try:
        names = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise ValueError(f"a detector is asked with a JSON list of names: {error}") from None
    if not isinstance(names, list) or not all(isinstance(n, str) and n.strip() for n in names):
        raise ValueError(f"a detector is asked with a JSON list of names, not {text[:80]!r}")
    return names


def in_order(detections: Iterable[Detection]) -> list[Detection]:
    """The surest first; those that are level by box and name."""
    return sorted(detections, key=lambda d: (-d.score, d.box_xyxy, d.name))


def write(detections: Iterable[Detection], size_wh: tuple[int, int]) -> str:
    """The answer of a detector: all it found in a picture of ``size_wh``, the surest first.

    Boxes are cut to the picture; what is then less than a pixel wide or high is left out.
    """
    rows = []
    for one in in_order(rounded(d, size_wh) for d in detections):
        x1, y1, x2, y2 = one.box_xyxy
        if x2 - x1 >= 1 and y2 - y1 >= 1:
            rows.append({"name": one.name, "box": list(one.box_xyxy), "score": one.score})
    return orjson.dumps({"detections": rows}).decode()


def rounded(one: Detection, size_wh: tuple[int, int]) -> Detection:
    """The detection within the picture, to a tenth of a pixel.

    >>> rounded(Detection("cat", (-3.21, 4.04, 70.0, 9.96), 0.123456), (64, 48))
    Detection(name='cat', box_xyxy=(0.0, 4.0, 64.0, 10.0), score=0.1235)
    """
    width, height = size_wh
    x1, y1, x2, y2 = one.box_xyxy
    box = (
        round(float(min(max(x1, 0.0), width)), 1),
        round(float(min(max(y1, 0.0), height)), 1),
        round(float(min(max(x2, 0.0), width)), 1),
        round(float(min(max(y2, 0.0), height)), 1),
    )
    return Detection(one.name, box, round(one.score, 4))


def read(text: str) -> list[Detection]:
    """The detections of an answer. Raises ValueError, saying what is wrong with it."""
    try:
        rows = orjson.loads(text)["detections"]
        return [Detection(row["name"], _box(row["box"]), float(row["score"])) for row in rows]
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"no answer of a detector: {error}") from None


def _box(numbers: Sequence[float]) -> BoxXyxy:
    x1, y1, x2, y2 = (float(n) for n in numbers)
    if not (x1 < x2 and y1 < y2):
        raise ValueError(f"the box {list(numbers)} is empty or reversed")
    return (x1, y1, x2, y2)
