"""Checks one entry of instruction data with boxes: PancapChain's questions, ASMv2's references."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

from annoengine.checks.coco_tables import UNSAFE_PATH, ListedImage
from annoengine.checks.conversation_checks import TURNS_MALFORMED, Turn, turn_faults, turns_of
from annoengine.checks.gcg_checks import ENTRY_MALFORMED
from annoengine.checks.gcg_talks import ENTRY_TWICE
from annoengine.checks.list_pass import ListReport, ListTask
from annoengine.checks.photo_checks import check_photo
from annoengine.pancap.chain_entries import ChainTalk, chain_talk
from annoengine.pancap.grid_boxes import step_fault
from annoengine.pancap.instance_text import Instance, write_instances
from annoengine.pancap.reference_text import read_references
from annoengine.reading.coco_json import is_whole, shown, text_of
from annoengine.reading.input_file import is_safe_path
from annoengine.reading.json_slices import value_of
from annoengine.validator import Code, Finding, Place

QUESTION_UNKNOWN = Code("question-unknown", "error", "questions of no stage of the chain")
INSTANCES_MALFORMED = Code("instances-malformed", "error", "texts with more than tags and boxes")
TAG_MISSING = Code("tag-missing", "error", "entities without a tag where there must be one")
TAG_STRANGE = Code("tag-unasked", "warning", "tags where boxes alone were asked for")
BOX_WRONG = Code("box-wrong", "error", "boxes that leave the grid or have no area")
BOXES_DIFFER = Code("boxes-differ", "error", "answers about other boxes than were told")
FOUND_BEFORE = Code("entity-not-missing", "error", "entities to be found that were told")
MORE_MISSING = Code("more-missing-than-told", "warning", "more entities to be found than told")
CAPTION_BOX_STRANGE = Code("caption-box-untold", "error", "boxes of a caption that were not told")
CAPTION_BOX_MISSING = Code("caption-box-missing", "warning", "boxes told and not in the caption")
STAGES_DISAGREE = Code("stages-disagree", "error", "images whose questions tell different entities")
REFERENCE_MALFORMED = Code(
    "reference-malformed", "error", "<ref>, <pred> and <box> that do not belong together"
)
REFERENCE_EMPTY = Code("reference-empty", "error", "<ref> and <pred> without a word")
PREDICATE_COUNT = Code(
    "predicate-count", "error", "<pred> whose subjects and objects do not match in number"
)
PREDICATE_BOX = Code("predicate-box-unknown", "error", "boxes of <pred> that no <ref> has")
NO_REFERENCE = Code("answer-without-box", "warning", "answers without a box")

OF_ENTRY = (ENTRY_MALFORMED, ENTRY_TWICE, UNSAFE_PATH)
OF_CHAIN = (
    QUESTION_UNKNOWN,
    INSTANCES_MALFORMED,
    TAG_MISSING,
    TAG_STRANGE,
    BOX_WRONG,
    BOXES_DIFFER,
    FOUND_BEFORE,
    MORE_MISSING,
    CAPTION_BOX_STRANGE,
    CAPTION_BOX_MISSING,
    STAGES_DISAGREE,
)
OF_REFERENCES = (
    REFERENCE_MALFORMED,
    REFERENCE_EMPTY,
    BOX_WRONG,
    PREDICATE_COUNT,
    PREDICATE_BOX,
    NO_REFERENCE,
)

Faults = Iterator[tuple[Code, str]]
_QUOTED = 40


def check_chain_entry(task: ListTask) -> ListReport:
    """One entry of PancapChain's data. ``told`` is what the image's other entries must say too."""
    report, turns = _entry(task)
    if not turns:
        return report
    talk = chain_talk(turns[0][1], turns[1][1]) if len(turns) == 2 else None
    if talk is None:
        message = f"it asks {shown(turns[0][1][:_QUOTED])}"
        report.findings.append(QUESTION_UNKNOWN.at(report.place, message))
        return report
    report.findings.extend(code.at(report.place, why) for code, why in _chain_faults(talk))
    told = json.dumps([talk.stage, _entities(talk)])
    return ListReport(report.findings, report.place, report.once, report.counts, told=told)


def _entities(talk: ChainTalk) -> list[str]:
    """All entities that a talk knows of, sorted; boxes alone where it has no tags."""
    known = talk.told.instances
    if talk.stage in ("localise", "tag"):
        known = talk.answer.instances
    elif talk.stage == "discover":
        known = (*known, *talk.answer.instances)
    return sorted(write_instances([one]) for one in known)


def _chain_faults(talk: ChainTalk) -> Faults:
    for name, read in (("question", talk.told), ("answer", talk.answer)):
        for piece in read.strange:
            yield INSTANCES_MALFORMED, f"the {name} has {shown(piece[:_QUOTED])}"
        boxes_alone = talk.stage == "localise" or (talk.stage == "tag" and name == "question")
        for one in read.instances:
            if why := step_fault(one.box):
                yield BOX_WRONG, f"the box {list(one.box)} of the {name} {why}"
            if talk.stage == "caption" and name == "answer":
                continue
            if boxes_alone and one.tag:
                yield TAG_STRANGE, f"the {name} has the tag {shown(one.tag[:_QUOTED])}"
            elif not boxes_alone and not one.tag:
                yield TAG_MISSING, f"the {name} has the box {list(one.box)} without a tag"
    told, answer = talk.told.instances, talk.answer.instances
    if talk.stage == "tag" and (differing := _difference(told, answer)):
        yield BOXES_DIFFER, f"told and answered differ in {differing}"
    elif talk.stage == "discover":
        twice = [one for one in answer if one in told]
        # Two cups may share a box only where the caption says so; the same tag there is the same.
        for one in twice:
            yield FOUND_BEFORE, f"{write_instances([one])} was told"
        if len(answer) > len(told):
            yield MORE_MISSING, f"{len(answer)} are missing of {len(answer) + len(told)}"
    elif talk.stage == "caption":
        in_text, listed = {one.box for one in answer}, {one.box for one in told}
        for box in sorted(in_text - listed):
            yield CAPTION_BOX_STRANGE, f"{list(box)} is in the caption and was not told"
        for box in sorted(listed - in_text):
            yield CAPTION_BOX_MISSING, f"{list(box)} was told and is not in the caption"


def _difference(told: tuple[Instance, ...], answer: tuple[Instance, ...]) -> str:
    one, other = Counter(i.box for i in told), Counter(i.box for i in answer)
    return ", ".join(str(list(box)) for box in sorted((one - other) + (other - one)))


class ChainOfImage:
    """Compares the entries of each image that follow one another in a file."""

    def __init__(self) -> None:
        self.findings: list[Finding] = []
        self._image: str | None = None
        self._told: dict[str, list[str]] = {}

    def take(self, report: ListReport) -> None:
        """One more entry."""
        if not report.told:
            return
        stage, entities = json.loads(report.told)
        if report.place.image_file != self._image:
            self._image, self._told = report.place.image_file, {}
        for other, before in self._told.items():
            bare = "localise" in (stage, other)
            if _bare(before, bare) != _bare(entities, bare):
                message = f"{stage!r} and {other!r} tell different entities"
                self.findings.append(STAGES_DISAGREE.at(report.place, message))
                break
        self._told[stage] = entities


def _bare(entities: list[str], bare: bool) -> list[str]:
    return sorted(e[e.index("<box>") :] for e in entities if "<box>" in e) if bare else entities


def check_reference_entry(task: ListTask) -> ListReport:
    """One entry of ASMv2's data."""
    report, turns = _entry(task)
    for role, value in turns:
        if role == "gpt":
            report.findings.extend(code.at(report.place, w) for code, w in _reference_faults(value))
    return report


