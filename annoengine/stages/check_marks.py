"""Finds captions that took over the drawing: a mark's colour or number told as the segment's own.

A model looks at outlines and numbers, and now and then describes them: a cup is "magenta", a
player wears "number 3". Both are found by the record's own marks: ``marks.colour`` is 1 where a
caption gives its segment, or a part of it, a colour of the mark's that the segment's pixels do
not have and nothing near explains; ``marks.number`` where the number occurs and counts nothing
(``annoengine.mark_traces`` has the rules). A number may truly stand on a jersey: the score is a
suspicion.

``redraw: true`` puts suspicions to the proof, at the price of one call for a picture with a
suspicion. The suspicious segments, they alone, are drawn again, in colours that go by other names
and with numbers that no mark of the record has, and asked again by the prompts of the recipe.

- The second answer says it as well, though the mark is another now: it is in the picture. The
  caption stays, the suspicion goes (``marks.confirmed``).
- It does not: the caption loses it (``marks.mended``). The second answer's caption takes its
  place where it is sound itself; else the first one without the word, its phrase or its sentence.
- There is no usable second answer, or nothing of the caption would be left: it stays, and so
  does the suspicion, for a threshold to judge.

A grounded paragraph of the whole image is looked at sentence by sentence, each by the marks of the
segments that it names; its suspicions are scores of the image and never put to the proof.

The segment keeps its first mark: what is redrawn serves a question, and is kept as a picture.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, ClassVar

from pydantic import Field

from annoengine import registry
from annoengine.answer import Expected, Grammar, Region, broken_off
from annoengine.categories import table_sha256
from annoengine.description_faults import kind_of_fault
from annoengine.errors import RecipeError, RecordFailed
from annoengine.mark_prompts import OBJECTS, fill, fitting
from annoengine.mark_traces.redrawing import (
    new_numbers,
    numbers_of,
    picture_name,
    redraw_commission,
    redrawn_groups,
)
from annoengine.mark_traces.second_answer import (
    SecondAnswer,
    repeats,
    second_caption,
    shortened,
)
from annoengine.mark_traces.traces import VERSION, Trace, find_traces
from annoengine.mask import RecordFiles
from annoengine.model_sight import Detail, Sight, bounded, sight_of
from annoengine.prompt import Prompt, draw
from annoengine.provider import Context, ImagePart, Message, Reply, Request, Sampling, TextPart
from annoengine.record import Caption, Drawing, DrawnImage, Mark, Origin, Record, Score
from annoengine.som.draw import VERSION as DRAWING
from annoengine.som.draw import Commission, DrawnPicture, Encoder, draw_marks
from annoengine.som.style import find_style, style_names
from annoengine.stage import Ask, Parameters, Setup, Stage
from annoengine.text_faults.completeness import is_incomplete
from annoengine.text_faults.task_talk import leaks_task

COLOUR = "marks.colour"
"""1 where a caption gives its segment the colour of the mark and the pixels do not have it."""

NUMBER = "marks.number"
"""1 where the number of the mark occurs in the caption and counts nothing."""

CONFIRMED = "marks.confirmed"
"""Of a segment drawn again: 1 where the second answer said what was suspicious as well."""

MENDED = "marks.mended"
"""Of a segment drawn again: 1 where the caption lost what only the first answer said."""

_Outcomes = dict[int, dict[str, float]]
"""The scores of segments that were drawn again, by name."""


class CheckMarksParameters(Parameters):
    """What is looked for, and whether suspicions are put to the proof."""

    redraw: bool = False
    """Draw suspicious segments again with other colours and numbers, and ask again: a caption
    keeps of what is suspicious what both answers say."""
    model: str = "annotator"
    """The role of the model that is asked again; the one that described the first drawing."""
    prompts: tuple[str, ...] = ()
    """Prompts of which a second question draws one, as the first did; needed with ``redraw``."""
    answer: str = "numbered"
    """The grammar in which the model is told to answer."""
    detail: Detail = "high"
    """The ``detail`` at which an OpenAI model is asked to look."""
    max_pixels: int | None = Field(default=None, ge=1)
    """A smaller area than the model's own limit, for a server that sets one."""
    encoder: Encoder = "jpeg"
    """How a redrawn picture is stored and sent: ``jpeg`` (colour at full resolution) or ``png``."""
    quality: int = Field(default=92, ge=1, le=100)
    """JPEG's quality."""
    temperature: float | None = Field(default=None, ge=0)
    """How freely the model draws its words; unset: the model's default."""
    max_tokens: int | None = Field(default=None, ge=1)
    """The most tokens of one answer; unset: the model's default."""
    seed: int | None = None
    """A seed for models that take one."""


