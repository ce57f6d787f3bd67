"""Asks for the caption of an image anew where people corrected it: all of it put together.

People refine boxes and tags, attributes and relations of single entities, and the global state; a
model then writes one caption of all that. It is told the entities as they are now, what people
wrote about single ones, and the caption as it stands, boxes behind its phrases. What it answers is
read, judged and repaired as by ``describe``, and takes the place of that caption.

A record is asked about only where a person changed something since its caption was written (score
``review.changed``); all others go through as they are, at no call.

Source: arXiv 2505.16334, appendix D; how the authors integrated is not printed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from annoengine.categories import is_known, words_of
from annoengine.errors import RecipeError
from annoengine.pancap.caption_boxes import rounded_box, write_box
from annoengine.pancap.leaving_caption import leaving_caption
from annoengine.pancap.scene_caption import by_people
from annoengine.pancap.told_entities import INTEGRATE, UNNAMED, ToldEntity, box_unit, fill_describe
from annoengine.prompt import Prompt
from annoengine.record import Caption, Record, Segment
from annoengine.reviewing.drafts import whole_caption
from annoengine.stage import Ask
from annoengine.stages.describe import Describe, DescribeParameters

CHANGED = "review.changed"
"""The score by which a review says that a person changed a record."""

NOTHING = "(nothing)"
"""Stands where there is no caption, or nobody wrote about single entities."""


class Integrate(Describe):
    """Writes the captions of corrected records anew; leaves all others as they are."""

    VERSION: ClassVar[int] = 1
    NEEDS: ClassVar[frozenset[str]] = frozenset({"segments", "captions"})
    VARIABLES: ClassVar[frozenset[str]] = INTEGRATE
    Parameters: ClassVar[type[DescribeParameters]] = DescribeParameters

    def check_scores(self, known: frozenset[str]) -> None:
        """Raises RecipeError where no review comes before it."""
        if CHANGED not in known:
            raise RecipeError(
                f"{self.setup.name}: no earlier stage lets people in; put a review before it, or "
                "take it out"
            )

    def calls(self, record: Record) -> int:
        """One for a record that people changed."""
        return super().calls(record) if is_changed(record) else 0

    async def annotate(self, record: Record, ask: Ask) -> Record:
        """The record with its new caption, or as it is; raises what ``describe`` raises."""
        return await super().annotate(record, ask) if is_changed(record) else record

    def question_text(self, record: Record, prompt: Prompt, entities: Sequence[ToldEntity]) -> str:
        """The words of the question: entities, what people wrote of them, and the caption."""
        more = {"draft": _draft(record), "notes": _notes(record)}
        numbered = self._numbered(record)
        return fill_describe(prompt, entities, self.parameters.words, numbered, more=more)

    def with_caption(self, record: Record, caption: Caption) -> Record:
        """The record with the caption in the place of the one that it was made of."""
        before = whole_caption(record)
        if before is None:
            return super().with_caption(record, caption)
        made = before.rewritten(caption.text, caption.origin, summary="", spans=caption.spans)
        return record.but(
            captions=tuple(made if one is before else one for one in record.captions),
            # What was found of the words before says nothing of these.
            verdicts=tuple(v for v in record.verdicts if v.segment is not None),
        )


def is_changed(record: Record) -> bool:
    """Did people change something since a model wrote the caption, and is there one to write?

    Where people took the caption away and wrote of no entity, they want none.
    """
    caption = whole_caption(record)
    if caption is None and not by_people(record):
        return False
    origins = () if caption is None else (*caption.earlier, caption.origin)
    writers = [origin.stage for origin in origins if not origin.who]
    changed = False
    for score in record.scores:
        if writers and score.by == writers[-1]:
            changed = False
        elif score.name == CHANGED:
            changed = changed or bool(score.value)
    return changed


def _draft(record: Record) -> str:
    """The caption as it stands, the boxes of the entities as they are now behind its phrases."""
    caption = leaving_caption(record)
    if caption is None:
        return NOTHING
    return caption.with_boxes(
        lambda segments: " ".join(_box(one, record) for one in segments if not one.iscrowd)
    )


def _box(segment: Segment, record: Record) -> str:
    return write_box(rounded_box(box_unit(segment, record.photo)))


def _notes(record: Record) -> str:
    """What people wrote of single entities, one a line, in the order of the entities."""
    written = by_people(record)
    lines = []
    for segment in record.segments:
        if segment.id in written:
            name = segment.category.name
            tag = words_of(name).show if is_known(name) else UNNAMED
            lines.append(f"- {tag} {_box(segment, record)}: {written[segment.id]}")
    return "\n".join(lines) or NOTHING
