"""What a recipe may set for a model that runs on this machine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field

from annoengine.provider_options import read_options
from annoengine.stage import Parameters


class EngineOptions(Parameters):
    """Settings of a local engine. Only those named in :meth:`in_key` may change an answer."""

    devices: tuple[str, ...] = ()
    """``[cuda:0, cuda:1]``: one copy of the model on each; none named: every GPU, else the CPU."""

    dtype: Literal["auto", "bfloat16", "float16", "float32"] = "auto"
    """Numbers to compute with; auto is bfloat16 on a GPU and float32 on the CPU."""

    attention: Literal["sdpa", "flash_attention_2"] = "sdpa"
    """How attention is computed; flash_attention_2 (for the vision part) needs flash-attn."""

    slots: int = Field(default=128, ge=1)
    """Most sequences at once on each device; fewer where memory does not hold them."""

    max_length: int | None = Field(default=None, ge=16)
    """Most tokens of prompt and answer together; None grows with what is asked."""

    memory_gib: float | None = Field(default=None, gt=0)
    """Memory for keys and values on each device; None is what is free on the card, and a quarter
    of what is free on the CPU."""

    prefill_tokens: int = Field(default=8192, ge=1)
    """Most prompt tokens that are computed at once."""

    refill: int | None = Field(default=None, ge=1)
    """Newcomers are let in when so many slots are free; None is one in sixteen. A larger number
    computes prompts in larger groups, while slots stand idle."""

    cuda_graphs: Literal["auto", "off"] = "auto"
    """auto replays each decode step as one CUDA graph where there is a GPU."""

    min_pixels: int | None = Field(default=None, ge=1)
    """Smaller pictures are enlarged to so many pixels; None is the model's own."""

    max_pixels: int | None = Field(default=None, ge=1)
    """Larger pictures are shrunk to so many pixels; None is the model's own."""

    adapter: str | None = None
    """Folder of a LoRA adapter (peft), merged into the weights when the model is loaded."""

    shared_prefix: int = Field(default=32, ge=0)
    """Beginnings that prompts share are computed once from so many tokens on; 0 never."""

    max_tokens: int = Field(default=1024, ge=1)
    """Most tokens of an answer where the stage sets no limit."""

    workers: int | None = Field(default=None, ge=0)
    """Processes that decode and resize pictures; None is one a core, 8 at most; 0 a thread."""

    threads: int | None = Field(default=None, ge=1)
    """Threads that compute on the CPU; None is torch's own number."""

    def in_key(self) -> dict[str, str]:
        """Those of the settings that may change an answer, where they are set."""
        found = {
            "dtype": self.dtype,
            "attention": self.attention,
            "max_tokens": str(self.max_tokens),
        }
        for name in ("min_pixels", "max_pixels"):
            if getattr(self, name) is not None:
                found[name] = str(getattr(self, name))
        return found


def read_engine_options(name: str, options: Mapping[str, Any]) -> EngineOptions:
    """The options of the model ``name``. Raises RecipeError for an unknown or a wrong one."""
    return read_options(name, options, EngineOptions)
