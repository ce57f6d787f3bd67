"""Measures what a processor without a published peak can do: a copy and a product of matrices.

A few tenths of a second each, the best of several: what a busy machine reaches now and then is
nearer to its peak than its mean is.
"""

from __future__ import annotations

import importlib
import time
from typing import Any

from annoengine.cards import Peak

_COPIED_MIB = 128
_SIDE = 1024
_TRIES = 5


def processor_peak() -> Peak:
    """Bandwidth and float32 arithmetic of this machine's processor, with torch's own threads."""
    torch: Any = importlib.import_module("torch")
    source = torch.zeros(_COPIED_MIB * 2**20, dtype=torch.uint8)
    target = torch.empty_like(source)
    copied = min(_seconds(lambda: target.copy_(source)) for _ in range(_TRIES))
    one = torch.ones(_SIDE, _SIDE)
    two = torch.ones(_SIDE, _SIDE)
    product = min(_seconds(lambda: one @ two) for _ in range(_TRIES))
    return Peak(
        bandwidth_gb_s=2 * _COPIED_MIB * 2**20 / copied / 1e9,  # read and written
        tflops=2 * _SIDE**3 / product / 1e12,
        source=(
            f"measured here: a copy of {_COPIED_MIB} MiB, a product of {_SIDE} × {_SIDE} matrices "
            f"in float32, the best of {_TRIES}"
        ),
    )


def _seconds(work: Any) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started
