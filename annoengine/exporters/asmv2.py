"""Writes ASMv2's grounded descriptions: each phrase in ``<ref>``, its boxes in ``<box>`` behind it.

For each split ``<dataset>_asmv2_<split>.json``, a JSON list in LLaVA's form: a question, and the
caption with ``<ref>two men</ref><box>[[x1, y1, x2, y2], [x1, y1, x2, y2]]</box>``, whole steps of
0 to 999 over the square that pads the image; and the sidecars of
``annoengine.writing.grounded_captions``. A phrase keeps its boxes every time it is grounded.

Relations (``<pred>``) are not written: a record's relations are sentences, and no words of theirs
are known to be the predicate.

Source: arXiv 2402.19474 (the All-Seeing Project V2), its relation conversations, and the reader of
its released code.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import field_validator

from annoengine.exporter import Exported, Exporter, RunView
from annoengine.pancap.grid_boxes import BoxGrid, Frame, write_steps
from annoengine.pancap.leaving_caption import check_image_pattern, image_path
from annoengine.prompt import Prompt, draw, load_prompt
from annoengine.record import Record
from annoengine.stage import Parameters
from annoengine.writing.grounded_captions import (
    GroundedSidecars,
    Paragraph,
    caption_row,
    paragraph_of,
)
from annoengine.writing.json_list import JsonList
from annoengine.writing.questions import load_questions
from annoengine.writing.split_accounts import (
    Counted,
    add_up,
    leaving_split,
    no_paragraph_note,
    of_one_dataset,
)


class Asmv2Parameters(Parameters):
    """Which questions are asked, and in which grid boxes are."""

    questions: tuple[str, ...] = (
        "asmv2/detailed1.v1",
        "asmv2/detailed2.v1",
        "asmv2/detailed3.v1",
    )
    """The prompts from which an image's question is drawn, with even odds."""
    seed: int = 0
    """The seed of those draws."""
    frame: Frame = "padded"
    """On what the steps of a box count: the square that ``padded`` the image, as in ASMv2's
    training data, or the image ``resized``."""
    scale: Literal[999, 1000] = 999
    """The step of the right and the lower edge."""
    image: str = "{file}"
    """The path of an image below the image folder; ``{file}`` stands for the photograph's own,
    ``{split}`` for its split in the source."""

    @field_validator("image")
    @classmethod
    def _has_the_file(cls, image: str) -> str:
        return check_image_pattern(image)


@dataclass
class _Split(Counted):
    """The open files of one split, and what went into them."""

    entries: JsonList
    sidecars: GroundedSidecars


class Asmv2(Exporter):
    """Captions with ASMv2's references and boxes."""

    VERSION: ClassVar[int] = 1
    NEEDS: ClassVar[frozenset[str]] = frozenset({"captions", "segments"})
    Parameters: ClassVar[type[Parameters]] = Asmv2Parameters
    parameters: Asmv2Parameters

    def __init__(self, parameters: Any, prompt: Callable[[str], Prompt] = load_prompt) -> None:
        super().__init__(parameters, prompt)
        self._questions = load_questions("asmv2", self.parameters.questions, prompt)
        self._grid = BoxGrid(self.parameters.frame, self.parameters.scale)

    def prompts(self) -> Sequence[Prompt]:
        """The questions."""
        return self._questions

    def export(self, run: RunView, folder: Path) -> Exported:
        """Writes every split that the records name.

        Raises InputError for records of more than one dataset.
        """
        splits: dict[str, _Split] = {}
        with ExitStack() as stack:
            for record in of_one_dataset(run.records(), "asmv2"):
                leaving = leaving_split(record)
                if leaving not in splits:
                    stem = f"{record.dataset}_asmv2_{leaving}"
                    splits[leaving] = _Split(
                        entries=stack.enter_context(JsonList(folder / f"{stem}.json")),
                        sidecars=stack.enter_context(GroundedSidecars(folder, leaving)),
                    )
                self._add(record, splits[leaving])
            return add_up(folder, splits, _COUNTED, _ALWAYS, _notes)

    def _add(self, record: Record, split: _Split) -> None:
        split.count("region captions", sum(1 for c in record.captions if c.segment is not None))
        paragraph = paragraph_of(record, {segment.id for segment in record.segments})
        reason = _why_not(paragraph)
        if paragraph is None or reason:
            split.count(f"images left out: {reason}")
            split.sidecars.left_out(record, reason)
            return
        question = draw(self._questions, self.parameters.seed, record.id, "asmv2")
        id = f"{record.id}/asmv2"
        split.entries.add(
            {
                "id": id,
                "image": image_path(self.parameters.image, record),
                "conversations": [
                    {"from": "human", "value": f"<image>\n{question.body}"},
                    {"from": "gpt", "value": self._answer(record, paragraph)},
                ],
            }
        )
        split.sidecars.caption(caption_row(record, paragraph, entry=id, question=question.name))
        split.count("conversations")
        split.count("phrases", len(paragraph.spans))
        split.count("boxes", sum(len(span.segments) for span in paragraph.spans))
        split.count("phrases left out", len(paragraph.caption.spans) - len(paragraph.spans))

    def _answer(self, record: Record, paragraph: Paragraph) -> str:
        size_wh = (record.photo.width, record.photo.height)
        pieces, last = [], 0
        for span in paragraph.spans:
            boxes = [self._grid.steps(record.segment(id).box_xyxy, size_wh) for id in span.segments]
            pieces.append(paragraph.text[last : span.start])
            pieces.append(f"<ref>{paragraph.phrase(span)}</ref>{write_steps(boxes)}")
            last = span.end
        return "".join([*pieces, paragraph.text[last:]])


def _why_not(paragraph: Paragraph | None) -> str:
    if paragraph is None:
        return "no paragraph"
    if not paragraph.spans:
        return "no grounded phrase"
    return "< or > in the text" if "<" in paragraph.text or ">" in paragraph.text else ""


_ALWAYS = ("conversations", "phrases", "boxes")
_COUNTED = (
    *_ALWAYS,
    "phrases left out",
    *(
        f"images left out: {why}"
        for why in ("no paragraph", "no grounded phrase", "< or > in the text")
    ),
)


def _notes(counts: Mapping[str, int]) -> list[str]:
    """What is worth reading of a split."""
    left_out = counts.get("images left out: no paragraph", 0)
    notes = no_paragraph_note(counts.get("conversations", 0), left_out)
    if counts.get("region captions"):
        notes.append(
            f"{counts['region captions']} captions of segments are not part of this format and "
            "were not written"
        )
    return notes
