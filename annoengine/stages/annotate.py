"""Asks a vision-language model about every marked segment, and matches its answer to them.

One turn for each drawing. An answer is read by a grammar and judged: each mark needs one
description that fits its category (*hard matching*, Pix2Cap-COCO Fig. 2, step 3). Marks that got
none are asked again, they alone, with what was wrong quoted; what was right is kept. A repair is a
conversation of three messages: the question with its picture, what the model said last, and the
repair, so that its length does not grow with the number of repairs.

The picture goes before the text, as the providers advise. The paper does not say; a text in front
would gain little from prefix caching, since it names the image's own categories early.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Literal

from pydantic import Field

from annoengine import registry
from annoengine.answer import Answer, Expected, Fault, Grammar, Interaction, Parsed, Region
from annoengine.categories import table_sha256, words_of
from annoengine.errors import RecipeError, RecordFailed
from annoengine.prompt import Prompt, draw
from annoengine.provider import Context, ImagePart, Message, Reply, Request, Sampling, TextPart
from annoengine.record import Caption, Drawing, Gap, Mark, Origin, Record, Relation
from annoengine.stage import Ask, Parameters, Setup, Stage

_FIRST_VARIABLES = frozenset({"num_instances", "categories"})
_REPAIR_VARIABLES = frozenset({"num_instances", "categories", "faults"})


class AnnotateParameters(Parameters):
    """How segments are described."""

    model: str = "annotator"
    """The role of the model that is asked."""
    prompts: tuple[str, ...] = Field(min_length=1)
    """Prompts of which each record draws one."""
    repair_prompts: tuple[str, ...] = ()
    """Prompts of which a repair draws one; needed where ``repair`` is above 0."""
    answer: str = "numbered"
    """The grammar in which the model is told to answer."""
    repair: int = Field(default=2, ge=0)
    """How often marks without a usable description are asked again; 0 is the paper."""
    on_unmatched: Literal["fail", "leave"] = "fail"
    """What becomes of a record with marks that no answer described: ``fail`` sets it aside,
    ``leave`` keeps it with a gap for each of them."""
    temperature: float | None = Field(default=None, ge=0)
    """How freely the model draws its words; unset: the model's default."""
    max_tokens: int | None = Field(default=None, ge=1)
    """The most tokens of one answer; unset: the model's default."""
    seed: int | None = None
    """A seed for models that take one."""
    detail: Literal["low", "high", "auto"] | None = None
    """How closely an OpenAI model looks at the picture; unset: its default."""


@dataclass
class _Group:
    """The marks of one drawing, and what the answers about it came to, by mark number."""

    turn: str
    drawing: Drawing
    marks: dict[int, Mark]
    expected: tuple[Expected, ...]
    regions: dict[int, tuple[Region, Origin]] = field(default_factory=dict)
    doubtful: dict[int, tuple[Region, Origin]] = field(default_factory=dict)
    interactions: list[tuple[Interaction, Origin]] = field(default_factory=list)
    faults: tuple[Fault, ...] = ()

    @property
    def wanted(self) -> tuple[Expected, ...]:
        """The marks that no answer has described yet."""
        return tuple(e for e in self.expected if e.mark not in self.regions)

    def faults_of(self, mark: int) -> list[Fault]:
        """What the last answer had wrong about a mark."""
        return [fault for fault in self.faults if mark in fault.marks]


