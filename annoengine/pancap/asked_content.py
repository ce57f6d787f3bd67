"""Has a text model read captions: what they say, in lines of the published grammar.

An answer that cannot be used wholly is asked for again with what is wrong quoted; the one with the
most usable lines, less its faults, counts. A caption is never read as empty because a model said
nothing of use: that is a failure, unless it said in one word that there is nothing.
The embedded extractor may stand in for the model; then nothing is asked.

Source: arXiv 2505.16334, section 3.2. That answers are checked and asked for again is ours.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from annoengine.errors import RecordFailed
from annoengine.language.parser import DEFAULT_MODEL
from annoengine.pancap.caption_boxes import find_boxes
from annoengine.pancap.content import Attribute, BoxUnit, Content, GlobalState, Relation
from annoengine.pancap.content_items import turn_of
from annoengine.pancap.content_lines import parse_content
from annoengine.pancap.embedded_extractor import extract, extractor_version
from annoengine.pancap.line_writing import write_box, write_content
from annoengine.prompt import Prompt
from annoengine.provider import Message, Request, Sampling, TextPart
from annoengine.stage import Ask
from annoengine.turns import gave_up, has_answer, no_answer, repair_messages, with_words

EMBEDDED = "embedded"
"""The ``model`` that is none: rules that are part of annoengine."""

READING = 1
"""Rises with every change of what is read of an answer."""

NO_CONTENT = "no_content"
"""Why a record fails of whose captions no answer could be used."""

_NONE = re.compile(r"\W*none\W*", re.IGNORECASE)
_MOST_QUOTED = 12
"""Faults that are quoted to a model; ours: of a hundred it would mend the first few anyway."""

_MOST_READINGS = 16
"""So often a content is written and read until it stays as it is; so that no text can hang it."""

_SAME_BOX = 0.006
"""How far a box may be from the caption's in each number: what two decimals leave open; ours."""

_HARMLESS = frozenset({"duplicate"})


@dataclass(frozen=True)
class Told:
    """A caption that is read. ``side`` names it in turns; ``size_wh``: the image's in pixels."""

    side: str
    text: str
    size_wh: tuple[int, int] | None = None


@dataclass(frozen=True)
class Extraction:
    """How captions are read. ``model`` is a role, or ``EMBEDDED``, which needs no prompts."""

    model: str
    prompt: Prompt | None = None
    repair_prompt: Prompt | None = None
    repair: int = 0
    sampling: Sampling = Sampling()
    language: str = DEFAULT_MODEL

    @property
    def asks(self) -> bool:
        """Is there a model to ask?"""
        return self.model != EMBEDDED

    def version(self) -> str:
        """For fingerprints: what turns an answer, or a caption, into a content."""
        return f"answers {READING}" if self.asks else extractor_version(self.language)


@dataclass(frozen=True)
class ContentRead:
    """What was read of one caption. ``by``: the model as it named itself, or the rules.

    ``faults`` counts what of the answer could not be used after all repairs.
    """

    content: Content
    by: str
    faults: int = 0
    repairs: int = 0
    turn: str = ""
    prompt: str = ""

    @property
    def lines(self) -> int:
        """How many lines the content has."""
        c = self.content
        parts = (c.entities, c.locations, c.attributes, c.relations, c.globals)
        return sum(map(len, parts))


def judge_extraction(text: str, told: Told, truncated: bool = False) -> tuple[Content, list[str]]:
    """What may be used of an answer about a caption, and what is wrong with it, a sentence each.

    >>> told = Told("reference", "A dog [[0.1, 0.2, 0.3, 0.4]].")
    >>> judge_extraction("1 | entity -->> (whole, dog)", told)[1]
    ['The box [0.100, 0.200, 0.300, 0.400] of the description has no location line.']
    """
    if _NONE.fullmatch(text):
        text = ""
    parsed = parse_content(text)
    faults = [
        f"Line {fault.line}: {fault.detail}."
        for fault in parsed.faults
        if fault.kind not in _HARMLESS
    ]
    if truncated:
        faults.insert(0, "The lines broke off before the end.")
    faults += _box_faults(parsed.content, told)
    return plain_content(parsed.content), faults


