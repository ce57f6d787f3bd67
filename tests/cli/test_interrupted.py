"""Ctrl-C: every command says what is true of what it leaves behind, and exits with 130."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import signal
from pathlib import Path

import pytest
from PIL import Image

from annoengine.cli import app
from tests.cli.process import annoengine, data_options, interrupted, waiting_run
from tests.scenes import make_dataset
from tests.validators.broken import described, infos

GOES_ON = "the same command goes on from here"
AS_IT_WAS = "the dataset is as it was; the same command checks all of it again"
COMMANDS = {
    "run": ("pix2cap.yaml", ["run", "pix2cap"], GOES_ON),
    "plan": ("pix2cap.yaml", ["plan", "pix2cap"], "nothing was sent or changed"),
    "status": ("recipe.yaml", ["status", "run"], "nothing was changed"),
    "calls": (
        "00000.jsonl",
        ["calls", "run"],
        "the run is as it was; what was exported so far stays",
    ),
    "retry": (
        "recipe.yaml",
        ["retry", "run"],
        "`annoengine run run/recipe.yaml -w run --limit 2` goes on from here",
    ),
    "export": (
        ".part",
        ["export", "run"],
        "datasets that are written whole are kept; the same command writes all of them again",
    ),
    "render-som": (
        "000000000002.marked.png",
        ["render-som", "data/images", "-o", "drawn", "--boxes", "boxes.json"],
        "the pictures drawn so far are kept; the same command draws all of them again",
    ),
    "sweep": (
        "recipe.yaml",
        ["sweep", "run"],
        "the run is as it was; a plot is whole or not written",
    ),
    "stats": (
        "recipe.yaml",
        ["stats", "run", "--no-pos"],
        "the datasets are as they were; the same command counts all of them again",
    ),
    "compare": (
        "recipe.yaml",
        ["compare", "run", "run", "--no-pos"],
        "both runs are as they were; the same command compares all of them again",
    ),
    "score": (
        "data/panoptic_val2017.json",
        ["score", "pancapscore", "data/panoptic_val2017.json", "boxes.json"],
        "the captions are as they were; the same command scores all of them again",
    ),
    "show": (
        "recipe.yaml",
        ["show", "run", "1"],
        "the run is as it was; a picture is whole or not written",
    ),
    "doctor": ("pix2cap.yaml", ["doctor"], "nothing was sent or changed"),
    "validate": (
        "000000000002.png",
        ["validate", "data", "--report", "report.json"],
        AS_IT_WAS,
    ),
    "bench": (
        "config.json",
        ["bench", "llama/model"],
        "nothing was written; the same command measures anew",
    ),
}
BOXES = [
    {"image": f"{number:012d}.jpg", "boxes": [{"box_xyxy": [5, 5, 40, 40], "category": "dog"}]}
    for number in (1, 2, 3)
]


def files(folder: Path) -> dict[str, bytes]:
    """Every file below a folder."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A dataset, its boxes, a finished run of two images, and room for temporary files."""
    make_dataset(tmp_path / "data", 3, seed=3)
    (tmp_path / "boxes.json").write_text(json.dumps(BOXES))
    (tmp_path / "model").mkdir()
    (tmp_path / "model/config.json").write_text("{}")
    options = [*data_options(tmp_path / "data"), "-w", "run", "--limit", "2"]
    done = annoengine("run", "pix2cap", *options, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    (tmp_path / "temporary").mkdir()
    return tmp_path


def test_all_commands_are_here() -> None:
    assert {command.name for command in app.registered_commands} == set(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_says_what_is_left(name: str, place: Path) -> None:
    ending, arguments, left = COMMANDS[name]
    before = files(place)
    done = interrupted(ending, *arguments, cwd=place, env={"TMPDIR": str(place / "temporary")})
    assert done.stderr == f"annoengine: interrupted; {left}\n"
    assert done.returncode == 130
    after = files(place)
    drawn = {file for file in after if file.startswith("drawn/")}
    assert drawn == ({"drawn/000000000001.marked.png"} if name == "render-som" else set())
    assert {file: data for file, data in after.items() if file not in drawn} == before
    assert list((place / "temporary").iterdir()) == []


def test_pictures_that_were_drawn_are_whole(place: Path) -> None:
    ending, arguments, _ = COMMANDS["render-som"]
    interrupted(ending, *arguments, cwd=place)
    first = (place / "drawn/000000000001.marked.png").read_bytes()
    done = annoengine(*arguments, cwd=place)
    assert done.returncode == 0, done.stderr
    assert (place / "drawn/000000000001.marked.png").read_bytes() == first
    assert len(files(place / "drawn")) == 3
    Image.open(place / "drawn/000000000002.marked.png").verify()


def test_a_report_is_whole_or_not_there(place: Path) -> None:
    command = ["validate", "data", "--report", "report.json"]
    done = interrupted(".report.json.part", *command, cwd=place)
    assert done.stderr == f"annoengine: interrupted; {AS_IT_WAS}\n"
    assert [path.name for path in place.iterdir() if "report" in path.name] == []


def broken_pair(folder: Path) -> Path:
    """A folder with two panoptic files, in each of which every first area is wrong."""
    for number in (1, 2):
        tiny = described(folder / f"set-{number}", 2)
        for info in infos(tiny)[::3]:
            info["area"] = 99
        tiny.write()
        masks = folder / "both" / f"panoptic_{number}"
        shutil.copytree(tiny.masks, masks)
        for png in masks.iterdir():
            png.rename(png.with_name(f"{number}-{png.name}"))
        for annotation in tiny.data["annotations"]:
            annotation["file_name"] = f"{number}-{annotation['file_name']}"
        (folder / "both" / f"panoptic_{number}.json").write_text(json.dumps(tiny.data))
    return folder / "both"


def test_a_mended_dataset_that_is_not_whole_is_named(tmp_path: Path) -> None:
    both = broken_pair(tmp_path)
    before = files(both)
    command = ["validate", "both", "--fix", "--output", "mended"]
    done = interrupted("2-0002.png", *command, cwd=tmp_path)
    assert done.returncode == 130
    assert done.stderr == (
        "annoengine: interrupted; mended is not whole: delete it before the same command is "
        "given again\n"
    )
    assert list(files(tmp_path / "mended")) == ["panoptic_1.json"]
    assert files(both) == before
    assert "is there and not empty" in annoengine(*command, cwd=tmp_path).stderr
    shutil.rmtree(tmp_path / "mended")
    assert annoengine(*command, cwd=tmp_path).returncode == 0
    assert len(files(tmp_path / "mended")) == 6


def test_nobody_is_told_to_delete_what_the_command_did_not_write(tmp_path: Path) -> None:
    """The folder that was named by mistake is full; the signal comes before that is noticed."""
    broken_pair(tmp_path)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/notes.txt").write_text("keep")
    command = ["validate", "both", "--fix", "--output", "mine"]
    done = interrupted("panoptic_1.json", *command, cwd=tmp_path)
    assert done.returncode == 130
    assert done.stderr == f"annoengine: interrupted; {AS_IT_WAS}\n"
    assert list(files(tmp_path / "mine")) == ["notes.txt"]


def test_a_mended_dataset_that_is_whole_is_said_to_be(tmp_path: Path) -> None:
    broken_pair(tmp_path)
    command = ["validate", "both", "--fix", "--output", "mended", "--report", "report.json"]
    done = interrupted(".report.json.part", *command, cwd=tmp_path)
    assert done.returncode == 130
    assert done.stderr == "annoengine: interrupted; mended is whole\n"
    assert len(files(tmp_path / "mended")) == 6


def test_mending_in_place_goes_on(tmp_path: Path) -> None:
    both = broken_pair(tmp_path)
    before = files(both)
    command = ["validate", "both", "--fix", "--in-place"]
    done = interrupted("2-0002.png", *command, cwd=tmp_path)
    assert done.returncode == 130
    assert done.stderr == (
        "annoengine: interrupted; each file is either mended, the old one beside it as FILE.old, "
        "or as it was; the same command mends the rest\n"
    )
    after = files(both)
    assert after.keys() - before.keys() == {"panoptic_1.json.old"}
    assert after["panoptic_1.json.old"] == before["panoptic_1.json"]
    assert after["panoptic_2.json"] == before["panoptic_2.json"]
    assert annoengine(*command, cwd=tmp_path).returncode == 0
    assert annoengine("validate", "both", cwd=tmp_path).stdout.splitlines()[-1].startswith("clean")


def test_after_a_retry_the_named_command_goes_on(tmp_path: Path) -> None:
    """The records no longer count as failed, so that the same command would find none."""
    data = make_dataset(tmp_path / "data", 4, seed=3)
    photo = data / "images/000000000002.jpg"
    whole = photo.read_bytes()
    photo.write_bytes(whole[: len(whole) // 2])
    options = [*data_options(data), "-w", "run", "--limit", "3", "--set", "run.workers=0"]
    done = annoengine("run", "pix2cap", *options, cwd=tmp_path)
    assert "1 records failed" in done.stdout, done.stderr
    photo.write_bytes(whole)
    done = interrupted("000000000002.jpg", "retry", "run", cwd=tmp_path)
    assert done.returncode == 130, done.stderr
    named = re.fullmatch(
        r"annoengine: interrupted; nothing is lost, `(.*)` goes on from here\n", done.stderr
    )
    assert named is not None, done.stderr
    assert "nothing to retry" in annoengine("retry", "run", cwd=tmp_path).stdout
    program, *arguments = shlex.split(named[1])
    assert program == "annoengine"
    done = annoengine(*arguments, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    told = json.loads(annoengine("status", "run", "--json", cwd=tmp_path).stdout)
    assert told["stages"][2]["given"] == 3


def test_a_run_waits_for_its_calls_and_goes_on(tmp_path: Path) -> None:
    data = make_dataset(tmp_path / "data", 5, seed=3)
    with waiting_run(data, calls=5, latency_s=3.0, cwd=tmp_path) as run:
        run.process.send_signal(signal.SIGINT)
        output, errors = run.process.communicate(timeout=60)
        assert run.process.returncode == 130, errors
        assert "calls in flight finish first" in output
        assert errors == f"annoengine: interrupted; nothing is lost, {GOES_ON}\n"
        # The five answers in flight came and were kept.
        assert run.server.counts()["answered"] == 5
        assert annoengine(*run.command, cwd=tmp_path).returncode == 0
        assert run.server.counts()["received"] == 5


def test_a_second_ctrl_c_ends_a_run_at_once(tmp_path: Path) -> None:
    data = make_dataset(tmp_path / "data", 2, seed=3)
    with waiting_run(data, calls=2, latency_s=600, cwd=tmp_path) as run:
        run.process.send_signal(signal.SIGINT)
        assert run.process.stdout is not None
        assert "calls in flight finish first" in run.process.stdout.readline()
        run.process.send_signal(signal.SIGINT)
        _, errors = run.process.communicate(timeout=60)
        assert errors == f"annoengine: interrupted; {GOES_ON}\n"
        assert run.process.returncode == 130
        assert run.server.counts()["answered"] == 0
