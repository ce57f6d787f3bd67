"""Yes/no questions about the items of a caption, put to a judge who reads the other caption.

An item is an attribute, a relation or a global state; it gets two questions, one that is right to
answer with yes and one with no. Entities are called by the ids of the caption that is read. An
item whose entities have no match there is not asked, unless a caller wants that.

Source: arXiv 2505.16334, section 3.2 and appendix C.1. Deviation from the authors' code, which
replaces one id after the other: all ids of a question are mapped at once, so that of two that
are exchanged neither is lost, and the 1 of "entity 12" stays.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from annoengine.pancap.content import Content
from annoengine.pancap.line_fields import Line, LineFault, lines_of, quoted_parts
from annoengine.pancap.line_writing import entity_lines, first_item_id

AskedDimension = Literal["attribute", "relation", "global"]
ASKED: tuple[AskedDimension, ...] = ("attribute", "relation", "global")
"""The dimensions that are judged by questions."""

_ENTITY = re.compile(r"\bentity[\s_#-]*(\d+)\b", re.IGNORECASE)
_CALLED = re.compile(r"entity (\d+)")
"""Without a look at what stands before, which makes it three times as fast."""

_BETWEEN = "\n"
"""No question has a line break: they are written and read by lines."""


class Item(NamedTuple):
    """A statement of a caption that can be asked about.

    ``id`` is the number of its line in ``write_content``; ``place`` its index among the items of
    its dimension.
    """

    id: int
    dimension: AskedDimension
    place: int
    entities: tuple[int, ...]
    text: str


class Question(NamedTuple):
    """Two questions about an item: ``yes`` is to be answered with yes, ``no`` with no.

    ``entities`` are ids of the caption that is read; None stands for one that is not there.
    """

    item: Item
    entities: tuple[int | None, ...]
    yes: str
    no: str


def items_of(content: Content) -> tuple[Item, ...]:
    """The items of a content in the order and with the numbers of ``write_content``.

    >>> from annoengine.pancap.content import Attribute, Entity
    >>> items_of(Content((Entity(1, "dog"),), (), (Attribute(1, "entity 1 is brown"),)))
    (Item(id=2, dimension='attribute', place=0, entities=(1,), text='entity 1 is brown'),)
    """
    said: list[tuple[AskedDimension, int, tuple[int, ...], str]] = [
        *(("attribute", n, (a.entity,), a.text) for n, a in enumerate(content.attributes)),
        *(("relation", n, (r.subject, r.object), r.text) for n, r in enumerate(content.relations)),
        *(("global", n, (), g.text) for n, g in enumerate(content.globals)),
    ]
    return tuple([Item(id, *item) for id, item in enumerate(said, start=first_item_id(content))])


def askable(items: Iterable[Item], ids: Mapping[int, int]) -> list[Item]:
    """The items whose entities all have a match in the other caption.

    >>> item = Item(9, "relation", 0, (1, 2), "entity 1 is behind entity 2")
    >>> askable([item], {1: 2, 2: 1}) == [item], askable([item], {1: 3})
    (True, [])
    """
    return [item for item in items if all(map(ids.__contains__, item.entities))]


def plain_question(item: Item) -> Question:
    """The questions that need no model: whether the statement is true, and whether it is false.

    >>> item = Item(2, "attribute", 0, (1,), "entity 1 is brown.")
    >>> plain_question(item).yes, plain_question(item).no
    ('Is it true that entity 1 is brown?', 'Is it false that entity 1 is brown?')
    """
    said = " ".join(item.text.split()).rstrip(".!?")
    return Question(item, item.entities, f"Is it true that {said}?", f"Is it false that {said}?")


@dataclass(frozen=True)
class ParsedQuestions:
    """One question for each item, by item. ``failures`` counts the items that the text has no
    pair of questions for: those are asked in the plain form."""

    questions: tuple[Question, ...]
    failures: int = 0
    faults: tuple[LineFault, ...] = ()


def parse_questions(text: str, items: Sequence[Item]) -> ParsedQuestions:
    """The questions that a model wrote for these items. Never raises on any text.

    Lines are aligned by their number; where no line has the number of an item and there are as
    many lines of its dimension as items, by order.

    >>> item = Item(2, "attribute", 0, (1,), "entity 1 is brown")
    >>> text = '2 | attribute -->> (entity 1, "Is entity 1 brown?", "Is entity 1 white?")'
    >>> parse_questions(text, [item]).questions[0].no
    'Is entity 1 white?'
    """
    faults: list[LineFault] = []
    pairs: dict[int, tuple[str, str]] = {}
    of_dimension: dict[str, list[tuple[int, tuple[str, str]]]] = {}
    for line in lines_of(text):
        if not isinstance(line, Line) or line.type in ("entity", "location"):
            continue
        pair = _pair_of(line.rest)
        if pair is None:
            faults.append(LineFault(line.number, "no_pair", f"no two questions: {line.rest!r}"))
            continue
        if line.id is not None:
            pairs.setdefault(line.id, pair)
        of_dimension.setdefault(line.type or line.word, []).append((line.number, pair))
    if not any(item.id in pairs for item in items):
        pairs = {}
        for dimension in ASKED:
            wanted = [item for item in items if item.dimension == dimension]
            found = of_dimension.get(dimension, [])
            if len(found) == len(wanted):
                pairs.update((i.id, p) for i, (_, p) in zip(wanted, found, strict=True))
    questions = []
    for item in items:
        plain = plain_question(item)
        pair = pairs.get(item.id)
        questions.append(plain if pair is None else plain._replace(yes=pair[0], no=pair[1]))
    failures = sum(1 for item in items if item.id not in pairs)
    return ParsedQuestions(tuple(questions), failures, tuple(faults))


_TWO = re.compile(r'[^"“”]*["“]([^?]*\?)["”]\s*[,;]\s*["“]([^?]*\?)["”]\s*\)?\s*')
"""Two questions that may have quotation marks within: 'Does it read "12", or "noon"?'."""


def _pair_of(rest: str) -> tuple[str, str] | None:
    two = _TWO.fullmatch(rest)
    if two is not None:
        return _called(two[1]), _called(two[2])
    parts = [part for part in quoted_parts(rest) if part]
    if len(parts) < 2:
        parts = [part.strip(" ,;\"'“”") + "?" for part in rest.split("?")[:-1]]
        parts = [re.sub(r"^(?:\(?\s*(?:entity[\s_]*)?\d+\s*,\s*)+[\"'“”]*", "", p) for p in parts]
    if len(parts) < 2:
        return None
    return _called(parts[-2]), _called(parts[-1])


def _called(text: str) -> str:
    return " ".join(_ENTITY.sub(lambda found: f"entity {found[1]}", text).split())


def item_line(item: Item) -> str:
    """A statement's line, as ``write_content`` has it.

    >>> item_line(Item(9, "relation", 0, (1, 2), "entity 1 is behind entity 2"))
    '9 | relation -->> (entity 1, entity 2, "entity 1 is behind entity 2")'
    """
    fields = [*(f"entity {id}" for id in item.entities), f'"{item.text}"']
    return f"{item.id} | {item.dimension} -->> ({', '.join(fields)})"


def write_questions(content: Content, questions: Iterable[Question]) -> str:
    """The lines of a caption's questions, in the published form: entities and boxes come first."""
    return "\n".join([*entity_lines(content), *map(question_line, questions)])


