"""Validates LLaVA instruction files, ours or others': a JSON list of conversations.

Entries are streamed and checked by all cores; of the whole file the ids are held, and the tokens
of answers whose masks lie in a file beside.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import ClassVar

from annoengine.checks import (
    conversation_checks,
    llava_checks,
    photo_checks,
    segmentation_checks,
    tag_codes,
)
from annoengine.checks.caption_checks import CAPTION_LEAK, CAPTION_REFUSAL
from annoengine.checks.coco_tables import FILE_MALFORMED, UNSAFE_PATH
from annoengine.checks.list_pass import ListTask, died, first_entry, list_findings
from annoengine.checks.llava_checks import MaskLines, check_entry, check_mask_line
from annoengine.checks.ordered_work import FEW, results_in_order
from annoengine.checks.panoptic_checks import CHECK_DIED
from annoengine.checks.sidecar_checks import SIDECAR_IMAGE, SIDECAR_MALFORMED
from annoengine.pancap.chain_entries import is_chain
from annoengine.pancap.reference_text import is_referring
from annoengine.validator import Code, Dataset, Finding, Validator


class Llava(Validator):
    """Conversations, and the masks of their answers."""

    ABOUT: ClassVar[str] = "a LLaVA instruction file"
    CODES: ClassVar[tuple[Code, ...]] = (
        FILE_MALFORMED,
        UNSAFE_PATH,
        CHECK_DIED,
        *llava_checks.CODES,
        *conversation_checks.CODES,
        *tag_codes.OF_FORM,
        CAPTION_REFUSAL,
        CAPTION_LEAK,
        *segmentation_checks.OF_RLE,
        SIDECAR_MALFORMED,
        SIDECAR_IMAGE,
        *photo_checks.CODES,
    )

    @classmethod
    def recognises(cls, path: Path) -> bool:
        """Has its first entry conversations, and neither masks of its own nor boxes in them?"""
        entry = first_entry(path)
        if is_chain(entry) or is_referring(entry):
            return False
        return isinstance(entry, dict) and "conversations" in entry and "masks" not in entry

    def check(self, dataset: Dataset) -> Iterator[Finding]:
        """Entry by entry, then line by line of the masks."""
        masks = dataset.file.with_name(f"{dataset.file.stem}_masks.jsonl")
        lines = MaskLines(dataset.file.name)
        check = partial(check_entry, masked=masks.is_file())
        yield from list_findings(self, dataset, check, take=lines.take_entry)
        if masks.is_file():
            yield from self._check_masks(masks, lines)

    def _check_masks(self, masks: Path, lines: MaskLines) -> Iterator[Finding]:
        def tasks() -> Iterator[ListTask]:
            with masks.open("rb") as file:
                for position, line in enumerate(file):
                    yield ListTask(masks.name, self.rules, None, position, line)

        workers = self.rules.workers if self.counts.get("entries", 0) > FEW else 0
        for report in results_in_order(check_mask_line, tasks(), workers, died):
            yield from lines.findings(report)
        yield from lines.left()
        self.notes.append(f"{lines.lines:,} lines of {masks.name} were compared")
