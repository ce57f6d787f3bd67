"""Writes LLaVA instruction data: detailed captions, and captions whose parts are segmented.

For each split, each file a JSON list of conversations of one question and one answer:

- ``<dataset>_llava_<split>_detailed_caption.json``: the question of the paper, and the paragraph
  without tags.
- ``<dataset>_llava_<split>_segment_each_part.json``: the question for segmentation, and the
  paragraph with ``<p> phrase </p> [SEG]``, PanCaper's ``<SEG_t>`` and ``<SEG_s>``, or tags
  ``<1,2: phrase>`` whose numbers are 1, 2, 3 … as they come.
- ``<dataset>_llava_<split>_segment_each_part_masks.jsonl``, a line an entry: ``id``, ``image``,
  and ``tokens``, of which the n-th is for the n-th token of the answer (with tags: for number n):
  ``token``, ``segments`` (ids in the run) and ``masks``, the RLE of each of them.
- ``captions_<split>.jsonl`` and ``left_out_<split>.jsonl``, the sidecars of
  ``annoengine.writing.grounded_captions``; a line of the first has ``entries``, the ids of its
  entries by kind, and ``prompts``; a line of the second ``kind``.

An entry is ``{"id", "image", "conversations"}``. ``id`` is the record's id, a slash and the kind,
so that it is unique in all files together; ``image`` is a relative path; the first turn is the
human's, ``<image>`` in its own line and then the question; the second is ``gpt``'s. Nothing else
in an entry has ``<image>``: a paragraph that says so stays out.

``replace`` names a LLaVA instruction file in which the answers of a subset give way to the
paragraphs of the same photographs, found by COCO's number or else by the file's name. The result
is ``<its name>_replaced.json``, the same to the byte but for those answers, and
``replaced_answers.jsonl`` has a line for each entry of the subset: ``position``, ``id``,
``image``, ``record`` (null where there is no paragraph), ``replaced``.

Source: arXiv 2502.02589, section 4, section 5 and A.1; haotian-liu/LLaVA, ``docs/``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import Field, field_validator

from annoengine.errors import InputError
from annoengine.exporter import Exported, Exporter, RunView
from annoengine.mask import Rle
from annoengine.prompt import Prompt, draw, load_prompt
from annoengine.reading.llava_file import image_key, read_llava
from annoengine.reading.llava_subsets import DETAIL_23K, Subset, open_subset
from annoengine.record import Record
from annoengine.stage import Parameters
from annoengine.writing.grounded_answer import (
    HOLDS_A_MARK,
    GroundedAnswer,
    Grounding,
    NoAnswer,
    grounded_answer,
)
from annoengine.writing.grounded_captions import GroundedSidecars, caption_row, paragraph_of
from annoengine.writing.grounding_tokens import Pancaper
from annoengine.writing.json_list import JsonList
from annoengine.writing.json_stream import JsonLines
from annoengine.writing.questions import load_questions
from annoengine.writing.record_masks import rles_of
from annoengine.writing.replaced_answers import (
    NOT_OF_SUBSET,
    OF_SUBSET,
    REPLACED,
    replace_answers,
    replaced_name,
)
from annoengine.writing.split_accounts import (
    Counted,
    add_up,
    leaving_split,
    no_paragraph_note,
    of_one_dataset,
)
from annoengine.writing.text_spool import TextSpool

IMAGE = "<image>"
"""Stands in the question where the picture goes."""

Kind = Literal["detailed_caption", "segment_each_part"]
_DETAILED: Kind = "detailed_caption"
_SEGMENTED: Kind = "segment_each_part"


class LlavaParameters(Parameters):
    """Which conversations are written, in which form, and into which file besides."""

    kinds: tuple[Kind, ...] = (_DETAILED, _SEGMENTED)
    """The kinds of conversations."""
    detailed_caption_questions: tuple[str, ...] = ("llava/detailed_caption1.v1",)
    """The prompts from which an image's question for a description is drawn, with even odds: the
    paper's own, unless others are given (``llava/detailed_caption2.v1`` to 4)."""
    segment_each_part_questions: tuple[str, ...] = ("llava/segment_each_part1.v1",)
    """The same for the question that asks for segmentation (``llava/segment_each_part2.v1`` to
    4)."""
    seed: int = 0
    """The seed of those draws."""
    image: str = Field(default="{file}", pattern=r"^[^/].*$")
    """The path of an image as LLaVA looks for it below its image folder; ``{file}`` stands for
    the photograph's own, ``{split}`` for its split in the source: ``coco/{split}2017/{file}``."""
    grounding: Grounding = "glamm"
    """How the answer of segment_each_part names masks: ``[SEG]`` behind each phrase, ``<SEG_t>``
    and ``<SEG_s>``, or the numbers in tags."""
    pancaper_tokens: Pancaper = "segment"
    """PanCaper's tokens: one for each segment of a phrase, or one for all its things and one for
    all its stuff."""
    replace: Path | None = None
    """A LLaVA instruction file whose answers of ``subset`` are replaced."""
    subset: str = DETAIL_23K
    """The entries whose answers are replaced: ``detail_23k``, known by its questions, or a file,
    LLaVA's own of the subset or a list of ids."""

    @field_validator("image")
    @classmethod
    def _has_the_file(cls, image: str) -> str:
        if "{file}" not in image or ".." in image.split("/"):
            raise ValueError(f"{image!r} is no relative path with {{file}} in it")
        return image


