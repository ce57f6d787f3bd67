"""One line of the script on which a loopback server misbehaves."""

from __future__ import annotations

import hashlib
import inspect
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.wire import transport_faults as _transport_faults  # noqa: F401  # enters its table
from tests.wire.chat_answers import Call
from tests.wire.misbehaviours import MISBEHAVIOURS


@dataclass
class Rule:
    """What is done, to which calls; see :mod:`tests.wire.openai_server`."""

    do: str
    every: int = 0
    share: float = 1.0
    seed: int = 0
    times: int | None = None
    after: int = 0
    until: int | None = None
    match: str = ""
    arguments: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def read(cls, line: Mapping[str, Any]) -> Rule:
        """A rule of the script. Raises ValueError for what no misbehaviour understands."""
        own = {"do", "every", "share", "seed", "times", "after", "until", "match"}
        rule = cls(**{k: v for k, v in line.items() if k in own})
        rule.arguments = {k: v for k, v in line.items() if k not in own}
        if rule.do not in MISBEHAVIOURS:
            raise ValueError(f"no misbehaviour {rule.do!r}; there are {', '.join(MISBEHAVIOURS)}")
        try:
            inspect.signature(MISBEHAVIOURS[rule.do]).bind(None, **rule.arguments)
        except TypeError as error:
            raise ValueError(f"{rule.do}: {error}") from None
        return rule

    def fits(self, call: Call, hits: Counter[str]) -> bool:
        """Whether the rule is carried out on a call; ``hits`` counts its hits per body."""
        if self.every and call.number % self.every:
            return False
        if call.number <= self.after or (self.until is not None and call.number > self.until):
            return False
        if self.times is not None and hits[call.sha256] >= self.times:
            return False
        if self.share < 1.0:
            draw = hashlib.sha256(f"{self.seed}/{self.do}/{call.sha256}".encode()).digest()
            if int.from_bytes(draw[:8], "big") / 2**64 >= self.share:
                return False
        return not self.match or any(re.search(self.match, text) for _, text in call.texts())
