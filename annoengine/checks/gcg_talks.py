"""Checks one entry of GLaMM's or PanCaper's conversations: a mask for each token, in order."""

from __future__ import annotations

from typing import Any

from annoengine.checks.conversation_checks import (
    TAG_LEFT,
    TOKEN_COUNT,
    TURNS_MALFORMED,
    phrase_faults,
    tag_left,
    tokens_of,
    turn_faults,
    turns_of,
)
from annoengine.checks.gcg_checks import ENTRY_MALFORMED, GROUNDING_MALFORMED
from annoengine.checks.list_pass import ListReport, ListTask
from annoengine.checks.segmentation_checks import check_segmentation
from annoengine.reading.coco_json import shown, text_of
from annoengine.reading.json_slices import value_of
from annoengine.validator import Code, Finding, Place

ENTRY_TWICE = Code("entry-id-twice", "warning", "ids of entries that come twice")

CODES = (ENTRY_TWICE,)


def check_talk(task: ListTask) -> ListReport:
    """Everything about one entry."""
    where = f"entry {task.position}"
    place = Place(task.file, called="token")
    findings: list[Finding] = []
    try:
        entry = value_of(task.raw)
    except ValueError as error:
        return ListReport([ENTRY_MALFORMED.at(place, f"{where}: {error}")], place)
    if not isinstance(entry, dict):
        return ListReport([ENTRY_MALFORMED.at(place, f"{where} is no object")], place)
    id, image = entry.get("id"), text_of(entry.get("image"))
    if not isinstance(id, int | str):
        findings.append(ENTRY_MALFORMED.at(place, f"{where} has the id {shown(id)}"))
        id = None
    place = Place(task.file, id, image, "token")
    if not image:
        findings.append(ENTRY_MALFORMED.at(place, f"{where} has no 'image'"))
    turns, why = turns_of(entry)
    if why:
        findings.append(TURNS_MALFORMED.at(place, why))
        return ListReport(findings, place)
    findings += [code.at(place, message) for code, message in turn_faults(turns, True)]
    answer = " ".join(value for role, value in turns if role == "gpt")
    findings += [code.at(place, message) for code, message in phrase_faults(answer)]
    if left := tag_left(answer):
        findings.append(TAG_LEFT.at(place, f"{left!r} is in the answer"))
    findings += _mask_findings(entry, len(tokens_of(answer)), place)
    once = () if id is None else ((ENTRY_TWICE, str(id)),)
    return ListReport(findings, place, once, {"captions": 1, "phrases": answer.count("<p>")})


def _mask_findings(entry: dict[str, Any], tokens: int, place: Place) -> list[Finding]:
    masks, segments = entry.get("masks"), entry.get("segments")
    if not isinstance(masks, list):
        return [GROUNDING_MALFORMED.at(place, f"'masks' is {shown(masks)}; a list is needed")]
    findings = []
    for name, listed in (("masks", masks), ("segments", segments)):
        if isinstance(listed, list) and len(listed) != tokens:
            message = f"the answer has {tokens} tokens, {name!r} {len(listed)} entries"
            findings.append(TOKEN_COUNT.at(place, message))
    for number, rles in enumerate(masks, start=1):
        if not isinstance(rles, list) or not rles or not all(isinstance(r, dict) for r in rles):
            message = f"masks[{number - 1}] is no list of RLEs"
            findings.append(GROUNDING_MALFORMED.at(place, message, number))
            continue
        for rle in rles:
            faults, _ = check_segmentation(rle, None, None)
            findings += [code.at(place, message, number) for code, message in faults]
    return findings
