"""Writes PancapChain's training data: four questions about each image, each with its answer.

For each split ``sapancap_<split>_data_pancapchain.json``, a JSON list in LLaVA's form, and of each
image four entries in a row (or those of ``stages``):

- ``localise``: all boxes of the caption's entities, ``<box>[[x1, y1, x2, y2]]</box>, <box>…``
- ``tag``: told the boxes, the same with a tag before each
- ``discover``: told the larger part of the entities, the smaller part; ``None`` for one alone
- ``caption``: told all of them, the caption, with boxes in the same form

``id`` is the record's id, a slash and the stage. Which entities ``discover`` leaves out is drawn
by ``seed`` and the record's id. Boxes are those of the segments in steps of a grid: by default of
1000 over the square that pads the image, as in the release. Beside it lie the sidecars of
``annoengine.writing.grounded_captions``.

With ``stages: [caption]`` it is instruction data of one question an image.

Source: arXiv 2505.16334, section 5 and Appendix E.1. There the part that is missing has fewer
entities than the other; of two entities one is missing here all the same, since nothing else could
be asked of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import Field, field_validator

from annoengine.exporter import Exported, Exporter, RunView
from annoengine.fingerprint import seeded_random
from annoengine.pancap.grid_boxes import BoxGrid, Frame, write_steps
from annoengine.pancap.instance_text import Instance, write_instances
from annoengine.pancap.leaving_caption import (
    LeavingCaption,
    check_image_pattern,
    image_path,
    leaving_caption,
)
from annoengine.prompt import Prompt, load_prompt
from annoengine.record import Record, Segment
from annoengine.stage import Parameters
from annoengine.writing.grounded_captions import GroundedSidecars, caption_row
from annoengine.writing.json_list import JsonList
from annoengine.writing.split_accounts import (
    Counted,
    add_up,
    leaving_split,
    no_paragraph_note,
    of_one_dataset,
)

ChainStage = Literal["localise", "tag", "discover", "caption"]
STAGES: tuple[ChainStage, ...] = ("localise", "tag", "discover", "caption")
PROMPTS: Mapping[ChainStage, str] = {stage: f"pancap_chain/{stage}1.v1" for stage in STAGES}
"""The question of each stage, as the paper gives it."""

_MARKS = ("<image>", "<box>", "</box>")
"""What a caption or a tag may not say itself."""


class PancapChainParameters(Parameters):
    """Which questions are written, and in which grid."""

    stages: tuple[ChainStage, ...] = Field(default=STAGES, min_length=1)
    """The questions about each image."""
    frame: Frame = "padded"
    """On what the steps of a box count: the square that ``padded`` the image, as in the release,
    or the image ``resized`` to a square, as the paper's section 5 has it."""
    scale: Literal[999, 1000] = 1000
    """The step of the right and the lower edge; 999 is ASMv2's."""
    seed: int = 0
    """The seed by which entities are left out for ``discover``."""
    image: str = "{file}"
    """The path of an image below LLaVA's image folder; ``{file}`` stands for the photograph's own,
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


class PancapChain(Exporter):
    """The questions and answers of PancapChain's four stages."""

    VERSION: ClassVar[int] = 1
    NEEDS: ClassVar[frozenset[str]] = frozenset({"captions", "segments"})
    Parameters: ClassVar[type[Parameters]] = PancapChainParameters
    parameters: PancapChainParameters

    def __init__(self, parameters: Any, prompt: Callable[[str], Prompt] = load_prompt) -> None:
        super().__init__(parameters, prompt)
        self._questions = {stage: prompt(PROMPTS[stage]) for stage in self.parameters.stages}
        self._grid = BoxGrid(self.parameters.frame, self.parameters.scale)

    def prompts(self) -> Sequence[Prompt]:
        """The questions."""
        return list(self._questions.values())

    def export(self, run: RunView, folder: Path) -> Exported:
        """Writes every split that the records name.

        Raises InputError for records of more than one dataset.
        """
        splits: dict[str, _Split] = {}
        with ExitStack() as stack:
            for record in of_one_dataset(run.records(), "pancap_chain"):
                leaving = leaving_split(record)
                if leaving not in splits:
                    splits[leaving] = _open_split(stack, folder, leaving)
                self._add(record, splits[leaving])
            return add_up(folder, splits, _COUNTED, _ALWAYS, _notes)

    def _add(self, record: Record, split: _Split) -> None:
        split.count("region captions", sum(1 for c in record.captions if c.segment is not None))
        caption = leaving_caption(record)
        reason = _why_not(caption)
        if caption is None or reason:
            split.count(f"images left out: {reason}")
            split.sidecars.left_out(record, reason)
            return
        told = self._instances(record, caption)
        talks = self._talks(record, caption, told)
        for stage, (question, answer) in talks.items():
            split.entries.add(
                {
                    "id": f"{record.id}/{stage}",
                    "image": image_path(self.parameters.image, record),
                    "conversations": [
                        {"from": "human", "value": f"<image>\n{question}"},
                        {"from": "gpt", "value": answer},
                    ],
                }
            )
        ids = {stage: f"{record.id}/{stage}" for stage in talks}
        split.sidecars.caption(caption_row(record, caption.paragraph, entries=ids))
        split.count("images")
        split.count("conversations", len(talks))
        split.count("entities", len(told))
        split.count("images of one entity", int(len(told) == 1))
        entities = sum(1 for segment in record.segments if not segment.iscrowd)
        split.count("entities not in the caption", max(entities - len(told), 0))

    def _instances(self, record: Record, caption: LeavingCaption) -> list[Instance]:
        size_wh = (record.photo.width, record.photo.height)
        return [
            Instance(entity.tag, self._grid.steps(entity.segment.box_xyxy, size_wh))
            for entity in caption.entities
        ]

    def _talks(
        self, record: Record, caption: LeavingCaption, told: Sequence[Instance]
    ) -> dict[ChainStage, tuple[str, str]]:
        """Question and answer of each stage."""
        known, missing = split_instances(told, self.parameters.seed, record.id)
        boxes = write_instances(Instance("", one.box) for one in told)
        size_wh = (record.photo.width, record.photo.height)

        def write(segments: tuple[Segment, ...]) -> str:
            return " ".join(
                write_steps([self._grid.steps(segment.box_xyxy, size_wh)]) for segment in segments
            )

        values: Mapping[ChainStage, tuple[dict[str, str], str]] = {
            "localise": ({}, boxes),
            "tag": ({"boxes": boxes}, write_instances(told)),
            "discover": ({"entities": write_instances(known)}, write_instances(missing)),
            "caption": ({"entities": write_instances(told)}, caption.with_boxes(write)),
        }
        return {
            stage: (self._questions[stage].fill(**values[stage][0]), values[stage][1])
            for stage in self.parameters.stages
        }


