"""Reads the caption that ends PancapChain: its boxes count in the chain's grid, not in the image's.

The grammar of captions knows shares, steps of the image and pixels; boxes of whole steps on the
chain's grid are written as shares before it reads the text. Where a model leaves the grid that it
was told, the text as it stands may fit the entities better, and is then what counts. Faults quote
boxes as shares; here they are quoted in the form in which the model was told them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from annoengine.answer import Fault
from annoengine.pancap.assessed_caption import AssessedCaption, assess_caption
from annoengine.pancap.boxed_caption import BoxedGrammar
from annoengine.pancap.caption_boxes import find_written, rounded_box, write_box
from annoengine.pancap.chain_entities import ChainEntity
from annoengine.pancap.grid_boxes import BoxGrid, write_steps

_WRAPPED = re.compile(r"</?(?:ref|p)>")


def in_shares(text: str, grid: BoxGrid, size_wh: tuple[int, int]) -> str:
    """The text with each box of whole steps written as shares of the image.

    >>> in_shares("A cup <box>[[0, 250, 500, 750]]</box>.", BoxGrid(), (200, 100))
    'A cup [[0.000, 0.000, 0.500, 1.000]].'
    """
    pieces, last = [], 0
    for box in find_written(text):
        steps = tuple(int(number) for number in box.numbers)
        whole = len(steps) == 4 and steps == box.numbers and max(steps) > 1
        if not whole or not all(0 <= step <= grid.scale for step in steps):
            continue
        x1, x2 = sorted((steps[0], steps[2]))
        y1, y2 = sorted((steps[1], steps[3]))
        shares = grid.shares((x1, y1, x2, y2), size_wh)
        if shares[0] < shares[2] and shares[1] < shares[3]:
            pieces += [text[last : box.start], write_box(rounded_box(shares))]
            last = box.end
    return "".join([*pieces, text[last:]])


def read_caption(
    text: str,
    grammar: BoxedGrammar,
    entities: Sequence[ChainEntity],
    grid: BoxGrid,
    size_wh: tuple[int, int],
    least_iou: float,
    bounds: tuple[int, int],
    cut_short: bool = False,
) -> AssessedCaption:
    """The caption of an answer, judged by the entities that were told.

    ``bounds`` are the fewest and the most words; ``cut_short``: the answer ended at a limit of
    tokens. Faults quote boxes in steps.
    """
    expected = tuple(entity.expected(grid, size_wh) for entity in entities)
    text = _WRAPPED.sub("", text)
    readings = dict.fromkeys((in_shares(text, grid, size_wh), text))
    judged = (
        grammar.judge_caption(grammar.parse(reading), expected, least_iou) for reading in readings
    )
    assessed = [assess_caption(one, expected, bounds, cut_short) for one in judged]
    best = min(assessed, key=lambda one: one.rank)
    faults = tuple(_in_steps(fault, grid, size_wh) for fault in best.faults)
    return replace(best, faults=faults)


def _in_steps(fault: Fault, grid: BoxGrid, size_wh: tuple[int, int]) -> Fault:
    if fault.kind == "undetermined":
        detail = (
            "Nobody can tell where the boxes are; write them in whole steps from 0 to "
            f"{grid.scale}, as they were given."
        )
        return Fault(fault.kind, fault.marks, detail)
    pieces, last = [], 0
    width, height = size_wh
    for box in find_written(fault.detail):
        if len(box.numbers) != 4 or max(box.numbers) > 1:
            continue
        x1, y1, x2, y2 = box.numbers
        steps = grid.steps((x1 * width, y1 * height, x2 * width, y2 * height), size_wh)
        pieces += [fault.detail[last : box.start], write_steps([steps])]
        last = box.end
    return Fault(fault.kind, fault.marks, "".join([*pieces, fault.detail[last:]]))
