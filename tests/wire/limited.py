"""What a loopback server allows a minute: two token buckets, as OpenAI's and most gateways have.

A bucket fills evenly and holds so much at most; a call that finds too little in it is refused and
takes nothing. Time is the event loop's, so that a loop with a clock of its own can be limited too.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Bucket:
    """So much may go through a minute, and ``size`` of it at once.

    >>> bucket = Bucket(per_minute=60, size=2)
    >>> [bucket.wait_s(1, now=0), bucket.take(1), bucket.take(1), bucket.wait_s(1, now=0.25)]
    [0.0, None, None, 0.75]
    """

    per_minute: float
    size: float
    level: float = field(init=False)
    _filled_at: float = field(default=-math.inf, init=False)

    def __post_init__(self) -> None:
        self.level = self.size

    def wait_s(self, amount: float, now: float) -> float:
        """Seconds until ``amount`` is there, 0 where it is; infinity where it never will be."""
        filled = max(0.0, now - self._filled_at) * self.per_minute / 60
        self.level, self._filled_at = min(self.size, self.level + filled), now
        if amount <= self.level:
            return 0.0
        if amount > self.size:
            return math.inf
        return (amount - self.level) * 60 / self.per_minute

    def take(self, amount: float) -> None:
        """Takes what is there."""
        self.level -= amount

    @property
    def full_in_s(self) -> float:
        """Seconds until it is full again, where nothing more is taken."""
        return (self.size - self.level) * 60 / self.per_minute


class Limited:
    """A server's limits, and what it says of them.

    ``bucket`` requests may come at once (default: one second's, at least 1), ``token_bucket``
    tokens (default: a minute's). ``retry_after`` is what a refusal names: seconds, ``"exact"``
    for the true wait, None for nothing. ``announce``: None tells no limit, ``True`` the true ones
    with what is left of them, a number that many requests a minute, true or not.
    """

    def __init__(
        self,
        requests_per_minute: float | None = None,
        bucket: float | None = None,
        tokens_per_minute: float | None = None,
        token_bucket: float | None = None,
        retry_after: float | str | None = "exact",
        announce: bool | float | None = None,
    ) -> None:
        self.buckets: dict[str, Bucket] = {}
        if requests_per_minute is not None:
            size = max(1.0, bucket or requests_per_minute / 60)
            self.buckets["requests"] = Bucket(requests_per_minute, size)
        if tokens_per_minute is not None:
            self.buckets["tokens"] = Bucket(tokens_per_minute, token_bucket or tokens_per_minute)
        self._retry_after = retry_after
        self._announce = announce

    @property
    def counts_tokens(self) -> bool:
        """Whether :meth:`refuse` needs to know them."""
        return "tokens" in self.buckets

    def refuse(self, tokens: float, now: float) -> Mapping[str, Any] | None:
        """None where a call may pass, else the arguments of ``rate_limit`` that refuse it."""
        amounts = {"requests": 1.0, "tokens": tokens}
        waits = {name: b.wait_s(amounts[name], now) for name, b in self.buckets.items()}
        wait = max(waits.values(), default=0.0)
        if wait == 0.0:
            for name, bucket in self.buckets.items():
                bucket.take(amounts[name])
            return None
        if math.isinf(wait):
            limit = self.buckets["tokens"].per_minute
            said = (
                f"Request too large for the model on tokens per min (TPM): Limit {limit:g}, "
                f"Requested {tokens:g}. The input or output tokens must be reduced."
            )
            return {"said": said}
        if self._retry_after is None:
            return {}
        exact = self._retry_after == "exact"
        return {"retry_after": math.ceil(wait * 1000) / 1000 if exact else self._retry_after}

    def headers(self) -> dict[str, str]:
        """The headers that tell of the limits, with ``_`` for ``-``."""
        if self._announce is None or self._announce is False:
            return {}
        if self._announce is not True:
            return {"x_ratelimit_limit_requests": f"{self._announce:g}"}
        told = {}
        for name, bucket in self.buckets.items():
            told[f"x_ratelimit_limit_{name}"] = f"{bucket.per_minute:g}"
            told[f"x_ratelimit_remaining_{name}"] = f"{math.floor(bucket.level)}"
            told[f"x_ratelimit_reset_{name}"] = f"{math.ceil(bucket.full_in_s * 1000)}ms"
        return told