@dataclass
class _Split(Counted):
    """The open files of one split, and what went into them."""

    lists: Mapping[Kind, JsonList]
    masks: JsonLines | None
    sidecars: GroundedSidecars


class Llava(Exporter):
    """LLaVA conversations, and an instruction file with captions replaced."""

    VERSION: ClassVar[int] = 1
    NEEDS: ClassVar[frozenset[str]] = frozenset({"captions"})
    Parameters: ClassVar[type[Parameters]] = LlavaParameters
    parameters: LlavaParameters

    def __init__(self, parameters: Any, prompt: Callable[[str], Prompt] = load_prompt) -> None:
        super().__init__(parameters, prompt)
        # Here, so that a prompt that is not there is told before the run.
        names: dict[Kind, tuple[str, ...]] = {
            _DETAILED: self.parameters.detailed_caption_questions,
            _SEGMENTED: self.parameters.segment_each_part_questions,
        }
        self._questions = {
            kind: load_questions("llava", names[kind], prompt) for kind in self.parameters.kinds
        }

    def prompts(self) -> Sequence[Prompt]:
        """The questions."""
        return [question for questions in self._questions.values() for question in questions]

    def export(self, run: RunView, folder: Path) -> Exported:
        """Writes every split that the records name, and the file with replaced answers.

        Raises InputError for a mask that is gone or changed since the run, for records of more
        than one dataset, and for a file to replace in, or a subset of it, that is not there.
        """
        replace = self.parameters.replace
        if replace is not None and not replace.is_file():
            raise InputError(
                f"there is no file {str(replace)!r} whose answers could be replaced; give LLaVA's "
                "instruction file, such as llava_instruct_150k.json or llava_v1_5_mix665k.json"
            )
        in_subset = open_subset(self.parameters.subset) if replace is not None else None
        splits: dict[str, _Split] = {}
        with ExitStack() as stack:
            spool = stack.enter_context(TextSpool(folder / ".captions.part"))
            for record in of_one_dataset(run.records(), "llava"):
                leaving = leaving_split(record)
                if leaving not in splits:
                    splits[leaving] = self._open_split(stack, folder, record)
                text = self._add(record, run, splits[leaving])
                if text and in_subset is not None:
                    _keep(record, text, spool)
            exported = add_up(folder, splits, _COUNTED, _always(self.parameters.kinds), _notes)
            if replace is not None and in_subset is not None:
                _replace(replace, self.parameters.subset, in_subset, spool, exported)
        return exported

    def _open_split(self, stack: ExitStack, folder: Path, record: Record) -> _Split:
        kinds = self.parameters.kinds
        leaving = leaving_split(record)
        stem = f"{record.dataset}_llava_{leaving}"
        masks = folder / f"{stem}_{_SEGMENTED}_masks.jsonl"
        return _Split(
            lists={
                kind: stack.enter_context(JsonList(folder / f"{stem}_{kind}.json"))
                for kind in kinds
            },
            masks=stack.enter_context(JsonLines(masks)) if _SEGMENTED in kinds else None,
            sidecars=stack.enter_context(GroundedSidecars(folder, leaving)),
        )

    def _add(self, record: Record, run: RunView, split: _Split) -> str:
        """Writes the entries of a record; gives its clean text, or "" where none can leave."""
        split.count("region captions", sum(1 for c in record.captions if c.segment is not None))
        segmented = _SEGMENTED in self.parameters.kinds
        rles = rles_of(record, run.files(record)) if segmented else {}
        paragraph = paragraph_of(record, rles if segmented else {s.id for s in record.segments})
        if paragraph is None or IMAGE in paragraph.text:
            why = NoAnswer("no paragraph") if paragraph is None else NoAnswer(HOLDS_A_MARK, IMAGE)
            for kind in self.parameters.kinds:
                _leave_out(record, kind, why, split)
            return ""
        written: dict[Kind, Prompt] = {}
        for kind in self.parameters.kinds:
            grounded = None
            if kind == _SEGMENTED:
                grounded = grounded_answer(
                    record, paragraph, self.parameters.grounding, self.parameters.pancaper_tokens
                )
            if isinstance(grounded, NoAnswer):
                _leave_out(record, kind, grounded, split)
                continue
            question = draw(self._questions[kind], self.parameters.seed, record.id, kind)
            answer = paragraph.text
            if grounded is not None:
                paragraph, answer = grounded.paragraph, grounded.answer
                self._add_masks(record, grounded, rles, split)
            split.lists[kind].add(
                {
                    "id": f"{record.id}/{kind}",
                    "image": self._image(record),
                    "conversations": [
                        {"from": "human", "value": f"{IMAGE}\n{question.body}"},
                        {"from": "gpt", "value": answer},
                    ],
                }
            )
            split.count(_entries(kind))
            written[kind] = question
        if written:
            ids = {kind: f"{record.id}/{kind}" for kind in written}
            names = {kind: question.name for kind, question in written.items()}
            split.sidecars.caption(caption_row(record, paragraph, entries=ids, prompts=names))
        return paragraph.text

    def _image(self, record: Record) -> str:
        pattern = self.parameters.image.replace("{split}", record.split)
        return pattern.replace("{file}", record.photo.file)

    def _add_masks(
        self, record: Record, grounded: GroundedAnswer, rles: Mapping[int, Rle], split: _Split
    ) -> None:
        assert split.masks is not None
        split.masks.add(
            {
                "id": f"{record.id}/{_SEGMENTED}",
                "image": self._image(record),
                "tokens": [
                    {
                        "token": token.text,
                        "segments": list(token.segments),
                        "masks": [rles[id] for id in token.segments],
                    }
                    for token in grounded.tokens
                ],
            }
        )
        paragraph = grounded.paragraph
        split.count("phrases", len(paragraph.spans))
        split.count("masks", sum(len(token.segments) for token in grounded.tokens))
        split.count("phrases left out", len(paragraph.caption.spans) - len(paragraph.spans))
        split.count("segments left out of phrases", paragraph.segments_left_out)