def split_instances(
    told: Sequence[Instance], seed: int, record_id: str
) -> tuple[list[Instance], list[Instance]]:
    """The entities that are told and those that are to be found, each part in its order.

    What is to be found is the smaller part; one entity alone is told, and nothing is missing.
    """
    draws = seeded_random(seed, "pancap_chain", record_id)
    most = max((len(told) - 1) // 2, int(len(told) > 1))
    count = draws.randint(1, most) if most else 0
    missing = set(draws.sample(range(len(told)), count))
    return (
        [one for n, one in enumerate(told) if n not in missing],
        [one for n, one in enumerate(told) if n in missing],
    )


def _why_not(caption: LeavingCaption | None) -> str:
    if caption is None:
        return "no paragraph"
    if not caption.entities:
        return "no grounded phrase"
    texts = (caption.paragraph.text, *(entity.tag for entity in caption.entities))
    held = next((mark for mark in _MARKS if any(mark in text for text in texts)), "")
    return f"{held} in the text" if held else ""


def _open_split(stack: ExitStack, folder: Path, split: str) -> _Split:
    return _Split(
        entries=stack.enter_context(JsonList(folder / f"sapancap_{split}_data_pancapchain.json")),
        sidecars=stack.enter_context(GroundedSidecars(folder, split)),
    )


_ALWAYS = ("images", "conversations", "entities")
_LEFT_OUT = tuple(
    f"images left out: {why}"
    for why in ("no paragraph", "no grounded phrase", *(f"{mark} in the text" for mark in _MARKS))
)
_COUNTED = (*_ALWAYS, "images of one entity", "entities not in the caption", *_LEFT_OUT)


def _notes(counts: Mapping[str, int]) -> list[str]:
    """What is worth reading of a split."""
    left_out = counts.get("images left out: no paragraph", 0)
    notes = no_paragraph_note(counts.get("images", 0), left_out)
    if counts.get("entities not in the caption"):
        notes.append(
            f"{counts['entities not in the caption']} entities are in no caption, and so in no "
            "question either"
        )
    if counts.get("images of one entity"):
        notes.append(
            f"{counts['images of one entity']} images have one entity; with it told, nothing is "
            "missing: None"
        )
    if counts.get("region captions"):
        notes.append(
            f"{counts['region captions']} captions of segments are not part of this format and "
            "were not written"
        )
    return notes
