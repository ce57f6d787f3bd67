"""Lets people in between: drafts go out, corrections come in, and the run waits where it is told.

People write a file of corrections (``annoengine.reviewing.correction`` has its form), a line a
record: captions corrected, retained or skipped, regions removed, added, retagged and moved. Who
and when are in the origins of what they wrote; the drafts' own origins stay behind them. The drafts
to begin with lie beside the stage's shards, ``*.drafts.jsonl``, in the very form of corrections.

Records wait one by one: those that were reviewed go on with their shard, and the others follow
when their time has come. A correction that no longer fits what the record says is never applied
in part, and never in silence: its record waits again, and says why.

Source: arXiv 2502.02589, Fig. 2 and 3 (region captions are corrected before they are merged), and
arXiv 2501.13893, section 3.1 (retain, correct, skip). Neither prints a format.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import Field, model_validator

from annoengine.record import Record, Score
from annoengine.reviewing.applying import NewMasks, apply_correction
from annoengine.reviewing.checking import UNFIT, Checked, Unusable, check_correction
from annoengine.reviewing.correction_file import CorrectionFile, PlacedCorrection
from annoengine.reviewing.drafts import draft_line
from annoengine.reviewing.review_stage import (
    STILL_OPEN,
    UNREVIEWED,
    Reviewed,
    ReviewStage,
    ReviewState,
)
from annoengine.reviewing.shapes import draw_shapes
from annoengine.stage import Ask, Parameters

REVIEWED = "review.reviewed"
"""1 for a record that a person has reviewed, 0 for one that went on with its draft."""

CHANGED = "review.changed"
"""1 for a record in which a person changed anything, text or region, 0 for one left as it was."""

CORRECTED = "review.corrected"
"""1 for a caption that a person wrote, 0 for one that a person retained."""


class ReviewParameters(Parameters):
    """Whom the run waits for, and where they write. In a recipe, ``review: none`` is short."""

    # Neither is in the stage's fingerprint: they decide what comes in, not what is made of it.
    corrections: str | None = Field(default=None, exclude=True)
    """The file of corrections, relative to the run's folder; ``corrections/NAME.jsonl`` there
    unless given, NAME being the stage's. It may be missing as long as nobody has written."""
    wait: Literal["all", "listed", "none"] = Field(default="all", exclude=True)
    """``all``: each record waits until somebody has reviewed it. ``listed``: only those do whose
    line says that it is still open; drafts that nobody has reviewed go on as they are. ``none``:
    nobody is asked, and no correction is read."""

    @model_validator(mode="before")
    @classmethod
    def _short(cls, value: Any) -> Any:
        return {"wait": value} if isinstance(value, str) else value


class Review(ReviewStage):
    """Replaces drafts by what people say of them, and holds back what they have yet to see."""

    VERSION: ClassVar[int] = 1
    GIVES: ClassVar[frozenset[str]] = frozenset({"scores", "gaps"})
    SCORES: ClassVar[frozenset[str]] = frozenset({REVIEWED, CHANGED, CORRECTED})
    Parameters: ClassVar[type[Parameters]] = ReviewParameters
    parameters: ReviewParameters

    def review(self, run: Path) -> ReviewState | None:
        """The corrections as they lie there now; None with ``wait: none``. Raises InputError."""
        if self.parameters.wait == "none":
            return None
        corrections = CorrectionFile.open(self.corrections_path(run))
        return ReviewState(corrections, self.parameters.wait == "all")

    def corrections_path(self, run: Path) -> Path:
        """The file that ``corrections`` names, or the stage's own in the run's folder."""
        return run / self._file

    @property
    def _file(self) -> str:
        return self.parameters.corrections or f"corrections/{self.setup.name}.jsonl"

    async def annotate_reviewed(
        self, record: Record, said: PlacedCorrection | None, waits: bool, ask: Ask
    ) -> Reviewed:
        """The record after its correction; or why it waits, with its draft."""
        if said is None:
            if waits:
                return Reviewed(None, UNREVIEWED, draft_line(record, UNREVIEWED))
            return Reviewed(self._scored(record, False, False), draft=draft_line(record))
        where = f"{self._file}:{said.line}"
        if said.correction.open:
            return Reviewed(None, STILL_OPEN, draft_line(record, STILL_OPEN, where))
        try:
            return await self._applied(record, check_correction(record, said.correction), ask)
        except Unusable as trouble:
            because = f"{where}: {trouble.detail}"
            return Reviewed(None, trouble.reason, draft_line(record, trouble.reason, because))

    async def _applied(self, record: Record, checked: Checked, ask: Ask) -> Reviewed:
        """Raises Unusable for a shape that cannot be drawn."""
        masks, line, extents = None, b"", {}
        if checked.shapes:
            staying = checked.staying(record)
            drawn = await ask.compute(draw_shapes, staying, ask.files, checked.shapes)
            if drawn.refused:
                raise Unusable(UNFIT, drawn.refused)
            extents = drawn.extents
            if drawn.rles:
                store, keys, line = drawn.store(record, self.setup.name)
                masks = NewMasks(store, keys)
        made = apply_correction(record, checked, extents, masks, self.setup.name)
        for caption, reason in made.gone:
            scores = [s for s in record.scores if s.segment == caption.segment]
            ask.set_aside(caption, reason, scores)
        reviewed = self._scored(made.record, True, checked.correction.changes)
        captioned = {c.segment: c.origin.who for c in made.record.captions}
        own = tuple(
            Score(name=CORRECTED, value=float(bool(captioned[id])), by=self.setup.name, segment=id)
            for id in (segment.id for segment in made.record.segments)
            if id in captioned
        )
        return Reviewed(reviewed.but(scores=(*reviewed.scores, *own)), masks=line)

    def _scored(self, record: Record, reviewed: bool, changed: bool) -> Record:
        scores = (
            Score(name=name, value=float(value), by=self.setup.name)
            for name, value in ((REVIEWED, reviewed), (CHANGED, changed))
        )
        return record.but(scores=(*record.scores, *scores))
