"""What names a model's folder: its files' content, wherever it lies."""

from __future__ import annotations

from pathlib import Path

import pytest

from annoengine import model_folder
from annoengine.model_folder import file_fingerprint, folder_fingerprint


def filled(folder: Path, **files: bytes) -> Path:
    for name, data in files.items():
        path = folder / name.replace("__", "/").replace("_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return folder


def test_it_is_the_same_elsewhere_and_other_for_any_other_file(tmp_path: Path) -> None:
    first = filled(tmp_path / "a", model_safetensors=b"1", config_json=b"{}", more__x_json=b"2")
    other = filled(tmp_path / "b", more__x_json=b"2", config_json=b"{}", model_safetensors=b"1")
    assert folder_fingerprint(first) == folder_fingerprint(other)
    filled(other, README_md=b"read me", **{".cache__lock_json": b"x"})
    assert folder_fingerprint(first) == folder_fingerprint(other)
    filled(other, more__x_json=b"3")
    assert folder_fingerprint(first) != folder_fingerprint(other)


def test_large_weights_are_told_apart_by_size_ends_and_stretches(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model_folder, "_WHOLE_BYTES", 100)
    monkeypatch.setattr(model_folder, "_STRETCH_BYTES", 4)
    weights = bytearray(range(256)) * 4
    path = tmp_path / "model.safetensors"
    path.write_bytes(weights)
    named = file_fingerprint(path)
    # Of 1,024 bytes the stretches of four begin at 0, 68, 136 … 1,020.
    for place, seen in ((0, True), (3, True), (4, False), (69, True), (100, False), (1023, True)):
        changed = bytearray(weights)
        changed[place] ^= 1
        path.write_bytes(changed)
        assert (file_fingerprint(path) != named) is seen
    path.write_bytes(weights + b"\0")
    assert file_fingerprint(path) != named
