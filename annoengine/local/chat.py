"""What a local engine is asked and what it answers: plain values, without a tensor.

:class:`Turn` and :class:`Draw` are a provider's side; :class:`Prompt` is what turns become when
the tokenizer and the picture workers are done with them; :class:`Answer` is what comes back.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
"""uint8 (height, width, 3), RGB, already of the size that the model sees."""

Finish = Literal["end", "length"]
"""Why an answer ended: the model's own end token, or ``max_tokens``."""


@dataclass(frozen=True)
class Turn:
    """One message of a conversation: its role, and texts and encoded pictures in their order."""

    role: Literal["system", "user", "assistant"]
    parts: tuple[str | bytes, ...]


@dataclass(frozen=True)
class Draw:
    """How the tokens of one answer are chosen.

    ``temperature`` None or 0 is greedy: always the likeliest token. Else tokens are drawn from the
    likeliest ones that together hold ``top_p`` of the probability, by a generator of the request's
    own, seeded by ``seed`` and ``key``: the same numbers whatever else is in the batch. ``key``
    names the request (its content key). ``max_tokens`` None is the engine's own limit.
    ``never_ends`` (for measuring) forbids the end tokens, so that exactly ``max_tokens`` come.
    """

    temperature: float | None = None
    top_p: float | None = None
    seed: int = 0
    key: str = ""
    max_tokens: int | None = None
    never_ends: bool = False

    @property
    def greedy(self) -> bool:
        """Whether no chance is involved."""
        return not self.temperature


@dataclass(frozen=True, eq=False)
class Prompt:
    """A question as the model takes it.

    ``tokens``: token numbers, with one image token for each merged patch of each picture, in
    order. ``shared``: how many leading tokens other prompts probably share (system text, fixed
    text before the first picture); their keys and values are computed once. 0: not worth it.
    """

    tokens: tuple[int, ...]
    pictures: tuple[Pixels, ...] = ()
    shared: int = 0


@dataclass(frozen=True)
class Answer:
    """What the model said.

    ``tokens`` without the end token; ``gap`` is the smallest distance, in logits, between the
    likeliest and the second token over all steps (greedy only, else None): what is smaller than
    the arithmetic's noise could have gone the other way in another batch.
    """

    text: str
    tokens: tuple[int, ...]
    finish: Finish
    input_tokens: int
    output_tokens: int
    gap: float | None = None
    first_token_s: float = 0.0
    """Seconds from the moment at which it was asked to its first token."""


class TooLarge(Exception):
    """One request alone does not fit: the model's length, or the memory. It says what to change."""


@dataclass
class Counts:
    """What an engine has done so far; all workers together."""

    answers: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    decode_steps: int = 0
    """Passes over all slots."""
    slot_steps: int = 0
    """Decode steps times slots: what was computed."""
    idle_slot_steps: int = 0
    """Of them those of slots that held no sequence."""
    prefills: int = 0
    prefill_tokens: int = 0
    prefix_tokens_saved: int = 0
    out_of_memory: int = 0
    """How often memory ran out and the work was cut smaller."""
    prefill_s: float = 0.0
    decode_s: float = 0.0
    waiting_s: float = 0.0
    """Seconds that workers had nothing to compute: the preparation was behind."""
    smallest_gap: float | None = None


@dataclass(frozen=True)
class Facts:
    """What an engine runs on, by device; for reports."""

    device: str
    card: str
    weight_bytes: int
    kv_bytes_a_token: int
    slots: int
    length: int
    """Tokens that a slot holds, prompt and answer."""
    memory_bytes: int
    """What the keys and values may take."""
    graphs: bool
    peak_bytes: int = 0
    """Most memory that was in use on the card; 0 on the CPU."""
    dtype: str = ""
    notes: tuple[str, ...] = field(default=())
