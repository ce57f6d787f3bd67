"""Asks a vision-language model about every marked segment, and matches its answer to them.

One turn for each drawing. An answer is read by a grammar and judged: each mark needs one
description that fits its category (*hard matching*, Pix2Cap-COCO Fig. 2, step 3). Marks that got
none are asked again, they alone, with what was wrong quoted; what was right is kept. A repair is a
conversation of three messages: the question with its picture, what the model said last, and the
repair, so that its length does not grow with the number of repairs.

Where the marks of an image are shared among several drawings, a later drawing with a category of
an earlier one is told what was said there, so that captions of one category stay apart; drawings
that share none are asked at the same time. In the end one turn more, with all drawings and all
descriptions, asks what goes on between marks of different drawings: on no drawing alone can that
be seen, and one with all marks is what such a model cannot read.

The text goes before the picture, and its fixed part before what changes from image to image, so
that a server's prompt caching finds the same beginning again; the paper does not say. ``picture:
first`` turns that round, for models that are said to answer better so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from pydantic import Field

from annoengine import registry
from annoengine.answer import Fault, Grammar, Interaction, InteractionGrammar, broken_off
from annoengine.categories import table_sha256
from annoengine.errors import RecipeError, RecordFailed
from annoengine.group_answers import (
    DOUBTFUL,
    FAILED,
    REPAIRED,
    Group,
    earlier_alike,
    groups_of,
    reading_scores,
    rounds_of,
    what_is_missing,
    with_answers,
)
from annoengine.mark_prompts import (
    INTERACTIONS,
    LATER,
    OBJECTS,
    REPAIR,
    fill,
    fill_interactions,
    fitting,
)
from annoengine.prompt import Prompt, draw
from annoengine.provider import Context, Message, Reply, Request
from annoengine.record import Origin, Record
from annoengine.stage import Ask, Parameters, Setup, Stage
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

_TOKENS_A_MARK = 45
"""What an answer is likely to say of a mark: Pix2Cap-COCO's descriptions have 22.9 words on average
(arXiv 2501.13893, Table 1), about 30 tokens; number and summary take 6 more, and the interactions,
which the data set leaves out, about a quarter of it all."""

_BETWEEN = "interactions"
"""The turn that asks what goes on between marks of different drawings."""


class AnnotateParameters(AskingParameters):
    """How segments are described."""

    model: str = "annotator"
    """The role of the model that is asked."""
    prompts: tuple[str, ...] = Field(min_length=1)
    """Prompts of which each record draws one: of those that tell categories where its segments
    have any, of the others where they have none."""
    repair_prompts: tuple[str, ...] = ()
    """Prompts of which a repair draws one, likewise; needed where ``repair`` is above 0."""
    later_prompts: tuple[str, ...] = ()
    """Prompts of which a later drawing draws one, likewise, where an earlier one has a category of
    it; without any, it draws one of ``prompts`` and is not told what was said before."""
    interaction_prompts: tuple[str, ...] = ()
    """Prompts of which one asks for interactions between marks of different drawings, with all
    drawings in one message; without any, that is not asked."""
    answer: str = "numbered"
    """The grammar in which the model is told to answer."""
    repair: int = Field(default=2, ge=0)
    """How often marks without a usable description are asked again; 0 is the paper."""
    on_unmatched: Literal["fail", "leave"] = "fail"
    """What becomes of a record with marks that no answer described: ``fail`` sets it aside,
    ``leave`` keeps it with a gap for each of them."""


@dataclass
class _Talk:
    """The conversation about one group.

    ``said`` is the model's last answer, ``asked`` the turns that a retry would ask again.
    """

    group: Group
    question: Message
    prompt: Prompt
    said: str
    asked: tuple[str, ...]

    @property
    def open(self) -> bool:
        """Is there anything left to ask for?"""
        return bool(self.group.wanted) and not self.group.closed


class Annotate(Stage):
    """Gives every marked segment a caption, and sets of segments their interactions."""

    VERSION: ClassVar[int] = 3
    NEEDS: ClassVar[frozenset[str]] = frozenset({"segments", "drawings", "marks"})
    GIVES: ClassVar[frozenset[str]] = frozenset({"captions", "relations", "gaps", "scores"})
    SCORES: ClassVar[frozenset[str]] = frozenset({FAILED, REPAIRED, DOUBTFUL})
    UNPARSABLE: ClassVar[frozenset[str]] = frozenset({"unmatched"})
    Parameters: ClassVar[type[Parameters]] = AnnotateParameters
    parameters: AnnotateParameters

    def __init__(self, parameters: AnnotateParameters, setup: Setup) -> None:
        """Loads its prompts and grammar. Raises RecipeError for any that does not fit."""
        super().__init__(parameters, setup)
        self.grammar: Grammar = registry.find("answer", parameters.answer)()
        self.first_prompts = self._load(parameters.prompts, OBJECTS)
        self.repair_prompts = self._load(parameters.repair_prompts, REPAIR)
        self.later_prompts = self._load(parameters.later_prompts, LATER)
        self.interaction_prompts = self._load(parameters.interaction_prompts, INTERACTIONS)
        if parameters.repair and not self.repair_prompts:
            raise RecipeError(
                f"{setup.name}: repair is {parameters.repair} and there is no prompt in "
                "repair_prompts; name one, or set repair to 0"
            )
        if self.interaction_prompts and not isinstance(self.grammar, InteractionGrammar):
            raise RecipeError(
                f"{setup.name}: in the grammar {parameters.answer!r} interactions cannot be asked "
                "for alone; leave interaction_prompts empty"
            )

    def _load(self, names: Sequence[str], known: frozenset[str]) -> list[Prompt]:
        return load_prompts(self.setup, names, known, self.parameters.answer)

    def prompts(self) -> Sequence[Prompt]:
        """The prompts of all its turns; those of repairs where there are any repairs."""
        repairs = self.repair_prompts if self.parameters.repair else ()
        return [*self.first_prompts, *repairs, *self.later_prompts, *self.interaction_prompts]

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
        """So many tokens for each mark; see ``_TOKENS_A_MARK``."""
        return _TOKENS_A_MARK * len(record.marks)

    def calls(self, record: Record) -> int:
        """One for each drawing that has marks, and one for what goes on between several.

        Repairs are not foreseen.
        """
        drawings = len({mark.drawing for mark in record.marks})
        return drawings + (drawings > 1 and bool(self.interaction_prompts))

    async def annotate(self, record: Record, ask: Ask) -> Record:
        """The record with captions in segment order, relations, scores, and gaps where it may.

        A record without marks comes back as it is. Raises RecordFailed: ``unmatched`` for marks
        that no answer described, and the outcome's name for a first answer that is none
        (``refusal``, ``filtered``, ``empty``, ``truncated`` where nothing came, ``gave_up``). With
        ``on_unmatched: leave`` such an answer about one of several drawings leaves gaps, unless
        it is ``gave_up``: passing trouble must not last.
        """
        groups = groups_of(record)
        # Where none is told what was said of another, all may be asked at once.
        for some in rounds_of(groups, apart=not self.later_prompts):
            await self._describe(record, some, groups, ask)
        closed = [group for group in groups if group.closed]
        if closed and len(closed) == len(groups):
            fault = closed[0].faults[0]
            raise RecordFailed(fault.kind, fault.detail, tuple(group.turn for group in closed))
        between = await self._ask_between(record, groups, ask)
        return with_answers(record, groups, between, self.setup.name, reading_scores(groups))

    async def _describe(
        self, record: Record, some: Sequence[Group], groups: Sequence[Group], ask: Ask
    ) -> None:
        """Asks about some groups at the same time, and again for what is missing."""
        talks = [self._talk(record, group, groups) for group in some]
        requests = [
            (self._request(record, (talk.question,), talk.group.marks, ask), talk.group.turn)
            for talk in talks
        ]
        self._take_first(talks, await ask.all(requests), alone=len(groups) == 1)
        for number in range(1, self.parameters.repair + 1):
            still = [talk for talk in talks if talk.group.wanted and not talk.group.closed]
            if still:
                await self._repair(record, still, number, ask)
        for group in some:
            group.settle()
        missing = [talk for talk in talks if talk.group.wanted]
        if missing and self.parameters.on_unmatched == "fail":
            turns = tuple(turn for talk in missing for turn in talk.asked)
            raise RecordFailed("unmatched", what_is_missing([t.group for t in missing]), turns)

    def _talk(self, record: Record, group: Group, groups: Sequence[Group]) -> _Talk:
        """The question about a group: told what was said of its categories, where it was."""
        given = earlier_alike(group, groups) if self.later_prompts else []
        prompts = fitting(self.later_prompts if given else self.first_prompts, group.expected)
        name = f"{self.setup.name}/later" if given else self.setup.name
        prompt = draw(prompts, self.setup.seed, record.id, name)
        text = fill(prompt, group.expected, given=given)
        question = self.parameters.question(text, [group.drawing.image])
        return _Talk(group, question, prompt, "", (group.turn,))

    def _take_first(self, talks: Sequence[_Talk], replies: Sequence[Reply], alone: bool) -> None:
        """Keeps the first answers. One that is none fails the record, or closes its group."""
        bad: list[tuple[_Talk, Reply]] = []
        for talk, reply in zip(talks, map(with_words, replies), strict=True):
            if has_answer(reply):
                talk.said = reply.text
                self._take(reply, talk, talk.group.turn, 0)
                continue
            bad.append((talk, reply))
            talk.group.faults = (_no_answer(reply, talk.group),)
            talk.group.closed = True
        if not alone and self.parameters.on_unmatched == "leave":
            bad = [(talk, reply) for talk, reply in bad if gave_up(reply)]
        if bad:
            first = bad[0][1]
            turns = tuple(talk.group.turn for talk, _ in bad)
            raise RecordFailed(first.outcome, first.detail, turns)

    async def _repair(self, record: Record, talks: Sequence[_Talk], number: int, ask: Ask) -> None:
        """Asks again, for some groups at the same time, about the marks that are missing."""
        requests = []
        for talk in talks:
            group = talk.group
            turn = f"{group.turn}/repair {number}"
            talk.asked = (turn,) if number == 1 else (*talk.asked, turn)
            prompts = fitting(self.repair_prompts, group.expected)
            name = f"{self.setup.name}/{number}"
            talk.prompt = draw(prompts, self.setup.seed, record.id, name)
            text = fill(talk.prompt, group.wanted, group.faults)
            messages = repair_messages(talk.question, talk.said, text)
            wanted = [e.mark for e in group.wanted]
            requests.append((self._request(record, messages, wanted, ask), turn))
        replies = await ask.all(requests)
        lost = [talk for talk, reply in zip(talks, replies, strict=True) if gave_up(reply)]
        if lost:
            # Passing trouble: leaving gaps would make it last.
            detail = next(reply.detail for reply in replies if gave_up(reply))
            raise RecordFailed("gave_up", detail, tuple(talk.asked[-1] for talk in lost))
        for talk, reply in zip(talks, replies, strict=True):
            self._take(reply, talk, talk.asked[-1], number)
            talk.said = reply.text if reply.text.strip() else talk.said

    async def _ask_between(
        self, record: Record, groups: Sequence[Group], ask: Ask
    ) -> list[tuple[Interaction, Origin]]:
        """What goes on between marks of different drawings; nothing where that is not asked.

        An answer that is none adds nothing: interactions are no duty of an answer about one
        drawing either. Trouble on the way fails the record, so that it is asked again.
        """
        groups = [group for group in groups if group.described]
        drawing_of = {e.mark: n for n, group in enumerate(groups) for e in group.described}
        distinct = len(drawing_of) == sum(len(group.described) for group in groups)
        if not (self.interaction_prompts and len(groups) > 1 and distinct):
            return []
        prompt = draw(
            self.interaction_prompts, self.setup.seed, record.id, f"{self.setup.name}/{_BETWEEN}"
        )
        images = [group.drawing.image for group in groups]
        message = self.parameters.question(fill_interactions(prompt, groups), images)
        request = self._request(record, (message,), drawing_of, ask, wants="interactions")
        reply = await ask(request, _BETWEEN)
        if gave_up(reply):
            raise RecordFailed("gave_up", reply.detail, (_BETWEEN,))
        if reply.outcome not in ("answer", "truncated"):
            return []
        assert isinstance(self.grammar, InteractionGrammar)
        parsed = self.grammar.parse_interactions(reply.text)
        if reply.outcome == "truncated":
            parsed = broken_off(parsed, reply.text)
        expected = tuple(e for group in groups for e in group.described)
        origin = self._origin(reply, prompt, _BETWEEN, 0)
        return [
            (interaction, origin)
            for interaction in self.grammar.judge(parsed, expected).interactions
            if len({drawing_of[mark] for mark in interaction.marks}) > 1
        ]

    def _request(
        self,
        record: Record,
        messages: tuple[Message, ...],
        marks: Iterable[int],
        ask: Ask,
        wants: Literal["objects", "interactions"] = "objects",
    ) -> Request:
        p = self.parameters
        return Request(
            model=p.model,
            messages=messages,
            sampling=p.sampling,
            context=Context(record, tuple(marks), p.answer, ask.files, ask.compute, wants),
        )

    def _take(self, reply: Reply, talk: _Talk, turn: str, repairs: int) -> None:
        """Keeps what an answer says of the marks that are wanted, and what is wrong with it."""
        group = talk.group
        if reply.outcome not in ("answer", "truncated"):
            group.faults = (_no_answer(reply, group),)
            return
        parsed = self.grammar.parse(reply.text)
        if reply.outcome == "truncated":
            parsed = broken_off(parsed, reply.text)
        judged = self.grammar.judge(parsed, group.wanted)
        origin = self._origin(reply, talk.prompt, turn, repairs)
        group.regions |= {mark: (region, origin) for mark, region in judged.accepted.items()}
        group.doubtful |= {mark: (region, origin) for mark, region in judged.doubtful.items()}
        group.interactions += [(interaction, origin) for interaction in judged.interactions]
        group.faults = judged.faults

    def _origin(self, reply: Reply, prompt: Prompt, turn: str, repairs: int) -> Origin:
        return origin_of(reply, self.setup.name, prompt, turn, repairs)


def _no_answer(reply: Reply, group: Group) -> Fault:
    """What to say of a reply that is none."""
    return Fault(reply.outcome, tuple(e.mark for e in group.wanted), no_answer(reply))
