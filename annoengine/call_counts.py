"""What journals say of their calls: asked, answered, failed, perhaps paid, tokens."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import orjson

from annoengine.budget import in_nano


@dataclass
class CallCounts:
    """What a journal says of its calls. A call is one try that was sent to a provider."""

    asked: int = 0
    answered: int = 0
    failed: int = 0
    outcomes: dict[str, int] = field(default_factory=dict)
    failures: dict[str, int] = field(default_factory=dict)
    perhaps_paid: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    spent_nano: int = 0
    """What answered calls cost, in nano-dollars, as far as prices were known."""
    perhaps_nano: int = 0
    """The bounds of the calls that were perhaps paid, in nano-dollars."""
    repeated: int = 0
    """Calls sent for a turn and key that had been sent before within the same generation."""

    def add(self, other: CallCounts) -> None:
        """Adds the counts of another journal."""
        for name in (
            "asked",
            "answered",
            "failed",
            "perhaps_paid",
            "input_tokens",
            "output_tokens",
            "spent_nano",
            "perhaps_nano",
            "repeated",
        ):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for mine, theirs in ((self.outcomes, other.outcomes), (self.failures, other.failures)):
            for name, count in theirs.items():
                mine[name] = mine.get(name, 0) + count


def journal_lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Each whole line with its offset; a torn last line is left out."""
    offset = 0
    with path.open("rb") as file:
        for line in file:
            if not line.endswith(b"\n"):
                return
            yield offset, line
            offset += len(line)


def count_calls(path: Path) -> CallCounts:
    """The counts of a journal file, read without opening it for writing."""
    counts = CallCounts()
    open_calls: dict[tuple[str, str, str, int], list[int]] = {}
    """The bounds of the tries that have no outcome yet, in nano-dollars."""
    sent: set[tuple[str, str, str, int]] = set()
    for _, line in journal_lines(path):
        entry = orjson.loads(line)
        event = entry["event"]
        if event in ("retry", "wave"):
            continue
        name = (entry["record"], entry["turn"], entry["key"], entry["generation"])
        if event == "asked":
            counts.asked += 1
            counts.repeated += name in sent
            sent.add(name)
            open_calls.setdefault(name, []).append(in_nano(entry.get("most_usd") or 0.0))
            continue
        # Giving up is no answer to any try: one that was left open stays perhaps paid.
        gave_up = event == "answered" and entry["outcome"] == "gave_up"
        bounds = None if gave_up else open_calls.get(name)
        most = bounds.pop() if bounds else 0
        if bounds == []:
            del open_calls[name]
        if event == "answered":
            counts.answered += 1
            counts.outcomes[entry["outcome"]] = counts.outcomes.get(entry["outcome"], 0) + 1
            usage = entry.get("usage") or {}
            counts.input_tokens += usage.get("input_tokens") or 0
            counts.output_tokens += usage.get("output_tokens") or 0
            counts.spent_nano += in_nano(entry.get("usd") or 0.0)
        else:
            counts.failed += 1
            counts.failures[entry["reason"]] = counts.failures.get(entry["reason"], 0) + 1
            if entry["paid"] == "perhaps":
                counts.perhaps_paid += 1
                counts.perhaps_nano += most
    counts.perhaps_paid += sum(len(bounds) for bounds in open_calls.values())
    counts.perhaps_nano += sum(sum(bounds) for bounds in open_calls.values())
    return counts
