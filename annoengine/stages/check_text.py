"""Scores the words of every caption: refusals, leaks, hedges, loops, broken ends, near-duplicates.

Rules and word lists; no model and no parser. Nothing is dropped here: scores are stored, and a
threshold on them is moved without computing anything again. What each score means stands with its
function in ``annoengine.text_faults``:

====================  ======================================================================
``text.refusal``      1 a caption that declines as a whole, else the share of sentences that do
``text.leak``         1 where it speaks of marks, boxes or the task
``text.hedge``        the share of its statements that hedge ("possibly", "appears to be")
``text.repetition``   the share of it that was said before in it
``text.language``     the share of it that is not English
``text.words``        how many words it has
``text.incomplete``   1 where it is empty, broken off, or leaves a bracket or quote open
``text.duplicate``    how alike it is to the caption of another segment; 1 is a copy
====================  ======================================================================
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from annoengine.record import Record, Score
from annoengine.stage import Ask, Parameters, Stage
from annoengine.text_faults.text_scores import NAMES, VERSION, text_scores


class CheckTextParameters(Parameters):
    """There is nothing to set: thresholds on these scores are another stage's."""


class CheckText(Stage):
    """Stores the scores of each segment's caption, and of a caption of the whole image."""

    VERSION: ClassVar[int] = 1
    NEEDS: ClassVar[frozenset[str]] = frozenset({"captions"})
    GIVES: ClassVar[frozenset[str]] = frozenset({"scores"})
    SCORES: ClassVar[frozenset[str]] = frozenset(NAMES)
    Parameters: ClassVar[type[Parameters]] = CheckTextParameters
    parameters: CheckTextParameters

    def versions(self) -> Mapping[str, Any]:
        """The rules that score."""
        return {"text_faults": VERSION}

    async def annotate(self, record: Record, ask: Ask) -> Record:
        """The record with its scores, segments in the order of their captions."""
        if not record.captions:
            return record
        said = [(caption.segment, caption.text) for caption in record.captions]
        found = await ask.compute(text_scores, said)
        scores = tuple(
            Score(name=name, value=values[name], by=self.setup.name, segment=segment)
            for segment, values in found.items()
            for name in NAMES
        )
        return record.but(scores=(*record.scores, *scores))
