"""Writes GLaMM's files for grounded conversation generation (GCG), and PanCaper's conversations.

For each split, as ``annoengine.writing.gcg_format`` says:

- ``<dataset>_GCG_<split>.json``, the list of GranD-f: ``file_name``, ``caption`` and
  ``groundings``, phrase to ``token_positives`` and ``rle_masks``.
- ``<dataset>_GCG_<split>_conversations.json``: question and answer in LLaVA's form, the answer
  with ``<p> phrase </p> [SEG]``; ``masks`` has the RLEs of each token in the answer's order.
- ``<dataset>_PanCaper_<split>_conversations.json``: the same with ``<SEG_t>`` for things and
  ``<SEG_s>`` for stuff, one token a segment.
- for val and test ``<split>_gcg_coco_caption_gt.json`` and ``<split>_gcg_coco_mask_gt.json``,
  which GLaMM's evaluation reads; the n-th label of an image belongs to its n-th mask.
- the sidecars of ``annoengine.writing.grounded_captions``.

Masks leave as they are in the run, overlaps included. An image without a grounded paragraph
cannot be in these files; it is in the sidecar, with the reason.

Source: GLaMM (arXiv 2311.03356) and its repository; COCONut-PanCap (arXiv 2502.02589), A.2.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

from annoengine.exporter import Exported, Exporter, RunView
from annoengine.mask import Rle
from annoengine.prompt import Prompt, draw, load_prompt
from annoengine.record import Record
from annoengine.stage import Parameters
from annoengine.writing.gcg_format import (
    guarded,
    joined,
    marker_in,
    phrase_keys,
    without_overlap,
)
from annoengine.writing.gcg_truth import GcgTruth
from annoengine.writing.grounded_captions import (
    GroundedSidecars,
    Paragraph,
    caption_row,
    paragraph_of,
)
from annoengine.writing.grounding_tokens import (
    Pancaper,
    glamm_tokens,
    interleaved,
    pancaper_tokens,
)
from annoengine.writing.json_list import JsonList
from annoengine.writing.panoptic_json import image_id_of
from annoengine.writing.questions import load_questions
from annoengine.writing.record_masks import rles_of
from annoengine.writing.split_accounts import Counted, add_up, leaving_split, of_one_dataset

OVERVIEW = "The <image> provides an overview of the picture.\n"
"""What GLaMM puts before every question. Source: ``begin_str`` of its GCG datasets."""

EVALUATED = ("val", "test")
"""The splits that GLaMM's evaluation knows. Source: ``eval/gcg/evaluate.py``."""

Style = Literal["GCG", "PanCaper"]


class GlammGcgParameters(Parameters):
    """Which conversations are written, and with which questions."""

    questions: tuple[str, ...] = tuple(f"glamm_gcg/question{n}.v1" for n in range(1, 7))
    """The prompts from which the question of each image is drawn, with even odds."""
    seed: int = 0
    """The seed of that draw."""
    conversations: tuple[Style, ...] = ("GCG", "PanCaper")
    """The forms in which conversations are written."""
    pancaper_tokens: Pancaper = "segment"
    """PanCaper's tokens: one for each segment of a phrase, or one for all its things and one for
    all its stuff. The paper shows phrases of one segment only, where both are the same."""


@dataclass(frozen=True)
class _Image:
    """An image that leaves: its paragraph, its masks by segment id, its question."""

    record: Record
    paragraph: Paragraph
    rles: Mapping[int, Rle]
    question: str
    prompt: str

    def masks(self, segments: Sequence[int]) -> list[Rle]:
        return without_overlap([self.rles[id] for id in segments])


@dataclass
class _Split(Counted):
    """The open files of one split, and what went into them."""

    groundings: JsonList
    conversations: Mapping[Style, JsonList]
    truth: GcgTruth | None
    sidecars: GroundedSidecars


