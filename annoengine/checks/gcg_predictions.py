"""Checks a prediction for GLaMM's evaluation: ``<image id>.json`` with phrases and masks.

Source: ``eval/gcg/evaluate.py`` of mbzuai-oryx/groundingLMM, which takes the n-th phrase to be
about the n-th mask; PANORAMA's files also have ``phrase_seg_counts``, the masks of each phrase.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from annoengine.checks.caption_checks import CAPTION_EMPTY
from annoengine.checks.segmentation_checks import RLE_MALFORMED, check_segmentation
from annoengine.reading.coco_json import is_whole, shown
from annoengine.validator import Code, Finding, Place

PREDICTION_MALFORMED = Code(
    "prediction-malformed", "error", "predictions without what the evaluation reads"
)
PREDICTION_NAME = Code(
    "prediction-name-differs", "error", "predictions in a file that is not called by their image"
)
PHRASE_EMPTY = Code("phrase-empty", "error", "phrases without a word")
PHRASE_ELSEWHERE = Code("phrase-not-in-caption", "warning", "phrases that are not in their caption")
MASK_COUNT = Code("mask-count-differs", "error", "phrases of another number than their masks")

CODES = (PREDICTION_MALFORMED, PREDICTION_NAME, PHRASE_EMPTY, PHRASE_ELSEWHERE, MASK_COUNT)

_MOST_BYTES = 1 << 26


class PredictionTask(NamedTuple):
    """A prediction's file, and the folder's name for what is found in it."""

    folder: str
    path: Path


def is_prediction(value: Any) -> bool:
    """Has it what predictions have?"""
    return isinstance(value, dict) and {"image_id", "phrases", "pred_masks"} <= value.keys()


def read_prediction(path: Path) -> Any:
    """The value of a small JSON file. Raises ValueError for what is none, OSError too."""
    with path.open("rb") as file:
        data = file.read(_MOST_BYTES + 1)
    if len(data) > _MOST_BYTES:
        raise ValueError(f"it has more than {_MOST_BYTES} bytes")
    return json.loads(data)


def check_prediction(task: PredictionTask) -> list[Finding]:
    """Everything about one prediction."""
    return list(_faults(task))


def died(task: PredictionTask, why: str) -> list[Finding]:
    """What is found of a prediction whose check killed its process."""
    place = Place(task.folder, None, task.path.name, "phrase")
    return [PREDICTION_MALFORMED.at(place, why)]


def _faults(task: PredictionTask) -> Iterator[Finding]:
    place = Place(task.folder, None, task.path.name, "phrase")
    try:
        value = read_prediction(task.path)
    except (OSError, ValueError, RecursionError) as error:
        yield PREDICTION_MALFORMED.at(place, f"it cannot be read: {error}")
        return
    if not is_prediction(value):
        needed = "'image_id', 'caption', 'phrases' and 'pred_masks'"
        yield PREDICTION_MALFORMED.at(place, f"it is no object with {needed}")
        return
    id, caption = value["image_id"], value.get("caption")
    place = Place(task.folder, id if isinstance(id, int | str) else None, task.path.name, "phrase")
    if str(id) != task.path.stem:
        yield PREDICTION_NAME.at(place, f"its image is {shown(id)}; {id}.json is looked for")
    if not isinstance(caption, str) or not caption.strip():
        yield CAPTION_EMPTY.at(place, f"the caption is {shown(caption)}")
        caption = ""
    phrases, masks = value["phrases"], value["pred_masks"]
    if not isinstance(phrases, list) or not isinstance(masks, list):
        yield PREDICTION_MALFORMED.at(place, "'phrases' and 'pred_masks' are no lists")
        return
    yield from _count_findings(value, place, phrases, masks)
    for number, phrase in enumerate(phrases, start=1):
        if not isinstance(phrase, str) or not phrase.strip():
            yield PHRASE_EMPTY.at(place, f"the phrase is {shown(phrase)}", number)
        elif caption and phrase.strip() not in caption:
            yield PHRASE_ELSEWHERE.at(place, f"{shown(phrase)} is not in the caption", number)
    for number, rle in enumerate(masks, start=1):
        if not isinstance(rle, dict):
            yield RLE_MALFORMED.at(place, f"pred_masks[{number - 1}] is {shown(rle)}", number)
            continue
        faults, _ = check_segmentation(rle, None, None)
        for code, message in faults:
            yield code.at(place, f"pred_masks[{number - 1}]: {message}", number)


def _count_findings(
    value: dict[str, Any], place: Place, phrases: list[Any], masks: list[Any]
) -> Iterator[Finding]:
    counts = value.get("phrase_seg_counts")
    if counts is None:
        if len(phrases) != len(masks):
            message = f"there are {len(phrases)} phrases and {len(masks)} masks"
            yield MASK_COUNT.at(place, message)
        return
    right = isinstance(counts, list) and all(is_whole(n) and n >= 0 for n in counts)
    if not right or len(counts) != len(phrases) or sum(counts) != len(masks):
        total = sum(counts) if right else shown(counts)
        message = (
            f"'phrase_seg_counts' has {total} masks of {len(counts) if right else 0} phrases; "
            f"there are {len(masks)} of {len(phrases)}"
        )
        yield MASK_COUNT.at(place, message)
