"""Validates PancapChain's training data: questions and answers of its four stages.

Entries are streamed and checked by all cores. Those of one image must agree where they follow one
another, as they are written; a file that was shuffled is checked entry by entry alone.
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
from annoengine.pancap.chain_entries import is_chain
from annoengine.pancap.conversation_boxes import ChainOfImage, check_chain_entry
from annoengine.validator import Code, Dataset, Finding, Validator


class PancapChain(Validator):
    """The conversations of PancapChain."""

    ABOUT: ClassVar[str] = "PancapChain's training data"
    CODES: ClassVar[tuple[Code, ...]] = (
        FILE_MALFORMED,
        CHECK_DIED,
        *conversation_boxes.OF_ENTRY,
        *conversation_checks.CODES,
        *conversation_boxes.OF_CHAIN,
        *photo_checks.CODES,
    )

    @classmethod
    def recognises(cls, path: Path) -> bool:
        """Does its first entry ask one of the four questions?"""
        return is_chain(first_entry(path))

    def check(self, dataset: Dataset) -> Iterator[Finding]:
        """Entry by entry; then what entries of one image disagree about."""
        chain = ChainOfImage()
        yield from list_findings(self, dataset, check_chain_entry, take=chain.take)
        yield from chain.findings
