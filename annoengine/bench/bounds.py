"""What a piece of work takes at least on a machine of known bandwidth and arithmetic.

Two floors. Decoding reads every weight once a step, and the cache of every sequence once a token:
at a given number of sequences at once no engine can do with fewer bytes. Prompts and pictures are
arithmetic: two operations for each weight and token, and attention. Both are bounds from below;
what a machine really reaches of its published peak is nine tenths at best.

Source of the idea: the roofline model (Williams, Waterman, Patterson 2009).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from annoengine.card_fit import cache_bytes_a_token, read_bytes
from annoengine.cards import Peak
from annoengine.model_shapes import ModelShape


@dataclass(frozen=True)
class Task:
    """One answer: patches of each picture, tokens of the prompt (pictures included), of the
    answer."""

    patches: tuple[int, ...]
    prompt: int
    answer: int


@dataclass(frozen=True)
class Bound:
    """The floors of some tasks, in seconds, and what they are made of."""

    read_bytes: float
    prefill_flops: float
    decode_flops: float
    decode_s: float
    """Of decoding, by bandwidth: the share of the bandwidth is measured against it."""
    prefill_s: float
    """Of pictures and prompts, by arithmetic."""
    arithmetic_s: float
    """Of all arithmetic: pictures, prompts and answers."""


def bound_of(
    shape: ModelShape, dtype: str, tasks: Sequence[Task], at_once: int, peak: Peak
) -> Bound:
    """The floors of ``tasks`` when at most ``at_once`` of them are answered together.

    The first token of an answer comes with its prompt; each further one is a decode step.
    """
    steps = [task.answer - 1 for task in tasks]
    passes = max(-(-sum(steps) // at_once), max(steps, default=0))
    pairs = list(zip(tasks, steps, strict=True))
    looked_back = sum(task.prompt * n + n * (n + 1) // 2 for task, n in pairs)
    read = passes * read_bytes(shape, dtype) + looked_back * cache_bytes_a_token(shape, dtype)
    text, vision = shape.text, shape.vision
    prefill = decode = 0.0
    for task, more in pairs:
        prefill += text.flops(task.prompt, task.prompt // 2)
        decode += text.flops(more, task.prompt + more // 2, more)
        if vision is not None:
            prefill += sum(vision.flops(patches) for patches in task.patches)
    each = peak.tflops * 1e12
    return Bound(
        read_bytes=float(read),
        prefill_flops=prefill,
        decode_flops=decode,
        decode_s=read / (peak.bandwidth_gb_s * 1e9),
        prefill_s=prefill / each,
        arithmetic_s=(prefill + decode) / each,
    )
