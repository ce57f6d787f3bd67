"""The recipe ``coconut_pancap`` over the example photographs, offline, from end to end."""

from __future__ import annotations

import json
import re
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from annoengine.cli import app
from annoengine.grounded.tags import parse_tags, write_tags
from annoengine.record import Record


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run") / "run"
    arguments = ["run", "coconut_pancap", "-w", str(folder), "--set", "run.workers=0"]
    result = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return folder


def records_of(run: Path, stage: str) -> Iterator[Record]:
    (folder,) = run.glob(f"[0-9][0-9]-{stage}")
    for path in sorted(folder.glob("[0-9]*[0-9].jsonl")):
        for line in path.read_bytes().splitlines():
            if b'"photo"' in line:
                yield Record.from_line(line)


def asked(run: Path, stage: str) -> int:
    lines = [
        json.loads(line)
        for path in sorted((run / "journals" / stage).rglob("*.jsonl"))
        for line in path.read_text().splitlines()
    ]
    return sum(line.get("event") == "asked" for line in lines)


def test_every_image_gets_one_paragraph_that_nothing_speaks_against(run: Path) -> None:
    found = list(records_of(run, "keep"))
    assert len(found) == 6
    for record in found:
        (paragraph,) = [c for c in record.captions if c.segment is None]
        own = {s.name: s.value for s in record.scores if s.segment is None}
        assert (own["grounded.coverage"], own["grounded.faults"], own["grounded.doubts"]) == (
            1,
            0,
            0,
        )
        assert own["facts.contradicted"] == own["marks.colour"] == own["marks.number"] == 0
        assert own["facts.supported"] > 0
        grounded = {id for span in paragraph.spans for id in span.segments}
        assert grounded == {s.id for s in record.segments if not s.iscrowd}
        assert 40 <= len(paragraph.text.split()) <= 220
        assert not re.search(r"\b(?:[Tt]his|[Tt]here (?:is|are))\b", paragraph.text)
        assert {c.segment for c in record.captions} == {None, *grounded}


def test_one_call_an_image_and_round(run: Path) -> None:
    assert (asked(run, "annotate"), asked(run, "merge")) == (6, 6)


def test_both_exports_say_what_the_records_say(run: Path) -> None:
    texts = {}
    with tarfile.open(run / "export/coconut_pancap/caption_all2017.tar") as tar:
        for member in tar.getmembers():
            file = tar.extractfile(member)
            assert file is not None
            texts[Path(member.name).stem] = file.read().decode()
    panoptic = json.loads((run / "export/coconut_pancap/panoptic_all2017.json").read_text())
    rows = {Path(a["file_name"]).stem: a["segments_info"] for a in panoptic["annotations"]}
    gcg = json.loads((run / "export/glamm_gcg/coco_GCG_all.json").read_text())
    clean = set()
    for record in records_of(run, "keep"):
        stem = Path(record.photo.file).stem
        (paragraph,) = [c for c in record.captions if c.segment is None]
        tagged = parse_tags(texts[stem])
        clean.add(paragraph.text)
        assert tagged.text == paragraph.text
        assert tagged.faults == ()
        assert write_tags(tagged.text, tagged.spans) == texts[stem]
        ids = {row["id"] for row in rows[stem]}
        assert all(ids.issuperset(span.segments) for span in tagged.spans)
        assert len(tagged.spans) == len(paragraph.spans)
    assert {row["caption"] for row in gcg} == clean
