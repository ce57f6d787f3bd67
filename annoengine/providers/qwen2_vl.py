"""Qwen2-VL, Qwen2.5-VL and Qwen3-VL (dense) on this machine, in process, without a server.

The model is a folder or a hub's name; which of the three it is its configuration says. Requests of
all open shards are answered in batches by one engine (:mod:`annoengine.local`). Greedy unless the
stage sets a temperature; the checkpoint's own generation settings are not applied, but for its end
tokens.
"""

from __future__ import annotations

from typing import ClassVar

from annoengine.local.model import SEEING
from annoengine.local.provider import LocalProvider


class Qwen2Vl(LocalProvider):
    """One model, on every device that it may use."""

    KIND: ClassVar[str] = "qwen2_vl"
    FAMILIES: ClassVar[tuple[str, ...]] = SEEING
    EXAMPLE: ClassVar[str] = "Qwen/Qwen2-VL-7B-Instruct"
