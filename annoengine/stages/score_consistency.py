"""Scores how far two captions of an image agree: PancapScore without the boxes.

Two models describe the same image, one in each of two earlier stages; where they tell of different
things, one of them is wrong, and ``keep`` lets such an image go. What either caption says is taken
from the record where ``extract_content`` kept it, else read here; with the models ``embedded``
rules read and judge, at no cost.

=========================  ==================================================================
``consistency``            s without location, 0 to 3.1
``consistency.tag`` …      the F-score of tag, attribute, relation, global; with ``location``
                           also of that
``consistency.failures``   statements without two answers that are yes or no
=========================  ==================================================================

Scores have six decimals. Source: arXiv 2505.16334, section 4.1, "Entity-aware Caption Generation";
which threshold the authors took is not printed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

from annoengine.errors import RecipeError, RecordFailed
from annoengine.pancap.asked_content import EMBEDDED, NO_CONTENT, Told
from annoengine.pancap.asked_score import score_captions
from annoengine.pancap.asking_settings import (
    JudgingParameters,
    ReadingParameters,
    needs_of,
    prompts_of,
    roles_of,
)
from annoengine.pancap.content import Content
from annoengine.pancap.content_items import (
    caption_by,
    carried_content,
    content_of,
    known_size_wh,
    sides_of,
    turn_of,
)
from annoengine.pancap.scoring import DIMENSIONS, Dimension
from annoengine.prompt import Prompt
from annoengine.record import Record, Score
from annoengine.requirement import Requirement
from annoengine.stage import Ask, Parameters, Setup, Stage

NAME = "consistency"

SECOND = "second caption"
"""The reason for which the second caption is set aside."""

_DECIMALS = 6
_TOKENS_A_LETTER = 2.24
"""Tokens of all answers by letters of the captions: those of lines, questions and answers, each
counted for four captions of SA-Pancap."""


class ScoreConsistencyParameters(ReadingParameters, JudgingParameters):
    """Which captions are compared, and by whom."""

    first: str = "annotate"
    """The stage that wrote the caption which is judged."""
    second: str = "second"
    """The stage that wrote the caption by which it is judged."""
    extractor: str = EMBEDDED
    """The role of the text model that reads captions, or ``embedded``: rules."""
    judge: str = EMBEDDED
    """The role of the text model that writes and answers questions, or ``embedded``: rules."""
    second_caption: Literal["keep", "set_aside"] = "keep"
    """What becomes of the second caption then: it stays, or it leaves the record with the scores
    of its stage, so that later stages and exports know the first one alone; it then lies in the
    file of dropped captions beside the shard."""
    location: bool = False
    """Whether the boxes count as well. The paper leaves them out, since its second model finds
    places badly; which instances are the same is still told by tag and box."""


class ScoreConsistency(Stage):
    """Stores how far two captions of the whole image agree."""

    VERSION: ClassVar[int] = 1
    NEEDS: ClassVar[frozenset[str]] = frozenset({"captions"})
    GIVES: ClassVar[frozenset[str]] = frozenset({"scores"})
    SCORES: ClassVar[frozenset[str]] = frozenset(
        {NAME, f"{NAME}.failures", *(f"{NAME}.{dimension}" for dimension in DIMENSIONS)}
    )
    UNPARSABLE: ClassVar[frozenset[str]] = frozenset({NO_CONTENT})
    Parameters: ClassVar[type[Parameters]] = ScoreConsistencyParameters
    parameters: ScoreConsistencyParameters

    def __init__(self, parameters: ScoreConsistencyParameters, setup: Setup) -> None:
        """Loads its prompts, if it asks. Raises RecipeError for any that does not fit."""
        super().__init__(parameters, setup)
        if parameters.first == parameters.second:
            raise RecipeError(
                f"{setup.name}: first and second are both {parameters.first!r}; a caption says the "
                "same as itself. Name the two stages that write captions of the whole image"
            )
        self.extraction = parameters.extraction(parameters.extractor, setup)
        self.judging = parameters.judging(parameters.judge, setup)

    def prompts(self) -> Sequence[Prompt]:
        """Those of its questions and repairs; none for rules."""
        return prompts_of(self.judging, self.extraction)

    def roles(self) -> Sequence[str]:
        """The judge, the extractor, and the model of the vectors, where there are such."""
        return roles_of(self.judging, self.extraction)

    def versions(self) -> Mapping[str, Any]:
        """What reads captions and answers, or gives them."""
        return {
            "extraction": self.extraction.version(),
            "judging": self.judging.version(),
        }

    def requirements(self) -> Sequence[Requirement]:
        """spaCy with its model for rules, WordNet where it is wanted."""
        return needs_of(self.judging, self.extraction)

    @property
    def dimensions(self) -> tuple[Dimension, ...]:
        """Those that count."""
        return tuple(d for d in DIMENSIONS if self.parameters.location or d != "location")

    def calls(self, record: Record) -> int:
        """Six, less what need not be asked; repairs are not foreseen."""
        known = len(self._known(record))
        asked = 4 if self.parameters.questions == "model" else 2
        return self.judging.asks * asked + self.extraction.asks * max(0, 2 - known)

    def likely_output(self, record: Record) -> int:
        """By the lengths of the captions, where they are there already."""
        sides = (self.parameters.first, self.parameters.second)
        captions = [caption for side in sides if (caption := caption_by(record, side))]
        return round(_TOKENS_A_LETTER * sum(len(caption.text) for caption in captions))

    def _known(self, record: Record) -> dict[str, Content]:
        """Contents that need not be read: those that were extracted, or that a caption carries."""
        known = {}
        turns = {item.origin.turn for item in record.content}
        for side in (self.parameters.first, self.parameters.second):
            caption = caption_by(record, side)
            if caption is None:
                continue
            if turn_of("content", side) in turns:
                known[side] = content_of(record, side)
            elif (carried := carried_content(record, caption)) is not None:
                known[side] = carried
        return known

    async def annotate(self, record: Record, ask: Ask) -> Record:
        """The record with its scores.

        Raises RecordFailed: ``no_caption`` where one of the two is not there, else as
        ``extract_content``.
        """
        told = []
        for side in (self.parameters.first, self.parameters.second):
            caption = caption_by(record, side)
            if caption is None:
                there = ", ".join(map(repr, sides_of(record))) or "nobody"
                raise RecordFailed(
                    "no_caption",
                    f"no caption of the whole image is by the stage {side!r}; those that are "
                    f"there are by {there}",
                )
            told.append(Told(side, caption.text, known_size_wh(record.photo)))
        pair, _ = await score_captions(
            told[0], told[1], ask, self.extraction, self.judging, self._known(record)
        )
        score = pair.score
        values = {NAME: score.total(self.dimensions)}
        values |= {f"{NAME}.{d}": score.dimensions[d].f1 for d in self.dimensions}
        values[f"{NAME}.failures"] = float(score.failures)
        scores = [
            Score(name=name, value=round(value, _DECIMALS), by=self.setup.name)
            for name, value in values.items()
        ]
        scored = record.but(scores=(*record.scores, *scores))
        if self.parameters.second_caption == "set_aside":
            return self._without_second(scored, ask)
        return scored

    def _without_second(self, record: Record, ask: Ask) -> Record:
        """The record without what the second stage said, which is set aside."""
        side = self.parameters.second
        caption = caption_by(record, side)
        assert caption is not None, "it was just scored"
        ask.set_aside(caption, SECOND, [s for s in record.scores if s.by == side])
        return record.but(
            captions=tuple(one for one in record.captions if one is not caption),
            content=tuple(i for i in record.content if i.origin.turn.rpartition("/")[2] != side),
            scores=tuple(s for s in record.scores if s.by != side),
        )
