"""``annoengine show``: one record with its captions, verdicts and marks, at any point of a run."""

from __future__ import annotations

import io
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest
from PIL import Image
from rich.console import Console
from typer.testing import CliRunner, Result

from annoengine.cli import app
from annoengine.record import Record, Verdict
from annoengine.shard import read_dropped_captions, read_set_aside
from annoengine.show import terminal
from annoengine.show.find import find_record
from annoengine.show.page import Run, wrapped
from annoengine.show.picture import draw_record
from annoengine.show.words import pieces
from annoengine.storage import LocalFolder
from tests.cli.judged import judged_run, records_of
from tests.cli.process import environment
from tests.scenes import make_dataset


def show(*arguments: str, code: int = 0) -> str:
    """The command's output, and what it says on the side where it fails."""
    result: Result = CliRunner().invoke(app, ["show", *arguments], catch_exceptions=False)
    assert result.exit_code == code, result.output
    return result.output


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("show")
    data = make_dataset(folder / "data", 8, seed=3)
    (data / "images/000000000008.jpg").write_bytes(b"no picture")
    return judged_run(folder / "run", data, run={"shard_size": 3, "workers": 0, "failures": {}})


@pytest.fixture
def judged(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the run in an empty working folder."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(made, tmp_path / "run")
    return Path("run")


def kept(root: Path) -> Record:
    """A record that lost a caption and went on."""
    return next(r for r in records_of(root, "04-keep") if r.gaps and r.verdicts)


def test_everything_that_is_said_of_a_record_is_shown(judged: Path) -> None:
    record = kept(judged)
    shown = show("run", record.id)
    head, *_ = shown.splitlines()
    assert head == f"{record.id}   {record.photo.file}, 96 × 72"
    assert "after the stage keep, shard " in shown
    parts = re.split(r"\n\n(?=■|between)", shown)
    numbers = [part.split()[1] for part in parts[1:] if part.startswith("■")]
    assert numbers == [str(mark.number) for mark in sorted(record.marks, key=lambda m: m.number)]
    for part, mark in zip(parts[1:], sorted(record.marks, key=lambda m: m.number), strict=False):
        segment = record.segment(mark.segment)
        title = f"■ {mark.number} {segment.category.name}, segment {segment.id}"
        lines = [line.strip() for line in part.splitlines()]
        assert lines[0] == title
        caption = record.caption_of(segment.id)
        if caption is not None:
            assert caption.text in lines
            origin = caption.origin
            by = f"by annotate: {origin.model}, prompt {origin.prompt}, call {origin.call[:12]}, "
            assert f"{by}turn objects" in lines
        scores = {s.name: s.value for s in record.scores if s.segment == segment.id}
        told = ", ".join(f"{name} {value:g}" for name, value in scores.items())
        assert f"scores: {told}" in lines
        found = [v for v in record.verdicts if v.segment == segment.id]
        tested = [line for line in lines if " word: " in line]
        if caption is not None:
            assert len(tested) == len(found)
        for verdict in found:
            (line,) = (one for one in tested if f"{verdict.says}  " in one)
            assert line.split()[1] == verdict.truth.split()[0]
            assert line.endswith(verdict.evidence)
    for relation in record.relations:
        assert relation.text in shown


def test_a_dropped_caption_is_shown_with_its_reason_and_its_verdicts(judged: Path) -> None:
    record = kept(judged)
    shards = (f"{n:05d}" for n in range(3))
    aside = [
        one
        for shard in shards
        for one in read_dropped_captions(LocalFolder(judged), "04-keep", shard)
        if one.id == record.id
    ]
    shown = show("run", record.id)
    assert aside
    for one in aside:
        assert f"dropped at keep: {one.reason}\n    {one.caption.text}\n" in shown
        before = next(r for r in records_of(judged, "03-judges") if r.id == record.id)
        for verdict in before.verdicts:
            if verdict.segment == one.caption.segment:
                assert verdict.evidence in shown
    earlier = show("run", record.id, "--stage", "judges")
    assert "dropped at keep" not in earlier
    assert all(one.caption.text in earlier for one in aside)
    assert "facts.contradicted" not in show("run", record.id, "--stage", "annotate")


@pytest.mark.parametrize(
    "name", ["coco/val/2", "val/2", "2", "000000000002.jpg", "000000000002", "x/000000000002.jpg"]
)
def test_a_record_has_several_names(judged: Path, name: str) -> None:
    assert show("run", name).startswith("coco/val/2   000000000002.jpg, 96 × 72\n")


def test_what_was_dropped_or_failed_is_shown_with_its_reason(judged: Path) -> None:
    (dropped, *_) = read_set_aside(LocalFolder(judged), "04-keep", "00000", "dropped")
    shown = show("run", dropped.id)
    assert f"dropped at the stage keep, shard 0: {dropped.reason} ({dropped.detail})" in shown
    assert "below: as it came into that stage" in shown
    record = Record.model_validate(dropped.record)
    assert record.captions
    assert all(caption.text in shown for caption in record.captions)
    failed = show("run", "8")
    assert failed.startswith("coco/val/8\nfailed at the stage source, shard 2: image (")
    assert "did not come to 'keep': source set it aside" in show(
        "run", "8", "--stage", "keep", code=2
    )


def test_a_record_is_shown_wherever_it_has_got_to(judged: Path) -> None:
    id = kept(judged).id
    shown = show("run", id)
    for path in judged.glob("04-keep/*"):
        path.unlink()
    before = show("run", id)
    assert "after the stage judges" in before
    assert "the stage keep has not run for it yet" in before
    assert "'keep' has not run for coco/val/" in show("run", id, "--stage", "keep", code=2)
    assert before != shown
    for stage in ("03-judges", "02-annotate"):
        shutil.rmtree(judged / stage)
    marked = show("run", id)
    assert "after the stage mark" in marked
    assert "no caption yet" in marked
    shutil.rmtree(judged / "01-mark")
    assert "after the stage source" in show("run", id)
    shutil.rmtree(judged / "00-source")
    assert "run has no record yet: its source was not read" in show("run", id, code=2)


def test_a_step_of_an_older_recipe_is_called_so(judged: Path) -> None:
    id = kept(judged).id
    assert "older recipe" not in show("run", id)
    recipe = judged / "recipe.yaml"
    recipe.write_text(recipe.read_text().replace("kept_share >= 0.5", "kept_share >= 0.6"))
    assert "this step is of an older recipe or input" in show("run", id)
    assert "older recipe" not in show("run", id, "--stage", "judges")


def colours(shown: str) -> list[tuple[str, str]]:
    """The words that are in colour, with their codes."""
    return re.findall(r"\x1b\[([\d;]+)m([^\x1b]+)\x1b\[0m", shown)


def test_words_are_in_the_colour_of_their_verdict(
    judged: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = next(r for r in records_of(judged, "03-judges") if len(r.verdicts) > 2)
    output = io.StringIO()
    monkeypatch.setattr(
        terminal,
        "Console",
        lambda **_: Console(file=output, force_terminal=True, width=200, highlight=False),
    )
    monkeypatch.delenv("NO_COLOR", raising=False)
    terminal.print_record(find_record(judged, record.id, "judges"))
    told = colours(output.getvalue())
    codes = {"supported": "32", "contradicted": "1;4;31", "cannot tell": "90"}
    for verdict in record.verdicts:
        caption = record.caption_of(verdict.segment or 0)
        assert caption is not None
        assert (codes[verdict.truth], caption.text[verdict.start : verdict.end]) in told
    # Untested words have no colour.
    red = {words for code, words in told if code == "1;4;31"}
    assert red <= {"red", "green"}


def verdict(start: int, end: int, truth: Any) -> Verdict:
    return Verdict(kind="k", says="s", start=start, end=end, truth=truth, by="t")


def test_a_contradiction_does_not_hide_under_other_verdicts() -> None:
    text = "the small red cap"
    found = pieces(
        text,
        [
            verdict(4, 17, "supported"),
            verdict(10, 13, "contradicted"),
            verdict(0, 17, "cannot tell"),
            verdict(14, 99, "supported"),
        ],
    )
    assert found == [
        ("the ", "cannot tell"),
        ("small ", "supported"),
        ("red", "contradicted"),
        (" cap", "supported"),
    ]
    assert pieces("", [verdict(0, 3, "supported")]) == []


def test_a_caption_cannot_steer_the_terminal(judged: Path) -> None:
    record = kept(judged)
    caption = record.captions[0]
    for path in (judged / "04-keep").glob("*[0-9].jsonl"):
        text = orjson.dumps(caption.text)
        evil = orjson.dumps("\x1b[2Jwiped\x07 [bold]not bold[/bold]")
        path.write_bytes(path.read_bytes().replace(text, evil))
    shown = show("run", record.id)
    assert "\\x1b[2Jwiped\\x07 [bold]not bold[/bold]" in shown
    assert not set(shown) & {"\x1b", "\x07"}


def test_the_picture_holds_the_drawing_as_it_was_sent(judged: Path) -> None:
    record = kept(judged)
    before = {p: p.read_bytes() for p in judged.rglob("*") if p.is_file()}
    assert show("run", record.id, "--png", "out/a.png").endswith("picture: out/a.png\n")
    assert {p: p.read_bytes() for p in judged.rglob("*") if p.is_file()} == before
    with Image.open("out/a.png") as drawn:
        page = np.asarray(drawn.convert("RGB")).astype(int)
    image = record.drawings[0].image
    (tar,) = (p for p in judged.glob("01-mark/*.tar") if image.file.encode() in p.read_bytes())
    shutil.unpack_archive(tar, "tar")
    with Image.open(Path("tar") / image.file) as sent:
        high = round(900 * sent.height / sent.width)
        wanted = np.asarray(sent.convert("RGB").resize((900, high), Image.Resampling.LANCZOS))
    assert (page[28 : 28 + high, 28:928] == wanted).all()
    column = page[:, 956:]
    # Words in red stand beside it if and only if something was contradicted.
    red = (np.abs(column - (200, 29, 37)).max(axis=2) < 8).any()
    left = {v.truth for v in find_verdicts(judged, record.id)}
    assert red == ("contradicted" in left)
    assert (column.min(axis=2) < 90).any()


def find_verdicts(root: Path, id: str) -> list[Verdict]:
    found = find_record(root, id)
    assert found.record is not None
    return [*found.record.verdicts, *(v for one in found.lost for v in one.verdicts)]


def test_a_picture_that_was_not_kept_is_drawn_again_or_its_absence_explained(judged: Path) -> None:
    id = kept(judged).id
    first = draw_record(find_record(judged, id))
    for tar in judged.glob("01-mark/*.tar"):
        tar.unlink()
    assert draw_record(find_record(judged, id)) == first
    recipe = judged / "recipe.yaml"
    recipe.write_text(re.sub(r"images: /.*", "images: /gone", recipe.read_text()))
    absent = draw_record(find_record(judged, id))
    with Image.open(io.BytesIO(absent)) as page:
        assert page.convert("RGB").getpixel((40, 40)) == (0xEC, 0xEE, 0xF0)
    # What the source could not open has no picture, and that is said.
    assert draw_record(find_record(judged, "8"))


def test_words_are_wrapped_to_the_column() -> None:
    text = "a caption of some length that does not fit into one line of the column at all"
    rows = wrapped([Run(text[:30]), Run(text[30:], "#ff0000", True)], 20, 200)
    assert " ".join("".join(run.text for run in row).strip() for row in rows) == text
    assert len(rows) > 3
    assert {run.colour for row in rows for run in row} == {Run("").colour, "#ff0000"}
    (first, second, *_) = wrapped([Run("x" * 80)], 20, 200)
    assert len(first[0].text) > 10
    assert second
    assert wrapped([Run("")], 20, 200) == [[]]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["rum", "1"], "there is no run 'rum'."),
        (["run", "17"], "run has no record '17'. The nearest are 'coco/val/"),
        (["run", "coco/vla/3"], "run has no record 'coco/vla/3'. The nearest are 'coco/val/3', "),
        (["run", "00000000004.jpg"], "The nearest are 'coco/val/4', "),
        (["run", "1", "--stage", "kep"], "run has no stage 'kep'. Did you mean 'keep'?"),
        (["run", "1", "--png", "a.jpg"], "--png a.jpg: only a .png file can be written"),
        (["run", "1", "--png", "/proc/a.png"], "cannot write /proc"),
    ],
)
def test_a_mistake_is_a_sentence(judged: Path, arguments: list[str], sentence: str) -> None:
    told = show(*arguments, code=2)
    assert sentence in told
    assert told.startswith("annoengine: ")


def test_a_name_that_fits_several_records_is_refused(judged: Path) -> None:
    path = judged / "00-source/00001.jsonl"
    path.write_bytes(path.read_bytes() + path.read_bytes().replace(b"coco/val/", b"coco/train/"))
    told = show("run", "4", code=2)
    assert "'4' fits 2 records: coco/val/4, coco/train/4; give the whole id" in told
    assert show("run", "coco/val/4").startswith("coco/val/4 ")


def test_a_reader_that_closes_the_pipe_ends_it_quietly(judged: Path) -> None:
    done = subprocess.run(
        f"{sys.executable} -m annoengine show run 1 --png a.png | head -1",
        shell=True,
        env={**environment(), "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.startswith("coco/val/1 ")
    assert done.stderr == ""
    assert Path("a.png").is_file()