def _reference_faults(answer: str) -> Faults:
    read = read_references(answer)
    for piece in read.strange:
        yield REFERENCE_MALFORMED, f"{shown(piece)} belongs to nothing"
    for reference in read.references:
        if not read.text[reference.start : reference.end].strip():
            yield REFERENCE_EMPTY, f"a <ref> with {list(map(list, reference.boxes))} has no words"
    seen = {box for reference in read.references for box in reference.boxes}
    for box in [box for reference in read.references for box in reference.boxes]:
        if why := step_fault(box):
            yield BOX_WRONG, f"the box {list(box)} {why}"
    for predicate in read.predicates:
        if not predicate.words.strip():
            yield REFERENCE_EMPTY, "a <pred> has no words"
        sizes = {len(predicate.subjects), len(predicate.objects)}
        if len(sizes - {1}) > 1:
            message = (
                f"{shown(predicate.words)} has {len(predicate.subjects)} subjects and "
                f"{len(predicate.objects)} objects"
            )
            yield PREDICATE_COUNT, message
        for box in (*predicate.subjects, *predicate.objects):
            if box not in seen:
                yield PREDICATE_BOX, f"{list(box)} of {shown(predicate.words)}"
    if not read.references and not read.strange:
        yield NO_REFERENCE, f"the answer begins {shown(answer[:_QUOTED])}"


def _entry(task: ListTask) -> tuple[ListReport, list[Turn]]:
    """What is wrong with an entry whatever it says, and its turns; none where there are none."""
    where = f"entry {task.position}"
    place = Place(task.file)
    try:
        entry: Any = value_of(task.raw)
    except ValueError as error:
        return ListReport([ENTRY_MALFORMED.at(place, f"{where}: {error}")], place), []
    if not isinstance(entry, dict):
        return ListReport([ENTRY_MALFORMED.at(place, f"{where} is no object")], place), []
    findings: list[Finding] = []
    id, name = entry.get("id"), text_of(entry.get("image"))
    if not (is_whole(id) or isinstance(id, str)) or id == "":
        findings.append(ENTRY_MALFORMED.at(place, f"{where} has the id {shown(id)}"))
        id = None
    place = Place(task.file, id, name)
    if not name:
        message = f"'image' is {shown(entry.get('image'))}; boxes need their image"
        findings.append(ENTRY_MALFORMED.at(place, message))
    elif not is_safe_path(name):
        message = f"the image {name!r} leads out of the folder of images"
        findings.append(UNSAFE_PATH.at(place, message))
    elif task.images is not None:
        findings += check_photo(place, task.images, ListedImage(0, name, name, None))
    once = () if id is None else ((ENTRY_TWICE, str(id)),)
    counts = {"photographs": 1} if name and task.images is not None else {}
    turns, why = turns_of(entry)
    if why:
        findings.append(TURNS_MALFORMED.at(place, why))
        return ListReport(findings, place, once, counts), []
    findings += [code.at(place, message) for code, message in turn_faults(turns, bool(name))]
    return ListReport(findings, place, once, counts), turns
