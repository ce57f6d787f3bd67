"""A request on its way through a worker, and which of those that wait go together."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from annoengine.local.chat import Answer, Draw, Prompt
from annoengine.local.prefixes import Prefixes
from annoengine.local.sampling import generator_of

_FILLED = 0.75
"""Of a group's tokens that are no padding, at least; ours."""

Deliver = Callable[[Answer | Exception], None]


@dataclass(eq=False)
class Asked:
    """A request on its way, and what has been said so far."""

    prompt: Prompt
    draw: Draw
    deliver: Deliver
    most: int
    """Tokens of its answer, at most."""

    at: float = field(default_factory=time.monotonic)
    cancelled: bool = False
    alone: bool = False
    """Computed with no other, because a group that it was in failed."""
    shift: int = 0
    tokens: list[int] = field(default_factory=list)
    generator: np.random.Generator | None = None
    numbers: list[float] = field(default_factory=list)
    gap: float | None = None
    first_token_s: float | None = None

    @property
    def need(self) -> int:
        """Places that its slot must have."""
        return len(self.prompt.tokens) + self.most

    @property
    def place(self) -> int:
        """The place of its last token."""
        return len(self.prompt.tokens) + len(self.tokens) - 1

    def begin(self, shift: int) -> None:
        """Forgets what was said: a sequence that lost its slot says the same again."""
        self.shift, self.tokens, self.gap = shift, [], None

    def number(self) -> float:
        """The number that decides about its next token; the same when it is asked again."""
        self.generator = self.generator or generator_of(self.draw)
        while len(self.numbers) <= len(self.tokens):
            self.numbers.append(float(self.generator.random()))
        return self.numbers[len(self.tokens)]

    def take(self, token: int, gap: float, now: float) -> None:
        """Adds the next token."""
        if self.first_token_s is None:
            self.first_token_s = now - self.at
        if self.draw.greedy:
            self.gap = gap if self.gap is None else min(gap, self.gap)
        self.tokens.append(token)

    def answer(self, ended: bool) -> Answer:
        """What was said; ``ended`` where the last token is an end token."""
        return Answer(
            text="",
            tokens=tuple(self.tokens[:-1] if ended else self.tokens),
            finish="end" if ended else "length",
            input_tokens=len(self.prompt.tokens),
            output_tokens=len(self.tokens),
            gap=self.gap,
            first_token_s=self.first_token_s or 0.0,
        )


def alike(
    waiting: Sequence[Asked], most: int, length: int, prefill_tokens: int, prefixes: Prefixes
) -> list[Asked]:
    """The first that waits, and others whose prompts are computed well with its own.

    At most ``most``, each within ``length`` places, with the same shared beginning; together at
    most ``prefill_tokens`` with their padding, and a quarter of that padding.
    """
    first = waiting[0]
    group, known = [first], prefixes.key(first.prompt)
    widest = total = len(first.prompt.tokens) - len(known)
    for other in waiting[1:]:
        if len(group) == most or first.alone:
            break
        if other.alone or other.need > length or prefixes.key(other.prompt) != known:
            continue
        tokens = len(other.prompt.tokens) - len(known)
        computed = max(widest, tokens) * (len(group) + 1)
        if computed <= prefill_tokens and total + tokens >= _FILLED * computed:
            group.append(other)
            widest, total = max(widest, tokens), total + tokens
    return group
