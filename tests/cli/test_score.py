"""``annoengine score``: the embedded PancapScore of two lists, as a person calls it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from annoengine.cli import app
from tests.tiny_clip import save_tiny_clip

DOG = (
    "A brown dog [[0.100, 0.200, 0.500, 0.900]] is next to a red ball "
    "[[0.600, 0.700, 0.800, 0.900]]. The mood of the image is calm."
)
HALF = "A brown dog [[0.100, 0.200, 0.500, 0.900]] is sleeping. The mood of the image is calm."
SIX = ("tag", "location", "attribute", "relation", "global", "pancapscore")


def write(path: Path, key: str, captions: dict[str, str]) -> str:
    path.write_text(json.dumps([{"image_path": i, key: text} for i, text in captions.items()]))
    return str(path)


def scored(folder: Path, told: dict[str, str], *more: str) -> tuple[str, list[dict[str, float]]]:
    pred = write(folder / "pred.json", "model_response", told)
    ref = write(folder / "ref.json", "gt_response", {"sam/a/1.jpg": DOG})
    out = folder / "scores.jsonl"
    done = CliRunner().invoke(app, ["score", "pancapscore", pred, ref, "--json", str(out), *more])
    assert done.exit_code == 0, done.output
    return done.output, [json.loads(line) for line in out.read_text().splitlines()]


def test_a_caption_against_itself_has_the_full_score(tmp_path: Path) -> None:
    output, (line,) = scored(tmp_path, {"/elsewhere/sam/a/1.jpg": DOG})
    assert [line[name] for name in SIX] == [1, 1, 1, 1, 1, 4.1]
    assert "PancapScore" in output
    assert "4.1000" in output
    assert "embedded judge" in output


def test_what_half_a_caption_scores_by_hand(tmp_path: Path) -> None:
    _, (line,) = scored(tmp_path, {"sam/a/1.jpg": HALF})
    # One of two entities and boxes: P 1, R 1/2. The relation is missed, the global state is said.
    assert line["tag"] == line["location"] == pytest.approx(2 / 3, abs=1e-6)
    assert (line["relation"], line["global"]) == (0, 1)
    assert 0 < line["attribute"] < 1
    assert line["pancapscore"] == pytest.approx(4 / 3 + line["attribute"] + 0.1, abs=2e-6)


def test_nothing_predicted_scores_nothing_and_is_told(tmp_path: Path) -> None:
    output, (line,) = scored(tmp_path, {"sam/a/2.jpg": DOG})
    assert line == {"image_path": "sam/a/1.jpg", **dict.fromkeys(SIX, 0), "missing": True}
    assert "1 images have no prediction and score 0" in output
    assert "1 predictions are of images without a reference: not scored" in output


def test_tags_may_be_alike_by_vectors(tmp_path: Path) -> None:
    model = save_tiny_clip(tmp_path / "clip")
    output, (line,) = scored(tmp_path, {"sam/a/1.jpg": DOG}, "--vectors", str(model))
    assert line["pancapscore"] == 4.1
    assert f"by vectors of {model}" in output


def test_mistakes_are_sentences(tmp_path: Path) -> None:
    bad = write(tmp_path / "bad.json", "caption", {"sam/a/1.jpg": DOG})
    for arguments, words in (
        (["score", "pancapscor", bad, bad], "no metric 'pancapscor'. Did you mean 'pancapscore'?"),
        (["score", "pancapscore", bad, bad], "[0] has no 'gt_response'."),
        (["score", "pancapscore", bad, bad, "--language-model", "xx"], "spaCy model xx is not"),
    ):
        done = CliRunner().invoke(app, arguments)
        assert done.exit_code == 2
        assert words in done.output
