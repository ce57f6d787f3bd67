"""What ``plan`` and ``doctor`` say of local models: by the cards that nvidia-smi lists."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from typer.testing import CliRunner

from annoengine.cli import app
from annoengine.doctor import examine_recipe
from annoengine.recipe import load_recipe
from annoengine.recipe_fit import fits_of_recipe
from annoengine.recipe_text import Overrides

BIG = "qwen2_vl/Qwen/Qwen2-VL-72B-Instruct"
H200 = "NVIDIA H200, 143771 MiB, 143000 MiB"


@pytest.fixture
def cards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An nvidia-smi that lists what stands in a file: one H200."""
    listed = tmp_path / "cards.csv"
    listed.write_text(f"{H200}\n")
    program = tmp_path / "nvidia-smi"
    program.write_text(f"#!/bin/sh\nexec cat {listed}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    return listed


def said(model: str, **options: object) -> list[str]:
    settings = [f"models.annotator={json.dumps({'model': model, 'options': options})}"]
    recipe = load_recipe("pix2cap", Overrides(settings=settings))
    return fits_of_recipe(recipe, ask_torch=False)


def test_what_does_not_fit_and_what_would(cards: Path) -> None:
    (line,) = said(BIG)
    assert line.startswith(f"{BIG} does not fit NVIDIA H200 (140 GiB): its 73.4 billion")
    assert line.endswith(
        "over 2 such cards (tensor parallel), or its checkpoint in 4 bits (AWQ, 39.9 GiB)"
    )
    (line,) = said("qwen2_vl/Qwen/Qwen2-VL-7B-Instruct")
    assert "fits NVIDIA H200 (140 GiB): 8.29 billion parameters, 15.4 GiB in bfloat16" in line
    assert "(a picture of 640 × 480 is 393 of them)" in line


def test_models_that_are_not_here_are_not_spoken_of(cards: Path) -> None:
    assert said("pixels") == []
    assert said("openai/Qwen2-VL-72B-Instruct") == []


def test_an_unknown_shape_and_a_broken_folder(cards: Path, tmp_path: Path) -> None:
    assert said("llama/mistralai/Pixtral-12B") == [
        "llama/mistralai/Pixtral-12B: its shape is not known, so that nobody can say what it takes"
    ]
    (tmp_path / "config.json").write_text("{")
    (line,) = said(f"qwen2_vl/{tmp_path}")
    assert f"{tmp_path / 'config.json'} cannot be read as JSON" in line


def test_without_a_card(cards: Path) -> None:
    cards.write_text("")
    (line,) = said("llama/HuggingFaceTB/SmolLM2-135M-Instruct")
    assert line.endswith(
        "runs on the CPU, for no GPU was found: 135 million parameters, 0.5 GiB in float32"
    )


def test_on_the_processor_by_its_options(cards: Path) -> None:
    (line,) = said("llama/HuggingFaceTB/SmolLM2-135M-Instruct", devices=["cpu"])
    assert "runs on the CPU, for its devices say so: 135 million parameters, 0.5 GiB" in line


def test_plan_and_doctor_say_it(
    cards: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(app, ["plan", "pix2cap", "--model", f"annotator={BIG}"])
    assert done.exit_code == 0, done.output
    assert f"{BIG} does not fit NVIDIA H200 (140 GiB)" in " ".join(done.output.split())
    source = load_recipe("pix2cap").path.read_text()
    (tmp_path / "mine.yaml").write_text(source.replace("annotator: pixels", f"annotator: {BIG}"))
    found = examine_recipe(str(tmp_path / "mine.yaml"))
    assert any("does not fit NVIDIA H200" in line for line in found.fits)
    # This torch is for the CPU alone, or sees no card that a script made up.
    assert any(line.startswith("torch computes on no GPU although") for line in found.fits)
