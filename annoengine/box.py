"""Boxes: absolute pixels, ``(x1, y1, x2, y2)``, half-open, converted only at the edges.

A pixel column x covers [x, x+1), so a box over columns 3..5 is ``x1=3, x2=6`` and its width
is 3, which is COCO's ``max - min + 1``.
"""

from __future__ import annotations

Number = int | float
BoxXyxy = tuple[Number, Number, Number, Number]
BoxXywh = tuple[Number, Number, Number, Number]


def xyxy_from_xywh(box_xywh: BoxXywh) -> BoxXyxy:
    """COCO's ``[x, y, width, height]`` as corners.

    >>> xyxy_from_xywh((282, 207, 48, 149))
    (282, 207, 330, 356)
    """
    x, y, w, h = box_xywh
    return (x, y, x + w, y + h)


def xywh_from_xyxy(box_xyxy: BoxXyxy) -> BoxXywh:
    """Corners as COCO's ``[x, y, width, height]``.

    >>> xywh_from_xyxy((282, 207, 330, 356))
    (282, 207, 48, 149)
    """
    x1, y1, x2, y2 = box_xyxy
    return (x1, y1, x2 - x1, y2 - y1)


def area_px(box_xyxy: BoxXyxy) -> Number:
    """Area in square pixels; 0 for an empty or reversed box.

    >>> area_px((0, 0, 4, 3)), area_px((4, 0, 0, 3))
    (12, 0)
    """
    x1, y1, x2, y2 = box_xyxy
    return max(0, x2 - x1) * max(0, y2 - y1)


def intersection(a: BoxXyxy, b: BoxXyxy) -> BoxXyxy | None:
    """The common part of two boxes, or None where they share no pixel.

    >>> intersection((0, 0, 4, 4), (2, 1, 9, 3))
    (2, 1, 4, 3)
    >>> intersection((0, 0, 4, 4), (4, 0, 5, 5)) is None
    True
    """
    x1, y1 = max(a[0], b[0]), max(a[1], b[1])
    x2, y2 = min(a[2], b[2]), min(a[3], b[3])
    return (x1, y1, x2, y2) if x1 < x2 and y1 < y2 else None


def iou(a: BoxXyxy, b: BoxXyxy) -> float:
    """Intersection over union, 0 to 1; 0 where both are empty.

    >>> iou((0, 0, 2, 2), (1, 0, 3, 2))
    0.3333333333333333
    """
    common = intersection(a, b)
    shared = area_px(common) if common else 0
    union = area_px(a) + area_px(b) - shared
    return shared / union if union else 0.0
