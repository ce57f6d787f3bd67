"""Checks one entry of a LLaVA instruction file, and the masks that a file beside it has for it."""

from __future__ import annotations

from typing import Any

import orjson

from annoengine.checks.caption_checks import CAPTION_LEAK, CAPTION_REFUSAL
from annoengine.checks.coco_tables import UNSAFE_PATH, ListedImage
from annoengine.checks.conversation_checks import (
    TAG_LEFT,
    TOKEN_COUNT,
    TURNS_MALFORMED,
    has_tokens,
    phrase_faults,
    tag_left,
    tokens_of,
    turn_faults,
    turns_of,
)
from annoengine.checks.gcg_checks import ENTRY_MALFORMED
from annoengine.checks.gcg_talks import ENTRY_TWICE
from annoengine.checks.list_pass import ListReport, ListTask
from annoengine.checks.photo_checks import check_photo
from annoengine.checks.segmentation_checks import check_segmentation
from annoengine.checks.sidecar_checks import SIDECAR_IMAGE, SIDECAR_MALFORMED
from annoengine.checks.tag_codes import code_of_tag
from annoengine.description_faults import kind_of_fault
from annoengine.grounded.tags import Tagged, parse_tags
from annoengine.reading.coco_json import is_whole, shown, text_of
from annoengine.reading.input_file import is_safe_path
from annoengine.reading.json_slices import value_of
from annoengine.validator import Code, Finding, Place

MASKS_MISSING = Code("entry-without-masks", "error", "entries of which no line has the masks")

CODES = (ENTRY_MALFORMED, ENTRY_TWICE, MASKS_MISSING)

_OF_KIND = {"refusal": CAPTION_REFUSAL, "leak": CAPTION_LEAK}


def check_entry(task: ListTask, masked: bool) -> ListReport:
    """Everything about one entry. ``masked``: a file beside the list has masks for its answers."""
    where = f"entry {task.position}"
    place = Place(task.file)
    findings: list[Finding] = []
    try:
        entry = value_of(task.raw)
    except ValueError as error:
        return ListReport([ENTRY_MALFORMED.at(place, f"{where}: {error}")], place)
    if not isinstance(entry, dict):
        return ListReport([ENTRY_MALFORMED.at(place, f"{where} is no object")], place)
    id, image = entry.get("id"), entry.get("image")
    if not (is_whole(id) or isinstance(id, str)) or id == "":
        findings.append(ENTRY_MALFORMED.at(place, f"{where} has the id {shown(id)}"))
        id = None
    name = text_of(image)
    place = Place(task.file, id, name)
    if "image" in entry and not name:
        findings.append(ENTRY_MALFORMED.at(place, f"'image' is {shown(image)}"))
    elif name and not is_safe_path(name):
        message = f"the image {name!r} leads out of the folder of images"
        findings.append(UNSAFE_PATH.at(place, message))
    elif name and task.images is not None:
        findings += check_photo(place, task.images, ListedImage(0, name, name, None))
    counts = {"images": 1} if name else {}
    if name and task.images is not None:
        counts["photographs"] = 1
    once = () if id is None else ((ENTRY_TWICE, str(id)),)
    turns, why = turns_of(entry)
    if why:
        findings.append(TURNS_MALFORMED.at(place, why))
        return ListReport(findings, place, once, counts)
    findings += [code.at(place, message) for code, message in turn_faults(turns, bool(name))]
    told = ""
    for role, answer in turns:
        if role == "gpt":
            found, tokens = _answer_findings(answer, place, masked)
            findings += found
            told = told or tokens
    if len(turns) == 2:
        code = _OF_KIND.get(kind_of_fault(turns[1][1]) or "")
        if code is not None:
            findings.append(code.at(place, f"the answer begins {turns[1][1][:80]!r}"))
    return ListReport(findings, place, once, counts, told=told)


