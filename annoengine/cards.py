"""GPUs: what each is able to do at most, and which are in this machine.

The table holds what their makers publish: memory bandwidth, and dense arithmetic in bfloat16 (never
the doubled figure "with sparsity"). A card that is not in it is named as unknown; nothing is
guessed from a likeness of names. ``nvidia-smi`` says what is there; torch is asked only where a
caller asks for it, since importing it takes seconds.
"""

from __future__ import annotations

import importlib
import importlib.util
import re
import shutil
import subprocess
from dataclasses import dataclass
from typing import Any

GIB = 2**30

_QUERY_S = 10.0


@dataclass(frozen=True)
class Peak:
    """What a card does at most: GB read a second, and 10¹² operations a second."""

    bandwidth_gb_s: float
    tflops: float
    source: str


@dataclass(frozen=True)
class Card:
    """A card of this machine; ``free_bytes`` is None where nobody says."""

    name: str
    memory_bytes: int
    free_bytes: int | None = None

    def __str__(self) -> str:
        return f"{self.name} ({self.memory_bytes / GIB:.0f} GiB)"


@dataclass(frozen=True)
class Found:
    """The cards, or why there is none to tell."""

    cards: tuple[Card, ...]
    trouble: str = ""
    broken: bool = False
    """There is an nvidia-smi and it fails."""


_PEAKS: tuple[tuple[str, Peak], ...] = (
    (r"\bB200\b", Peak(8000, 2250, "NVIDIA DGX B200 datasheet, an eighth, dense")),
    (r"\bH200 NVL\b", Peak(4800, 835, "NVIDIA H200 datasheet, NVL, dense")),
    (r"\bH200\b", Peak(4800, 989, "NVIDIA H200 datasheet, SXM, dense")),
    (r"\bH100 NVL\b", Peak(3900, 835, "NVIDIA H100 datasheet, NVL, dense")),
    (r"\bH100 PCIe\b", Peak(2000, 756, "NVIDIA H100 PCIe product brief, dense")),
    (r"\bH100\b", Peak(3350, 989, "NVIDIA H100 datasheet, SXM, dense")),
    (r"\bA100.SXM.*80GB", Peak(2039, 312, "NVIDIA A100 datasheet, 80 GB SXM")),
    (r"\bA100.*80GB", Peak(1935, 312, "NVIDIA A100 datasheet, 80 GB PCIe")),
    (r"\bA100.*40GB", Peak(1555, 312, "NVIDIA A100 datasheet, 40 GB")),
    (r"\bL40S\b", Peak(864, 362, "NVIDIA L40S datasheet, dense")),
    (r"\bL40\b", Peak(864, 181, "NVIDIA L40 datasheet, dense")),
    (r"\bL4\b", Peak(300, 121, "NVIDIA L4 datasheet, dense")),
    (r"\bA40\b", Peak(696, 149.7, "NVIDIA A40 datasheet, dense")),
    (r"\bA10\b", Peak(600, 125, "NVIDIA A10 datasheet, dense")),
    (r"\bRTX A6000\b", Peak(768, 154.8, "NVIDIA GA102 white paper, appendix, dense")),
    (r"\bRTX 5090\b", Peak(1792, 209.5, "NVIDIA RTX Blackwell white paper, appendix, dense")),
    (r"\bRTX 4090\b(?! (D|Laptop))", Peak(1008, 165.2, "NVIDIA Ada white paper, appendix, dense")),
    (r"\bRTX 3090\b(?! Ti)", Peak(936, 71, "NVIDIA GA102 white paper, appendix, dense")),
)
"""GeForce and RTX A6000: with sums in 32 bits, as torch takes them."""


def peak_of(name: str) -> Peak | None:
    """The peak of a card by the name that nvidia-smi and torch give it; None if it is not known.

    >>> peak_of("NVIDIA H200").bandwidth_gb_s, peak_of("NVIDIA A100-SXM4-80GB").bandwidth_gb_s
    (4800, 2039)
    >>> peak_of("NVIDIA H200 MIG 1g.18gb") is None  # a slice of a card has a slice of its peak
    True
    """
    if re.search(r"\bMIG\b", name):
        return None
    return next((peak for pattern, peak in _PEAKS if re.search(pattern, name)), None)


def listed_cards() -> Found:
    """The cards that nvidia-smi lists."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return Found((), "none found (no nvidia-smi)")
    query = ["--query-gpu=name,memory.total,memory.free", "--format=csv,noheader"]
    try:
        done = subprocess.run(
            [program, *query], capture_output=True, text=True, timeout=_QUERY_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return Found((), f"nvidia-smi does not answer ({type(error).__name__})", broken=True)
    if done.returncode != 0:
        words = (done.stdout or done.stderr).strip().split("\n")[0]
        return Found((), f"nvidia-smi fails: {words}", broken=True)
    cards = tuple(_card(line) for line in done.stdout.splitlines() if line.strip())
    return Found(cards, "" if cards else "none listed by nvidia-smi")


def _card(line: str) -> Card:
    """One line of nvidia-smi.

    >>> _card("NVIDIA H200, 143771 MiB, 143000 MiB").memory_bytes // 2**20
    143771
    """
    name, total, free = (part.strip() for part in f"{line},,".split(",")[:3])
    return Card(name, _bytes(total) or 0, _bytes(free))


def _bytes(text: str) -> int | None:
    number = re.match(r"(\d+) MiB", text)
    return None if number is None else int(number[1]) * 2**20


def torch_sees() -> tuple[Card, ...] | None:
    """The cards that torch can compute on; None without torch. Imports it."""
    if importlib.util.find_spec("torch") is None:
        return None
    cuda: Any = importlib.import_module("torch").cuda
    if not cuda.is_available():
        return ()
    found = []
    for number in range(cuda.device_count()):
        each = cuda.get_device_properties(number)
        found.append(Card(str(each.name), int(each.total_memory)))
    return tuple(found)
