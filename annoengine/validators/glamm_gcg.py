"""Validates files for grounded conversation generation, ours or GLaMM's: five kinds of them.

The list of groundings and the conversations are streamed, their entries checked by all cores; the
two files of the evaluation are compared; and predictions are one small file an image. Of the whole
only ids are held.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

from annoengine.checks import (
    caption_checks,
    coco_tables,
    conversation_checks,
    gcg_checks,
    gcg_pair,
    gcg_predictions,
    gcg_talks,
    photo_checks,
    segmentation_checks,
)
from annoengine.checks.coco_tables import (
    CATEGORY_ID_TWICE,
    CATEGORY_MALFORMED,
    CATEGORY_UNKNOWN,
    ISCROWD_MALFORMED,
    first_annotation,
)
from annoengine.checks.gcg_checks import check_grounding
from annoengine.checks.gcg_pair import pair_findings
from annoengine.checks.gcg_predictions import (
    PredictionTask,
    check_prediction,
    died,
    is_prediction,
    read_prediction,
)
from annoengine.checks.gcg_talks import check_talk
from annoengine.checks.list_pass import first_entry, list_findings
from annoengine.checks.ordered_work import FEW, results_in_order
from annoengine.checks.panoptic_checks import CHECK_DIED
from annoengine.validator import Code, Dataset, Finding, Validator

_MOST_BYTES = 1 << 22
"""A larger file is no prediction of one image, and is not read to see."""
_TABLES = tuple(
    code
    for code in coco_tables.CODES
    if code not in (CATEGORY_MALFORMED, CATEGORY_ID_TWICE, CATEGORY_UNKNOWN, ISCROWD_MALFORMED)
)
"""What may be wrong with the tables of a file of captions, which has no categories."""


class GlammGcg(Validator):
    """Groundings, conversations, the evaluation's truth, or predictions."""

    ABOUT: ClassVar[str] = "a file of GLaMM's grounded conversations, or a folder of predictions"
    CODES: ClassVar[tuple[Code, ...]] = (
        *_TABLES,
        CHECK_DIED,
        *gcg_checks.CODES,
        *gcg_talks.CODES,
        *conversation_checks.CODES,
        *gcg_pair.CODES,
        *gcg_predictions.CODES,
        *segmentation_checks.OF_RLE,
        *caption_checks.CODES,
        *photo_checks.CODES,
    )

    @classmethod
    def recognises(cls, path: Path) -> bool:
        """Is its first entry, annotation or file one of these?"""
        if path.is_dir():
            return any(is_prediction(value) for value in _first_values(path))
        entry = first_entry(path)
        return _has_groundings(entry) or _is_talk(entry) or _has_labels(path)

    def check(self, dataset: Dataset) -> Iterator[Finding]:
        """Entry by entry, image by image, or file by file."""
        if dataset.file.is_dir():
            return self._check_predictions(dataset)
        if _has_labels(dataset.file):
            return pair_findings(self, dataset)
        check = check_talk if _is_talk(first_entry(dataset.file)) else check_grounding
        return list_findings(self, dataset, check)

    def fix(self, dataset: Dataset, target: Path) -> Iterator[Finding]:
        """Mends places of phrases that stand once, keys that come twice, masks that overlap."""
        if dataset.file.is_dir() or _has_labels(dataset.file):
            # Nothing in the files of an evaluation leaves one reading only.
            if dataset.file.is_dir():
                shutil.copytree(dataset.file, target, dirs_exist_ok=True)
            else:
                shutil.copy2(dataset.file, target)
            return self.check(dataset)
        check = check_talk if _is_talk(first_entry(dataset.file)) else check_grounding
        return list_findings(self, dataset, check, target)

    def _check_predictions(self, dataset: Dataset) -> Iterator[Finding]:
        folder = dataset.file
        # Of a folder's files only the names are held.
        names = sorted(path.name for path in folder.glob("*.json"))
        tasks = (PredictionTask(folder.name, folder / name) for name in names)
        workers = self.rules.workers if len(names) > FEW else 0
        for done, found in enumerate(
            results_in_order(check_prediction, tasks, workers, died), start=1
        ):
            self.count("captions")
            self.progress(done, len(names))
            yield from found


def _first_values(folder: Path) -> Iterator[Any]:
    for path in sorted(folder.glob("*.json"))[:3]:
        try:
            if path.stat().st_size <= _MOST_BYTES:
                yield read_prediction(path)
        except (OSError, ValueError, RecursionError):
            continue


def _has_groundings(entry: Any) -> bool:
    return isinstance(entry, dict) and "groundings" in entry


def _is_talk(entry: Any) -> bool:
    return isinstance(entry, dict) and {"conversations", "masks"} <= entry.keys()


def _has_labels(path: Path) -> bool:
    first = first_annotation(path) if path.is_file() else None
    return isinstance(first, dict) and {"caption", "labels"} <= first.keys()
