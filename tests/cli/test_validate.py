"""``annoengine validate``: its summary, its JSON, its exit codes, its mending."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from annoengine.cli import app
from annoengine.fingerprint import sha256_of_file
from tests.tiny_coco import TinyCoco
from tests.validators.broken import boxes, described, infos, polygon, rle
from tests.validators.pancap_files import write_tar


def run(*arguments: object) -> Result:
    return CliRunner().invoke(
        app, ["validate", *map(str, arguments)], catch_exceptions=False, env={"COLUMNS": "100"}
    )


@pytest.fixture
def broken(tmp_path: Path) -> TinyCoco:
    """Six images with faults of all three severities."""
    tiny = described(tmp_path / "set", 6)
    for row in infos(tiny)[::3]:
        row["area"] = 99
    infos(tiny)[1]["description"] = "ox"
    infos(tiny)[2]["description"] = ""
    (tiny.masks / "0006.png").unlink()
    tiny.write()
    return tiny


SUMMARY = """\
{path} (panoptic): 6 images, 18 segments, 5 PNGs ({masks})
  error           1  mask-missing: panoptic PNGs that are not there
                     image 6 (0006.jpg): there is no panoptic mask '0006.png' in its folder
  error           5  area-differs: areas that are not the pixels' [fixable]
                     image 1 (0001.jpg), segment 7: the area is 99, its pixels are 12
                     image 2 (0002.jpg), segment 7: the area is 99, its pixels are 12
                     image 3 (0003.jpg), segment 7: the area is 99, its pixels are 12
                     … and 2 more
  warning         1  description-short: descriptions that are too short
                     image 1 (0001.jpg), segment 300: 'ox' has 2 of at least 3 characters
  note            1  crowd-undescribed: crowds with an empty description
                     image 1 (0001.jpg), segment 70000: the crowd's description is empty
  5 of 6 images survive Pix2Cap-COCO's training loader, which leaves out every image with a \
description of under 3 characters
  16.7% of the pixels are void
