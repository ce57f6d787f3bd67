"""What PancapChain goes on with after each of its three lists: boxes, tags, what was missed.

Exact duplicates of tag and box go, and no others, as in the released code.

Source: arXiv 2505.16334, section 5; what is a fault is annoengine's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from annoengine.answer import Fault
from annoengine.box import iou
from annoengine.pancap.chain_answers import ListedAnswer, without_doubles
from annoengine.pancap.grid_boxes import Steps, write_steps
from annoengine.pancap.instance_text import Instance


@dataclass(frozen=True)
class TurnList:
    """The list of a turn as it is told on. ``usable``: the chain can go on with it."""

    instances: tuple[Instance, ...]
    faults: tuple[Fault, ...]
    usable: bool

    @property
    def rank(self) -> tuple[bool, int, int]:
        """The better the smaller: usable first, then fewer faults, then more instances."""
        return not self.usable, len(self.faults), -len(self.instances)

    @property
    def why(self) -> str:
        """All that is wrong with it, in sentences."""
        return " ".join(dict.fromkeys(fault.detail for fault in self.faults))


def read_localised(answer: ListedAnswer) -> TurnList:
    """The boxes of the first turn; there must be one."""
    instances = without_doubles(answer.instances)
    return TurnList(instances, (*answer.faults, *_none(answer)), bool(instances))


def read_tagged(told: Sequence[Instance], answer: ListedAnswer, least_iou: float) -> TurnList:
    """The tagged instances of the second turn; there must be one."""
    instances, faults = give_tags([one.box for one in told], answer, least_iou)
    return TurnList(without_doubles(instances), faults, bool(instances))


def read_discovered(told: Sequence[Instance], answer: ListedAnswer) -> TurnList:
    """The instances of the third turn that were not told; there may be none."""
    instances = without_doubles(answer.instances, told)
    return TurnList(instances, answer.faults, bool(instances) or answer.nothing)


def give_tags(
    boxes: Sequence[Steps], answer: ListedAnswer, least_iou: float
) -> tuple[tuple[Instance, ...], tuple[Fault, ...]]:
    """The tagged instances of an answer about boxes, and what is wrong with it.

    A box that is a told one by ``least_iou`` is that one; others stay as they were written, as in
    the paper, where the answer itself goes on. As many bare words as boxes are their tags in order.

    >>> answer = ListedAnswer((Instance("dog", (101, 200, 500, 600)),))
    >>> give_tags([(100, 200, 500, 600)], answer, 0.5)
    ((Instance(tag='dog', box=(100, 200, 500, 600)),), ())
    """
    faults = [*answer.faults, *_none(answer)]
    if not answer.instances and len(answer.words) == len(boxes):
        pairs = zip(answer.words, boxes, strict=True)
        return tuple(Instance(tag, box) for tag, box in pairs), ()
    exact = {one.box for one in answer.instances} & set(boxes)
    free = [box for box in dict.fromkeys(boxes) if box not in exact]
    tagged: list[Instance] = []
    for one in answer.instances:
        near = max(free, key=lambda box: iou(box, one.box), default=None)
        if one.box not in exact and near is not None and iou(near, one.box) >= least_iou:
            free.remove(near)
            one = Instance(one.tag, near)
        tagged.append(one)
    if tagged:
        faults += [Fault("left_out", (), f"{write_steps([box])} has no tag.") for box in free]
    return tuple(tagged), tuple(faults)


def _none(answer: ListedAnswer) -> tuple[Fault, ...]:
    return (Fault("nothing", (), "The answer names no entity."),) if answer.nothing else ()
