"""``annoengine score``: the embedded PancapScore of two lists, as a person calls it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

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


def scored(folder: Path, told: dict[str, str], *more: str) -> tuple[str, list[dict[str, Any]]]:
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
    assert line.pop("arithmetic") == "section 3.2"
    assert line == {"image_path": "sam/a/1.jpg", **dict.fromkeys(SIX, 0), "missing": True}
    assert "1 images have no prediction and score 0" in output
    assert "1 predictions are of images without a reference: not scored" in output


def test_tags_may_be_alike_by_vectors(tmp_path: Path) -> None:
    model = save_tiny_clip(tmp_path / "clip")
    output, (line,) = scored(tmp_path, {"sam/a/1.jpg": DOG}, "--vectors", str(model))
    assert line["pancapscore"] == 4.1
    assert f"by vectors of {model}" in output


def test_as_published_says_so_and_counts_halves(tmp_path: Path) -> None:
    output, (line,) = scored(tmp_path, {"sam/a/1.jpg": HALF}, "--as-published")
    assert line["arithmetic"] == "as published"
    assert "arithmetic: as published: half a point for each right answer" in output
    assert "by WordNet sha256" in output
    assert "  - A dimension that the reference does not speak of is 0." in output
    # As by the paper: one of two tags, both boxes of it, and the global state.
    assert line["tag"] == pytest.approx(2 / 3, abs=1e-6)
    paper, (by_paper,) = scored(tmp_path, {"sam/a/1.jpg": HALF})
    assert by_paper["arithmetic"] == "section 3.2"
    assert "arithmetic: section 3.2: an item counts if both answers are right" in paper
    # Of the dog "is brown" is answered (Yes, No) both ways, "is sleeping" (No, No); that of the
    # ball is not asked. Paper: R 1/2, P 1/2. Published: R 1/2, P (1 + 0.5)/2: 2 · 0.375/1.25.
    assert by_paper["attribute"] == 0.5
    assert line["attribute"] == pytest.approx(0.6)


def test_without_wordnet_published_arithmetic_is_refused_in_a_sentence(tmp_path: Path) -> None:
    ref = write(tmp_path / "ref.json", "gt_response", {"sam/a/1.jpg": DOG})
    options = ["--as-published", "--wordnet", "nowhere"]
    done = CliRunner().invoke(app, ["score", "pancapscore", ref, ref, *options])
    assert done.exit_code == 2
    assert done.output == (
        "annoengine: WordNet in 'nowhere', whose synonyms tags are matched by as published, is not "
        "installed; install it: apt-get install wordnet-base (or: python -m nltk.downloader "
        "wordnet, then unzip it)\n"
    )


def test_files_in_between_are_written_and_read_again(tmp_path: Path) -> None:
    folder, out = tmp_path / "between", tmp_path / "again.jsonl"
    _, (line,) = scored(tmp_path, {"sam/a/1.jpg": HALF}, "--write", str(folder))
    assert len(list(folder.iterdir())) == 8
    again = ["score", "pancapscore", "--from", str(folder), "--json", str(out)]
    done = CliRunner().invoke(app, again)
    assert done.exit_code == 0, done.output
    assert json.loads(out.read_text()) == line
    assert f"content read from {folder}" in done.output
    # Lists of content in the place of captions: rules answer anew, and the same.
    lists = [str(folder / name) for name in ("pred_content.json", "gt_content.json")]
    done = CliRunner().invoke(app, ["score", "pancapscore", *lists, "--json", str(out)])
    assert json.loads(out.read_text()) == line
    done = CliRunner().invoke(app, ["score", "pancapscore", *lists, "--from", str(folder)])
    assert (done.exit_code, "give either PRED and REF" in done.output) == (2, True)


def test_mistakes_are_sentences(tmp_path: Path) -> None:
    bad = write(tmp_path / "bad.json", "caption", {"sam/a/1.jpg": DOG})
    ref = write(tmp_path / "ref.json", "gt_response", {"sam/a/1.jpg": DOG})
    for arguments, words in (
        (["score", "pancapscor", bad, bad], "no metric 'pancapscor'. Did you mean 'pancapscore'?"),
        (["score", "pancapscore", bad, bad], "[0] has no 'gt_response'."),
        (["score", "pancapscore", ref, ref, "--language-model", "xx"], "spaCy model xx is not"),
    ):
        done = CliRunner().invoke(app, arguments)
        assert done.exit_code == 2
        assert words in done.output
