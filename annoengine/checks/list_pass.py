"""Goes over a JSON file that is one list, entry by entry, and copies it with some entries mended.

Entries are cut out of the file as bytes and checked by all cores; what is not mended stays to the
byte. Of the whole file only a hash of what must not come twice is held.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from annoengine.checks.change_report import ChangeReport
from annoengine.checks.coco_tables import FILE_MALFORMED
from annoengine.checks.ordered_work import FEW, results_in_order
from annoengine.checks.panoptic_checks import CHECK_DIED
from annoengine.checks.spliced_copy import SplicedCopy
from annoengine.errors import InputError
from annoengine.reading.coco_json import text_hash
from annoengine.reading.json_slices import Slices, first_byte, value_of
from annoengine.validator import Code, Dataset, Finding, Place, Rules, Validator

_WHAT = "a list of entries is needed"


@dataclass(frozen=True)
class ListTask:
    """One entry as it is written, and what the entries of the file have in common."""

    file: str
    rules: Rules
    images: Path | None
    position: int
    raw: bytes


@dataclass(frozen=True)
class ListReport:
    """What was found in an entry.

    ``once`` are texts that no other entry may have, each with the code to be found else; ``after``
    are the mended bytes, and ``what`` each change, kind and sentence. ``told`` is what a file
    beside the list must say of the entry too.
    """

    findings: list[Finding]
    place: Place
    once: tuple[tuple[Code, str], ...] = ()
    counts: Mapping[str, int] = field(default_factory=dict)
    after: bytes | None = None
    what: tuple[tuple[str, str], ...] = ()
    told: str = ""


def _untold(report: ListReport) -> None:
    """Nothing lies beside the list."""


def list_findings(
    validator: Validator,
    dataset: Dataset,
    check: Callable[[ListTask], ListReport],
    target: Path | None = None,
    take: Callable[[ListReport], None] = _untold,
) -> Iterator[Finding]:
    """Everything that is wrong with the entries, in their order; writes a mended copy.

    ``check`` is picklable; ``take`` gets each report in turn.
    """
    path = dataset.file
    try:
        entries = sum(1 for _ in Slices(path, None, _WHAT))
    except InputError as error:
        yield FILE_MALFORMED.at(Place(path.name), str(error))
        return
    validator.count("entries", entries)
    waiting: deque[tuple[int, bytes]] = deque()

    def tasks() -> Iterator[ListTask]:
        for found in Slices(path, None, _WHAT):
            waiting.append((found.start, found.raw))
            yield ListTask(path.name, validator.rules, dataset.images, found.position, found.raw)

    seen: set[int] = set()
    with ExitStack() as stack:
        copy = changes = None
        if target is not None:
            copy = stack.enter_context(SplicedCopy(path, target))
            changes = stack.enter_context(ChangeReport(path, target))
        workers = validator.rules.workers if entries > FEW else 0
        for done, report in enumerate(results_in_order(check, tasks(), workers, died), start=1):
            start, raw = waiting.popleft()
            validator.progress(done, entries)
            for what, n in report.counts.items():
                validator.count(what, n)
            yield from report.findings
            take(report)
            for code, text in report.once:
                told = text_hash(f"{code.name} {text}")
                if told in seen:
                    message = f"entry {done - 1} has {text!r}, as an earlier one has"
                    yield code.at(report.place, message)
                seen.add(told)
            if copy is not None and changes is not None and report.after is not None:
                copy.replace(start, start + len(raw), report.after)
                key = str(report.place.image_id or done - 1)
                before, after = raw.decode("utf-8"), report.after.decode("utf-8")
                changes.add(key, path.name, report.what, before, after)
        if copy is not None and changes is not None:
            copy.finish()
            changes.finish()
            if changes.count:
                validator.notes.append(f"changes: {changes.path}")


def died(task: ListTask, why: str) -> ListReport:
    """The report on an entry whose check killed its process."""
    place = Place(task.file)
    return ListReport([CHECK_DIED.at(place, f"entry {task.position}: {why}")], place)


def first_entry(path: Path) -> Any:
    """The first entry of a file that is a JSON list; None for any other file."""
    try:
        if not path.is_file() or path.suffix.lower() != ".json" or first_byte(path) != b"[":
            return None
        return value_of(next(iter(Slices(path, None, _WHAT))).raw)
    except (InputError, StopIteration, ValueError):
        return None
