"""Merges the captions of an image's regions into one paragraph whose phrases are grounded.

COCONut-PanCap's second round: a model gets the region captions, corrected by people where there
were any, and writes one paragraph in which a phrase carries the ids of what it names:
``<6,7: two men>``. The captions are words of the question, so that correcting one of them asks
about its image again, and about no other.

The answer is read by a grammar, mended by rule where that leaves one reading, and judged. What is
wrong with it is quoted when it is asked for again; a repair is a conversation of three messages:
the question, what the model said last, and the repair. Of all answers the best is kept, without
the tags that are wrong; one that is of no use at all (no right tag, too short or long, counted
from nobody knows which number) is not, unless the recipe says so. The model speaks of marks, the
caption of segments: here the one becomes the other. A paragraph that annoengine composed itself
(``pixels``), of region captions that it composed, carries its content.

Source: arXiv 2502.02589, section 3.2 and Fig. 3 (round 2). Judging, mending and repairs are
annoengine's own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from pydantic import Field

from annoengine import registry
from annoengine.answer import Fault, Grammar
from annoengine.categories import table_sha256
from annoengine.errors import RecipeError, RecordFailed
from annoengine.grounded.assessing import Assessed, assess
from annoengine.grounded.known_segments import Importance
from annoengine.grounded.paragraph import ExpectedSegment, GroundedJudgement, ParagraphGrammar
from annoengine.grounded.region_captions import (
    CaptionedRegion,
    captioned_regions,
    expected_regions,
    spans_of_regions,
)
from annoengine.mark_prompts import MERGE, MERGE_REPAIR, fill_merge
from annoengine.pancap.composed_caption import content_of_paragraph
from annoengine.prompt import Prompt, draw
from annoengine.provider import Context, Message, Reply, Request
from annoengine.record import Caption, DrawnImage, Origin, Photo, Record, Score
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

COVERAGE = "grounded.coverage"
"""The share of an image's important segments that its paragraph grounds; 1 where none is."""

FAULTS = "grounded.faults"
"""How much is wrong with the paragraph that was kept: wrong tags, which are left out of it, and
important segments that it does not ground."""

DOUBTS = "grounded.doubts"
"""How many of its phrases may not mean their segments: "two men" for three of them."""

MENDS = "grounded.mends"
"""How often a rule mended the form of a tag."""

WORDS = "grounded.words"
"""How many words the paragraph has."""

REPAIRED = "grounded.repaired"
"""How many repairs were asked for before the answer that was kept."""

UNMERGED = "unmerged"
"""The reason for which a record fails, or a paragraph is set aside, that is of no use."""

_TURN = "paragraph"
_TOKENS_A_WORD = 4 / 3
_TOKENS_A_TAG = 6
_MOST_QUOTED = 12
"""Faults that a repair quotes: a list of forty helps no model."""


class MergeParameters(AskingParameters):
    """How region captions become a paragraph."""

    model: str = "annotator"
    """The role of the model that is asked."""
    prompts: tuple[str, ...] = Field(min_length=1)
    """Prompts of which each record draws one."""
    repair_prompts: tuple[str, ...] = ()
    """Prompts of which a repair draws one; needed where ``repair`` is above 0."""
    answer: str = "grounded"
    """The grammar in which the model is told to answer."""
    pictures: Literal["marked", "clean", "both"] = "marked"
    """What the model sees: the marked pictures, as in the paper; the photograph as it is; or the
    marked ones and then the photograph."""
    repair: int = Field(default=2, ge=0)
    """How often a paragraph with faults is asked for again; 0 is the paper."""
    on_useless: Literal["fail", "keep", "leave"] = "fail"
    """What becomes of a paragraph without a right tag, or with too few or too many words: ``fail``
    sets the record aside, ``keep`` keeps it all the same, ``leave`` keeps the record without it.
    One that refuses, breaks off or counts from nobody knows where is never kept."""
    words: int = Field(default=200, ge=1)
    """How many words the model is asked for. Source: arXiv 2502.02589, Table 1 (203 on average)."""
    least_words: int = Field(default=20, ge=0)
    """The fewest words of a paragraph; images of one or two segments have little to say."""
    most_words: int = Field(default=500, ge=1)
    """The most words of a paragraph."""
    least_thing_share: float = Field(default=Importance.least_thing_share, ge=0)
    """From which share of the image's area on a thing must be mentioned; above 1: never."""
    least_stuff_share: float = Field(default=Importance.least_stuff_share, ge=0)
    """From which share on stuff must be; above 1: never."""


