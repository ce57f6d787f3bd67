"""Where a model lies, and a hash of all in it that may change an answer."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path
from typing import Any

from annoengine.errors import SettingError

_WEIGHTS = (".safetensors", ".bin", ".gguf", ".pt", ".pth")
_READ = {
    "config.json",
    "generation_config.json",
    "tokenizer.json",
    "tokenizer.model",
    "vocab.json",
    "merges.txt",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "chat_template.json",
    "chat_template.jinja",
    "preprocessor_config.json",
    "processor_config.json",
    "adapter_config.json",
}
"""Files beside the weights that say how they are used."""

_FROM_HUB = [*(f"*{ending}" for ending in (".safetensors", ".model")), *sorted(_READ), "*.json"]


def find_model(name: str, model: str, download: bool = True) -> Path:
    """The folder (or .gguf file) of a model: a path, or a hub's name.

    What this machine does not have yet is downloaded, unless told otherwise. Raises SettingError,
    which calls the model ``name``.
    """
    path = Path(model).expanduser()
    if path.is_dir() or (path.is_file() and path.suffix == ".gguf"):
        return path
    if path.exists():
        raise SettingError(f"{name}: {model!r} is neither a folder nor a .gguf file")
    if path.is_absolute() or model.startswith((".", "~")) or model.count("/") != 1:
        raise SettingError(f"{name}: there is no folder {model!r}; give that of a model")
    if importlib.util.find_spec("huggingface_hub") is None:
        raise SettingError(
            f"{name} needs torch and transformers; install them: pip install 'annoengine[local]'"
        )
    hub: Any = importlib.import_module("huggingface_hub")
    try:
        return Path(
            hub.snapshot_download(model, allow_patterns=_FROM_HUB, local_files_only=not download)
        )
    except Exception as error:
        why = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise SettingError(
            f"{name} cannot be downloaded: {why[:200]}; give the folder of a model instead"
        ) from None


def content_files(path: Path) -> list[Path]:
    """The files of a model that may change an answer, by name."""
    if path.is_file():
        return [path]
    return sorted(
        file
        for file in path.iterdir()
        if file.is_file() and (file.suffix in _WEIGHTS or file.name in _READ)
    )


def model_hash(path: Path) -> str:
    """sha256 over names and contents: a moved model is the same one, a changed one another.

    A file that has not changed since (size and time) is not read again by this process.
    """
    files = content_files(path)
    stamps = [(file, file.stat().st_size, file.stat().st_mtime_ns) for file in files]
    with ThreadPoolExecutor(8) as pool:
        hashes = list(pool.map(lambda stamp: _file_hash(*stamp), stamps))
    whole = hashlib.sha256()
    for file, found in zip(files, hashes, strict=True):
        whole.update(f"{file.name} {found}\n".encode())
    return whole.hexdigest()


@lru_cache(maxsize=4096)
def _file_hash(file: Path, size: int, mtime_ns: int) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
