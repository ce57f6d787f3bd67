"""Validates ASMv2's instruction data: references with their boxes, and predicates between them.

Entries are streamed and checked by all cores; of the whole file the ids are held.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

from annoengine.checks import conversation_checks, photo_checks
from annoengine.checks.coco_tables import FILE_MALFORMED
from annoengine.checks.list_pass import first_entry, list_findings
from annoengine.checks.panoptic_checks import CHECK_DIED
from annoengine.pancap import conversation_boxes
from annoengine.pancap.conversation_boxes import check_reference_entry
from annoengine.pancap.reference_text import is_referring
from annoengine.validator import Code, Dataset, Finding, Validator


class Asmv2(Validator):
    """Conversations with references and boxes."""

    ABOUT: ClassVar[str] = "ASMv2's instruction data"
    CODES: ClassVar[tuple[Code, ...]] = (
        FILE_MALFORMED,
        CHECK_DIED,
        *conversation_boxes.OF_ENTRY,
        *conversation_checks.CODES,
        *conversation_boxes.OF_REFERENCES,
        *photo_checks.CODES,
    )

    @classmethod
    def recognises(cls, path: Path) -> bool:
        """Has its first entry an answer with a reference and its box?"""
        return is_referring(first_entry(path))

    def check(self, dataset: Dataset) -> Iterator[Finding]:
        """Entry by entry."""
        return list_findings(self, dataset, check_reference_entry)
