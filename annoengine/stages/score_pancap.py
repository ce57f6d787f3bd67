"""Scores a caption against another of the same image: PancapScore, by a text model as judge.

What the captions say was extracted before (``extract_content``). Here instances are matched, a
model writes a pair of questions about each statement of either caption, and answers them from the
other one: four calls a pair, six with the extraction, as in the paper. With the model ``embedded``
rules answer. A caption that is not there scores 0; an answer that is neither yes nor no is wrong
and counted.

======================  ======================================================================
``pancap``              s, 0 to 4.1
``pancap.tag`` …        the F-score of each dimension, 0 to 1; also ``.precision``, ``.recall``
``pancap.failures``     statements without two answers that are yes or no
``pancap.plain``        statements for which no questions came; they were asked in a plain form
``pancap.missing``      1 where one of the two captions is not there
======================  ======================================================================

Scores have six decimals. Source: arXiv 2505.16334, section 3.2 and appendix C.1.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from annoengine.errors import RecipeError, RecordFailed
from annoengine.pancap.asked_content import EMBEDDED, Extraction, Told, read_content
from annoengine.pancap.asked_score import judge_contents
from annoengine.pancap.asking_settings import JudgingParameters, needs_of, prompts_of, roles_of
from annoengine.pancap.content import Content
from annoengine.pancap.content_items import (
    caption_by,
    content_of,
    known_size_wh,
    turn_of,
    with_turns,
)
from annoengine.pancap.scoring import DIMENSIONS, PairScore, no_score
from annoengine.prompt import Prompt
from annoengine.record import Record, Score
from annoengine.requirement import Requirement
from annoengine.stage import Ask, Parameters, Setup, Stage

NAME = "pancap"
_PARTS = ("failures", "plain", "missing")
_DECIMALS = 6
_EXTRACTED = "content.faults"
"""The score by which ``extract_content`` says that it was there."""

_TOKENS_A_LETTER = (1.0, 0.44)
"""Tokens of questions and of answers by letters of the caption that they are about: means of those
about the embedded extractor's lines of four captions of SA-Pancap."""


class ScorePancapParameters(JudgingParameters):
    """Which captions are compared, and by whom."""

    model: str = EMBEDDED
    """The role of the text model that writes and answers questions, or ``embedded``: rules."""
    reference: str = "reference"
    """The stage that wrote the caption which is taken as true."""
    prediction: str = "prediction"
    """The stage that wrote the caption which is scored."""
    lines: bool = True
    """Keep questions and answers on the record, for whoever looks or exports them."""


class ScorePancap(Stage):
    """Stores PancapScore and its parts for each record."""

    VERSION: ClassVar[int] = 1
    NEEDS: ClassVar[frozenset[str]] = frozenset({"captions"})
    GIVES: ClassVar[frozenset[str]] = frozenset({"content", "scores"})
    SCORES: ClassVar[frozenset[str]] = frozenset(
        {
            NAME,
            *(f"{NAME}.{part}" for part in _PARTS),
            *(f"{NAME}.{dimension}" for dimension in DIMENSIONS),
            *(f"{NAME}.{dimension}.precision" for dimension in DIMENSIONS),
            *(f"{NAME}.{dimension}.recall" for dimension in DIMENSIONS),
        }
    )
    Parameters: ClassVar[type[Parameters]] = ScorePancapParameters
    parameters: ScorePancapParameters

    def __init__(self, parameters: ScorePancapParameters, setup: Setup) -> None:
        """Loads its prompts, if it asks. Raises RecipeError for any that does not fit."""
        super().__init__(parameters, setup)
        self.judging = parameters.judging(parameters.model, setup)

    def prompts(self) -> Sequence[Prompt]:
        """Those of the questions, the answers and their repair; none for rules."""
        return prompts_of(self.judging)

    def roles(self) -> Sequence[str]:
        """The judge, and the model of the vectors, where there are such."""
        return roles_of(self.judging)

    def versions(self) -> Mapping[str, Any]:
        """What reads the answers, or gives them."""
        return {"judging": self.judging.version()}

    def requirements(self) -> Sequence[Requirement]:
        """WordNet, where it is wanted."""
        return needs_of(self.judging)

    def check_scores(self, known: frozenset[str]) -> None:
        """Raises RecipeError where no earlier stage extracts what the captions say."""
        if _EXTRACTED not in known:
            raise RecipeError(
                f"the stage {self.setup.name!r} compares what captions say, which no stage before "
                "it extracts; put extract_content before it"
            )

    def _pair(self, record: Record) -> tuple[Told, Told] | None:
        p, told = self.parameters, []
        for side in (p.reference, p.prediction):
            caption = caption_by(record, side)
            if caption is not None:
                told.append(Told(side, caption.text, known_size_wh(record.photo)))
        return (told[0], told[1]) if len(told) == 2 else None

    def calls(self, record: Record) -> int:
        """Two for each caption, one where questions are plain; repairs are not foreseen."""
        if not self.judging.asks or self._pair(record) is None:
            return 0
        return 4 if self.parameters.questions == "model" else 2

    def likely_output(self, record: Record) -> int:
        """By the lengths of the captions."""
        pair = self._pair(record) if self.judging.asks else None
        letters = sum(len(told.text) for told in pair or ())
        questions, answers = _TOKENS_A_LETTER
        return round(letters * (answers + questions * (self.parameters.questions == "model")))

    async def annotate(self, record: Record, ask: Ask) -> Record:
        """The record with its scores, and with the lines of questions and answers.

        Raises RecordFailed: ``gave_up`` for a call that could not be made, ``no_caption`` for a
        record that has neither of the two captions.
        """
        p = self.parameters
        pair = self._pair(record)
        if pair is None:
            if not any(caption_by(record, side) for side in (p.reference, p.prediction)):
                raise RecordFailed(
                    "no_caption",
                    f"no caption of the whole image is by {p.reference!r} or {p.prediction!r}",
                )
            return self._scored(record, no_score(), plain=0, missing=True)
        contents = [await self._content(record, told, ask) for told in pair]
        judged = await judge_contents(*pair, contents, ask, self.judging)
        if p.lines:
            sides = (judged.reference, judged.prediction)
            items = [item for side in sides for item in side.items(self.setup.name)]
            turns = [turn_of(t, side.side) for side in sides for t in ("questions", "answers")]
            record = record.but(content=with_turns(record, items, turns))
        return self._scored(record, judged.score, judged.plain, missing=False)

    async def _content(self, record: Record, told: Told, ask: Ask) -> Content:
        if any(score.name == _EXTRACTED for score in record.scores):
            return content_of(record, told.side)
        # Only a plan looks at records that the extraction has not reached: rules stand in, so
        # that it knows about how long the questions are.
        return (await read_content(told, ask, Extraction(EMBEDDED))).content

    def _scored(self, record: Record, score: PairScore, plain: int, missing: bool) -> Record:
        values = {NAME: score.overall}
        for name in DIMENSIONS:
            of = score.dimensions[name]
            values[f"{NAME}.{name}"] = of.f1
            values[f"{NAME}.{name}.precision"] = of.precision
            values[f"{NAME}.{name}.recall"] = of.recall
        counts = (score.failures, plain, missing)
        values |= {f"{NAME}.{k}": float(v) for k, v in zip(_PARTS, counts, strict=True)}
        scores = [
            Score(name=name, value=round(value, _DECIMALS), by=self.setup.name)
            for name, value in values.items()
        ]
        return record.but(scores=(*record.scores, *scores))
