"""Rewrites captions so that each stands alone, and keeps a rewrite only if it says the same.

Rules rewrite every caption first. With a model, it is asked for each caption; its answer is
compared with the caption word by word (``rewriting.faithful``), asked for again with the faults
quoted, and given up for the rule-based text, which passes the same check. Where that fails too,
the caption stays as it was: a caption that speaks of a mark is seen and dropped by later checks, a
wrong one by none.

Source: Pix2Cap-COCO (arXiv 2501.13893), Fig. 2, step 3, names rephrasing with LLaMA; neither its
prompt nor any check of what the model wrote is printed. The check, its bounds and the rules are
annoengine's own. The model sees no picture: what it could add, it would invent.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from pydantic import Field

from annoengine.categories import table_sha256
from annoengine.errors import RecipeError, RecordFailed
from annoengine.language.parser import DEFAULT_MODEL, language_requirements, model_version
from annoengine.language.wordnet import OFF, wordnet_requirements, wordnet_version
from annoengine.prompt import Prompt, draw
from annoengine.provider import Message, Reply, Request, Sampling, TextPart
from annoengine.record import Caption, Origin, Record, Relation, Score
from annoengine.requirement import Requirement
from annoengine.rewriting.faithful import LEAST_WORDS, MOST_WORDS, RewriteFault
from annoengine.rewriting.faithful_answer import caption_of_answer
from annoengine.rewriting.faithful_record import (
    Bounds,
    DraftOfCaption,
    Drafts,
    draft_captions,
    judge_answers,
    same_text,
)
from annoengine.rewriting.rephrased_caption import Outcome, with_outcome
from annoengine.rewriting.rules import has_trigger, may_change
from annoengine.rewriting.span_places import lost_phrases, spans_in
from annoengine.stage import Ask, Parameters, Setup, Stage

RULES = "rules"
"""The ``model`` that needs none."""

CHANGED = "rephrase.changed"
"""1 for a caption whose text is another than before."""

REFUSED = "rephrase.refused"
"""How many answers about a caption the check refused."""

KEPT_RULES = "rephrase.rules"
"""1 where the rule-based text stands because no answer of the model passed."""

UNRESOLVED = "rephrase.unresolved"
"""Words that still lean on something outside the caption."""

FAILED = "rephrase.failed"
"""1 where neither an answer nor the rule-based text passed, and the caption stayed as it was."""

_WORDS = frozenset({"category", "names", "caption"})
_REPAIR_WORDS = frozenset({"faults", "names", "caption"})


class RephraseParameters(Parameters):
    """How captions are rewritten, and how strictly that is checked."""

    model: str = RULES
    """The role of the model that rewrites, or ``rules``: by rules alone, without a model."""
    all: bool = True
    """Whether the model rewrites every caption, as the paper does, or only those that speak of
    marks or of the annotation, or lean on another caption."""
    prompts: tuple[str, ...] = Field(
        default=("rephrase/pix2cap1.v1", "rephrase/pix2cap2.v1", "rephrase/pix2cap3.v1"),
        min_length=1,
    )
    """Prompts of which each record draws one."""
    repair_prompts: tuple[str, ...] = ("rephrase/repair1.v1", "rephrase/repair2.v1")
    """Prompts of which a repair draws one; needed where ``repair`` is above 0."""
    repair: int = Field(default=2, ge=0)
    """How often the model is asked again for a caption whose rewrite the check refused."""
    least_words: float = Field(default=LEAST_WORDS, ge=0, le=1)
    """The fewest words of a rewrite, as a part of those of the caption."""
    most_words: float = Field(default=MOST_WORDS, ge=1)
    """The most words of a rewrite, as a multiple of those of the caption."""
    language: str = DEFAULT_MODEL
    """The spaCy model that takes sentences apart."""
    wordnet: str = OFF
    """``off``: a word must come back itself; a folder with WordNet's dictionary, or ``auto`` for
    wherever it is installed: a synonym may stand for it, and for a noun the next wider one."""
    temperature: float | None = Field(default=None, ge=0)
    """How freely the model draws its words; unset: the model's default."""
    max_tokens: int | None = Field(default=None, ge=1)
    """The most tokens of one answer; unset: the model's default."""
    seed: int | None = None
    """A seed for models that take one."""


