"""How much memory keys and values may take, and what running out of it looks like."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

from annoengine.local.model import LoadedModel

_OF_CARD = 0.92
"""Of what is free on a card once the weights are there; the rest is lost between blocks. Ours."""

_OF_MACHINE = 0.25
"""Of a machine's free memory, which others use too. Ours."""

_GIB = 1 << 30


def memory_for_slots(model: LoadedModel, gib: float | None, prefill_tokens: int, slots: int) -> int:
    """Bytes for keys and values; ``gib`` is what the recipe says."""
    if gib is not None:
        return int(gib * _GIB)
    if model.device.startswith("cuda"):
        torch: Any = importlib.import_module("torch")
        free, _ = torch.cuda.mem_get_info(model.device)
        return max(0, int((free - working_bytes(model, prefill_tokens, slots)) * _OF_CARD))
    return int(free_bytes() * _OF_MACHINE)


def working_bytes(model: LoadedModel, prefill_tokens: int, slots: int) -> int:
    """What a pass over so many prompt tokens takes besides weights, keys and values; an estimate.

    A token's hidden state a few times over and its widest layer; the four patches that it may
    have been, likewise; the logits of every slot in float32, with copies.
    """
    config = model.config
    size = model.dtype.itemsize
    widest = getattr(config, "intermediate_size", None) or 4 * config.hidden_size
    token = (8 * config.hidden_size + 3 * widest) * size
    vision = getattr(model.model.config, "vision_config", None)
    if vision is not None:
        hidden = getattr(vision, "embed_dim", None) or vision.hidden_size
        patch = 3 * model.rule.frames * model.rule.patch_px**2
        token += model.rule.merge**2 * (16 * hidden * size + 12 * patch)
    return int(prefill_tokens * token + slots * config.vocab_size * 16)


def free_bytes() -> int:
    """Memory of the machine that could be had without driving anything out."""
    try:
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    return 8 * _GIB


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory ran out, on a card or on the machine."""
    if isinstance(error, MemoryError):
        return True
    torch: Any = importlib.import_module("torch")
    if isinstance(error, torch.OutOfMemoryError):
        return True
    # The CPU's allocator has no error of its own.
    return isinstance(error, RuntimeError) and "not enough memory" in str(error)


def forget_frames(error: BaseException | None) -> None:
    """Drops an error's traceback: its frames hold the tensors for which there was no room."""
    while error is not None:
        error.__traceback__ = None
        error = error.__context__


def is_lost_device(error: BaseException) -> bool:
    """Whether an error says that a card will compute nothing more in this process."""
    # What cannot be recorded as a graph is refused by an error of that name, and hurts nothing.
    return "CUDA error" in str(error) and "captur" not in str(error)


def give_back() -> None:
    """Returns what torch holds in reserve to the card."""
    torch: Any = importlib.import_module("torch")
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
