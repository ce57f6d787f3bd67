"""Checks the shape of one annotation of an instances file: its segmentation, area and box.

A pure function. What can be mended without guessing comes back as changes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from annoengine.checks.box_checks import area_faults, box_faults
from annoengine.checks.segmentation_checks import (
    SEGMENTATION_MISSING,
    SLACK_PX,
    Outline,
    check_segmentation,
)
from annoengine.validator import Finding, Place


@dataclass(frozen=True)
class AnnotationTask:
    """One annotation; ``before`` was found when it was read."""

    place: Place
    id: int | None
    values: Mapping[str, Any]
    size_wh: tuple[int, int] | None
    masked: bool
    """Has any annotation of the file a segmentation?"""
    before: list[Finding] = field(default_factory=list)


@dataclass(frozen=True)
class AnnotationReport:
    """What was found in an annotation, and the values that mend it."""

    findings: list[Finding]
    changes: dict[str, Any] = field(default_factory=dict)


def check_annotation(task: AnnotationTask) -> AnnotationReport:
    """The shape of one annotation: its segmentation, area and box."""
    if not task.values:
        return AnnotationReport(task.before)
    report = AnnotationReport(list(task.before))
    values = task.values
    outline: Outline | None = None
    if "segmentation" in values:
        faults, outline = check_segmentation(
            values["segmentation"], values.get("area"), task.size_wh
        )
        report.findings.extend(code.at(task.place, words, task.id) for code, words in faults)
    elif task.masked:
        message = "it has no 'segmentation'"
        report.findings.append(SEGMENTATION_MISSING.at(task.place, message, task.id))
    right_area = outline.area_px if outline else None
    for code, message in area_faults("area" in values, values.get("area"), right_area, 0):
        fixable = right_area is not None
        report.findings.append(code.at(task.place, message, task.id, fixable))
        if fixable:
            report.changes["area"] = right_area
    right_box = outline.box_xywh if outline else None
    box = values.get("bbox")
    for code, message in box_faults(
        "bbox" in values, box, right_box, task.size_wh, least_px=0, slack_px=SLACK_PX
    ):
        report.findings.append(code.at(task.place, message, task.id, right_box is not None))
        if right_box is not None:
            report.changes["bbox"] = list(right_box)
    return report
