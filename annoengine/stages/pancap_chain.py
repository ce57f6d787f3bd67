"""Asks for a caption with boxes step by step: where entities are, what they are, what was missed.

PancapChain as a way to ask any model. Four turns about the photograph: ``localise`` gives boxes,
``tag`` their tags, ``discover`` entities that were missed, and ``caption`` is told all of them and
gives the caption. Each answer is read, exact duplicates go, and what was read is written into the
next question. What is wrong with an answer is quoted when it is asked for again; of all answers to
a question the best goes on. Entities become segments, boxes of the caption spans of them.

The questions are the paper's own words, for models trained on them; others need the second prompt
of each turn, which says how to answer. Each turn is a question of its own, as in the paper; with
``talk: conversation`` a model also sees what it said before.

Source: arXiv 2505.16334, section 5 and Appendix E.1; repairs and judging are annoengine's own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Generic, Literal, TypeVar

from annoengine import registry
from annoengine.answer import Fault, Grammar
from annoengine.categories import table_sha256
from annoengine.errors import RecipeError, RecordFailed
from annoengine.pancap.assessed_caption import AssessedCaption
from annoengine.pancap.boxed_caption import BoxedGrammar
from annoengine.pancap.chain_answers import ListedAnswer, read_answer
from annoengine.pancap.chain_baseline import about_chain
from annoengine.pancap.chain_caption import read_caption
from annoengine.pancap.chain_entities import ChainEntity, chain_entities
from annoengine.pancap.chain_lists import (
    TurnList,
    read_discovered,
    read_localised,
    read_tagged,
)
from annoengine.pancap.chain_settings import PancapChainParameters, Turn, form_of, grid_of
from annoengine.pancap.grid_boxes import BoxGrid
from annoengine.pancap.instance_text import Instance, write_instances
from annoengine.pancap.kept_caption import CAPTION_SCORES, caption_scores, kept_caption
from annoengine.prompt import Prompt, draw
from annoengine.provider import Context, Message, Reply, Request
from annoengine.record import Origin, Record, Score
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

Read = TypeVar("Read")

LOCALISED, TAGGED, DISCOVERED, LIST_FAULTS, LIST_REPAIRS = (
    "chain.localised",
    "chain.tagged",
    "chain.discovered",
    "chain.faults",
    "chain.repaired",
)
"""How many boxes were found, how many entities had a tag, how many were found later; and how much
is wrong with the three lists that went on, and how many repairs these took."""

UNLOCALISED, UNTAGGED, UNDESCRIBED = "unlocalised", "untagged", "undescribed"
"""The reasons for which a record fails: no box, no tag, no caption that is of use."""

_WANTS: Mapping[Turn, Literal["boxes", "tags", "missing", "scene"]] = {
    "localise": "boxes",
    "tag": "tags",
    "discover": "missing",
    "caption": "scene",
}
_TOKENS_A_WORD = 4 / 3
_TOKENS_A_BOX = 22
"""What ``<box>[[100, 200, 500, 600]]</box>, `` takes."""
_TOKENS_A_TAG = 3
_LIKELY_ENTITIES = 7
"""Of an image without regions. Source: arXiv 2505.16334, Table 2 (6.9 instances an image)."""
_MOST_QUOTED = 12
"""Faults that a repair quotes: a list of forty helps no model."""


@dataclass
class _Chain:
    """What is known of one record. ``history`` is empty where each question stands alone."""

    record: Record
    ask: Ask
    history: list[Message] = field(default_factory=list)


@dataclass(frozen=True)
class _Best(Generic[Read]):
    """The best answer to one question. ``asked``: the turns that a retry asks again."""

    read: Read
    faults: int
    origin: Origin
    asked: tuple[str, ...]


class PancapChain(Stage):
    """Gives a record entities and one caption of the whole image, asked for in four turns."""

    VERSION: ClassVar[int] = 1
    GIVES: ClassVar[frozenset[str]] = frozenset({"segments", "captions", "scores"})
    SCORES: ClassVar[frozenset[str]] = CAPTION_SCORES | {
        LOCALISED,
        TAGGED,
        DISCOVERED,
        LIST_FAULTS,
        LIST_REPAIRS,
    }
    UNPARSABLE: ClassVar[frozenset[str]] = frozenset({UNLOCALISED, UNTAGGED, UNDESCRIBED})
    Parameters: ClassVar[type[AskingParameters]] = PancapChainParameters
    parameters: PancapChainParameters

    def __init__(self, parameters: PancapChainParameters, setup: Setup) -> None:
        """Loads its prompts and grammar. Raises RecipeError for any that does not fit."""
        super().__init__(parameters, setup)
        p = parameters
        grammar: Grammar = registry.find("answer", p.answer)()
        if not isinstance(grammar, BoxedGrammar):
            raise RecipeError(
                f"{setup.name}: an answer in the grammar {p.answer!r} is no caption with "
                "boxes; set answer to pancap"
            )
        if p.least_words > p.most_words:
            raise RecipeError(
                f"{setup.name}: least_words ({p.least_words}) is above most_words ({p.most_words})"
            )
        self.grammar: BoxedGrammar = grammar
        self.grid = BoxGrid(p.frame, p.scale)
        bounds = {"least_words", "most_words"}
        self.questions: Mapping[Turn, list[Prompt]] = {
            "localise": load_prompts(setup, p.localise_prompts, {"grid"}, None),
            "tag": load_prompts(setup, p.tag_prompts, {"grid", "boxes"}, None),
            "discover": load_prompts(setup, p.discover_prompts, {"grid", "entities"}, None),
            "caption": load_prompts(
                setup, p.caption_prompts, {"grid", "entities", "words"} | bounds, p.answer
            ),
        }
        lists = load_prompts(setup, p.list_repair_prompts, {"grid", "faults", "form"}, None)
        captions = load_prompts(
            setup, p.caption_repair_prompts, {"grid", "faults", "words"} | bounds, p.answer
        )
        for name, prompts in (("list", lists), ("caption", captions)):
            if p.repair and not prompts:
                raise RecipeError(
                    f"{setup.name}: repair is {p.repair} and there is no prompt in "
                    f"{name}_repair_prompts; name one, or set repair to 0"
                )
        told: tuple[tuple[Turn, str], ...] = (
            ("tag", "boxes"),
            ("discover", "entities"),
            ("caption", "entities"),
        )
        for turn, what in told:
            bare = [q.name for q in self.questions[turn] if what not in q.head.variables]
            if bare:
                raise RecipeError(
                    f"{setup.name}: the prompt {bare[0]} in {turn}_prompts does not tell what was "
                    f"found before; it needs the variable {what}"
                )
        self.repairs = {t: captions if t == "caption" else lists for t in self.questions}

    def prompts(self) -> Sequence[Prompt]:
        """The prompts of all its turns; those of repairs where there are any repairs."""
        first = [prompt for prompts in self.questions.values() for prompt in prompts]
        repairs = [*self.repairs["localise"], *self.repairs["caption"]]
        return [*first, *(repairs if self.parameters.repair else ())]

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
        """A box for each entity in three of the answers, a tag in one, and the caption's words."""
        entities = sum(not segment.iscrowd for segment in record.segments) or _LIKELY_ENTITIES
        listed = entities * (3 * _TOKENS_A_BOX + _TOKENS_A_TAG)
        return listed + round(self.parameters.words * _TOKENS_A_WORD)

    def calls(self, record: Record) -> int:
        """The four turns; repairs are not foreseen."""
        return len(self.questions)

    async def annotate(self, record: Record, ask: Ask) -> Record:
        """The record with new segments behind its own, the caption, and scores of both.

        Raises RecordFailed: ``unlocalised`` where no box was found, ``untagged`` where none has a
        tag, ``undescribed`` for a caption of no use, and the outcome's name for a first answer
        that is none (``refusal``, ``filtered``, ``empty``, ``truncated`` where nothing came,
        ``gave_up``). With ``on_useless: leave`` such a record goes on as it came, unless it is
        ``gave_up``: passing trouble must not last.
        """
        try:
            return await self._captioned(_Chain(record, ask))
        except RecordFailed as failed:
            if self.parameters.on_useless == "leave" and failed.reason != "gave_up":
                return record
            raise

    async def _captioned(self, chain: _Chain) -> Record:
        p = self.parameters
        boxes = await self._list(chain, "localise", (), read_localised)
        told = boxes.read.instances
        if not told:
            raise RecordFailed(UNLOCALISED, boxes.read.why, boxes.asked)
        tags = await self._list(
            chain,
            "tag",
            told,
            lambda answer: read_tagged(told, answer, p.least_iou),
        )
        tagged = tags.read.instances
        if not tagged:
            raise RecordFailed(UNTAGGED, tags.read.why, tags.asked)
        extra = await self._list(
            chain, "discover", tagged, lambda answer: read_discovered(tagged, answer)
        )
        own = {one.box for one in told}
        finders = {True: boxes.origin.model, False: tags.origin.model}
        found = [(one, finders[one.box in own]) for one in tagged]
        found += [(one, extra.origin.model) for one in extra.read.instances]
        entities = chain_entities(chain.record, found, self.grid, p.ground, p.least_iou)
        caption = await self._caption(chain, entities)
        lists = (boxes, tags, extra)
        values = {
            LOCALISED: len(told),
            TAGGED: len(tagged),
            DISCOVERED: len(extra.read.instances),
            LIST_FAULTS: sum(one.faults for one in lists),
            LIST_REPAIRS: sum(one.origin.repairs for one in lists),
        }
        scores = [Score(name=n, value=float(v), by=self.setup.name) for n, v in values.items()]
        return self._with_caption(chain, entities, caption, scores)

    async def _list(
        self,
        chain: _Chain,
        turn: Turn,
        told: Sequence[Instance],
        judge: Callable[[ListedAnswer], TurnList],
    ) -> _Best[TurnList]:
        """The best list of one turn. ``told``: what its question tells."""
        size_wh = (chain.record.photo.width, chain.record.photo.height)

        def read(reply: Reply) -> tuple[TurnList, tuple[Fault, ...], Any]:
            cut_short = reply.outcome == "truncated"
            answer = read_answer(reply.text, self.grid, size_wh, turn != "localise", cut_short)
            listed = judge(answer)
            return listed, listed.faults, listed.rank

        return await self._best(chain, turn, told, read)

    async def _caption(
        self, chain: _Chain, entities: Sequence[ChainEntity]
    ) -> _Best[AssessedCaption]:
        p = self.parameters
        size_wh = (chain.record.photo.width, chain.record.photo.height)
        bounds = (p.least_words, p.most_words)

        def read(reply: Reply) -> tuple[AssessedCaption, tuple[Fault, ...], Any]:
            cut_short = reply.outcome == "truncated"
            assessed = read_caption(
                reply.text,
                self.grammar,
                entities,
                self.grid,
                size_wh,
                p.least_iou,
                bounds,
                cut_short,
            )
            return assessed, assessed.faults, assessed.rank

        return await self._best(chain, "caption", [e.instance for e in entities], read)

    async def _best(
        self,
        chain: _Chain,
        turn: Turn,
        told: Sequence[Instance],
        read: Callable[[Reply], tuple[Read, tuple[Fault, ...], Any]],
    ) -> _Best[Read]:
        """Asks one question, and again while there are faults; gives the best answer.

        Raises RecordFailed where the first answer is none, or the model is not reached.
        """
        p, record = self.parameters, chain.record
        values = self._values(turn, told)
        prompt = draw(self.questions[turn], self.setup.seed, record.id, f"{self.setup.name}/{turn}")
        pictures = [] if chain.history else [record.photo]
        question = p.question(_fill(prompt, values), pictures)
        about = about_chain(self.grid, values["entities"])
        messages: tuple[Message, ...] = (question,)
        asked: list[str] = []
        said = ""
        best: tuple[Any, _Best[Read], str] | None = None
        for number in range(p.repair + 1):
            name = f"{turn}/repair {number}" if number else turn
            request = Request(
                model=p.model,
                messages=(*chain.history, *messages),
                sampling=p.sampling,
                context=self._context(chain, turn, about),
            )
            reply = with_words(await chain.ask(request, name))
            if gave_up(reply) or (best is None and not has_answer(reply)):
                raise RecordFailed(reply.outcome, reply.detail, (name,))
            # What is asked again in a retry: the repairs, which may still mend what was said first.
            asked = [name] if number < 2 else [*asked, name]
            if has_answer(reply):
                said = reply.text
                value, faults, rank = read(reply)
                if best is None or rank < best[0]:
                    origin = origin_of(reply, self.setup.name, prompt, name, number)
                    best = (rank, _Best(value, len(faults), origin, ()), said)
            else:
                faults = (Fault(reply.outcome, (), no_answer(reply)),)
            if not faults or number == p.repair:
                break
            drawn = f"{self.setup.name}/{turn}/{number + 1}"
            prompt = draw(self.repairs[turn], self.setup.seed, record.id, drawn)
            details = dict.fromkeys(fault.detail for fault in faults[:_MOST_QUOTED])
            values["faults"] = "\n".join(f"- {detail}" for detail in details)
            messages = repair_messages(question, said, _fill(prompt, values))
        assert best is not None, "a first answer was read"
        _, found, said = best
        if p.talk == "conversation":
            chain.history += repair_messages(question, said, "")[:2]
        return _Best(found.read, found.faults, found.origin, tuple(asked))

    def _values(self, turn: Turn, told: Sequence[Instance]) -> dict[str, str]:
        """What prompts may be filled with."""
        p = self.parameters
        listed = write_instances(told)
        return {
            "grid": grid_of(self.grid),
            "boxes": listed,
            "entities": listed,
            "form": form_of(turn),
            "words": str(p.words),
            "least_words": str(p.least_words),
            "most_words": str(p.most_words),
            "faults": "",
        }

    def _context(self, chain: _Chain, turn: Turn, about: str) -> Context:
        record, ask = chain.record, chain.ask
        ids = tuple(segment.id for segment in record.segments if not segment.iscrowd)
        answer = self.parameters.answer
        return Context(record, ids, answer, ask.files, ask.compute, _WANTS[turn], about)

    def _with_caption(
        self,
        chain: _Chain,
        entities: Sequence[ChainEntity],
        best: _Best[AssessedCaption],
        scores: Sequence[Score],
    ) -> Record:
        """The record with entities and caption, or what becomes of it where that is of no use."""
        p, record, assessed = self.parameters, chain.record, best.read
        ids = {entity.number: entity.segment.id for entity in entities}
        caption = kept_caption(assessed, ids, best.origin, p.paragraphs == "join")
        repairs = best.origin.repairs
        told = caption_scores(assessed, repairs, len(entities), self.setup.name)
        if assessed.useless and not (p.on_useless == "keep" and assessed.may_be_kept):
            if p.on_useless == "leave":
                reason = f"{UNDESCRIBED} ({assessed.useless})"
                chain.ask.set_aside(caption.but(spans=()), reason, (*scores, *told))
            details = " ".join(dict.fromkeys(fault.detail for fault in assessed.faults))
            raise RecordFailed(UNDESCRIBED, f"no usable caption: {details}", best.asked)
        known = {segment.id for segment in record.segments}
        new = [entity.segment for entity in entities if entity.segment.id not in known]
        return record.but(
            segments=(*record.segments, *new),
            captions=(*record.captions, caption),
            scores=(*record.scores, *scores, *told),
        )


def _fill(prompt: Prompt, values: Mapping[str, str]) -> str:
    return prompt.fill(**{name: values[name] for name in prompt.head.variables})
