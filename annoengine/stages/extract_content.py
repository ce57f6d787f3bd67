"""Reads what captions of the whole image say, item by item, and keeps it on the record.

A text model answers in the published line grammar; its raw answers stay in the journal. A caption
that annoengine composed of known regions carries its content already, and is then not asked about.
With the model ``embedded`` rules read it (spaCy), which costs nothing and is no model.

Source: arXiv 2505.16334, section 3.2, "Semantic Content Extraction".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

from annoengine.pancap.asked_content import EMBEDDED, NO_CONTENT, ContentRead, Told, read_content
from annoengine.pancap.asked_score import all_ended, content_items
from annoengine.pancap.asking_settings import ReadingParameters, needs_of, prompts_of, roles_of
from annoengine.pancap.content_items import (
    CARRIED,
    caption_by,
    carried_content,
    known_size_wh,
    sides_of,
    turn_of,
    with_turns,
)
from annoengine.prompt import Prompt
from annoengine.record import ContentItem, Record, Score
from annoengine.requirement import Requirement
from annoengine.stage import Ask, Parameters, Setup, Stage

FAULTS = "content.faults"
"""What could not be used of the answers about all captions, after all repairs."""

FROM_RECORD = "content.carried"
"""How many captions carried their content."""

_TOKENS_A_LETTER = 0.8
"""Tokens of the lines by letters of the caption: the mean of what the embedded extractor writes of
four captions of SA-Pancap, 0.68 to 0.89."""


class ExtractContentParameters(ReadingParameters):
    """Which captions are read, and by whom."""

    model: str = EMBEDDED
    """The role of the text model, or ``embedded``: rules."""
    carried: Literal["use", "ignore"] = "use"
    """What becomes of content that a caption carries from the stage that composed it: it is taken
    as it is, or read from the text like any other."""
    captions: tuple[str, ...] = ()
    """The stages whose captions of the whole image are read; a record that lacks one of them is
    left as it is. Empty: all that there are."""


class ExtractContent(Stage):
    """Keeps the content of captions as lines of the published grammar."""

    VERSION: ClassVar[int] = 1
    NEEDS: ClassVar[frozenset[str]] = frozenset({"captions"})
    GIVES: ClassVar[frozenset[str]] = frozenset({"content", "scores"})
    SCORES: ClassVar[frozenset[str]] = frozenset({FAULTS, FROM_RECORD})
    UNPARSABLE: ClassVar[frozenset[str]] = frozenset({NO_CONTENT})
    Parameters: ClassVar[type[Parameters]] = ExtractContentParameters
    parameters: ExtractContentParameters

    def __init__(self, parameters: ExtractContentParameters, setup: Setup) -> None:
        """Loads its prompts, if it asks. Raises RecipeError for any that does not fit."""
        super().__init__(parameters, setup)
        self.extraction = parameters.extraction(parameters.model, setup)

    def prompts(self) -> Sequence[Prompt]:
        """Those of the question and of its repair; none for rules."""
        return prompts_of(self.extraction)

    def roles(self) -> Sequence[str]:
        """The one role that it asks; none for rules."""
        return roles_of(self.extraction)

    def versions(self) -> Mapping[str, Any]:
        """What reads the answers, or the captions."""
        return {"extraction": self.extraction.version()}

    def requirements(self) -> Sequence[Requirement]:
        """spaCy with its model, for rules."""
        return needs_of(self.extraction)

    def calls(self, record: Record) -> int:
        """One for each caption that is read; repairs are not foreseen."""
        return len(self._asked(record)) if self.extraction.asks else 0

    def likely_output(self, record: Record) -> int:
        """By the lengths of the captions."""
        return sum(round(_TOKENS_A_LETTER * len(told.text)) for told in self._asked(record))

    def _sides(self, record: Record) -> tuple[str, ...]:
        there = sides_of(record)
        if not self.parameters.captions:
            return there
        wanted = self.parameters.captions
        return wanted if all(caption_by(record, side) for side in wanted) else ()

    def _asked(self, record: Record) -> list[Told]:
        """The captions that are read: those that are not blank and carry nothing."""
        told = []
        for side in self._sides(record):
            caption = caption_by(record, side)
            assert caption is not None, "a side is that of a caption"
            carries = self.parameters.carried == "use" and carried_content(record, caption)
            if caption.text.strip() and not carries:
                told.append(Told(side, caption.text, known_size_wh(record.photo)))
        return told

    async def annotate(self, record: Record, ask: Ask) -> Record:
        """The record with what its captions say.

        Raises RecordFailed: the outcome's name where no answer came (``refusal``, ``gave_up`` …),
        ``no_content`` where none of them could be used.
        """
        asked = self._asked(record)
        found = await all_ended([read_content(told, ask, self.extraction) for told in asked])
        read = {told.side: (told, one) for told, one in zip(asked, found, strict=True)}
        items: list[ContentItem] = []
        carried = 0
        sides = self._sides(record)
        for side in sides:
            if side in read:
                items += content_items(*read[side], self.setup.name)
                continue
            caption = caption_by(record, side)
            content = carried_content(record, caption) if caption is not None else None
            if content is not None:
                carried += 1
                told = Told(side, "")
                items += content_items(told, ContentRead(content, CARRIED), self.setup.name)
        values = {FAULTS: sum(one.faults for one in found), FROM_RECORD: carried}
        scores = [Score(name=n, value=float(v), by=self.setup.name) for n, v in values.items()]
        turns = [turn_of("content", side) for side in sides]
        return record.but(
            content=with_turns(record, items, turns), scores=(*record.scores, *scores)
        )
