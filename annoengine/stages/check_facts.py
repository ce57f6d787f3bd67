"""Takes statements out of captions and tests them against pixels and masks, each with its verdict.

What a caption says of colours, places, order, sizes, numbers, relations and contact is compared
with what is measured of the segments (``annoengine.claims``). Every statement is stored with its
verdict and the measured evidence; how many there are of each verdict are scores, so that a
threshold can be moved without testing anything again. "Cannot tell" is the common verdict, and no
approval.

A caption with a contradiction can be dropped, or the model can be asked again, with caption,
contradiction and evidence quoted. Its new text is tested in the same way, and whichever text has
fewer contradictions stays; the old one where both have as many. A second answer that cannot be
used changes nothing: the scores still say what is wrong.

In a grounded paragraph of the whole image a phrase speaks of the very segments that it carries. A
paragraph is scored and dropped like any caption, and never asked for again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

from pydantic import Field

from annoengine import registry
from annoengine.answer import Expected, Grammar, Region, broken_off
from annoengine.categories import table_sha256, words_of
from annoengine.claims.caption_claim import Statement, Truth
from annoengine.claims.testing import VERSION, statements_of_record
from annoengine.errors import RecipeError, RecordFailed
from annoengine.language.parser import DEFAULT_MODEL, language_requirements, model_version
from annoengine.prompt import Prompt, draw
from annoengine.provider import Context, ImagePart, Message, Reply, Request, Sampling, TextPart
from annoengine.record import Caption, Gap, Mark, Origin, Record, Score, Verdict
from annoengine.requirement import Requirement
from annoengine.stage import Ask, Parameters, Setup, Stage

SUPPORTED = "facts.supported"
"""How many statements of a segment's caption agree with what is measured."""

CONTRADICTED = "facts.contradicted"
"""How many statements of it are contradicted by what is measured."""

CANNOT_TELL = "facts.cannot_tell"
"""How many statements of it neither masks nor pixels decide."""

VARIABLES = frozenset({"id", "category", "caption", "contradictions"})
"""What a prompt may use: the mark's number, its category, its caption, what is false in it."""

_TRUTHS: dict[str, Truth] = {
    SUPPORTED: "supported",
    CONTRADICTED: "contradicted",
    CANNOT_TELL: "cannot tell",
}


class CheckFactsParameters(Parameters):
    """What becomes of captions that state what is not so."""

    language: str = DEFAULT_MODEL
    """The spaCy model that parses captions."""
    on_contradicted: Literal["score", "drop", "ask"] = "score"
    """What becomes of a caption with a contradicted statement: ``score`` keeps it with its
    scores, ``drop`` sets it aside, ``ask`` asks the model for a corrected one."""
    model: str = "annotator"
    """The role of the model that is asked."""
    prompts: tuple[str, ...] = ()
    """Prompts of which a question draws one; needed where ``on_contradicted`` is ``ask``."""
    answer: str = "numbered"
    """The grammar in which the model is told to answer."""
    ask_again: int = Field(default=1, ge=1)
    """How often the model is asked about one caption, until none of it is contradicted."""
    temperature: float | None = Field(default=None, ge=0)
    """How freely the model draws its words; unset: the model's default."""
    max_tokens: int | None = Field(default=None, ge=1)
    """The most tokens of one answer; unset: the model's default."""
    seed: int | None = None
    """A seed for models that take one."""
    detail: Literal["low", "high", "auto"] | None = None
    """How closely an OpenAI model looks at the picture; unset: its default."""