class Annotate(Stage):
    """Gives every marked segment a caption, and sets of segments their interactions."""

    VERSION: ClassVar[int] = 1
    NEEDS: ClassVar[frozenset[str]] = frozenset({"segments", "drawings", "marks"})
    GIVES: ClassVar[frozenset[str]] = frozenset({"captions", "relations", "gaps"})
    Parameters: ClassVar[type[Parameters]] = AnnotateParameters
    parameters: AnnotateParameters

    def __init__(self, parameters: AnnotateParameters, setup: Setup) -> None:
        """Loads its prompts and grammar. Raises RecipeError for any that does not fit."""
        super().__init__(parameters, setup)
        self.grammar: Grammar = registry.find("answer", parameters.answer)()
        self.first_prompts = [setup.prompt(name) for name in parameters.prompts]
        self.repair_prompts = [setup.prompt(name) for name in parameters.repair_prompts]
        if parameters.repair and not self.repair_prompts:
            raise RecipeError(
                f"{setup.name}: repair is {parameters.repair} and there is no prompt in "
                "repair_prompts; name one, or set repair to 0"
            )
        for prompts, known in (
            (self.first_prompts, _FIRST_VARIABLES),
            (self.repair_prompts, _REPAIR_VARIABLES),
        ):
            for prompt in prompts:
                self._check(prompt, known)

    def _check(self, prompt: Prompt, known: frozenset[str]) -> None:
        strange = sorted(set(prompt.head.variables) - known)
        if strange:
            raise RecipeError(
                f"{self.setup.name}: the prompt {prompt.name} wants {', '.join(strange)}, which "
                f"this stage cannot fill; it knows {', '.join(sorted(known))}"
            )
        if prompt.head.answer not in (None, self.parameters.answer):
            raise RecipeError(
                f"{self.setup.name}: the prompt {prompt.name} asks for an answer in the grammar "
                f"{prompt.head.answer!r}, and the stage reads {self.parameters.answer!r}"
            )

    def prompts(self) -> Sequence[Prompt]:
        """The prompts of the first question and, where there are any repairs, of those."""
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

    def calls(self, record: Record) -> int:
        """One for each drawing that has marks; repairs are not foreseen."""
        return len({mark.drawing for mark in record.marks})

    async def annotate(self, record: Record, ask: Ask) -> Record:
        """The record with captions in segment order, relations, and gaps where it may.

        A record without marks comes back as it is. Raises RecordFailed: ``unmatched`` for marks
        that no answer described, and the outcome's name for a first answer that is none
        (``refusal``, ``filtered``, ``empty``, ``truncated`` where nothing came, ``gave_up``).
        """
        groups = _groups(record)
        for group in groups:
            await self._describe(record, group, ask)
        return self._with_answers(record, groups)

    async def _describe(self, record: Record, group: _Group, ask: Ask) -> None:
        """Asks about one drawing, and again for what is missing."""
        prompt = draw(self.first_prompts, self.setup.seed, record.id, self.setup.name)
        text = _fill(prompt, group.expected, ())
        picture = ImagePart(image=group.drawing.image)
        question = Message(role="user", parts=(picture, TextPart(text=text)))
        reply = await ask(self._request(record, (question,), group.expected, ask), group.turn)
        said = reply.text
        if reply.outcome not in ("answer", "truncated") or not said.strip():
            outcome = "empty" if reply.outcome == "answer" else reply.outcome
            raise RecordFailed(outcome, reply.detail, (group.turn,))
        self._take(reply, prompt, group, group.turn, 0)
        asked = [group.turn]
        for number in range(1, self.parameters.repair + 1):
            if not group.wanted:
                break
            turn = f"{group.turn}/repair {number}"
            asked = [turn] if number == 1 else [*asked, turn]
            prompt = draw(
                self.repair_prompts, self.setup.seed, record.id, f"{self.setup.name}/{number}"
            )
            text = _fill(prompt, group.wanted, group.faults)
            messages = (
                question,
                Message(role="assistant", parts=(TextPart(text=said),)),
                Message(role="user", parts=(TextPart(text=text),)),
            )
            reply = await ask(self._request(record, messages, group.wanted, ask), turn)
            if reply.outcome == "gave_up":
                # Passing trouble: leaving gaps would make it last.
                raise RecordFailed(reply.outcome, reply.detail, (turn,))
            self._take(reply, prompt, group, turn, number)
            said = reply.text if reply.text.strip() else said
        for e in group.wanted:
            # Nothing better came: a caption that speaks of the marks can still be rewritten.
            if e.mark in group.doubtful:
                group.regions[e.mark] = group.doubtful[e.mark]
        if group.wanted and self.parameters.on_unmatched == "fail":
            raise RecordFailed("unmatched", _what_is_missing(group), tuple(asked))

    def _request(
        self, record: Record, messages: tuple[Message, ...], asked: tuple[Expected, ...], ask: Ask
    ) -> Request:
        p = self.parameters
        marks = tuple(e.mark for e in asked)
        return Request(
            model=p.model,
            messages=messages,
            sampling=Sampling(
                temperature=p.temperature, max_tokens=p.max_tokens, seed=p.seed, detail=p.detail
            ),
            context=Context(record, marks, p.answer, ask.files, ask.compute),
        )

    def _take(self, reply: Reply, prompt: Prompt, group: _Group, turn: str, repairs: int) -> None:
        """Keeps what an answer says of the marks that are wanted, and what is wrong with it."""
        wanted = group.wanted
        if reply.outcome not in ("answer", "truncated"):
            marks = tuple(e.mark for e in wanted)
            said = f": {reply.detail}" if reply.detail else ""
            detail = f"The model did not answer ({reply.outcome}{said})."
            group.faults = (Fault(reply.outcome, marks, detail),)
            return
        parsed = self.grammar.parse(reply.text)
        if reply.outcome == "truncated":
            parsed = _broken_off(parsed, reply.text)
        judged = self.grammar.judge(parsed, wanted)
        origin = Origin(
            stage=self.setup.name,
            model=reply.model,
            prompt=prompt.name,
            prompt_sha256=prompt.sha256,
            call=reply.key,
            turn=reply.turn or turn,
            repairs=repairs,
        )
        group.regions |= {mark: (region, origin) for mark, region in judged.accepted.items()}
        group.doubtful |= {mark: (region, origin) for mark, region in judged.doubtful.items()}
        group.interactions += [(interaction, origin) for interaction in judged.interactions]
        group.faults = judged.faults

    def _with_answers(self, record: Record, groups: Sequence[_Group]) -> Record:
        order = {segment.id: place for place, segment in enumerate(record.segments)}
        captions: list[Caption] = []
        relations: list[Relation] = []
        gaps: list[Gap] = []
        for group in groups:
            for mark, (region, origin) in group.regions.items():
                captions.append(
                    Caption(
                        text=region.description,
                        segment=group.marks[mark].segment,
                        summary=region.summary,
                        origin=origin,
                    )
                )
            for interaction, origin in group.interactions:
                # What is said of a mark that ended without a caption was said of a doubtful thing.
                if all(mark in group.regions for mark in interaction.marks):
                    segments = tuple(group.marks[mark].segment for mark in interaction.marks)
                    relations.append(
                        Relation(segments=segments, text=interaction.text, origin=origin)
                    )
            for e in group.wanted:
                faults = group.faults_of(e.mark)
                gaps.append(
                    Gap(
                        segment=group.marks[e.mark].segment,
                        reason=faults[0].kind if faults else "missing",
                        detail=" ".join(fault.detail for fault in faults),
                        stage=self.setup.name,
                    )
                )
        captions.sort(key=lambda caption: order[caption.segment or 0])
        gaps.sort(key=lambda gap: order[gap.segment])
        return record.but(
            captions=(*record.captions, *captions),
            relations=(*record.relations, *relations),
            gaps=(*record.gaps, *gaps),
        )


