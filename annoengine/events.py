"""What happens during a run, as values: the runner yields them, progress and tests read them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class SourceRead:
    """So many entries of the source are in shards; ``done`` when there are no more."""

    entries: int
    shards: int
    done: bool


@dataclass(frozen=True)
class StepBegins:
    """A stage takes up a shard."""

    stage: str
    shard: int
    records: int


@dataclass(frozen=True)
class RecordDone:
    """A record left a stage: ``given``, ``dropped``, ``failed``, ``waiting`` or ``paused``.

    It is ``waiting`` for a batch API, and ``paused`` until people have reviewed it.
    """

    stage: str
    shard: int
    record: str
    outcome: str
    reason: str = ""


@dataclass(frozen=True)
class CallDone:
    """A call has its outcome, from the model or (``replayed``) from a journal."""

    stage: str
    outcome: str
    replayed: bool
    input_tokens: int
    output_tokens: int
    usd: float | None = None


@dataclass(frozen=True)
class StepDone:
    """A stage is done with a shard; ``skipped`` when it had been before."""

    stage: str
    shard: int
    given: int
    dropped: int
    failed: int
    skipped: bool = False
    paused: int = 0


@dataclass(frozen=True)
class Note:
    """A sentence for the person who watches."""

    text: str


Event = SourceRead | StepBegins | RecordDone | CallDone | StepDone | Note
OnEvent = Callable[[Event], None]


def ignore(event: Event) -> None:
    """Takes an event and does nothing."""
