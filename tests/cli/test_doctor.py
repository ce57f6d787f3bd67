"""``annoengine doctor``: what it finds, what it never shows, and what a recipe lacks."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner, Result

from annoengine.cli import app
from annoengine.doctor import packaged_recipes

KEY = "sk-proj-a1b2c3d4e5f6"
RECIPE = Path(__file__).parents[2] / "recipes" / "pix2cap.yaml"


def doctor(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["doctor", *arguments])


def examined(*arguments: str) -> Any:
    return json.loads(doctor(*arguments, "--json").stdout)


@pytest.fixture
def asking_openai(tmp_path: Path) -> Path:
    """The Pix2Cap recipe with a model of OpenAI, and inputs that are there."""
    data = yaml.safe_load(RECIPE.read_text())
    data["models"] = {"annotator": "openai/gpt-4o"}
    data["inputs"] = {k: str((RECIPE.parent / v).resolve()) for k, v in data["inputs"].items()}
    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump(data, sort_keys=False))
    return path


def test_every_packaged_recipe_is_looked_at_and_ready() -> None:
    done = doctor()
    assert done.exit_code == 0, done.output
    for name in packaged_recipes():
        assert f"  {name}: ready" in done.stdout
    assert "pix2cap" in packaged_recipes()


def test_versions_are_those_that_are_installed() -> None:
    import numpy

    found = examined()
    assert found["versions"]["numpy"]["value"] == numpy.__version__
    assert sys.executable in found["versions"]["python"]["value"]
    assert "dev" not in found["extras"]
    assert found["extras"]["parquet"]["ok"] is True


def test_a_key_is_told_as_set_and_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    done = doctor()
    listed = doctor("--json")
    assert "set (openai/MODEL)" in done.stdout
    assert json.loads(listed.stdout)["keys"]["OPENAI_API_KEY"]["ok"] is True
    for text in (done.output, listed.output):
        assert KEY not in text
        assert KEY[:8] not in text
    monkeypatch.setenv("OPENAI_API_KEY", "  ")
    assert examined()["keys"]["OPENAI_API_KEY"] == {
        "ok": False,
        "remedy": "export OPENAI_API_KEY=…",
        "value": "not set (openai/MODEL)",
    }


def test_a_recipe_without_its_key(asking_openai: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    done = doctor(str(asking_openai))
    assert done.exit_code == 1
    assert "  pix2cap: needs (reads coco_panoptic, asks openai/gpt-4o)\n" in done.stdout
    assert "    the key OPENAI_API_KEY  → export OPENAI_API_KEY=…\n" in done.stdout
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    assert doctor(str(asking_openai)).exit_code == 0


def test_a_server_of_ones_own_needs_no_key(
    asking_openai: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.setenv("OPENAI_BASE_URL", "http://localhost:8000/v1")
    assert doctor(str(asking_openai)).exit_code == 0


def test_a_recipe_without_its_files(asking_openai: Path, tmp_path: Path) -> None:
    data = yaml.safe_load(asking_openai.read_text())
    data["models"] = {"annotator": "pixels"}
    data["inputs"]["annotations"] = str(tmp_path / "panoptic_val2017.json")
    asking_openai.write_text(yaml.safe_dump(data, sort_keys=False))
    done = doctor(str(asking_openai))
    assert done.exit_code == 1
    assert f"{tmp_path / 'panoptic_val2017.json'} does not exist" in done.stdout.replace("\n", "")
    assert "--input annotations=PATH" in done.stdout.replace("\n", " ")


def test_a_recipe_that_is_not_there() -> None:
    done = doctor("pix3cap", "pix2cap")
    assert done.exit_code == 1
    assert "there is no recipe pix3cap. Did you mean 'pix2cap'?" in done.stdout
    assert "  pix2cap: ready" in done.stdout


def test_wordnet_is_found_where_nltk_looks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "corpora" / "wordnet"
    folder.mkdir(parents=True)
    monkeypatch.setenv("NLTK_DATA", str(tmp_path))
    assert examined()["language data"]["WordNet"].get("value") != str(folder)
    (folder / "data.noun").write_bytes(b"")
    assert examined()["language data"]["WordNet"] == {"ok": True, "value": str(folder)}


@pytest.mark.parametrize(
    ("script", "name", "value", "ok"),
    [
        ("echo 'NVIDIA H200, 143771 MiB, 143000 MiB'", "GPU 0", "NVIDIA H200, 143771 MiB", True),
        ("echo 'Failed to initialize NVML' && exit 9", "GPU", "nvidia-smi fails: Failed", False),
        ("exit 0", "GPU", "none listed by nvidia-smi", None),
    ],
)
def test_what_nvidia_smi_says(
    script: str,
    name: str,
    value: str,
    ok: bool | None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    program = tmp_path / "nvidia-smi"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    found = examined()["machine"][name]
    assert found["value"].startswith(value)
    assert found.get("ok") is ok
