"""Reads the training data of PancapChain: which question an entry asks, what it tells and answers.

Source: arXiv 2505.16334, Appendix E.1; the questions are known by their first words.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from annoengine.errors import InputError
from annoengine.pancap.grid_boxes import BOX_TEXT, Steps, read_steps
from annoengine.pancap.instance_text import Instance, ReadInstances, read_instances
from annoengine.reading.llava_file import read_llava

_QUESTIONS = {
    "localise": "please localize all entities in this image",
    "tag": "please specify the semantic tags of all entities based on their bounding boxes",
    "discover": "please specify missing entities and their locations for this image",
    "caption": "please provide a hyper-detailed description for this image",
}
STAGES = tuple(_QUESTIONS)
"""The stages in their order."""


@dataclass(frozen=True)
class ChainTalk:
    """One question and its answer.

    ``told`` is what stands behind the question's colon, ``answer`` the answer's instances; for the
    stage ``caption`` the boxes of its text, without tags.
    """

    stage: str
    told: ReadInstances
    answer: ReadInstances
    text: str


@dataclass(frozen=True)
class ChainExample:
    """What the entries of one image say, as far as they are there.

    ``known`` and ``missing`` are the two parts of the entities; ``caption`` has its boxes.
    """

    image: str
    boxes: tuple[Steps, ...] = ()
    entities: tuple[Instance, ...] = ()
    known: tuple[Instance, ...] = ()
    missing: tuple[Instance, ...] = ()
    caption: str = ""


def stage_of(question: str) -> str:
    """The stage that a question is of, or "".

    >>> stage_of("<image>\\nPlease localize all entities in this image."), stage_of("Why?")
    ('localise', '')
    """
    words = " ".join(question.replace("<image>", " ").split()).lower()
    return next((stage for stage, head in _QUESTIONS.items() if words.startswith(head)), "")


def chain_talk(question: str, answer: str) -> ChainTalk | None:
    """A question with its answer; None where it is no question of the chain."""
    stage = stage_of(question)
    if not stage:
        return None
    told = read_instances(question.partition(":")[2]) if stage != "localise" else ReadInstances(())
    if stage == "caption":
        boxes = (read_steps(match["steps"]) for match in BOX_TEXT.finditer(answer))
        return ChainTalk(stage, told, ReadInstances(tuple(Instance("", b) for b in boxes)), answer)
    return ChainTalk(stage, told, read_instances(answer), answer)


def is_chain(entry: Any) -> bool:
    """Does an entry of a file ask one of the chain's questions?"""
    turns = entry.get("conversations") if isinstance(entry, dict) else None
    first = turns[0] if isinstance(turns, list) and turns else None
    value = first.get("value") if isinstance(first, dict) else None
    return isinstance(value, str) and bool(stage_of(value))


def read_chain(path: Path) -> Iterator[ChainExample]:
    """The examples of a file, the entries of one image being those that follow each other.

    Raises InputError, with the place, for an entry that is no question of the chain.
    """
    for image, entries in itertools.groupby(read_llava(path), key=lambda entry: entry.image):
        found: dict[str, Any] = {}
        for entry in entries:
            talk = chain_talk(entry.question, entry.turns[1][1]) if len(entry.turns) == 2 else None
            if talk is None:
                raise InputError(
                    f"{path}: entry {entry.position} ({entry.id!r}) asks none of PancapChain's "
                    "four questions; is it another instruction file?"
                )
            found |= _members(talk)
        yield ChainExample(image or "", **found)


def _members(talk: ChainTalk) -> dict[str, Any]:
    if talk.stage == "localise":
        return {"boxes": tuple(one.box for one in talk.answer.instances)}
    if talk.stage == "tag":
        return {"entities": talk.answer.instances}
    if talk.stage == "discover":
        return {"known": talk.told.instances, "missing": talk.answer.instances}
    return {"caption": talk.text}