class GlammGcg(Exporter):
    """GLaMM's grounded captions, conversations, files for evaluation, and sidecars."""

    VERSION: ClassVar[int] = 1
    NEEDS: ClassVar[frozenset[str]] = frozenset({"captions", "masks", "segments"})
    Parameters: ClassVar[type[Parameters]] = GlammGcgParameters
    parameters: GlammGcgParameters

    def __init__(self, parameters: Any, prompt: Callable[[str], Prompt] = load_prompt) -> None:
        super().__init__(parameters, prompt)
        # Here, so that a prompt that is not there is told before the run.
        self._questions = load_questions("glamm_gcg", self.parameters.questions, prompt)

    def prompts(self) -> Sequence[Prompt]:
        """The questions."""
        return self._questions

    def export(self, run: RunView, folder: Path) -> Exported:
        """Writes every split that the records name.

        Raises InputError for a mask that is gone or changed since the run, and for records of
        more than one dataset.
        """
        splits: dict[str, _Split] = {}
        dataset = ""
        with ExitStack() as stack:
            for record in of_one_dataset(run.records(), "glamm_gcg"):
                dataset = record.dataset
                leaving = leaving_split(record)
                if leaving not in splits:
                    splits[leaving] = self._open_split(stack, folder, record)
                self._add(record, run, splits[leaving])
            for name, split in splits.items():
                if split.truth is not None:
                    split.truth.finish(_info(run.name, dataset, name))
        return add_up(folder, splits, _COUNTED, _ALWAYS, _notes)

    def _open_split(self, stack: ExitStack, folder: Path, record: Record) -> _Split:
        split = leaving_split(record)

        def listed(style: Style, ending: str) -> JsonList:
            path = folder / f"{record.dataset}_{style}_{split}{ending}.json"
            return stack.enter_context(JsonList(path))

        return _Split(
            groundings=listed("GCG", ""),
            conversations={
                style: listed(style, "_conversations") for style in self.parameters.conversations
            },
            truth=stack.enter_context(GcgTruth(folder, split)) if split in EVALUATED else None,
            sidecars=stack.enter_context(GroundedSidecars(folder, split)),
        )

    def _add(self, record: Record, run: RunView, split: _Split) -> None:
        split.count("region captions", sum(1 for c in record.captions if c.segment is not None))
        rles = rles_of(record, run.files(record))
        paragraph = paragraph_of(record, rles)
        reason, detail = _why_not(record, paragraph)
        if reason or paragraph is None:
            split.count(f"images with {reason}")
            split.sidecars.left_out(record, reason, detail)
            return
        question = draw(self._questions, self.parameters.seed, record.id, "glamm_gcg")
        image = _Image(record, paragraph, rles, question.body, question.name)
        keys = phrase_keys(paragraph.text, paragraph.spans)
        split.groundings.add(_grounding_row(image, keys))
        for style, conversations in split.conversations.items():
            conversations.add(self._conversation_row(image, style))
        if split.truth is not None:
            masks = [joined(image.masks(span.segments)) for span in paragraph.spans]
            phrases = [paragraph.phrase(span) for span in paragraph.spans]
            split.truth.add(record, paragraph.text, phrases, masks)
        split.sidecars.caption(caption_row(record, paragraph, keys=keys))
        self._count(image, keys, split)

    def _conversation_row(self, image: _Image, style: Style) -> dict[str, Any]:
        spans = image.paragraph.spans
        answer, tokens = interleaved(
            image.paragraph,
            [
                glamm_tokens(span)
                if style == "GCG"
                else pancaper_tokens(image.record, span, self.parameters.pancaper_tokens)
                for span in spans
            ],
        )
        return {
            "id": str(image_id_of(image.record)),
            "image": image.record.photo.file,
            "conversations": [
                {"from": "human", "value": OVERVIEW + image.question},
                {"from": "gpt", "value": answer},
            ],
            "prompt": image.prompt,
            "segments": [list(token.segments) for token in tokens],
            "masks": [image.masks(token.segments) for token in tokens],
        }

    def _count(self, image: _Image, keys: Sequence[str], split: _Split) -> None:
        paragraph = image.paragraph
        split.count("images")
        split.count("phrases", len(paragraph.spans))
        split.count("masks", sum(len(span.segments) for span in paragraph.spans))
        split.count("phrases left out", len(paragraph.caption.spans) - len(paragraph.spans))
        split.count("segments left out of phrases", paragraph.segments_left_out)
        again = [paragraph.phrase(s) != key for s, key in zip(paragraph.spans, keys, strict=True)]
        split.count("phrases said again", sum(again))
        split.count("guarded", int(guarded(paragraph.text) != paragraph.text))
        split.count(
            "phrases of overlapping masks",
            sum(len(image.masks(s.segments)) < len(s.segments) for s in paragraph.spans),
        )


def _why_not(record: Record, paragraph: Paragraph | None) -> tuple[str, str]:
    """Why an image cannot leave, with a detail; ("", "") where it can."""
    if record.masks is None:
        return "no masks", ""
    if paragraph is None:
        return "no paragraph", ""
    if marker := marker_in(paragraph.text):
        return "a text that holds a mark of the format", marker
    if not paragraph.spans:
        reasons = dict.fromkeys(one.detail or one.reason for one in paragraph.left_out)
        return "no grounded phrase", "; ".join(reasons)
    return "", ""


def _grounding_row(image: _Image, keys: Sequence[str]) -> dict[str, Any]:
    """The image's entry of the list."""
    return {
        "file_name": image.record.photo.file,
        "caption": guarded(image.paragraph.text),
        "groundings": {
            key: {
                "token_positives": [int(span.start), int(span.end)],
                "rle_masks": image.masks(span.segments),
            }
            for key, span in zip(keys, image.paragraph.spans, strict=True)
        },
    }


def _info(run: str, dataset: str, split: str) -> dict[str, Any]:
    return {
        "description": f"{dataset} {split}: grounded captions, in the format of GLaMM's evaluation",
        "recipe": run,
        "exporter": "glamm_gcg",
        "exporter_version": GlammGcg.VERSION,
    }


_ALWAYS = ("images", "phrases", "masks")
_COUNTED = (
    *_ALWAYS,
    "phrases said again",
    "phrases of overlapping masks",
    "images with no paragraph",
    "images with no grounded phrase",
    "images with a text that holds a mark of the format",
    "images with no masks",
    "phrases left out",
    "segments left out of phrases",
)


def _notes(counts: Mapping[str, int]) -> list[str]:
    """What is worth reading of a split."""
    notes = []
    if counts.get("phrases said again"):
        notes.append(
            f"{counts['phrases said again']} phrases are said more than once in their caption; "
            "their keys in groundings go on with the words behind them"
        )
    if counts.get("phrases of overlapping masks"):
        notes.append(
            f"{counts['phrases of overlapping masks']} phrases have masks that overlap, which the "
            "training loader would add up; each has one mask of all instead"
        )
    if counts.get("guarded"):
        notes.append(
            f"{counts['guarded']} captions begin or end with a quotation mark, which the training "
            "loader takes away; a space before or behind saves it, and places count without it"
        )
    if counts.get("region captions"):
        notes.append(
            f"{counts['region captions']} captions of segments are not part of this format and "
            "were not written"
        )
    return notes
