"""Has a second model find each described segment again, from the picture and the words alone.

The papers promise captions that tell objects of one category apart (Pix2Cap-COCO, arXiv 2501.13893,
section 3.1) and print no test of it. Here a listener sees the marked picture and one caption,
without the number that it belongs to, and names the mark that is meant, up to three where it
doubts. Who is not found is not described uniquely, or not rightly.

=====================  =======================================================================
``listener.right``     1 where the mark named first is the segment's own, else 0
``listener.rank``      the place of its own mark among those named; one behind the last where it
                       was not named
``listener.taken_for`` the id of the segment that it was taken for, where there is one
``listener.unread``    1 where no answer came, or none that names a mark of the picture or says
                       that none is meant; then nothing else is stored
=====================  =======================================================================

Each caption is asked about in a call of its own. Captions that are shown together give one another
away, since each mark is taken once; and the picture, which is what a call costs, stands first, so
that all calls about it share what a server has cached. The candidates are the marks of the drawing
that the segment is marked on; on a drawing with one mark there is nothing to find out, and nothing
is stored. A grounded paragraph is asked about by the phrases that speak of one segment alone.

``on_wrong: ask`` has the annotator describe such a segment again, quoting the mark that it was
taken for and what is said of that one; the new caption stays where the listener finds it better.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from pydantic import Field

from annoengine import registry
from annoengine.answer import Expected, Grammar, Region, broken_off
from annoengine.categories import table_sha256, words_of
from annoengine.errors import RecipeError, RecordFailed
from annoengine.prompt import Prompt, draw
from annoengine.provider import Context, ImagePart, Message, Reply, Request, Sampling, TextPart
from annoengine.record import Caption, Mark, Record, Score
from annoengine.rewriting.without_marks import VERSION as HIDING_VERSION
from annoengine.rewriting.without_marks import texts_by_segment, without_marks
from annoengine.stage import Ask, Setup, Stage
from annoengine.turns import AskingParameters, gave_up, has_answer, load_prompts, origin_of

RIGHT = "listener.right"
RANK = "listener.rank"
TAKEN_FOR = "listener.taken_for"
UNREAD = "listener.unread"

WHICH = frozenset({"ids", "caption"})
"""What a prompt of the listener may use: the numbers on the picture, and the caption."""

APART = frozenset({"id", "category", "caption", "mistaken"})
"""What a prompt of the annotator may use; ``mistaken`` tells what the caption was taken for."""

_GRAMMAR = "choice"
_ANSWER_TOKENS = 3
"""A number, or two, and an end."""


class ScoreListenerParameters(AskingParameters):
    """Who listens, and what becomes of captions by which nobody finds the segment."""

    model: str = "listener"
    """The role of the model that listens; best another one than the annotator."""
    prompts: tuple[str, ...] = Field(default=("listener/which1.v1",), min_length=1)
    """Prompts of the listener, of which each record draws one."""
    temperature: float | None = Field(default=0, ge=0)
    """How freely the listener draws its words; unset: the model's default."""
    max_tokens: int | None = Field(default=16, ge=1)
    """The most tokens of one answer; more for models that think before they answer."""
    picture: Literal["last", "first"] = "first"
    """Where the picture stands; first, all questions about it share what a server has cached."""
    on_wrong: Literal["keep", "ask"] = "keep"
    """What becomes of a caption by which its segment was not found: ``keep`` keeps it with its
    scores, ``ask`` asks the annotator for one that tells it apart."""
    annotator: str = "annotator"
    """The role of the model that is asked for it."""
    apart_prompts: tuple[str, ...] = ("listener/apart1.v1",)
    """Prompts of that question, of which it draws one; needed where ``on_wrong`` is ``ask``."""
    answer: str = "numbered"
    """The grammar in which the annotator is told to answer."""
    ask_again: int = Field(default=1, ge=1)
    """How often the annotator is asked about one caption, until its segment is found."""
    caption_tokens: int | None = Field(default=None, ge=1)
    """The most tokens of an answer of the annotator; unset: the model's default."""