def _answer_findings(answer: str, place: Place, masked: bool) -> tuple[list[Finding], str]:
    """What is wrong with tokens and tags in an answer, and the tokens, joined by spaces."""
    if has_tokens(answer):
        findings = [code.at(place, message) for code, message in phrase_faults(answer)]
        if left := tag_left(answer):
            findings.append(TAG_LEFT.at(place, f"{left!r} is in the answer"))
        return findings, " ".join(tokens_of(answer))
    if not masked:
        left = tag_left(answer)
        return [TAG_LEFT.at(place, f"{left!r} is in the answer")] if left else [], ""
    tagged = parse_tags(answer)
    findings = [code_of_tag(fault).at(place, fault.detail) for fault in tagged.faults]
    return findings, " ".join(map(str, _numbers(tagged)))


def _numbers(tagged: Tagged) -> list[int]:
    return list(dict.fromkeys(id for span in tagged.spans for id in span.segments))


def check_mask_line(task: ListTask) -> ListReport:
    """One line of the file of masks; ``told`` are its tokens, ``once`` has its entry's id."""
    where = f"line {task.position + 1}"
    place = Place(task.file, called="token")
    try:
        row: Any = orjson.loads(task.raw)
    except orjson.JSONDecodeError:
        row = None
    tokens = row.get("tokens") if isinstance(row, dict) else None
    id = row.get("id") if isinstance(row, dict) else None
    if not isinstance(tokens, list) or not isinstance(id, str):
        message = f"{where} is no object with an 'id' and a list 'tokens'"
        return ListReport([SIDECAR_MALFORMED.at(place, message)], place)
    place = Place(task.file, id, text_of(row.get("image")), "token")
    findings: list[Finding] = []
    told = []
    for number, token in enumerate(tokens, start=1):
        masks = token.get("masks") if isinstance(token, dict) else None
        name = token.get("token") if isinstance(token, dict) else None
        if not isinstance(masks, list) or not masks or not isinstance(name, str):
            message = f"{where}: tokens[{number - 1}] lacks a 'token' or a list 'masks'"
            findings.append(SIDECAR_MALFORMED.at(place, message, number))
            continue
        told.append(name)
        segments = token.get("segments")
        if isinstance(segments, list) and len(segments) != len(masks):
            message = f"tokens[{number - 1}] has {len(segments)} segments and {len(masks)} masks"
            findings.append(TOKEN_COUNT.at(place, message, number))
        for rle in masks:
            faults, _ = check_segmentation(rle, None, None)
            findings += [code.at(place, message, number) for code, message in faults]
    return ListReport(findings, place, told=" ".join(told))


class MaskLines:
    """What the entries of a list say of their tokens, to be compared with the file of masks."""

    def __init__(self, list_name: str) -> None:
        self._list_name = list_name
        self._told: dict[str, str] = {}
        self.lines = 0

    def take_entry(self, report: ListReport) -> None:
        """An entry of the list."""
        if report.told and report.place.image_id is not None:
            self._told[str(report.place.image_id)] = report.told

    def findings(self, report: ListReport) -> list[Finding]:
        """What is wrong with a line of the masks."""
        self.lines += 1
        place = report.place
        if place.image_id is None:
            return report.findings
        told = self._told.pop(str(place.image_id), None)
        if told is None:
            message = f"line {self.lines}: {self._list_name} has no such entry that names masks"
            return [*report.findings, SIDECAR_IMAGE.at(place, message)]
        if told != report.told:
            message = f"the answer has {_counted(told)}, the masks {_counted(report.told)}"
            return [*report.findings, TOKEN_COUNT.at(place, message)]
        return report.findings

    def left(self) -> list[Finding]:
        """The entries of which no line was met."""
        return [
            MASKS_MISSING.at(Place(self._list_name, id), "no line has its masks")
            for id in self._told
        ]


def _counted(told: str) -> str:
    names = told.split()
    shown_names = " ".join(names[:6]) + (" …" if len(names) > 6 else "")
    return f"{len(names)} tokens ({shown_names})" if names else "no token"
