"""Errors as Gemini gives them, and the way to see what the ``gemini`` provider makes of them."""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.wire.gemini_calls import failure_of, opened
from tests.wire.gemini_server import GeminiServer

PER_DAY = "GenerateRequestsPerDayPerProjectPerModel-FreeTier"
PER_MINUTE = "GenerateRequestsPerMinutePerProjectPerModel-FreeTier"


@dataclass
class Answer:
    """An error and what is made of it; ``URL`` stands for the server's address."""

    status: int
    body: bytes | str
    action: str
    reason: str
    after_s: float | None = None
    paid: str = "no"
    headers: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.status}-{self.reason}"[:70]


async def check(answer: Answer) -> None:
    """Sends a call that is answered so, and compares what is made of it."""
    body = answer.body if isinstance(answer.body, str) else answer.body.decode()
    rule = {"do": "raw", "status": answer.status, "body": body, **answer.headers}
    async with GeminiServer([rule]) as server, opened(server.base_url) as provider:
        error, retry = await failure_of(provider)
        reason = retry.reason.replace(server.base_url, "URL")
        assert server.counts()["received"] == 1  # nothing tried again by itself
    found = (retry.action, retry.after_s, retry.paid)
    assert found == (answer.action, answer.after_s, answer.paid), reason
    assert reason.startswith(answer.reason)
    assert retry.outcome is None
    assert str(error)