@dataclass(frozen=True)
class Heard:
    """What became of one caption: the segments named, best first; None where it was not read."""

    segment: int
    named: tuple[int, ...] | None

    @property
    def is_right(self) -> bool:
        """Is its own segment named first?"""
        return bool(self.named) and self.named is not None and self.named[0] == self.segment

    @property
    def rank(self) -> int:
        """The place of its own segment among the named ones, or one behind the last."""
        named = self.named or ()
        return named.index(self.segment) + 1 if self.segment in named else len(named) + 1

    @property
    def taken_for(self) -> int | None:
        """The segment that it was taken for in the place of its own."""
        return self.named[0] if self.named and not self.is_right else None

    def is_better_than(self, other: Heard) -> bool:
        """Is its segment found more surely? Who names more does not find better."""
        if self.named is None:
            return False
        found, was_found = self.segment in self.named, self.segment in (other.named or ())
        return found and (not was_found or self.rank < other.rank)


class ScoreListener(Stage):
    """Stores whether each segment is found by what is said of it, and for what it is taken."""

    VERSION: ClassVar[int] = 1
    NEEDS: ClassVar[frozenset[str]] = frozenset({"segments", "drawings", "marks", "captions"})
    GIVES: ClassVar[frozenset[str]] = frozenset({"captions", "scores"})
    SCORES: ClassVar[frozenset[str]] = frozenset({RIGHT, RANK, TAKEN_FOR, UNREAD})
    Parameters: ClassVar[type[AskingParameters]] = ScoreListenerParameters
    parameters: ScoreListenerParameters

    def __init__(self, parameters: ScoreListenerParameters, setup: Setup) -> None:
        """Loads its prompts and grammars. Raises RecipeError for any that does not fit."""
        super().__init__(parameters, setup)
        self.choice: Grammar = registry.find("answer", _GRAMMAR)()
        self.grammar: Grammar = registry.find("answer", parameters.answer)()
        self.listening = load_prompts(setup, parameters.prompts, WHICH, _GRAMMAR)
        self.correcting: list[Prompt] = []
        if not self.asks:
            return
        if not parameters.apart_prompts:
            raise RecipeError(
                f"{setup.name}: on_wrong is 'ask' and there is no prompt to ask with; name one in "
                "apart_prompts (listener/apart1.v1), or set on_wrong to keep"
            )
        self.correcting = load_prompts(setup, parameters.apart_prompts, APART, parameters.answer)

    @property
    def asks(self) -> bool:
        """Is the annotator asked for better captions?"""
        return self.parameters.on_wrong == "ask"

    def prompts(self) -> Sequence[Prompt]:
        """The listener's, and those of the second question where there is one."""
        return (*self.listening, *self.correcting)

    def roles(self) -> Sequence[str]:
        """The listener; the annotator where it is asked."""
        p = self.parameters
        return (p.model, p.annotator) if self.asks else (p.model,)

    def versions(self) -> Mapping[str, Any]:
        """How answers are read, and what of a caption is shown."""
        made_of: dict[str, Any] = {
            "choice": self.choice.VERSION,
            "shown": HIDING_VERSION,
            "category_words": table_sha256(),
        }
        if self.asks:
            made_of["grammar"] = {self.parameters.answer: self.grammar.VERSION}
        return made_of

    def calls(self, record: Record) -> int:
        """One for each text about a segment that shares its drawing with others.

        Where captions or marks are still to come: for each mark, or segment, that may have one.
        Repairs are not foreseen.
        """
        if not record.marks:
            segments = sum(not segment.iscrowd for segment in record.segments)
            return segments if segments > 1 else 0
        marks = _askable(record)
        return len(marks.keys() & texts_by_segment(record).keys() if record.captions else marks)

    def likely_output(self, record: Record) -> int:
        """A few tokens for each."""
        return _ANSWER_TOKENS * self.calls(record)

    async def annotate(self, record: Record, ask: Ask) -> Record:
        """The record with its scores, in the order of its captions.

        Raises RecordFailed ``gave_up`` where a model could not be asked in the end.
        """
        marks = _askable(record)
        ids = [id for id in texts_by_segment(record) if id in marks]
        if not ids:
            return record
        heard = await self._listen(record, ids, "which {}", ask)
        for number in range(1, self.parameters.ask_again + 1) if self.asks else ():
            wrong = [id for id in ids if not heard[id].is_right and record.caption_of(id)]
            if not wrong:
                break
            record = await self._tell_apart(record, wrong, heard, number, ask)
        return record.but(scores=(*record.scores, *self._scores(heard[id] for id in ids)))

    async def _listen(
        self, record: Record, ids: Sequence[int], turn: str, ask: Ask
    ) -> dict[int, Heard]:
        """What the listener makes of the texts about these segments. ``turn``: by the number."""
        marks = _askable(record)
        every = texts_by_segment(record)
        texts = without_marks(record, {id: every[id] for id in ids})
        prompt = draw(self.listening, self.setup.seed, record.id, self.setup.name)
        requests = []
        for id in ids:
            mark = marks[id]
            numbers = tuple(m.number for m in _beside(record, mark))
            values = {"ids": ", ".join(map(str, numbers)), "caption": texts[id]}
            text = prompt.fill(**{name: values[name] for name in prompt.head.variables})
            request = Request(
                model=self.parameters.model,
                messages=(self.parameters.question(text, [record.drawings[mark.drawing].image]),),
                sampling=self.parameters.sampling,
                context=Context(
                    record, numbers, _GRAMMAR, ask.files, ask.compute, "choice", texts[id]
                ),
            )
            requests.append((request, turn.format(mark.number)))
        replies = await ask.all(requests)
        _check_reached(replies, [turn for _, turn in requests])
        return {
            id: self._heard(record, marks[id], reply)
            for id, reply in zip(ids, replies, strict=True)
        }

    def _heard(self, record: Record, mark: Mark, reply: Reply) -> Heard:
        if not has_answer(reply):
            return Heard(mark.segment, None)
        text = reply.text
        if reply.outcome == "truncated":  # the last number may have had another digit
            text = re.sub(r"\d+\s*\Z", "", text)
        beside = {m.number: m.segment for m in _beside(record, mark)}
        expected = tuple(Expected(number, "") for number in beside)
        judged = self.choice.judge(self.choice.parse(text), expected)
        named = tuple(beside[number] for number in judged.accepted)
        if not named and {fault.kind for fault in judged.faults} & {"unread", "unknown"}:
            return Heard(mark.segment, None)
        return Heard(mark.segment, named)

    async def _tell_apart(
        self,
        record: Record,
        wrong: Sequence[int],
        heard: dict[int, Heard],
        number: int,
        ask: Ask,
    ) -> Record:
        """The record with new captions where by them the segment is found better.

        ``heard`` then tells of these.
        """
        marks = _askable(record)
        name = f"{self.setup.name}/{number}"
        prompt = draw(self.correcting, self.setup.seed, record.id, name)
        turns = [f"apart {marks[id].number}/{number}" for id in wrong]
        replies = await ask.all(
            [
                (self._question(record, marks[id], heard[id], prompt, ask), turn)
                for id, turn in zip(wrong, turns, strict=True)
            ]
        )
        _check_reached(replies, turns)
        captions: dict[int, Caption] = {}
        for id, turn, reply in zip(wrong, turns, replies, strict=True):
            old = record.caption_of(id)
            assert old is not None
            region = self._read(record, marks[id], reply)
            if region is not None and region.description != old.text:
                origin = origin_of(reply, self.setup.name, prompt, turn, old.origin.repairs + 1)
                summary = region.summary or old.summary
                captions[id] = old.rewritten(region.description, origin, summary=summary, spans=())
        if not captions:
            return record
        trial = _with_captions(record, captions)
        again = await self._listen(trial, list(captions), f"which {{}}/{number}", ask)
        better = {id: c for id, c in captions.items() if again[id].is_better_than(heard[id])}
        heard |= {id: again[id] for id in better}
        return _with_captions(record, better)

    def _question(
        self, record: Record, mark: Mark, heard: Heard, prompt: Prompt, ask: Ask
    ) -> Request:
        p = self.parameters
        caption = record.caption_of(mark.segment)
        assert caption is not None
        values = {
            "id": str(mark.number),
            "category": words_of(record.segment(mark.segment).category.name).show,
            "caption": caption.text,
            "mistaken": mistaken(record, heard),
        }
        text = prompt.fill(**{name: values[name] for name in prompt.head.variables})
        picture = ImagePart(image=record.drawings[mark.drawing].image)
        return Request(
            model=p.annotator,
            messages=(Message(role="user", parts=(picture, TextPart(text=text))),),
            sampling=Sampling(max_tokens=p.caption_tokens, seed=p.seed, detail=p.detail),
            context=Context(record, (mark.number,), p.answer, ask.files, ask.compute),
        )

    def _read(self, record: Record, mark: Mark, reply: Reply) -> Region | None:
        """The region that the annotator gives the mark; None where it gives none that fits."""
        if not has_answer(reply):
            return None
        parsed = self.grammar.parse(reply.text)
        if reply.outcome == "truncated":
            parsed = broken_off(parsed, reply.text)
        expected = Expected(mark.number, record.segment(mark.segment).category.name)
        return self.grammar.judge(parsed, (expected,)).accepted.get(mark.number)

    def _scores(self, heard: Iterable[Heard]) -> list[Score]:
        scores: list[tuple[str, float, int]] = []
        for one in heard:
            if one.named is None:
                scores.append((UNREAD, 1.0, one.segment))
                continue
            scores.append((RIGHT, float(one.is_right), one.segment))
            scores.append((RANK, float(one.rank), one.segment))
            if one.taken_for is not None:
                scores.append((TAKEN_FOR, float(one.taken_for), one.segment))
        return [Score(name=n, value=v, by=self.setup.name, segment=id) for n, v, id in scores]