class CheckMarks(Stage):
    """Stores how far captions took over the drawing; with ``redraw``, mends them."""

    VERSION: ClassVar[int] = 1
    NEEDS: ClassVar[frozenset[str]] = frozenset({"segments", "drawings", "marks", "captions"})
    GIVES: ClassVar[frozenset[str]] = frozenset({"captions", "drawings", "scores"})
    SCORES: ClassVar[frozenset[str]] = frozenset({COLOUR, NUMBER, CONFIRMED, MENDED})
    Parameters: ClassVar[type[Parameters]] = CheckMarksParameters
    parameters: CheckMarksParameters

    def __init__(self, parameters: CheckMarksParameters, setup: Setup) -> None:
        """Loads its prompts and grammar. Raises RecipeError for any that does not fit."""
        super().__init__(parameters, setup)
        self.grammar: Grammar = registry.find("answer", parameters.answer)()
        self.second_prompts = [setup.prompt(name) for name in parameters.prompts]
        if not parameters.redraw:
            return
        if not self.second_prompts:
            raise RecipeError(
                f"{setup.name}: redraw is true and there is no prompt to ask with; name those of "
                "annotate in prompts, or set redraw to false"
            )
        for prompt in self.second_prompts:
            prompt.check_fits(setup.name, OBJECTS, parameters.answer)

    def prompts(self) -> Sequence[Prompt]:
        """Those of the second question, where there is one."""
        return self.second_prompts if self.parameters.redraw else ()

    def roles(self) -> Sequence[str]:
        """The role that is asked again, where any is."""
        return (self.parameters.model,) if self.parameters.redraw else ()

    def calls(self, record: Record) -> int:
        """None that are foreseen: only flagged captions are asked for again."""
        return 0

    def versions(self) -> Mapping[str, Any]:
        """The rules for traces; with ``redraw`` all that shapes the second question and answer."""
        made_of: dict[str, Any] = {"mark_traces": VERSION, "category_words": table_sha256()}
        if self.parameters.redraw:
            made_of |= {
                "grammar": {self.parameters.answer: self.grammar.VERSION},
                "sight": asdict(self.sight),
                "drawing": DRAWING,
                "styles": {name: find_style(name).VERSION for name in style_names()},
            }
        return made_of

    @property
    def sight(self) -> Sight:
        """How large the model that is asked again sees."""
        role = self.parameters.model
        model = self.setup.models.get(role, role)
        return bounded(sight_of(model, self.parameters.detail), self.parameters.max_pixels)

    async def annotate(self, record: Record, ask: Ask) -> Record:
        """The record with its scores and, with ``redraw``, mended captions and their drawings.

        Raises RecordFailed: ``gave_up`` where the model could not be asked again in the end, and
        what ``mark`` raises for files that cannot be used or have changed.
        """
        if not record.captions or not record.marks:
            return record
        traces = await ask.compute(find_traces, ask.files, record.to_line())
        outcomes: _Outcomes = {}
        if self.parameters.redraw:
            # A paragraph is no answer about one mark: it keeps what is suspicious.
            whole = [t for t in traces if record.captions[t.caption].segment is None]
            doubted = [t for t in traces if record.captions[t.caption].segment is not None]
            if doubted:
                drawings, seconds = await self._ask_again(record, doubted, ask)
                record, left, outcomes = await self._settle(record, doubted, seconds, ask)
                record = record.but(drawings=(*record.drawings, *drawings))
                traces = (*left, *whole)
        scores = self._scores(record, traces, outcomes)
        return record.but(scores=(*record.scores, *scores))

    def _scores(self, record: Record, traces: Sequence[Trace], outcomes: _Outcomes) -> list[Score]:
        """For each marked segment that has a caption, and each grounded paragraph, in order."""
        marked = {mark.segment for mark in record.marks}
        about = [c.segment for c in record.captions if c.segment in marked or _is_grounded(c)]
        # The place of a trace says whose caption it is in: a paragraph speaks of many segments.
        found = {(trace.kind, record.captions[trace.caption].segment) for trace in traces}
        scores = []
        for segment in dict.fromkeys(about):
            values = {COLOUR: float(("colour", segment) in found)}
            values[NUMBER] = float(("number", segment) in found)
            if segment is not None:
                values |= outcomes.get(segment, {})
            scores += [
                Score(name=name, value=value, by=self.setup.name, segment=segment)
                for name, value in values.items()
            ]
        return scores

    async def _ask_again(
        self, record: Record, traces: Sequence[Trace], ask: Ask
    ) -> tuple[list[Drawing], dict[int, SecondAnswer]]:
        """The redrawn pictures, and what a second answer says of segments, where it is usable."""
        drawings: list[Drawing] = []
        requests, asked = [], []
        for numbers in redrawn_groups(record, (trace.segment for trace in traces)):
            commission = self.commission(record, numbers)
            drawn = await ask.compute(draw_marks, ask.files, commission)
            image = ask.keep_image(
                f"{picture_name(numbers)}{drawn.suffix}",
                drawn.data,
                drawn.width,
                drawn.height,
                drawn.encoder,
            )
            drawing = _drawing(drawn, image, commission.style)
            drawings.append(drawing)
            marks = _marks(drawn, len(record.drawings) + len(drawings) - 1)
            expected = tuple(
                Expected(mark.number, record.segment(mark.segment).category.name) for mark in marks
            )
            prompt = draw(
                fitting(self.second_prompts, expected), self.setup.seed, record.id, self.setup.name
            )
            turn = f"redraw/{len(drawings)}"
            requests.append((self._request(record, drawings, marks, prompt, expected, ask), turn))
            asked.append((marks, expected, prompt, turn))
        replies = await ask.all(requests)
        lost = [
            (reply, turn)
            for reply, (_, _, _, turn) in zip(replies, asked, strict=True)
            if reply.outcome == "gave_up"
        ]
        if lost:
            # Passing trouble: a suspicion that could not be put to the proof must not last.
            raise RecordFailed("gave_up", lost[0][0].detail, tuple(turn for _, turn in lost))
        seconds: dict[int, SecondAnswer] = {}
        for reply, (marks, expected, prompt, turn) in zip(replies, asked, strict=True):
            by_number = {mark.number: mark for mark in marks}
            origin = self._origin(reply, prompt, turn)
            for number, region in self._read(reply, expected).items():
                mark = by_number[number]
                seconds[mark.segment] = SecondAnswer(region, mark, origin)
        return drawings, seconds

    def _request(
        self,
        record: Record,
        drawings: Sequence[Drawing],
        marks: Sequence[Mark],
        prompt: Prompt,
        expected: Sequence[Expected],
        ask: Ask,
    ) -> Request:
        p = self.parameters
        picture = ImagePart(image=drawings[-1].image)
        words = TextPart(text=fill(prompt, expected))
        # Whoever computes answers from the record is to see the marks of this drawing.
        shown = record.but(drawings=(*record.drawings, *drawings), marks=tuple(marks))
        numbers = tuple(mark.number for mark in marks)
        return Request(
            model=p.model,
            messages=(Message(role="user", parts=(picture, words)),),
            sampling=Sampling(
                temperature=p.temperature, max_tokens=p.max_tokens, seed=p.seed, detail=p.detail
            ),
            context=Context(shown, numbers, p.answer, ask.files, ask.compute),
        )

    def _read(self, reply: Reply, expected: tuple[Expected, ...]) -> dict[int, Region]:
        """The regions of a second answer that fit, doubtful wording included."""
        if reply.outcome not in ("answer", "truncated") or not reply.text.strip():
            return {}
        parsed = self.grammar.parse(reply.text)
        if reply.outcome == "truncated":
            parsed = broken_off(parsed, reply.text)
        judged = self.grammar.judge(parsed, expected)
        return {**judged.doubtful, **judged.accepted}

    def _origin(self, reply: Reply, prompt: Prompt, turn: str) -> Origin:
        return Origin(
            stage=self.setup.name,
            model=reply.model,
            prompt=prompt.name,
            prompt_sha256=prompt.sha256,
            call=reply.key,
            turn=reply.turn or turn,
        )

    async def _settle(
        self,
        record: Record,
        traces: Sequence[Trace],
        seconds: Mapping[int, SecondAnswer],
        ask: Ask,
    ) -> tuple[Record, tuple[Trace, ...], _Outcomes]:
        """The record with its captions as both answers have them, and the traces that remain."""
        sound = await self._sound(record, seconds, ask)
        captions = list(record.captions)
        left: list[Trace] = []
        outcomes: _Outcomes = {trace.segment: {CONFIRMED: 0.0, MENDED: 0.0} for trace in traces}
        for place in dict.fromkeys(trace.caption for trace in traces):
            found = [trace for trace in traces if trace.caption == place]
            segment = record.segment(found[0].segment)
            second = seconds.get(segment.id)
            if second is None:
                left += found
                continue
            said, name = second.region.description, segment.category.name
            alone = [trace for trace in found if not repeats(said, trace, name)]
            shared = len(alone) < len(found)
            if shared:
                outcomes[segment.id][CONFIRMED] = 1.0
            if not alone:
                continue
            # Where both share a part of what is suspicious, the first one stays but for the rest.
            mended = (
                second_caption(captions[place], second)
                if segment.id in sound and not shared
                else shortened(captions[place], alone, second.origin)
            )
            if mended is None or is_incomplete(mended.text):
                left += alone
                continue
            captions[place] = mended
            outcomes[segment.id][MENDED] = 1.0
        return record.but(captions=tuple(captions)), tuple(left), outcomes

    async def _sound(
        self, record: Record, seconds: Mapping[int, SecondAnswer], ask: Ask
    ) -> frozenset[int]:
        """The segments whose second caption may take the first one's place.

        It has no fault of its own, and no trace of its own mark.
        """
        usable = {segment: s for segment, s in seconds.items() if _is_clean(s.region.description)}
        if not usable:
            return frozenset()
        trial = record.but(
            captions=tuple(
                Caption(text=s.region.description, segment=segment, origin=s.origin)
                for segment, s in usable.items()
            ),
            marks=tuple(second.mark for second in usable.values()),
        )
        traces = await ask.compute(find_traces, ask.files, trial.to_line())
        return frozenset(usable) - {trace.segment for trace in traces}

    def redraw(self, record: Record, files: RecordFiles, image: DrawnImage) -> bytes:
        """The same bytes again, as long as the files and the drawing libraries are the same."""
        return draw_marks(files, self.commission(record, numbers_of(image.file))).data

    def commission(self, record: Record, numbers: Sequence[int]) -> Commission:
        """What is drawn for the second question about some marks, by their first numbers."""
        return redraw_commission(
            record,
            numbers,
            new_numbers(record, self.setup.seed, self.setup.name),
            self.sight,
            self.parameters.encoder,
            self.parameters.quality,
        )


def _is_grounded(caption: Caption) -> bool:
    """Is it a paragraph whose phrases say of which segments they speak?"""
    return caption.segment is None and bool(caption.spans)


def _is_clean(text: str) -> bool:
    return not (kind_of_fault(text) or leaks_task(text) or is_incomplete(text))


def _drawing(drawn: DrawnPicture, image: DrawnImage, style: str) -> Drawing:
    return Drawing(
        image=image,
        style=style,
        scale=drawn.scale,
        seen_wh=drawn.seen_wh,
        clean_offset_xy=None if drawn.clean_x is None else (drawn.clean_x, 0),
    )


def _marks(drawn: DrawnPicture, drawing: int) -> tuple[Mark, ...]:
    return tuple(Mark(**asdict(mark), drawing=drawing) for mark in drawn.marks)
