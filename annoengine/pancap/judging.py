"""Puts questions about one caption to a judge who reads the other, and reads what the judge says.

The prompt is one text for many questions about one caption. Answers are taken by the number of
their line; what is missing or is neither yes nor no is a failure that is counted, and the item
that it belongs to is not right.

Source: arXiv 2505.16334, section 3.2 and appendix C.1.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from annoengine.pancap.content import Content
from annoengine.pancap.line_fields import Line, LineFault, lines_of
from annoengine.pancap.line_writing import entity_lines
from annoengine.pancap.questions import Question, question_line
from annoengine.pancap.strict_lines import read_strict_answers
from annoengine.prompt import Prompt


class Answer(NamedTuple):
    """What a judge says to the two questions of an item; None: neither yes nor no."""

    yes: bool | None
    no: bool | None

    @property
    def right(self) -> bool:
        """Both as they should be."""
        return self.yes is True and self.no is False

    @property
    def halves(self) -> float:
        """Half a point for each that is as it should be."""
        return 0.5 * (self.yes is True) + 0.5 * (self.no is False)


NO_ANSWER = Answer(None, None)
"""What is missing."""

_MOST_LISTED = 200
"""Entities that are all told to a judge; of more, only those that are asked about. Ours: a list
of thousands would leave no room for the questions."""


def judge_prompt(
    prompt: Prompt, caption: str, content: Content, questions: Iterable[Question]
) -> str:
    """What a judge is told: a caption, the entities read from it, and questions with its ids."""
    asked = list(questions)
    return prompt.fill(
        caption=caption.strip(),
        entities="\n".join(entity_lines(_told_of(content, asked))),
        questions="\n".join(map(question_line, asked)),
    )


def _told_of(content: Content, asked: Sequence[Question]) -> Content:
    if len(content.entities) <= _MOST_LISTED:
        return content
    named = {id for question in asked for id in question.entities}
    return Content(
        tuple(entity for entity in content.entities if entity.id in named),
        tuple(at for at in content.locations if at.entity in named),
    )


def answer_line(question: Question, answer: Answer) -> str:
    """The line of an item's answers, with the ids of the caption that was read.

    >>> from annoengine.pancap.questions import Item, plain_question
    >>> asked = plain_question(Item(2, "attribute", 0, (1,), "entity 1 is brown"))
    >>> answer_line(asked, Answer(True, None))
    '2 | attribute -->> (entity 1, "Yes", "Unclear")'
    """
    names = [f"entity {id}" for id in question.entities if id is not None]
    fields = [*names, *(f'"{_WORDS[said]}"' for said in answer)]
    return f"{question.item.id} | {question.item.dimension} -->> ({', '.join(fields)})"


_WORDS = {True: "Yes", False: "No", None: "Unclear"}


@dataclass(frozen=True)
class ParsedAnswers:
    """What a judge answered, by item id. ``failures`` counts the items left without an answer
    that is yes or no to both, or that were answered twice and differently."""

    answers: Mapping[int, Answer]
    failures: int = 0
    faults: tuple[LineFault, ...] = ()


_SAID = re.compile(
    r"\b(?:(yes|true|correct|y)|(no|false|incorrect|n)|"
    r"(unknown|unclear|unsure|uncertain|n/?a|none|maybe|not\s+(?:sure|mentioned|stated|specified|"
    r"given|clear)|cannot\s+(?:be\s+determined|tell|say)|can't\s+(?:tell|say)))\b",
    re.IGNORECASE,
)
_NUMBERED = re.compile(
    r"^\W*(?:line|question|answer|id|q|a)?\s*#?(\d{1,6})\b(?![.,]\d)", re.IGNORECASE
)


def parse_answers(text: str, asked: Sequence[Question]) -> ParsedAnswers:
    """The answers to these questions. Never raises on any text.

    Lines are aligned by their number. Where none of the numbers was asked, or lines have none,
    they are aligned by order, if there are as many as were asked; otherwise all are failures.

    >>> from annoengine.pancap.questions import Item, plain_question
    >>> asked = [plain_question(Item(n, "global", n, (), "it is dark")) for n in (7, 8)]
    >>> parsed = parse_answers('7 | global -->> ("Yes", "No")\\n8: no, NO.', asked)
    >>> parsed.answers[7].right, parsed.answers[8], parsed.failures
    (True, Answer(yes=False, no=False), 0)
    """
    wanted = [question.item.id for question in asked]
    strict = read_strict_answers(text)
    if strict is not None:
        given = {id: Answer(yes, no) for id, _, yes, no in strict}
        if len(given) == len(strict) and list(given) == wanted:
            return ParsedAnswers(given)
    faults: list[LineFault] = []
    read: list[tuple[int | None, Answer]] = []
    for number, raw in enumerate(text.splitlines(), start=1):
        said = _answer_of(raw)
        if isinstance(said, str):
            faults.append(LineFault(number, "no_answer", said))
        elif said is not None:
            read.append(said)
    by_id = _aligned(read, wanted, faults)
    answers = {id: by_id[id] for id in wanted if id in by_id}
    answered = sum(1 for answer in answers.values() if None not in (answer.yes, answer.no))
    return ParsedAnswers(answers, len(wanted) - answered, tuple(faults))


def _answer_of(raw: str) -> tuple[int | None, Answer] | str | None:
    """The number and the answers of a line; a sentence where it has not two; None for prose."""
    found = _NUMBERED.match(raw)
    number = int(found[1]) if found else None
    frame = raw.rpartition(">")[2] if ">" in raw else raw[found.end() :] if found else raw
    words = _SAID.findall(frame)
    if not words:
        typed = next(iter(lines_of(raw)), 0)
        meant = isinstance(typed, Line) and typed.type not in ("entity", "location")
        return f"neither yes nor no: {raw.strip()!r}" if meant else None
    if len(words) != 2:
        if number is None and len(frame.split()) > 4:
            return None
        return f"{len(words)} answers where two are wanted: {raw.strip()!r}"
    first, second = (True if yes else False if no else None for yes, no, _ in words)
    return number, Answer(first, second)


def _aligned(
    read: Sequence[tuple[int | None, Answer]], wanted: Sequence[int], faults: list[LineFault]
) -> dict[int, Answer]:
    numbers = {number for number, _ in read}
    if numbers.isdisjoint(wanted) or None in numbers:
        if len(read) == len(wanted):
            return dict(zip(wanted, (answer for _, answer in read), strict=True))
        if wanted and read:
            faults.append(
                LineFault(0, "count", f"{len(read)} answers to {len(wanted)} pairs of questions")
            )
        read = [(number, answer) for number, answer in read if number is not None]
    by_id: dict[int, Answer] = {}
    for number, answer in read:
        assert number is not None
        if number not in wanted:
            faults.append(LineFault(0, "not_asked", f"an answer to {number}, which was not asked"))
        elif by_id.setdefault(number, answer) != answer:
            faults.append(LineFault(0, "two_answers", f"two different answers to {number}"))
            by_id[number] = Answer(None, None)
    return by_id