class CheckFacts(Stage):
    """Stores what captions state, each statement with its verdict, and counts them."""

    VERSION: ClassVar[int] = 1
    NEEDS: ClassVar[frozenset[str]] = frozenset({"segments", "captions"})
    GIVES: ClassVar[frozenset[str]] = frozenset({"captions", "verdicts", "scores", "gaps"})
    SCORES: ClassVar[frozenset[str]] = frozenset(_TRUTHS)
    Parameters: ClassVar[type[Parameters]] = CheckFactsParameters
    parameters: CheckFactsParameters

    def __init__(self, parameters: CheckFactsParameters, setup: Setup) -> None:
        """Loads its prompts and grammar. Raises RecipeError for any that does not fit."""
        super().__init__(parameters, setup)
        self.grammar: Grammar = registry.find("answer", parameters.answer)()
        self.correcting = [setup.prompt(name) for name in parameters.prompts]
        if not self.asks:
            return
        if not self.correcting:
            raise RecipeError(
                f"{setup.name}: on_contradicted is 'ask' and there is no prompt to ask with; name "
                "one in prompts (checks/contradiction1.v1), or set on_contradicted to score"
            )
        for prompt in self.correcting:
            prompt.check_fits(setup.name, VARIABLES, parameters.answer)

    @property
    def asks(self) -> bool:
        """Is a model asked?"""
        return self.parameters.on_contradicted == "ask"

    def prompts(self) -> Sequence[Prompt]:
        """Those of the second question, where there is one."""
        return self.correcting if self.asks else ()

    def roles(self) -> Sequence[str]:
        """The role that is asked, where any is."""
        return (self.parameters.model,) if self.asks else ()

    def requirements(self) -> Sequence[Requirement]:
        """spaCy and its model."""
        return language_requirements(self.parameters.language)

    def versions(self) -> Mapping[str, Any]:
        """The rules that find and test statements, the parser, and the words of categories."""
        made_of: dict[str, Any] = {
            "claims": VERSION,
            "language": model_version(self.parameters.language),
            "category_words": table_sha256(),
        }
        if self.asks:
            made_of["grammar"] = {self.parameters.answer: self.grammar.VERSION}
        return made_of

    async def annotate(self, record: Record, ask: Ask) -> Record:
        """The record with verdicts and scores of its captions, in their order.

        Raises RecordFailed ``gave_up`` where the model could not be asked in the end, and
        InputError for files that cannot be used.
        """
        if not record.captions:
            return record
        found = await self._tested(record, ask)
        if self.asks:
            for number in range(1, self.parameters.ask_again + 1):
                record, found = await self._ask_again(record, found, number, ask)
        if self.parameters.on_contradicted == "drop":
            record, found = self._without_false(record, found, ask)
        return record.but(
            verdicts=(*record.verdicts, *self._verdicts(record.captions, found)),
            scores=(*record.scores, *self._scores(record.captions, found)),
        )

    async def _tested(self, record: Record, ask: Ask) -> list[list[Statement]]:
        return await ask.compute(
            statements_of_record, ask.files, record.to_line(), self.parameters.language
        )

    def _verdicts(
        self, captions: Sequence[Caption], found: Sequence[Sequence[Statement]]
    ) -> list[Verdict]:
        return [
            Verdict(
                segment=caption.segment,
                kind=one.kind,
                says=one.says,
                start=one.start,
                end=one.end,
                truth=one.truth,
                evidence=one.evidence,
                by=self.setup.name,
            )
            for caption, statements in zip(captions, found, strict=True)
            for one in statements
        ]

    def _scores(
        self, captions: Sequence[Caption], found: Sequence[Sequence[Statement]]
    ) -> list[Score]:
        scores = []
        for caption, statements in zip(captions, found, strict=True):
            counted = Counter(one.truth for one in statements)
            scores += [
                Score(
                    name=name,
                    value=float(counted[truth]),
                    by=self.setup.name,
                    segment=caption.segment,
                )
                for name, truth in _TRUTHS.items()
            ]
        return scores

    def _without_false(
        self, record: Record, found: Sequence[list[Statement]], ask: Ask
    ) -> tuple[Record, list[list[Statement]]]:
        """The record without captions that are contradicted; each is set aside, with a gap."""
        captions, left, gaps = [], [], []
        for caption, statements in zip(record.captions, found, strict=True):
            false = contradicted(statements)
            if not false:
                captions.append(caption)
                left.append(statements)
                continue
            ask.set_aside(caption, CONTRADICTED, self._scores([caption], [statements]))
            if caption.segment is not None:
                detail = "; ".join(f"{one.says}: {one.evidence}" for one in false)
                gaps.append(
                    Gap(
                        segment=caption.segment,
                        reason=CONTRADICTED,
                        detail=detail,
                        stage=self.setup.name,
                    )
                )
        changed = record.but(captions=tuple(captions), gaps=(*record.gaps, *gaps))
        return changed, left

    async def _ask_again(
        self, record: Record, found: Sequence[list[Statement]], number: int, ask: Ask
    ) -> tuple[Record, list[list[Statement]]]:
        """The record with better captions where the model gives any, and their statements."""
        asked: list[tuple[int, Mark, Prompt, str]] = []
        requests = []
        for place, (caption, statements) in enumerate(zip(record.captions, found, strict=True)):
            mark = None if caption.segment is None else record.mark_of(caption.segment)
            false = contradicted(statements)
            if not false or mark is None:
                continue
            turn = f"facts {mark.number}/{number}"
            name = f"{self.setup.name}/{number}"
            prompt = draw(self.correcting, self.setup.seed, record.id, name)
            requests.append((self._request(record, caption, mark, false, prompt, ask), turn))
            asked.append((place, mark, prompt, turn))
        if not requests:
            return record, list(found)
        replies = await ask.all(requests)
        lost = [(r, a[3]) for r, a in zip(replies, asked, strict=True) if r.outcome == "gave_up"]
        if lost:
            # Passing trouble: a caption must not stay false for good because of it.
            raise RecordFailed("gave_up", lost[0][0].detail, tuple(turn for _, turn in lost))
        captions = list(record.captions)
        for reply, (place, mark, prompt, turn) in zip(replies, asked, strict=True):
            region = self._read(reply, self._expected(record, mark))
            if region is not None:
                captions[place] = self._caption(captions[place], region, reply, prompt, turn)
        return await self._better(record, captions, found, ask)

    async def _better(
        self,
        record: Record,
        captions: Sequence[Caption],
        found: Sequence[list[Statement]],
        ask: Ask,
    ) -> tuple[Record, list[list[Statement]]]:
        """Of each old and new caption the one with fewer contradictions, the old one in doubt."""
        new = [n for n, caption in enumerate(captions) if caption is not record.captions[n]]
        if not new:
            return record, list(found)
        second = await self._tested(record.but(captions=tuple(captions[n] for n in new)), ask)
        kept, left = list(record.captions), list(found)
        for n, statements in zip(new, second, strict=True):
            if len(contradicted(statements)) < len(contradicted(found[n])):
                kept[n], left[n] = captions[n], statements
        return record.but(captions=tuple(kept)), left

    @staticmethod
    def _expected(record: Record, mark: Mark) -> Expected:
        return Expected(mark.number, record.segment(mark.segment).category.name)

    def _request(
        self,
        record: Record,
        caption: Caption,
        mark: Mark,
        false: Sequence[Statement],
        prompt: Prompt,
        ask: Ask,
    ) -> Request:
        p = self.parameters
        values = {
            "id": str(mark.number),
            "category": words_of(record.segment(mark.segment).category.name).show,
            "caption": caption.text,
            "contradictions": "\n".join(quoted(caption, one) for one in false),
        }
        text = prompt.fill(**{name: values[name] for name in prompt.head.variables})
        picture = ImagePart(image=record.drawings[mark.drawing].image)
        return Request(
            model=p.model,
            messages=(Message(role="user", parts=(picture, TextPart(text=text))),),
            sampling=Sampling(
                temperature=p.temperature, max_tokens=p.max_tokens, seed=p.seed, detail=p.detail
            ),
            context=Context(record, (mark.number,), p.answer, ask.files, ask.compute),
        )

    def _read(self, reply: Reply, expected: Expected) -> Region | None:
        """The region that a second answer gives the mark; None where it gives none that fits."""
        if reply.outcome not in ("answer", "truncated") or not reply.text.strip():
            return None
        parsed = self.grammar.parse(reply.text)
        if reply.outcome == "truncated":
            parsed = broken_off(parsed, reply.text)
        return self.grammar.judge(parsed, (expected,)).accepted.get(expected.mark)

    def _caption(
        self, old: Caption, region: Region, reply: Reply, prompt: Prompt, turn: str
    ) -> Caption:
        """The caption with a new text; what was grounded in the old text goes with it."""
        origin = Origin(
            stage=self.setup.name,
            model=reply.model,
            prompt=prompt.name,
            prompt_sha256=prompt.sha256,
            call=reply.key,
            turn=reply.turn or turn,
            repairs=old.origin.repairs + 1,
        )
        return old.rewritten(
            region.description, origin, summary=region.summary or old.summary, spans=()
        )


def contradicted(statements: Sequence[Statement]) -> list[Statement]:
    """Those that are false."""
    return [one for one in statements if one.truth == "contradicted"]


def quoted(caption: Caption, statement: Statement) -> str:
    """A false statement for the model: its words, and what was measured.

    >>> origin = Origin(stage="annotate", model="m-1")
    >>> one = Statement("position", "flag: on the left", 12, 23, "contradicted",
    ...     "its centre lies at 81 % of the width")
    >>> quoted(Caption(text="The flag is on the left.", segment=3, origin=origin), one)
    '- “on the left”: its centre lies at 81 % of the width.'
    """
    return f"- “{caption.text[statement.start : statement.end]}”: {statement.evidence}."