@dataclass
class _Talk:
    """The conversation about one caption. ``accepted`` is what passed the check, with its origin.

    ``faults`` are those of the last answer, ``said`` that answer; ``refused`` counts.
    """

    index: int
    question: Message
    prompt: Prompt
    said: str = ""
    faults: tuple[RewriteFault, ...] = ()
    refused: int = 0
    accepted: tuple[str, Origin] | None = None
    closed: bool = False

    @property
    def open(self) -> bool:
        """May it be asked again?"""
        return self.accepted is None and not self.closed

    @property
    def turn(self) -> str:
        """The turn of its question."""
        return f"caption {self.index + 1}"


class Rephrase(Stage):
    """Rewrites captions, and relations by rules, and scores what became of each caption."""

    VERSION: ClassVar[int] = 1
    NEEDS: ClassVar[frozenset[str]] = frozenset({"captions"})
    GIVES: ClassVar[frozenset[str]] = frozenset({"captions", "scores"})
    SCORES: ClassVar[frozenset[str]] = frozenset({CHANGED, REFUSED, KEPT_RULES, UNRESOLVED, FAILED})
    Parameters: ClassVar[type[Parameters]] = RephraseParameters
    parameters: RephraseParameters

    def __init__(self, parameters: RephraseParameters, setup: Setup) -> None:
        """Loads its prompts, if it asks. Raises RecipeError for any that does not fit."""
        super().__init__(parameters, setup)
        self.first_prompts: list[Prompt] = []
        self.repair_prompts: list[Prompt] = []
        if self.asks:
            self.first_prompts = self._load(parameters.prompts, _WORDS)
            self.repair_prompts = self._load(parameters.repair_prompts, _REPAIR_WORDS)
            if parameters.repair and not self.repair_prompts:
                raise RecipeError(
                    f"{setup.name}: repair is {parameters.repair} and there is no prompt in "
                    "repair_prompts; name one, or set repair to 0"
                )

    @property
    def asks(self) -> bool:
        """Is there a model to ask?"""
        return self.parameters.model != RULES

    def _load(self, names: Sequence[str], known: frozenset[str]) -> list[Prompt]:
        prompts = [self.setup.prompt(name) for name in names]
        for prompt in prompts:
            prompt.check_fits(self.setup.name, known, None)
        return prompts

    def prompts(self) -> Sequence[Prompt]:
        """The prompts of all its turns; none for rules."""
        return [*self.first_prompts, *(self.repair_prompts if self.parameters.repair else ())]

    def roles(self) -> Sequence[str]:
        """The one role that it asks; none for rules."""
        return (self.parameters.model,) if self.asks else ()

    def versions(self) -> Mapping[str, Any]:
        """The parser, the dictionary and the category words."""
        return {
            "language": model_version(self.parameters.language),
            "wordnet": wordnet_version(self.parameters.wordnet),
            "category_words": table_sha256(),
        }

    def requirements(self) -> Sequence[Requirement]:
        """spaCy with its model, and WordNet where it is wanted."""
        return (
            *language_requirements(self.parameters.language),
            *wordnet_requirements(self.parameters.wordnet),
        )

    def calls(self, record: Record) -> int:
        """One for each caption that the model rewrites; repairs are not foreseen."""
        if self.asks and not record.captions:  # they will come: one for each mark
            return len(record.marks) or sum(not s.iscrowd for s in record.segments)
        return len(self._asked(record))

    def likely_output(self, record: Record) -> int:
        """About as many tokens as the captions have, by four letters; 30 for each to come."""
        if self.asks and not record.captions:
            return 30 * self.calls(record)
        return sum(len(record.captions[index].text) // 4 + 1 for index in self._asked(record))

    def _asked(self, record: Record) -> list[int]:
        """The captions that the model is asked for, as far as their texts tell."""
        if not self.asks:
            return []
        return [
            index
            for index, caption in enumerate(record.captions)
            if caption.text.strip() and (self.parameters.all or has_trigger(caption.text))
        ]

    async def annotate(self, record: Record, ask: Ask) -> Record:
        """The record with its captions and relations rewritten, and a score for each caption.

        Raises RecordFailed: ``gave_up`` for a call that could not be made, and what reading the
        photograph and masks raises, where a name needs them.
        """
        drafts = Drafts((), ())
        p = self.parameters
        asked = self._asked(record)
        if asked or may_change(record):
            bounds = Bounds(p.least_words, p.most_words, p.language, p.wordnet)
            drafts = await ask.compute(draft_captions, ask.files, record.to_line(), bounds)
            talks = {index: self._talk(record, drafts.captions[index]) for index in asked}
            await self._ask_all(record, drafts, list(talks.values()), bounds, ask)
        else:
            talks = {}
        captions, scores = [], []
        for index, caption in enumerate(record.captions):
            draft = drafts.captions[index] if drafts.captions else None
            outcome = self._outcome(caption, draft, talks.get(index))
            captions.append(with_outcome(caption, draft, outcome))
            scores += [
                Score(name=name, value=value, by=self.setup.name, segment=caption.segment)
                for name, value in outcome.scores.items()
            ]
        relations = tuple(
            self._relation(relation, drafts.relations[index] if drafts.relations else None)
            for index, relation in enumerate(record.relations)
        )
        return record.but(
            captions=tuple(captions), relations=relations, scores=(*record.scores, *scores)
        )

    def _talk(self, record: Record, draft: DraftOfCaption) -> _Talk:
        caption = record.captions[draft.index]
        prompt = draw(self.first_prompts, self.setup.seed, record.id, self.setup.name)
        text = _filled(prompt, category=draft.shown, names=draft.names, caption=caption.text)
        question = Message(role="user", parts=(TextPart(text=text),))
        return _Talk(draft.index, question, prompt)

    async def _ask_all(
        self, record: Record, drafts: Drafts, talks: list[_Talk], bounds: Bounds, ask: Ask
    ) -> None:
        """Asks for all captions at the same time, and again for those that were refused."""
        for number in range(self.parameters.repair + 1):
            still = [talk for talk in talks if talk.open]
            if not still:
                return
            requests = [self._request(record, drafts, talk, number) for talk in still]
            replies = await ask.all(requests)
            lost = [
                turn
                for reply, (_, turn) in zip(replies, requests, strict=True)
                if reply.outcome == "gave_up"
            ]
            if lost:
                # Passing trouble: the rule-based text would make it last.
                detail = next(reply.detail for reply in replies if reply.outcome == "gave_up")
                raise RecordFailed("gave_up", detail, tuple(lost))
            await self._take(drafts, still, replies, number, bounds, ask)
            self._keep_grounded(record, still)
            self._keep_apart(record, drafts, talks)

    def _request(
        self, record: Record, drafts: Drafts, talk: _Talk, number: int
    ) -> tuple[Request, str]:
        p = self.parameters
        messages: tuple[Message, ...] = (talk.question,)
        turn = talk.turn
        if number:
            turn = f"{talk.turn}/repair {number}"
            name = f"{self.setup.name}/{number}"
            talk.prompt = draw(self.repair_prompts, self.setup.seed, record.id, name)
            text = _filled(
                talk.prompt,
                faults="\n".join(f"- {detail}" for detail in _details(talk.faults)),
                names=drafts.captions[talk.index].names,
                caption=record.captions[talk.index].text,
            )
            messages = (
                talk.question,
                Message(role="assistant", parts=(TextPart(text=talk.said),)),
                Message(role="user", parts=(TextPart(text=text),)),
            )
        sampling = Sampling(temperature=p.temperature, max_tokens=p.max_tokens, seed=p.seed)
        return Request(model=p.model, messages=messages, sampling=sampling), turn

    async def _take(
        self,
        drafts: Drafts,
        talks: Sequence[_Talk],
        replies: Sequence[Reply],
        number: int,
        bounds: Bounds,
        ask: Ask,
    ) -> None:
        """Judges the answers of one round, in one go."""
        read: list[tuple[_Talk, Reply, str]] = []
        for talk, reply in zip(talks, replies, strict=True):
            text = caption_of_answer(reply.text) if reply.outcome == "answer" else ""
            if text:
                read.append((talk, reply, text))
                continue
            # There is nothing that could be quoted and mended.
            talk.refused += 1
            talk.closed = True
        if not read:
            return
        items = [(drafts.captions[talk.index], text) for talk, _, text in read]
        judged = await ask.compute(judge_answers, drafts.numbers, items, bounds)
        for (talk, reply, text), faults in zip(read, judged, strict=True):
            talk.said, talk.faults = reply.text, faults
            if faults:
                talk.refused += 1
                continue
            origin = Origin(
                stage=self.setup.name,
                model=reply.model,
                prompt=talk.prompt.name,
                prompt_sha256=talk.prompt.sha256,
                call=reply.key,
                turn=reply.turn,
                repairs=number,
            )
            talk.accepted = (text, origin)

    def _keep_grounded(self, record: Record, talks: Sequence[_Talk]) -> None:
        """A grounded phrase must come back as it was: nobody could find it otherwise."""
        for talk in talks:
            caption = record.captions[talk.index]
            if talk.accepted is None or not caption.spans:
                continue
            text = talk.accepted[0]
            if spans_in(caption.text, caption.spans, text) is not None:
                continue
            lost = lost_phrases(caption.text, caption.spans, text)
            detail = "Phrases that are linked to the image came in another order; keep the order."
            if lost:
                listed = ", ".join(f"“{phrase}”" for phrase in lost)
                detail = f"Keep these phrases word for word, as often as before: {listed}."
            talk.faults = (RewriteFault("grounding", (), detail),)
            talk.refused += 1
            talk.accepted = None

    def _keep_apart(self, record: Record, drafts: Drafts, talks: Sequence[_Talk]) -> None:
        """Two captions of one category that were apart may not have become one."""
        held = [
            (draft, draft.text)
            for draft in drafts.captions
            if not any(talk.index == draft.index for talk in talks)
        ]
        for talk in talks:
            if talk.accepted is None:
                continue
            draft, text = drafts.captions[talk.index], talk.accepted[0]
            if any(
                other.category == draft.category
                and same_text(said, text)
                and not same_text(other.bare.text, draft.bare.text)
                for other, said in held
            ):
                detail = (
                    f"Another {draft.shown} of the image has this very caption; tell them apart."
                )
                talk.faults = (RewriteFault("same text", (), detail),)
                talk.refused += 1
                talk.accepted = None
                continue
            held.append((draft, text))

    def _outcome(
        self, caption: Caption, draft: DraftOfCaption | None, talk: _Talk | None
    ) -> Outcome:
        outcome = Outcome(caption.text, caption.origin)
        scores: dict[str, float] = {}
        if talk is not None:
            scores = {REFUSED: talk.refused, KEPT_RULES: float(talk.accepted is None)}
        unresolved = len(draft.unresolved) if draft is not None else 0
        failed = False
        if talk is not None and talk.accepted is not None:
            text, origin = talk.accepted
            if text != caption.text:
                outcome = Outcome(text, origin)
            unresolved = 0 if draft is None else min(unresolved, draft.unresolved_in(text))
        elif draft is not None and draft.text != caption.text:
            failed = bool(draft.faults)
            if not failed:
                origin = Origin(stage=self.setup.name, model=RULES)
                outcome = Outcome(draft.text, origin, draft.edits)
        outcome.scores = {
            CHANGED: float(outcome.text != caption.text),
            UNRESOLVED: float(unresolved),
            FAILED: float(failed),
            **scores,
        }
        return outcome

    def _relation(self, relation: Relation, draft: DraftOfCaption | None) -> Relation:
        if draft is None or draft.faults or draft.text == relation.text:
            return relation
        return relation.rewritten(draft.text, Origin(stage=self.setup.name, model=RULES))


def _filled(prompt: Prompt, **values: str) -> str:
    return prompt.fill(**{name: values[name] for name in prompt.head.variables})


def _details(faults: Sequence[RewriteFault]) -> list[str]:
    """What is quoted of the faults: the first few; a list of twenty helps no model."""
    return list(dict.fromkeys(fault.detail for fault in faults))[:6]