def _groups(record: Record) -> list[_Group]:
    """The drawings that carry marks; the first is the turn ``objects``, then ``objects 2`` …"""
    groups: list[_Group] = []
    for index, drawing in enumerate(record.drawings):
        marks = {mark.number: mark for mark in record.marks if mark.drawing == index}
        if not marks:
            continue
        turn = f"objects {len(groups) + 1}" if groups else "objects"
        expected = tuple(
            Expected(number, record.segment(mark.segment).category.name)
            for number, mark in marks.items()
        )
        groups.append(_Group(turn, drawing, marks, expected))
    return groups


def _fill(prompt: Prompt, expected: tuple[Expected, ...], faults: tuple[Fault, ...]) -> str:
    """The prompt's text; ``faults`` are those that concern what is asked, one a line."""
    asked = {e.mark for e in expected}
    details = dict.fromkeys(fault.detail for fault in faults if asked.intersection(fault.marks))
    values = {
        "num_instances": str(len(expected)),
        "categories": ", ".join(f"{e.mark}: {words_of(e.category).show}" for e in expected),
        "faults": "\n".join(f"- {detail}" for detail in details),
    }
    return prompt.fill(**{name: values[name] for name in prompt.head.variables})


def _broken_off(parsed: Parsed, text: str) -> Parsed:
    """An answer that reached its limit of tokens: what stands last is not whole.

    Unless it ends with a sentence, or the grammar saw it already.
    """
    if any(fault.kind == "truncated" for fault in parsed.faults):
        return parsed
    if text.rstrip().rstrip("*_`\"'”’)").endswith((".", "!", "?", ";")):
        return parsed
    answer = parsed.answer
    if answer.interactions:
        kept = Answer(answer.regions, answer.interactions[:-1])
        fault = Fault("truncated", (), "The answer broke off in its last interaction.")
        return replace(parsed, answer=kept, faults=(*parsed.faults, fault))
    if not answer.regions:
        return parsed
    mark = answer.regions[-1].mark
    fault = Fault("truncated", (mark,), f"The description of object {mark} broke off.")
    return replace(parsed, faults=(*parsed.faults, fault))


def _what_is_missing(group: _Group) -> str:
    """Which marks have no caption, and what was wrong with the last answer about each."""
    numbers = ", ".join(str(e.mark) for e in group.wanted)
    details = dict.fromkeys(f.detail for e in group.wanted for f in group.faults_of(e.mark))
    return f"no usable description of mark {numbers}: {' '.join(details)}".rstrip(": ")