not clean: 6 errors, 1 warning, 1 note
5 of them can be mended: --fix --output FOLDER
"""


def test_the_summary(broken: TinyCoco) -> None:
    result = run(broken.json)
    assert result.exit_code == 1
    assert result.stdout == SUMMARY.format(path=broken.json, masks=broken.masks)
    assert result.stderr == ""


def test_all_findings_in_the_order_of_the_file(broken: TinyCoco) -> None:
    result = run(broken.json, "--all")
    assert result.exit_code == 1
    head, _, tail = result.stdout.partition("all findings:\n")
    assert "image 1" not in head
    lines = tail.splitlines()
    assert lines[:3] == [
        f"  {severity} {code} panoptic_val2017.json: image 1 (0001.jpg), segment {words}"
        for severity, code, words in (
            ("error", "area-differs", "7: the area is 99, its pixels are 12"),
            ("warning", "description-short", "300: 'ox' has 2 of at least 3 characters"),
            ("note", "crowd-undescribed", "70000: the crowd's description is empty"),
        )
    ]
    assert lines[8] == "not clean: 6 errors, 1 warning, 1 note"


def test_json_is_one_object_and_nothing_else(broken: TinyCoco, tmp_path: Path) -> None:
    result = run(broken.json, "--json", "--report", tmp_path / "reports" / "report.json")
    assert result.exit_code == 1
    told: dict[str, Any] = json.loads(result.stdout)
    assert (tmp_path / "reports" / "report.json").read_text() == result.stdout
    assert {key: told[key] for key in ("clean", "errors", "warnings", "notes", "fixable")} == {
        "clean": False,
        "errors": 6,
        "warnings": 1,
        "notes": 1,
        "fixable": 5,
    }
    (dataset,) = told["datasets"]
    assert dataset["kind"] == "panoptic"
    assert dataset["codes"] == {
        "mask-missing": 1,
        "area-differs": 5,
        "description-short": 1,
        "crowd-undescribed": 1,
    }
    assert dataset["checked"]["segments"] == 18
    assert len(told["findings"]) == 8
    assert told["findings"][0] == {
        "code": "area-differs",
        "severity": "error",
        "file": "panoptic_val2017.json",
        "image": {"id": 1, "file_name": "0001.jpg"},
        "segment": 7,
        "message": "the area is 99, its pixels are 12",
        "fixable": True,
    }


def test_a_clean_dataset(tmp_path: Path) -> None:
    tiny = described(tmp_path)
    result = run(tiny.json, "--images", tiny.images, "--strict")
    assert result.exit_code == 0
    assert result.stdout.splitlines()[-1] == "clean: 0 errors, 0 warnings, 0 notes"
    assert json.loads(run(tiny.json, "--json").stdout)["findings"] == []


def test_warnings_count_if_asked(tmp_path: Path) -> None:
    tiny = described(tmp_path)
    infos(tiny)[0]["description"] = "ox"
    tiny.write()
    assert run(tiny.json).exit_code == 0
    assert run(tiny.json, "--strict").exit_code == 1
    assert run(tiny.json, "--strict", "--min-caption-chars", 2).exit_code == 0
    notes = described(tmp_path / "notes")
    infos(notes)[2]["description"] = ""
    notes.write()
    assert run(notes.json, "--strict").exit_code == 0


def test_a_folder_with_several_files(tmp_path: Path) -> None:
    tiny = described(tmp_path)
    folder = tiny.json.parent
    boxes(folder / "instances_val2017.json", [polygon(), rle(area=7)])
    (folder / "captions_val2017.json").write_text('{"annotations": [{"caption": "A man."}]}')
    (folder / "torn.json").write_text('{"annotations": [')
    (folder / "list.json").write_text("[1, 2]")
    result = run(folder)
    assert result.exit_code == 1
    for line in (
        "  error           1  not-json: files with the ending .json that are no JSON object",
        f"{folder}/instances_val2017.json (instances): 1 images, 2 annotations",
        "  error           1  area-differs: areas that are not the pixels' [fixable]",
        "                     image 1 (1.jpg), annotation 6: the area is 7, its pixels are 6",
        f"{tiny.json} (panoptic): 1 images, 3 segments, 1 PNGs ({tiny.masks})",
        f"not checked: {folder}/captions_val2017.json (of no known kind)",
        f"not checked: {folder}/list.json (of no known kind)",
        "not clean: 2 errors, 0 warnings, 0 notes",
    ):
        assert line in result.stdout.splitlines(), result.stdout
    assert "the file ends in the middle; get it again whole" in result.stdout
    only = run(folder, "--kind", "panoptic", "--json")
    assert [d["kind"] for d in json.loads(only.stdout)["datasets"]] == ["", "panoptic"]


def test_fix_into_a_new_folder(broken: TinyCoco, tmp_path: Path) -> None:
    before = {p: sha256_of_file(p) for p in sorted(broken.root.rglob("*")) if p.is_file()}
    new = tmp_path / "new"
    result = run(broken.json, "--fix", "--output", new)
    assert result.exit_code == 1, "the missing PNG cannot be mended"
    assert result.stdout.splitlines()[-2:] == [
        f"  written: {new / 'panoptic_val2017.json'}",
        "not clean: 1 error, 1 warning, 1 note are left; mended 5",
    ]
    assert "  error           5  area-differs: areas that are not the pixels' [mended]" in (
        result.stdout.splitlines()
    )
    assert {p: sha256_of_file(p) for p in sorted(broken.root.rglob("*")) if p.is_file()} == before
    assert [p.name for p in new.iterdir()] == ["panoptic_val2017.json"]
    again = json.loads(run(new, "--masks", broken.masks, "--json").stdout)
    assert again["datasets"][0]["codes"] == {
        "mask-missing": 1,
        "description-short": 1,
        "crowd-undescribed": 1,
    }


def test_fix_of_a_folder_brings_the_rest_along(broken: TinyCoco, tmp_path: Path) -> None:
    folder = broken.json.parent
    (folder / "gaps_val2017.jsonl").write_text("")
    new = tmp_path / "deep" / "new"
    assert run(folder, "--fix", "-o", new).exit_code == 1
    names = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}
    assert {p.relative_to(new).as_posix() for p in new.rglob("*") if p.is_file()} == names
    mask = Path("panoptic_val2017/0001.png")
    assert (new / mask).read_bytes() == (folder / mask).read_bytes()
    again = json.loads(run(new, "--json").stdout)
    assert set(again["datasets"][0]["codes"]) == {
        "mask-missing",
        "description-short",
        "crowd-undescribed",
    }


def test_fix_in_place_keeps_the_old_file(broken: TinyCoco) -> None:
    old = broken.json.read_bytes()
    assert run(broken.json, "--fix", "--in-place").exit_code == 1
    kept = broken.json.with_name("panoptic_val2017.json.old")
    assert kept.read_bytes() == old
    assert broken.json.read_bytes() != old
    # Nothing is left to mend: neither the file nor the kept one is touched.
    mended = broken.json.read_bytes()
    run(broken.json, "--fix", "--in-place")
    assert (broken.json.read_bytes(), kept.read_bytes()) == (mended, old)
    infos(broken)[0]["area"] = 5
    broken.write()
    run(broken.json, "--fix", "--in-place")
    assert kept.read_bytes() == old
    assert sorted(p.name for p in broken.json.parent.iterdir()) == [
        "panoptic_val2017",
        "panoptic_val2017.json",
        "panoptic_val2017.json.old",
        "panoptic_val2017.json.old2",
    ]


def test_all_mended_is_clean(tmp_path: Path) -> None:
    tiny = described(tmp_path / "set")
    infos(tiny)[0]["area"] = 5
    tiny.write()
    result = run(tiny.json, "--fix", "--output", tmp_path / "new")
    assert result.exit_code == 0
    assert result.stdout.splitlines()[-1] == (
        "clean: 0 errors, 0 warnings, 0 notes are left; mended 1"
    )
    tiny.write()
    told = json.loads(run(tiny.json, "--fix", "--in-place", "--json").stdout)
    assert [told[key] for key in ("clean", "errors", "fixable", "mended")] == [True, 0, 0, 1]


MISTAKES = [
    (["nowhere.json"], "there is no nowhere.json; give a dataset's file or folder"),
    (["set.json", "--kind", "panoptik"], "no validator called 'panoptik'. Did you mean 'panoptic'"),
    (["set.json", "--masks", "nowhere"], "--masks nowhere does not exist; name the folder with"),
    (["set.json", "--images", "set.json"], "--images set.json is no folder; name the folder with"),
    (["set.json", "--output", "new"], "--output goes with --fix; nothing is written without it"),
    (["set.json", "--drop"], "--drop goes with --fix; nothing is written without it"),
    (["set.json", "--fix"], "--fix needs either --output FOLDER, for a new dataset, or --in-place"),
    (["set.json", "--fix", "--in-place", "-o", "new"], "--fix needs either --output FOLDER"),
    (["set.json", "--fix", "-o", "full"], "--output full is there and not empty; name a new"),
    (["full", "--fix", "-o", "full/new"], "--output full/new lies in full; name one outside of it"),
    (["empty"], "empty holds no dataset of a known kind. Known: asmv2: ASMv2"),
    (["captions.json"], "captions.json is of no known kind (its arrays: 'annotations'). Known: "),
    (["none.json"], "none.json has no annotation by which to tell its kind; name it with --form"),
    (["set.json", "--panoptic", "set.json"], "--panoptic set.json goes with grounded captions"),
    (["old.tar"], "old.tar is a tar of no known kind; its first files: 1.jpg. Known: asmv2: "),
    (["torn.tar"], "torn.tar is a tar of no known kind; its first files: none. Known: asmv2: "),
    (["torn.json"], "torn.json, line 1, byte 17: not valid JSON: the file ends in the middle"),
    (["text.json"], "text.json, line 1, byte 0: not valid JSON"),
    (["list.json"], "list.json holds an array; a COCO annotation file is a JSON object"),
]


@pytest.mark.parametrize(("arguments", "words"), MISTAKES, ids=[m[0][-1] for m in MISTAKES])
def test_mistakes_are_sentences(
    arguments: list[str], words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    tiny = described(tmp_path / "full")
    (tmp_path / "set.json").write_text(tiny.json.read_text())
    (tmp_path / "full" / "set.json").write_text(tiny.json.read_text())
    (tmp_path / "empty").mkdir()
    (tmp_path / "captions.json").write_text('{"annotations": [{"caption": "A man."}]}')
    (tmp_path / "none.json").write_text('{"images": [], "annotations": [], "categories": []}')
    (tmp_path / "torn.json").write_text('{"annotations": [')
    (tmp_path / "text.json").write_text("some text")
    write_tar(tmp_path / "old.tar", {"1.jpg": b""})
    (tmp_path / "torn.tar").write_bytes((tmp_path / "old.tar").read_bytes()[:300])
    (tmp_path / "list.json").write_text("[]")
    result = run(*arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.startswith(f"annoengine: {words}"), result.stderr
    assert result.stderr.count("\n") == 1


def test_an_empty_file_may_be_named(tmp_path: Path) -> None:
    path = tmp_path / "none.json"
    path.write_text('{"images": [], "annotations": [], "categories": []}')
    for kind in ("panoptic", "instances"):
        result = run(path, "--kind", kind, "--json")
        assert result.exit_code == 0
        assert json.loads(result.stdout)["datasets"][0]["kind"] == kind


def test_as_a_command_in_a_pipe(broken: TinyCoco) -> None:
    """No progress, no colours, the same text; a reader that stops early is no failure."""
    command = [sys.executable, "-m", "annoengine", "validate", str(broken.json)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout == SUMMARY.format(path=broken.json, masks=broken.masks)
    piped = subprocess.run(
        f"{sys.executable} -m annoengine validate {broken.json} | head -n 1",
        shell=True,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (piped.stdout.count("\n"), piped.stderr) == (1, "")


def test_masks_are_linked_not_written(broken: TinyCoco, tmp_path: Path) -> None:
    new = tmp_path / "new"
    run(broken.json.parent, "--fix", "-o", new)
    here, there = (f / "panoptic_val2017" / "0001.png" for f in (broken.json.parent, new))
    assert here.stat().st_ino == there.stat().st_ino
