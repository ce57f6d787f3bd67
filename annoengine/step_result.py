"""What became of one record in one stage, and the lines that are written for it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import orjson

from annoengine.record import Record
from annoengine.shard import DroppedCaption, Side, read_dropped_captions, read_lines
from annoengine.storage import Storage


@dataclass
class StepResult:
    """What became of one record in one stage; ``line`` is what is written for it.

    ``draft`` and ``masks`` are further lines, for people and of masks that were drawn anew.
    """

    outcome: Literal["given", "dropped", "failed", "paused", "waiting", "older", "stopped"]
    record_id: str
    line: bytes = b""
    reason: str = ""
    drawn: dict[str, bytes] = field(default_factory=dict)
    aside: list[DroppedCaption] = field(default_factory=list)
    error: BaseException | None = None
    draft: bytes = b""
    masks: bytes = b""


def aside_line(record: Record, reason: str, detail: str, turns: tuple[str, ...]) -> bytes:
    """The line of a record that leaves: a :class:`annoengine.shard.SetAside`."""
    head = {"id": record.id, "reason": reason, "detail": detail, "turns": turns}
    # The record's own line is spliced in: it is JSON already.
    return orjson.dumps(head)[:-1] + b',"record":' + record.to_line() + b"}"


def older_results(storage: Storage, folder: str, shard: str) -> dict[str, StepResult]:
    """What the step's files hold now, by record: for a reading that may ask nothing new."""
    results: dict[str, StepResult] = {}
    for line in read_lines(storage, f"{folder}/{shard}.jsonl"):
        id = orjson.loads(line)["id"]
        results[id] = StepResult("given", id, line)
    for caption in read_dropped_captions(storage, folder, shard):
        results[caption.id].aside.append(caption)
    sides: tuple[Side, ...] = ("dropped", "failed")
    for side in sides:
        for line in read_lines(storage, f"{folder}/{shard}.{side}.jsonl"):
            entry = orjson.loads(line)
            results[entry["id"]] = StepResult(side, entry["id"], line, entry["reason"])
    return results
