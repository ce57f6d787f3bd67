"""A run against a server that misbehaves, and what must be true of it afterwards.

Each fault is met in three doses: not at all, by one call in ten, and by all calls for a while, in
each protocol. A run of toy records goes through the real provider and the real engine;
:class:`Verdict` holds what the account, the journals and the server say, and ``problems`` what
does not fit together. Faults that need more than a line of a script are in
:mod:`tests.wire.late_faults`.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from annoengine.account import take_account
from annoengine.door import Door
from annoengine.errors import RunStopped
from annoengine.recipe import Recipe, load_recipe
from annoengine.runner import carry_out, make_door
from annoengine.workspace import Workspace
from tests.wire.chat_answers import Call
from tests.wire.connection import Connection
from tests.wire.gemini_answers import error, quota_failure, retry_info
from tests.wire.gemini_known_errors import PER_MINUTE
from tests.wire.gemini_server import GeminiServer
from tests.wire.limited import Limited
from tests.wire.openai_server import OpenaiServer

DOSES: dict[str, dict[str, Any] | None] = {
    "clean": None,
    "one in ten": {"every": 10, "times": 1},
    "all for a while": {"for_s": 0.3},
}

FAULTS: dict[str, dict[str, Any]] = {
    "429, no wait told": {"do": "rate_limit"},
    "429, Retry-After in seconds": {"do": "rate_limit", "retry_after": 0.05},
    "429, retry-after-ms": {"do": "rate_limit", "retry_after_ms": 40},
    "429, Retry-After as a date": {"do": "rate_limit", "date_in_s": 1},
    "429, a date as of RFC 850": {"do": "rate_limit", "date_in_s": 1, "date_form": "rfc850"},
    "429, budget resets": {"do": "rate_limit", "reset_s": 0.05},
    "429, retryDelay": {"do": "rate_limit", "retry_delay": "0.05s"},
    "500": {"do": "status", "status": 500},
    "502 of a gateway": {"do": "gateway"},
    "503": {"do": "status", "status": 503},
    "504": {"do": "status", "status": 504},
    "529": {"do": "status", "status": 529},
    "refused": {"do": "refuse", "seconds": 0.1},
    "reset": {"do": "reset"},
    "closed": {"do": "close"},
    "cut in mid-body": {"do": "cut"},
    "garbage": {"do": "garbage"},
    "stall past the time-out": {"do": "stall"},
    "slow drip": {"do": "drip", "seconds": 0.2},
    "malformed JSON": {"do": "not_json"},
    "no choices": {"do": "no_choices"},
    "HTML": {"do": "html"},
    "wrong content type": {"do": "mislabelled"},
    "an error inside a 200": {"do": "error_in_200"},
    "false limits announced": {"do": "announce", "requests": 600_000, "tokens": 10**9},
    "senseless limits announced": {"do": "announce", "requests": "-7e999", "tokens": "NaN"},
}

_QUOTA = error(429, "Quota exceeded.", quota_failure(PER_MINUTE), retry_info("0.05s")).decode()

GEMINI_FAULTS: dict[str, dict[str, Any]] = {
    "429, a quota of the minute": {"do": "raw", "status": 429, "body": _QUOTA},
    "429, told twice": {"do": "rate_limit", "retry_delay": "0.02s", "retry_after": 0.05},
    "429 in a list": {"do": "raw", "status": 429, "body": f"[{_QUOTA}]"},
    "499": {"do": "status", "status": 499},
}
"""What Google alone says: its quotas, its RetryInfo beside a header, an error wrapped as one piece
of a stream, and its status for a call that was given up."""

KEY = "sk-test-3f9a7c2e5b8d"

_ANSWERS = {"answer", "announce", "mislabelled", "drip", "usage", "refuse"}
"""Ways to reply that hold an answer."""


class Counting(OpenaiServer):
    """Counts the answers that went out in whole, per body."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.good: Counter[str] = Counter()
        self.misbehaves_for_s: float | None = None
        """How long from the first call on; None for always."""
        self.limited_from: dict[int, Limited] = {}
        """Other limits from a call's number on."""

    def take(
        self,
        connection: Connection,
        method: str,
        path: str,
        headers: Mapping[str, str],
        body: bytes,
    ) -> None:
        number = sum(self.received.values()) + 1
        self.limited = self.limited_from.pop(number, self.limited)
        super().take(connection, method, path, headers, body)

    def behave(self) -> None:
        """Forgets its script."""
        self.script.clear()
        self._hits.clear()

    def came(self, connection: Connection) -> None:
        super().came(connection)
        if self.misbehaves_for_s is not None and self.accepted == 1:
            asyncio.get_running_loop().call_later(self.misbehaves_for_s, self.behave)

    def answered(self, call: Call, status: int, by: str) -> None:
        super().answered(call, status, by)
        self.good[call.sha256] += status == 200 and by in _ANSWERS


class CountingGemini(Counting, GeminiServer):
    """The same, in Gemini's protocol."""


@dataclass(frozen=True)
class Protocol:
    """How a provider is reached: its model, where its key is looked for, who answers."""

    model: str
    key_env: str
    server: type[Counting]
    faults: Mapping[str, Mapping[str, Any]]


PROTOCOLS = {
    "openai": Protocol("openai/gpt-4o-2024-08-06", "OPENAI_API_KEY", Counting, FAULTS),
    "gemini": Protocol(
        "gemini/gemini-2.5-flash", "GOOGLE_API_KEY", CountingGemini, FAULTS | GEMINI_FAULTS
    ),
}