@dataclass
class _Talk:
    """The conversation about one record. ``best`` is the best answer so far, with its origin."""

    regions: tuple[CaptionedRegion, ...]
    expected: tuple[ExpectedSegment, ...]
    question: Message
    prompt: Prompt
    said: str = ""
    faults: tuple[Fault, ...] = ()
    asked: list[str] = field(default_factory=list)
    best: tuple[Assessed, Origin] | None = None

    @property
    def open(self) -> bool:
        """Is anything wrong with the last answer?"""
        return bool(self.faults)


class Merge(Stage):
    """Gives a record one caption of the whole image, its phrases grounded to segments."""

    VERSION: ClassVar[int] = 2
    NEEDS: ClassVar[frozenset[str]] = frozenset({"segments", "captions"})
    GIVES: ClassVar[frozenset[str]] = frozenset({"captions", "content", "scores"})
    SCORES: ClassVar[frozenset[str]] = frozenset({COVERAGE, FAULTS, DOUBTS, MENDS, WORDS, REPAIRED})
    UNPARSABLE: ClassVar[frozenset[str]] = frozenset({UNMERGED})
    Parameters: ClassVar[type[AskingParameters]] = MergeParameters
    parameters: MergeParameters

    def __init__(self, parameters: MergeParameters, setup: Setup) -> None:
        """Loads its prompts and grammar. Raises RecipeError for any that does not fit."""
        super().__init__(parameters, setup)
        grammar: Grammar = registry.find("answer", parameters.answer)()
        if not isinstance(grammar, ParagraphGrammar):
            raise RecipeError(
                f"{setup.name}: an answer in the grammar {parameters.answer!r} is no paragraph; "
                "set answer to grounded"
            )
        self.grammar: ParagraphGrammar = grammar
        self.first_prompts = load_prompts(setup, parameters.prompts, MERGE, parameters.answer)
        self.repair_prompts = load_prompts(
            setup, parameters.repair_prompts, MERGE_REPAIR, parameters.answer
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
        self.importance = Importance(parameters.least_thing_share, parameters.least_stuff_share)

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
        """The words that are asked for, and a tag for each segment."""
        return round(self.parameters.words * _TOKENS_A_WORD + _TOKENS_A_TAG * _regions_of(record))

    def calls(self, record: Record) -> int:
        """One for a record with region captions, or with segments that will have some."""
        return int(_regions_of(record) > 0 and not _has_paragraph(record))

    async def annotate(self, record: Record, ask: Ask) -> Record:
        """The record with its paragraph behind its other captions, scores and content of it.

        A record without region captions comes back as it is, and so does one that has a grounded
        paragraph already, which somebody wrote. Raises RecordFailed: ``unmerged`` for a paragraph
        of no use, and the outcome's name for a first answer that is none (``refusal``,
        ``filtered``, ``empty``, ``truncated`` where nothing came, ``gave_up``). With
        ``on_useless: leave`` such a record goes on without a paragraph, unless it is ``gave_up``:
        passing trouble must not last.
        """
        regions = captioned_regions(record)
        if not regions or _has_paragraph(record):
            return record
        prompt = draw(self.first_prompts, self.setup.seed, record.id, self.setup.name)
        text = fill_merge(prompt, regions, self.parameters.words)
        question = self.parameters.question(text, self._images(record))
        talk = _Talk(regions, expected_regions(record, regions), question, prompt)
        reply = with_words(await self._ask(record, talk, (question,), _TURN, ask))
        if not has_answer(reply):
            if self.parameters.on_useless == "leave" and not gave_up(reply):
                return record
            raise RecordFailed(reply.outcome, reply.detail, (_TURN,))
        self._take(reply, talk, _TURN, 0)
        for number in range(1, self.parameters.repair + 1):
            if talk.open:
                await self._repair(record, talk, number, ask)
        return await self._with_paragraph(record, talk, ask)

    def _images(self, record: Record) -> list[DrawnImage | Photo]:
        """The pictures of the question; the photograph where nothing was drawn."""
        marked = sorted({mark.drawing for mark in record.marks})
        drawn: list[DrawnImage | Photo] = [record.drawings[index].image for index in marked]
        if self.parameters.pictures == "marked" and drawn:
            return drawn
        return [*(drawn if self.parameters.pictures == "both" else ()), record.photo]

    async def _ask(
        self, record: Record, talk: _Talk, messages: tuple[Message, ...], turn: str, ask: Ask
    ) -> Reply:
        p = self.parameters
        numbers = tuple(region.number for region in talk.regions)
        context = Context(record, numbers, p.answer, ask.files, ask.compute, "paragraph")
        request = Request(model=p.model, messages=messages, sampling=p.sampling, context=context)
        return await ask(request, turn)

    async def _repair(self, record: Record, talk: _Talk, number: int, ask: Ask) -> None:
        """Asks for the whole paragraph again, with what was wrong with the last one."""
        p = self.parameters
        turn = f"{_TURN}/repair {number}"
        name = f"{self.setup.name}/{number}"
        talk.prompt = draw(self.repair_prompts, self.setup.seed, record.id, name)
        bounds = (p.least_words, p.most_words)
        text = fill_merge(talk.prompt, talk.regions, p.words, bounds, talk.faults[:_MOST_QUOTED])
        messages = repair_messages(talk.question, talk.said, text)
        reply = with_words(await self._ask(record, talk, messages, turn, ask))
        if gave_up(reply):
            # Passing trouble: a worse paragraph must not stay for good because of it.
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
        judged = self.grammar.judge_paragraph(parsed, talk.expected, self.importance)
        cut_short = reply.outcome == "truncated"
        assessed = assess(
            judged, talk.expected, self.importance, p.least_words, p.most_words, cut_short
        )
        talk.said, talk.faults = reply.text, assessed.faults
        if talk.best is None or assessed.rank < talk.best[0].rank:
            origin = origin_of(reply, self.setup.name, talk.prompt, turn, repairs)
            talk.best = (assessed, origin)

    async def _with_paragraph(self, record: Record, talk: _Talk, ask: Ask) -> Record:
        """The record with the best paragraph, or what becomes of it without one."""
        assert talk.best is not None, "a first answer was read"
        assessed, origin = talk.best
        tagged = assessed.judgement.tagged
        caption = Caption(
            text=tagged.text, spans=spans_of_regions(tagged, talk.regions), origin=origin
        )
        scores = self._scores(assessed, origin)
        keeps = self.parameters.on_useless == "keep" and assessed.may_be_kept
        if not assessed.useless or keeps:
            content = await content_of_paragraph(record, caption, ask)
            return record.but(
                captions=(*record.captions, caption),
                content=(*record.content, *content),
                scores=(*record.scores, *scores),
            )
        if self.parameters.on_useless == "leave":
            ask.set_aside(caption, f"{UNMERGED} ({assessed.useless})", scores)
            return record
        details = " ".join(dict.fromkeys(fault.detail for fault in assessed.faults))
        raise RecordFailed(UNMERGED, f"no usable paragraph: {details}", tuple(talk.asked))

    def _scores(self, assessed: Assessed, origin: Origin) -> tuple[Score, ...]:
        judged: GroundedJudgement = assessed.judgement
        values = {
            COVERAGE: assessed.coverage,
            FAULTS: float(len(assessed.faults)),
            DOUBTS: float(len(judged.doubts)),
            MENDS: float(len(judged.mends)),
            WORDS: float(assessed.words),
            REPAIRED: float(origin.repairs),
        }
        return tuple(
            Score(name=name, value=value, by=self.setup.name) for name, value in values.items()
        )


def _has_paragraph(record: Record) -> bool:
    return any(caption.segment is None and caption.spans for caption in record.captions)


def _regions_of(record: Record) -> int:
    """How many region captions there are, or likely will be."""
    captioned = {c.segment for c in record.captions if c.segment is not None}
    return len(captioned) or sum(not segment.iscrowd for segment in record.segments)
