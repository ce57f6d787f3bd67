"""Asks for one long caption of the image that tells each of its entities with its box.

The entity-aware prompt of PancapEngine: a model sees the photograph and is told the entities in it,
each with tag and box; it answers in prose, a box behind each entity's phrase. The answer is read by
a grammar that makes clean text of it and ties each box to its entity. What is wrong with it
(entities left out, boxes invented or moved, faults of the text) is quoted when it is asked for
again; a repair is a conversation of three messages. Of all answers the best is kept: its text
without boxes, its phrases as spans of segments. An exporter writes the boxes back, those of the
segments themselves. A caption that annoengine composed itself (``pixels``) carries its content: a
plain item for each entity, its place, and each statement.

Source: arXiv 2505.16334, section 4.1; judging and repairs are annoengine's own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from pydantic import Field

from annoengine import registry
from annoengine.answer import Fault, Grammar
from annoengine.categories import table_sha256
from annoengine.errors import Drop, RecipeError, RecordFailed
from annoengine.pancap.assessed_caption import AssessedCaption, assess_caption
from annoengine.pancap.boxed_caption import BoxedGrammar, ExpectedEntity
from annoengine.pancap.composed_caption import content_of_scene
from annoengine.pancap.kept_caption import CAPTION_SCORES, caption_scores, kept_caption
from annoengine.pancap.told_entities import (
    DESCRIBE,
    DESCRIBE_REPAIR,
    ToldEntity,
    fill_describe,
    told_entities,
)
from annoengine.prompt import Prompt, draw
from annoengine.provider import Context, Message, Reply, Request
from annoengine.record import Caption, DrawnImage, Origin, Photo, Record
from annoengine.stage import Ask, Setup, Stage
from annoengine.turns import (
    AskingParameters,
    gave_up,
    has_answer,
    load_prompts,
    no_answer,
    origin_of,
    repair_messages,
    with_words,
)

UNDESCRIBED = "undescribed"
"""The reason for which a record fails, or a caption is set aside, that is of no use."""

TOO_MANY = "too many entities"
"""The reason for which an image is dropped with ``on_more: drop``."""

_TURN = "caption"
_TOKENS_A_WORD = 4 / 3
_TOKENS_A_BOX = 26
"""What ``[[0.405, 0.348, 0.461, 0.441]]`` takes: about six for each number and the brackets."""
_MOST_QUOTED = 12
"""Faults that a repair quotes: a list of forty helps no model."""


class DescribeParameters(AskingParameters):
    """How an image is described from its entities."""

    model: str = "annotator"
    """The role of the model that is asked."""
    prompts: tuple[str, ...] = Field(min_length=1)
    """Prompts of which each record draws one."""
    repair_prompts: tuple[str, ...] = ()
    """Prompts of which a repair draws one; needed where ``repair`` is above 0."""
    answer: str = "pancap"
    """The grammar in which the model is told to answer."""
    pictures: Literal["clean", "marked", "both"] = "clean"
    """What the model sees: the photograph, as in the paper; the marked pictures, and entities are
    then told with their marks' numbers; or the marked ones and then the photograph."""
    repair: int = Field(default=2, ge=0)
    """How often a caption with faults is asked for again; 0 is the paper."""
    max_entities: int | None = Field(default=None, ge=1)
    """The most entities of an image that are told; none: all of them. The paper's benchmark keeps
    to images of fewer than ten (arXiv 2505.16334, Appendix D)."""
    on_more: Literal["largest", "drop"] = "largest"
    """What becomes of an image with more entities: the ``largest`` of them are told, or it is
    dropped, as from the paper's benchmark."""
    on_useless: Literal["fail", "keep", "leave"] = "fail"
    """What becomes of a caption without a right box, or with too few or too many words: ``fail``
    sets the record aside, ``keep`` keeps it all the same, ``leave`` keeps the record without it.
    One that refuses, breaks off or is in another language is never kept."""
    least_iou: float = Field(default=0.5, gt=0, le=1)
    """From which IoU on a box is its entity's. Source: arXiv 2505.16334, section 5 (delta_l)."""
    paragraphs: Literal["join", "keep"] = "join"
    """What becomes of line breaks between paragraphs: ``join`` makes one paragraph of them, which
    is what ``rephrase`` can mend; ``keep`` keeps them, as the paper's captions have them."""
    words: int = Field(default=250, ge=1)
    """How many words the model is asked for. Source: arXiv 2505.16334, Table A3 (257.5 on average
    in the training set)."""
    least_words: int = Field(default=20, ge=0)
    """The fewest words of a caption."""
    most_words: int = Field(default=800, ge=1)
    """The most words of a caption."""


