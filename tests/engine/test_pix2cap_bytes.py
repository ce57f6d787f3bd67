"""The whole recipe over made photographs: the same bytes however it is carried out."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from annoengine.cli import app
from tests.scenes import make_dataset


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_dataset(tmp_path_factory.mktemp("data") / "set", 7, seed=8)


def run(data: Path, folder: Path, *settings: str) -> Path:
    """Runs the recipe in this process; gives the run's folder."""
    options = [word for setting in settings for word in ("--set", setting)]
    result = CliRunner().invoke(
        app,
        [
            "run",
            "pix2cap",
            "--input",
            f"images={data / 'images'}",
            "--input",
            f"annotations={data / 'panoptic_val2017.json'}",
            "-w",
            str(folder),
            *options,
        ],
        catch_exceptions=False,
    )
    assert result.exit_code == 0, result.output
    return folder


@pytest.fixture(scope="module")
def one(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of one shard in this process; nobody writes there."""
    return run(data, tmp_path_factory.mktemp("one") / "run", "run.workers=0")


def exported(folder: Path) -> dict[str, bytes]:
    """The export's files."""
    root = folder / "export"
    return {p.relative_to(root).as_posix(): p.read_bytes() for p in root.rglob("*") if p.is_file()}


def records(folder: Path, stage: str) -> bytes:
    """A stage's records of all shards, one after another."""
    return b"".join(p.read_bytes() for p in sorted((folder / stage).glob("[0-9]*[0-9].jsonl")))


def images(folder: Path) -> int:
    """How many tars of drawn pictures there are."""
    return len(list((folder / "01-mark").glob("*.images.tar")))


@pytest.mark.parametrize(("shard_size", "workers"), [(1, 2), (3, 0)])
def test_the_same_bytes_for_every_cut_and_pool(
    data: Path, one: Path, tmp_path: Path, shard_size: int, workers: int
) -> None:
    other = run(data, tmp_path / "o", f"run.shard_size={shard_size}", f"run.workers={workers}")
    for stage in ("00-source", "01-mark", "02-annotate"):
        assert records(one, stage) == records(other, stage)
    assert exported(one) == exported(other)


def test_pictures_can_be_drawn_again_instead_of_kept(data: Path, one: Path, tmp_path: Path) -> None:
    redraw = run(data, tmp_path / "redraw", "run.workers=0", "run.images=redraw")
    assert (images(one), images(redraw)) == (1, 0)
    assert records(one, "02-annotate") == records(redraw, "02-annotate")


def test_a_record_carries_no_pixels(one: Path) -> None:
    """Masks and pictures are written once; later stages carry references of bounded size."""
    count = len(records(one, "00-source").splitlines())
    assert count == 7
    segments = records(one, "00-source").count(b'"box_xyxy"')
    # An RLE of a COCO image is 11 to 12 KB; a record's own line must stay far below that.
    assert len(records(one, "00-source")) < 500 * count + 250 * segments
    assert len(records(one, "01-mark")) < 1200 * count + 600 * segments
    journal = b"".join(p.read_bytes() for p in (one / "journals").rglob("*.jsonl"))
    assert len(journal) < 5000 * count + 800 * segments
    assert b"base64" not in journal
