"""Which detections join the regions of an image.

One joins that overlaps no region much: its IoU of boxes with every region is below the limit. A
region that has joined is one of them for the next. Detectors come in the order given and each
one's detections by falling score; scores of different detectors are never compared, since their
ranges differ, and nothing that was there is ever removed.

Source: arXiv 2505.16334, section 4.1 (no non-maximum suppression; low IoU with all regions). The
limit and the order are not published: ours.
"""

from __future__ import annotations

from collections.abc import Sequence

from annoengine.box import BoxXyxy, iou
from annoengine.detecting.detections import Detection, in_order


def joining(
    regions: Sequence[BoxXyxy], found: Sequence[Sequence[Detection]], merge_iou: float
) -> list[tuple[int, Detection]]:
    """The detections that join, each with the position of its detector.

    >>> cat, same = (0, 0, 10, 10), Detection("cat", (0, 0, 10, 9), 0.9)
    >>> dog = Detection("dog", (20, 0, 30, 10), 0.4)
    >>> again = Detection("puppy", (21, 0, 30, 10), 0.8)
    >>> [(n, d.name) for n, d in joining([cat], [[same, dog], [again]], 0.5)]
    [(0, 'dog')]
    """
    taken = list(regions)
    joined: list[tuple[int, Detection]] = []
    for number, detections in enumerate(found):
        for one in in_order(detections):
            if all(iou(one.box_xyxy, box) < merge_iou for box in taken):
                taken.append(one.box_xyxy)
                joined.append((number, one))
    return joined