@dataclass
class _Talk:
    """The conversation about one record. ``best`` is the best answer so far, with its origin."""

    entities: tuple[ToldEntity, ...]
    expected: tuple[ExpectedEntity, ...]
    question: Message
    prompt: Prompt
    said: str = ""
    faults: tuple[Fault, ...] = ()
    asked: list[str] = field(default_factory=list)
    best: tuple[AssessedCaption, Origin] | None = None


class Describe(Stage):
    """Gives a record one caption of the whole image, its phrases grounded to segments."""

    VERSION: ClassVar[int] = 2
    NEEDS: ClassVar[frozenset[str]] = frozenset({"segments"})
    GIVES: ClassVar[frozenset[str]] = frozenset({"captions", "content", "scores"})
    SCORES: ClassVar[frozenset[str]] = CAPTION_SCORES
    UNPARSABLE: ClassVar[frozenset[str]] = frozenset({UNDESCRIBED})
    VARIABLES: ClassVar[frozenset[str]] = DESCRIBE
    """What its first prompts may use."""
    Parameters: ClassVar[type[AskingParameters]] = DescribeParameters
    parameters: DescribeParameters

    def __init__(self, parameters: DescribeParameters, setup: Setup) -> None:
        """Loads its prompts and grammar. Raises RecipeError for any that does not fit."""
        super().__init__(parameters, setup)
        grammar: Grammar = registry.find("answer", parameters.answer)()
        if not isinstance(grammar, BoxedGrammar):
            raise RecipeError(
                f"{setup.name}: an answer in the grammar {parameters.answer!r} is no caption with "
                "boxes; set answer to pancap"
            )
        self.grammar: BoxedGrammar = grammar
        self.first_prompts = load_prompts(
            setup, parameters.prompts, self.VARIABLES, parameters.answer
        )
        self.repair_prompts = load_prompts(
            setup, parameters.repair_prompts, DESCRIBE_REPAIR, parameters.answer
        )
        if parameters.repair and not self.repair_prompts:
            raise RecipeError(
                f"{setup.name}: repair is {parameters.repair} and there is no prompt in "
                "repair_prompts; name one, or set repair to 0"
            )
        if parameters.least_words > parameters.most_words:
            raise RecipeError(
                f"{setup.name}: least_words ({parameters.least_words}) is above most_words "
                f"({parameters.most_words})"
            )

    def prompts(self) -> Sequence[Prompt]:
        """The prompts of all its turns; those of repairs where there are any repairs."""
        return [*self.first_prompts, *(self.repair_prompts if self.parameters.repair else ())]

    def roles(self) -> Sequence[str]:
        """The one role that it asks."""
        return (self.parameters.model,)

    def versions(self) -> Mapping[str, Any]:
        """What else a reading depends on: the grammar and the category words."""
        return {
            "grammar": {self.parameters.answer: self.grammar.VERSION},
            "category_words": table_sha256(),
        }

    def likely_output(self, record: Record) -> int:
        """The words that are asked for, and a box for each entity."""
        entities = told_entities(record, self.parameters.max_entities)
        return round(self.parameters.words * _TOKENS_A_WORD) + _TOKENS_A_BOX * len(entities)

    def calls(self, record: Record) -> int:
        """One for a record with entities; repairs are not foreseen."""
        return int(any(not segment.iscrowd for segment in record.segments))

    async def annotate(self, record: Record, ask: Ask) -> Record:
        """The record with its caption behind its other captions, scores and content of it.

        A record without entities comes back as it is. Raises Drop for one with too many, where the
        recipe says so, and RecordFailed: ``undescribed`` for a caption of no use, and the outcome's
        name for a first answer that is none (``refusal``, ``filtered``, ``empty``, ``truncated``
        where nothing came, ``gave_up``). With ``on_useless: leave`` such a record goes on without a
        caption, unless it is ``gave_up``: passing trouble must not last.
        """
        p = self.parameters
        entities = told_entities(record)
        if not entities:
            return record
        if p.max_entities is not None and len(entities) > p.max_entities:
            if p.on_more == "drop":
                raise Drop(TOO_MANY)
            entities = told_entities(record, p.max_entities)
        prompt = draw(self.first_prompts, self.setup.seed, record.id, self.setup.name)
        text = self.question_text(record, prompt, entities)
        question = p.question(text, self._images(record))
        expected = tuple(entity.expected(record.photo) for entity in entities)
        talk = _Talk(entities, expected, question, prompt)
        reply = with_words(await self._ask(record, talk, (question,), _TURN, ask))
        if not has_answer(reply):
            if p.on_useless == "leave" and not gave_up(reply):
                return record
            raise RecordFailed(reply.outcome, reply.detail, (_TURN,))
        self._take(reply, talk, _TURN, 0)
        for number in range(1, p.repair + 1):
            if talk.faults:
                await self._repair(record, talk, number, ask)
        return await self._with_caption(record, talk, ask)

    def question_text(self, record: Record, prompt: Prompt, entities: Sequence[ToldEntity]) -> str:
        """The words of the first question."""
        return fill_describe(prompt, entities, self.parameters.words, self._numbered(record))

    def with_caption(self, record: Record, caption: Caption) -> Record:
        """The record with a caption that was just made, behind those that it has."""
        return record.but(captions=(*record.captions, caption))

    def _numbered(self, record: Record) -> bool:
        return self.parameters.pictures != "clean" and bool(record.marks)

    def _images(self, record: Record) -> list[DrawnImage | Photo]:
        """The pictures of the question; the photograph where nothing was drawn."""
        if not self._numbered(record):
            return [record.photo]
        marked = sorted({mark.drawing for mark in record.marks})
        drawn: list[DrawnImage | Photo] = [record.drawings[index].image for index in marked]
        return [*drawn, *([record.photo] if self.parameters.pictures == "both" else [])]

    async def _ask(
        self, record: Record, talk: _Talk, messages: tuple[Message, ...], turn: str, ask: Ask
    ) -> Reply:
        p = self.parameters
        ids = tuple(entity.segment.id for entity in talk.entities)
        context = Context(record, ids, p.answer, ask.files, ask.compute, "scene")
        request = Request(model=p.model, messages=messages, sampling=p.sampling, context=context)
        return await ask(request, turn)

    async def _repair(self, record: Record, talk: _Talk, number: int, ask: Ask) -> None:
        """Asks for the whole caption again, with what was wrong with the last one."""
        p = self.parameters
        turn = f"{_TURN}/repair {number}"
        name = f"{self.setup.name}/{number}"
        talk.prompt = draw(self.repair_prompts, self.setup.seed, record.id, name)
        bounds, faults = (p.least_words, p.most_words), talk.faults[:_MOST_QUOTED]
        numbered = self._numbered(record)
        text = fill_describe(talk.prompt, talk.entities, p.words, numbered, bounds, faults)
        messages = repair_messages(talk.question, talk.said, text)
        reply = with_words(await self._ask(record, talk, messages, turn, ask))
        if gave_up(reply):
            # Passing trouble: a worse caption must not stay for good because of it.
            raise RecordFailed("gave_up", reply.detail, (turn,))
        self._take(reply, talk, turn, number)

    def _take(self, reply: Reply, talk: _Talk, turn: str, repairs: int) -> None:
        """Reads and judges an answer, and keeps it where it is the best so far."""
        # What is asked again in a retry: the repairs, which may still mend what was said first.
        talk.asked = [turn] if repairs < 2 else [*talk.asked, turn]
        if not has_answer(reply):
            talk.faults = (Fault(reply.outcome, (), no_answer(reply)),)
            return
        p = self.parameters
        parsed = self.grammar.parse(reply.text)
        judged = self.grammar.judge_caption(parsed, talk.expected, p.least_iou)
        cut_short = reply.outcome == "truncated"
        assessed = assess_caption(judged, talk.expected, (p.least_words, p.most_words), cut_short)
        talk.said, talk.faults = reply.text, assessed.faults
        if talk.best is None or assessed.rank < talk.best[0].rank:
            origin = origin_of(reply, self.setup.name, talk.prompt, turn, repairs)
            talk.best = (assessed, origin)

    async def _with_caption(self, record: Record, talk: _Talk, ask: Ask) -> Record:
        """The record with the best caption, or what becomes of it without one."""
        assert talk.best is not None, "a first answer was read"
        assessed, origin = talk.best
        ids = {entity.number: entity.segment.id for entity in talk.entities}
        caption = kept_caption(assessed, ids, origin, self.parameters.paragraphs == "join")
        scores = caption_scores(assessed, origin.repairs, len(talk.entities), self.setup.name)
        keeps = self.parameters.on_useless == "keep" and assessed.may_be_kept
        if not assessed.useless or keeps:
            told = [entity.segment.id for entity in talk.entities]
            content = await content_of_scene(record, caption, told, ask)
            return self.with_caption(record, caption).but(
                content=(*record.content, *content), scores=(*record.scores, *scores)
            )
        if self.parameters.on_useless == "leave":
            ask.set_aside(caption, f"{UNDESCRIBED} ({assessed.useless})", scores)
            return record
        details = " ".join(dict.fromkeys(fault.detail for fault in assessed.faults))
        raise RecordFailed(UNDESCRIBED, f"no usable caption: {details}", tuple(talk.asked))