def question_line(question: Question) -> str:
    """A question's line, with the number of its item.

    >>> question_line(plain_question(Item(2, "attribute", 0, (1,), "entity 1 is brown")))
    '2 | attribute -->> (entity 1, "Is it true that entity 1 is brown?", \
"Is it false that entity 1 is brown?")'
    """
    names = [f"entity {id}" for id in question.entities if id is not None]
    fields = [*names, f'"{question.yes}"', f'"{question.no}"']
    return f"{question.item.id} | {question.item.dimension} -->> ({', '.join(fields)})"


def map_questions(
    questions: Iterable[Question],
    ids: Mapping[int, int],
    tags: Mapping[int, str] | None = None,
) -> tuple[Question, ...]:
    """The questions to put to a judge of the other caption, its ids for those of the caption.

    ``ids``: id → id of the match there. A question about an entity without one is left out;
    where ``tags`` (id → tag) are given, it is kept and calls the entity by its tag.

    >>> item = Item(9, "relation", 0, (1, 2), "entity 1 is behind entity 2")
    >>> map_questions([plain_question(item)], {1: 2, 2: 1})[0].yes
    'Is it true that entity 2 is behind entity 1?'
    >>> map_questions([plain_question(item)], {1: 3})
    ()
    >>> map_questions([plain_question(item)], {1: 3}, {1: "dog", 2: "oak tree"})[0].yes
    'Is it true that entity 3 is behind the oak tree?'
    """

    names = {} if tags is None else {str(id): f"the {tag}" for id, tag in tags.items()}
    names.update((str(id), f"entity {there}") for id, there in ids.items())
    kept = [
        question
        for question in questions
        if tags is not None or all(map(ids.__contains__, question.item.entities))
    ]
    # One pass over all texts, since a pass for each of them costs more than what it changes.
    texts = [text for question in kept for text in (question.yes, question.no)]
    pieces = _CALLED.split(_BETWEEN.join(texts))
    pieces[1::2] = [
        f"entity {id}" if before[-1:].isalnum() else names.get(id, f"entity {id}")
        for before, id in zip(pieces[::2], pieces[1::2], strict=False)
    ]
    mapped = "".join(pieces).split(_BETWEEN)
    return tuple(
        Question(question.item, tuple(map(ids.get, question.item.entities)), yes, no)
        for question, yes, no in zip(kept, mapped[::2], mapped[1::2], strict=bool(kept))
    )
