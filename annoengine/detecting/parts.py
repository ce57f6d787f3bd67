"""Which regions are parts of others: those whose mask lies almost wholly within a larger one.

The text on a t-shirt is an entity of its own and a part of the t-shirt (arXiv 2505.16334, appendix
D). Boxes alone do not tell: a dog before a sofa lies in the sofa's box. The share is ours.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from annoengine.box import BoxXyxy, intersection
from annoengine.mask import RecordFiles
from annoengine.record import Record


def parts_of(files: RecordFiles, record_json: bytes, least_share: float) -> dict[int, int]:
    """The whole of each part, by segment ids; runs in the CPU pool.

    Of several regions that hold one, the smallest is its whole; of two that hold each other the
    smaller one is the part, and of equals the later. Raises InputError for bad masks.
    """
    record = Record.from_line(record_json)
    masked = [s for s in record.segments if s.mask is not None and not s.iscrowd]
    masks = files.masks([s.mask for s in masked if s.mask is not None])
    order = sorted(range(len(masked)), key=lambda i: (masked[i].area_px, -i))
    packed = [np.packbits(masks[s.mask]) for s in masked if s.mask is not None]
    found: dict[int, int] = {}
    for rank, i in enumerate(order):
        area = int(np.bitwise_count(packed[i]).sum())
        if not area:
            continue
        for j in order[rank + 1 :]:
            if not _meet(masked[i].box_xyxy, masked[j].box_xyxy):
                continue
            shared = int(np.bitwise_count(packed[i] & packed[j]).sum())
            if shared >= least_share * area and _differ(packed[i], packed[j], least_share):
                found[masked[i].id] = masked[j].id
                break
    return dict(sorted(found.items()))


def _meet(a: BoxXyxy, b: BoxXyxy) -> bool:
    """Do the boxes share anything? A cheap first look."""
    return intersection(a, b) is not None


def _differ(a: NDArray[np.uint8], b: NDArray[np.uint8], share: float) -> bool:
    """Are these two masks of different things? Of nearly equal ones neither is a part."""
    union = int(np.bitwise_count(a | b).sum())
    return int(np.bitwise_count(a & b).sum()) < share * union