@dataclass
class Verdict:
    """What became of a run."""

    records: int
    given: int
    failed: int
    calls: int
    tries_failed: int
    repeats: int
    """Calls that were sent again though the server had answered them in whole with a 200."""
    perhaps_paid: int
    met: int
    """Calls that the server misbehaved on."""
    seconds: float
    problems: list[str] = field(default_factory=list)


def write_recipe(folder: Path, base_url: str, records: int, **changes: Any) -> Path:
    """A recipe that asks one question about each toy record."""
    model: dict[str, Any] = {
        "model": changes.pop("model", "openai/gpt-4o-2024-08-06"),
        "options": {"base_url": base_url, "timeout_s": 0.5, **changes.pop("options", {})},
    }
    data = {
        "name": "faults",
        "source": {"tests.toy:Numbers": {"n": records}},
        "models": {"model": model | changes.pop("role", {})},
        "stages": [{"tests.toy:Asks": changes.pop("asks", {}), "as": "asks"}],
        "run": {
            "shard_size": 25,
            "workers": 0,
            "retries": {"tries": 8, "first_wait_s": 0.02, "longest_wait_s": 0.2},
        },
        **changes,
    }
    path = folder / "recipe.yaml"
    path.write_text(yaml.safe_dump(data), encoding="utf-8")
    return path


@contextmanager
def key_set(name: str = "OPENAI_API_KEY") -> Iterator[None]:
    """The environment with a key in it."""
    before = os.environ.get(name)
    os.environ[name] = KEY
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before


async def carry(recipe: Recipe, workspace: Workspace) -> tuple[Door, RunStopped | None]:
    """Carries a recipe out; gives the door and what stopped the run, if anything did."""
    door = make_door(recipe)
    try:
        await carry_out(recipe, workspace, door=door)
    except RunStopped as stopped:
        return door, stopped
    return door, None


def judge(
    recipe: Recipe, workspace: Workspace, server: Counting, records: int, seconds: float
) -> Verdict:
    """What the account, the journals and the server say of a run that has ended."""
    account = take_account(recipe, workspace)
    calls = account.calls()
    last = account.stages[-1]
    verdict = Verdict(
        records=records,
        given=last.given,
        failed=account.failed,
        calls=calls.asked,
        tries_failed=calls.failed,
        repeats=sum(max(0, good - 1) for good in server.good.values()),
        perhaps_paid=calls.perhaps_paid,
        met=sum(server.did.values()) - server.did["answer"],
        seconds=seconds,
    )
    said = verdict.problems
    said += [f"{s.stage} does not add up" for s in account.stages if not s.adds_up()]
    if last.given + account.failed != records or not account.finished:
        said.append(f"of {records} records {last.given} were given and {account.failed} failed")
    if calls.asked != calls.answered + calls.failed:
        said.append(f"{calls.asked} asked, {calls.answered} answered, {calls.failed} failed")
    if sum(server.received.values()) > calls.asked:
        said.append(f"the server got {sum(server.received.values())} of {calls.asked} calls")
    if calls.repeated > calls.failed:
        said.append(f"{calls.repeated} repeats after {calls.failed} failed tries")
    if verdict.repeats > calls.perhaps_paid:
        said.append(f"{verdict.repeats} paid twice, {calls.perhaps_paid} reported")
    said += [f"{path} holds a part of the key" for path in _with_key(workspace.root)]
    return verdict


def _with_key(folder: Path) -> Iterator[Path]:
    """The files that hold eight characters of the secret part of the key, or more."""
    parts = [KEY[start : start + 8].encode() for start in range(len("sk-test-"), len(KEY) - 7)]
    for path in folder.rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            if any(part in data for part in parts):
                yield path


@dataclass
class Run:
    """A run that is about to be carried out, and the server that it asks."""

    recipe: Recipe
    workspace: Workspace
    server: Counting
    records: int
    begun: float = field(default_factory=time.monotonic)

    async def carry(self) -> RunStopped | None:
        """Carries it out, or on; gives what stopped it, if anything did."""
        return (await carry(self.recipe, self.workspace))[1]

    def judge(self) -> Verdict:
        """What has become of it."""
        seconds = time.monotonic() - self.begun
        return judge(self.recipe, self.workspace, self.server, self.records, seconds)


@asynccontextmanager
async def prepared(
    protocol: str, records: int, script: Iterable[Mapping[str, Any]] = (), **changes: Any
) -> AsyncIterator[Run]:
    """A fresh server and a fresh workspace, for the length of a block."""
    spoken = PROTOCOLS[protocol]
    with tempfile.TemporaryDirectory() as name, key_set(spoken.key_env):
        async with spoken.server(script, latency_s=0.005) as server:
            changes = {"model": spoken.model, **changes}
            recipe = load_recipe(write_recipe(Path(name), server.base_url, records, **changes))
            yield Run(recipe, Workspace(Path(name) / "run"), server, records)


async def run_with(
    fault: Mapping[str, Any] | None, records: int, protocol: str = "openai", **changes: Any
) -> Verdict:
    """One cell of the matrix."""
    rule = dict(fault or {})
    for_s = rule.pop("for_s", None)
    async with prepared(protocol, records, [rule] if rule else [], **changes) as run:
        run.server.misbehaves_for_s = for_s
        stopped = await run.carry()
        verdict = run.judge()
    if stopped is not None:
        verdict.problems.append(f"the run stopped: {stopped}")
    if rule and not verdict.met:
        verdict.problems.append("no call met the fault")
    return verdict


def dosed(fault: Mapping[str, Any], dose: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """The line of a script that gives a fault in a dose."""
    return None if dose is None else {**fault, **dose}