def _leave_out(record: Record, kind: Kind, why: NoAnswer, split: _Split) -> None:
    split.count(f"left out of {kind}")
    split.count(f"left out of {kind}: {why.reason}")
    split.sidecars.left_out(record, why.reason, why.detail, kind=kind)


def _keep(record: Record, text: str, spool: TextSpool) -> None:
    """Keeps a paragraph for the file with replaced answers."""
    key = image_key(record.photo.file)
    if key in spool:
        raise InputError(
            f"two photographs of the run would both be {key!r} in the file to replace in: "
            f"{spool.get(key)[0]} and {record.id}; rename one of them, or export them apart"
        )
    spool.add(key, record.id, text)


def _replace(
    file: Path, subset: str, in_subset: Subset, spool: TextSpool, exported: Exported
) -> None:
    """Writes the instruction file with the answers of the subset replaced, and tells of each."""
    entries = (
        (entry, image_key(entry.image or "") if in_subset(entry) else None)
        for entry in read_llava(file)
    )
    counts = replace_answers(file, exported.folder, entries, spool)
    of_subset = sum(counts[name] for name in OF_SUBSET)
    others = counts[NOT_OF_SUBSET]
    if not of_subset:
        raise InputError(
            f"{file} has no entry of the subset {subset!r} among its {others:,} entries; is it "
            "the file that was meant?"
        )
    exported.counts |= {name: n for name, n in counts.items() if n or name == REPLACED}
    exported.notes.append(
        f"{replaced_name(file)}: {counts[REPLACED]} of the {of_subset} answers of {subset} are "
        f"replaced; the other {others} entries are as they were"
    )


_LEFT_OUT = (
    "no paragraph",
    HOLDS_A_MARK,
    "a text that cannot be tagged",
    "no grounded phrase",
    "no masks",
)


def _entries(kind: Kind) -> str:
    return f"{kind} conversations"


def _always(kinds: Sequence[Kind]) -> list[str]:
    return [_entries(kind) for kind in kinds]


_COUNTED = (
    _entries(_DETAILED),
    _entries(_SEGMENTED),
    "phrases",
    "masks",
    "phrases left out",
    "segments left out of phrases",
    f"left out of {_DETAILED}",
    f"left out of {_SEGMENTED}",
)


def _notes(counts: Mapping[str, int]) -> list[str]:
    """What is worth reading of a split."""
    without = max(counts.get(f"left out of {k}: no paragraph", 0) for k in (_DETAILED, _SEGMENTED))
    written = sum(counts.get(_entries(k), 0) for k in (_DETAILED, _SEGMENTED))
    notes = no_paragraph_note(written, without)
    for kind in (_DETAILED, _SEGMENTED):
        lost = {why: counts.get(f"left out of {kind}: {why}", 0) for why in _LEFT_OUT}
        told = ", ".join(f"{n} with {why}" for why, n in lost.items() if n)
        if told:
            notes.append(f"{sum(lost.values())} images are not in {kind}: {told}")
    if counts.get("region captions"):
        notes.append(
            f"{counts['region captions']} captions of segments are not part of this format and "
            "were not written"
        )
    return notes