def plain_content(content: Content) -> Content:
    """A content that is the same when it was written and read: boxes to three decimals."""
    plain = Content(
        content.entities,
        content.locations,
        tuple(Attribute(a.entity, a.text.replace('"', "'")) for a in content.attributes),
        tuple(Relation(r.subject, r.object, r.text.replace('"', "'")) for r in content.relations),
        tuple(GlobalState(g.text.replace('"', "'")) for g in content.globals),
    )
    # Reading takes off a pair of quotation marks or brackets, of which there may be several.
    for _ in range(_MOST_READINGS):
        again = parse_content(write_content(plain)).content
        if again == plain:
            break
        plain = again
    return plain


def _box_faults(content: Content, told: Told) -> list[str]:
    """Boxes that the caption has and the content has not, and the other way round."""
    there = list(dict.fromkeys(box.box for box in find_boxes(told.text, told.size_wh).boxes))
    said = list(dict.fromkeys(at.box for at in content.locations))
    lost, invented = _not_among(there, said), _not_among(said, there)
    return [
        *(f"The box {write_box(box)} of the description has no location line." for box in lost),
        *(f"The box {write_box(box)} is not in the description." for box in invented),
    ]


def _not_among(boxes: Sequence[BoxUnit], others: Sequence[BoxUnit]) -> list[BoxUnit]:
    if not others:
        return list(boxes)
    known = np.array(others)
    return [box for box in boxes if np.abs(known - box).max(axis=1).min() > _SAME_BOX]


async def read_content(told: Told, ask: Ask, extraction: Extraction) -> ContentRead:
    """What a caption says; nothing, and without a question, where it has no word.

    Raises RecordFailed: the outcome's name where no answer came (``refusal``, ``gave_up`` …),
    ``no_content`` where none of them could be used.
    """
    turn = turn_of("content", told.side)
    if not told.text.strip():
        return ContentRead(Content(), "")
    if extraction.asks:
        return await _asked(told, ask, extraction, turn)
    found = await ask.compute(extract, told.text, told.size_wh, extraction.language)
    by = extractor_version(extraction.language)
    return ContentRead(plain_content(found.content), by, len(found.faults))


async def _asked(told: Told, ask: Ask, extraction: Extraction, turn: str) -> ContentRead:
    asked, repair = extraction.prompt, extraction.repair_prompt
    assert asked is not None, "a model is asked with a prompt"
    question = _words(asked.fill(caption=told.text.strip()))
    best: ContentRead | None = None
    messages: tuple[Message, ...] = (question,)
    turns: list[str] = []
    faults: list[str] = []
    for number in range(extraction.repair + 1):
        turns.append(f"{turn}/repair {number}" if number else turn)
        request = Request(extraction.model, messages, extraction.sampling)
        reply = with_words(await ask(request, turns[-1]))
        if gave_up(reply):
            # Passing trouble: a worse reading must not stay for good because of it.
            raise RecordFailed("gave_up", reply.detail, tuple(turns[-1:]))
        if not has_answer(reply):
            if best is None and not faults:
                raise RecordFailed(reply.outcome, no_answer(reply), tuple(turns))
            break
        content, faults = judge_extraction(reply.text, told, reply.outcome == "truncated")
        read = ContentRead(content, reply.model, len(faults), number, turns[-1], asked.name)
        if not read.lines and not _NONE.fullmatch(reply.text):
            faults = ["There is no line of the form NUMBER | TYPE -->> (FIELDS)."]
        elif best is None or read.lines - read.faults > best.lines - best.faults:
            best = read
        if best is not None and not best.faults:
            return best
        if number < extraction.repair:
            assert repair is not None, "a repair is asked for with a prompt"
            listed = "\n".join(f"- {fault}" for fault in faults[:_MOST_QUOTED])
            messages = repair_messages(question, reply.text, repair.fill(faults=listed))
            asked = repair
    if best is None:
        detail = f"no line about the caption of {told.side!r} could be used: {faults[0]}"
        raise RecordFailed(NO_CONTENT, detail, tuple(turns))
    return best


def _words(text: str) -> Message:
    return Message(role="user", parts=(TextPart(text=text),))
