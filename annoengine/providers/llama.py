"""Text models on this machine, in process: LLaMA, and any causal model that transformers loads.

A folder, a hub's name, or a GGUF file. It takes no pictures: it rewrites captions and judges texts,
through the same engine as the models that see (:mod:`annoengine.local`). The packed weights of a
GGUF file are unpacked when they are loaded: that saves space on disk and none in memory.
"""

from __future__ import annotations

import contextlib
import io
import json
from pathlib import Path
from typing import ClassVar

from annoengine.card_fit import BYTES
from annoengine.cards import GIB
from annoengine.gguf_header import read_gguf_header
from annoengine.local.provider import LocalProvider
from annoengine.local.weights import find_model
from annoengine.plain_chat import PLAIN_TEMPLATE


class Llama(LocalProvider):
    """One text model, on every device that it may use."""

    KIND: ClassVar[str] = "llama"
    FAMILIES: ClassVar[tuple[str, ...]] = ()
    PLAIN_TEMPLATE: ClassVar[str | None] = PLAIN_TEMPLATE
    EXAMPLE: ClassVar[str] = "meta-llama/Llama-3.1-8B-Instruct"

    async def open(self) -> None:
        """Loads the model, and keeps for :meth:`notes` what is to be known of its file.

        Raises SettingError for what is missing or wrong.
        """
        # A GGUF file is unpacked under a bar that nobody can turn off.
        bar = io.StringIO() if self.model.endswith(".gguf") else None
        with contextlib.redirect_stderr(bar) if bar is not None else contextlib.nullcontext():
            await super().open()
        assert self.engine is not None
        path = find_model(self.name, self.model, download=False)
        if not has_template(path):
            self._remarks[
                f"{self.name} has no chat template; a plain one takes its place, and a model that "
                "was not taught to answer may go on in any way"
            ] = None
        if path.suffix == ".gguf":
            self._remarks[f"{self.name} {_unpacked(path, self.engine.facts()[0].dtype)}"] = None


def has_template(path: Path) -> bool:
    """Whether a model brings a chat template, by its files."""
    if path.is_file():
        return "tokenizer.chat_template" in read_gguf_header(path).entries
    if any((path / name).is_file() for name in ("chat_template.jinja", "chat_template.json")):
        return True
    file = path / "tokenizer_config.json"
    return file.is_file() and bool(json.loads(file.read_bytes()).get("chat_template"))


def _unpacked(path: Path, dtype: str) -> str:
    taken = read_gguf_header(path).parameters * BYTES[dtype] / GIB
    return (
        f"is unpacked to {dtype}: {taken:.2f} GiB in memory, {path.stat().st_size / GIB:.2f} GiB "
        "on disk"
    )