def mistaken(record: Record, heard: Heard) -> str:
    """What a caption was taken for, for the model that is to write a better one."""
    if heard.taken_for is None:
        return "The reader found no object that fits this description."
    mark = record.mark_of(heard.taken_for)
    assert mark is not None
    category = words_of(record.segment(heard.taken_for).category.name).show
    taken = f"The reader took it for the object with the ID {mark.number} ({category})"
    said = texts_by_segment(record).get(heard.taken_for)
    return f"{taken}, which was described as follows:\n\n{said}" if said else f"{taken}."


def _beside(record: Record, mark: Mark) -> list[Mark]:
    """The marks of a mark's drawing, itself among them, by their numbers."""
    return sorted((m for m in record.marks if m.drawing == mark.drawing), key=lambda m: m.number)


def _askable(record: Record) -> dict[int, Mark]:
    """The marks that share their drawing with others, by segment."""
    marks = Counter(mark.drawing for mark in record.marks)
    return {mark.segment: mark for mark in record.marks if marks[mark.drawing] > 1}


def _with_captions(record: Record, new: Mapping[int, Caption]) -> Record:
    """The record with other captions of some segments, each in the old one's place."""
    captions = list(record.captions)
    for id, caption in new.items():
        captions[[c.segment for c in captions].index(id)] = caption
    return record.but(captions=tuple(captions))


def _check_reached(replies: Sequence[Reply], turns: Sequence[str]) -> None:
    """Raises RecordFailed where a model was not reached: passing trouble must not last."""
    lost = [(reply, turn) for reply, turn in zip(replies, turns, strict=True) if gave_up(reply)]
    if lost:
        raise RecordFailed("gave_up", lost[0][0].detail, tuple(turn for _, turn in lost))
