"""What pixels and masks prove, the check of facts must never contradict."""

from __future__ import annotations

from pathlib import Path

from typer.testing import CliRunner

from annoengine.cli import app
from annoengine.record import Record
from tests.scenes import make_dataset


def test_captions_of_the_baseline_are_never_contradicted(tmp_path: Path) -> None:
    """Two programs that share measurements, and no reading of words."""
    data = make_dataset(tmp_path / "data", 40, seed=100)
    command = ["run", "pix2cap", "-q", "-w", str(tmp_path / "run"), "--set", "run.workers=0"]
    command += ["--input", f"images={data / 'images'}"]
    command += ["--input", f"annotations={data / 'panoptic_val2017.json'}"]
    done = CliRunner().invoke(app, command, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    (shard,) = (tmp_path / "run/06-check_facts").glob("[0-9]*[0-9].jsonl")
    records = [Record.from_line(line) for line in shard.read_bytes().splitlines()]
    verdicts = [verdict for record in records for verdict in record.verdicts]
    assert sum(verdict.truth == "supported" for verdict in verdicts) > 100
    assert [verdict for verdict in verdicts if verdict.truth == "contradicted"] == []
