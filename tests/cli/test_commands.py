"""The commands as a person gives them."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.process import annoengine, data_options, model_options, waiting_run
from tests.scenes import make_dataset
from tests.short_recipe import short_recipe
from tests.wire.openai_server import server_process


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return make_dataset(tmp_path / "data", 5, seed=3)


def test_help_imports_nothing_heavy(tmp_path: Path) -> None:
    code = (
        "import sys; sys.argv = ['annoengine', '--help']\n"
        "from annoengine.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "heavy = {'cv2', 'openai', 'numpy', 'pydantic', 'PIL', 'aiohttp', 'torch'}\n"
        "sys.exit(', '.join(sorted(heavy & set(sys.modules))) or 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    for command in ("run", "plan", "status", "retry", "export", "render-som"):
        assert command in done.stdout


def test_run_resume_status_export(data: Path, tmp_path: Path) -> None:
    pool = ("--set", "run.workers=2")
    done = annoengine("run", "pix2cap", *data_options(data), *pool, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "dataset: runs/pix2cap/export/pix2cap" in done.stdout
    assert "drawn images: runs/pix2cap/preview" in done.stdout
    assert list((tmp_path / "runs/pix2cap/preview").glob("*.jpg"))
    exported = tmp_path / "runs/pix2cap/export/pix2cap/pix2cap_coco_val.json"
    before = exported.read_bytes()
    infos = [s for a in json.loads(before)["annotations"] for s in a["segments_info"]]
    assert infos
    assert all(len(info["description"]) > 10 for info in infos)

    status = annoengine("status", "runs/pix2cap", cwd=tmp_path)
    assert "runs/pix2cap: finished" in status.stdout
    told = json.loads(annoengine("status", "runs/pix2cap", "--json", cwd=tmp_path).stdout)
    assert [stage["stage"] for stage in told["stages"]] == ["source", "mark", "annotate"]
    assert all(stage["pending"] == 0 for stage in told["stages"])

    calls = told["stages"][2]["calls"]["asked"]
    again = annoengine("run", "pix2cap", *data_options(data), cwd=tmp_path)
    assert again.returncode == 0
    told = json.loads(annoengine("status", "runs/pix2cap", "--json", cwd=tmp_path).stdout)
    assert told["stages"][2]["calls"]["asked"] == calls
    assert exported.read_bytes() == before

    # The account needs nothing but the run's own folder.
    (data / "panoptic_val2017.json").rename(tmp_path / "away.json")
    assert "finished" in annoengine("status", "runs/pix2cap", cwd=tmp_path).stdout
    (tmp_path / "away.json").rename(data / "panoptic_val2017.json")

    shutil.rmtree(tmp_path / "runs/pix2cap/export")
    assert annoengine("export", "runs/pix2cap", cwd=tmp_path).returncode == 0
    assert exported.read_bytes() == before
    dropped = ("export", "runs/pix2cap", "-o", "other", "--drop-images-with-missing")
    assert annoengine(*dropped, cwd=tmp_path).returncode == 0
    assert (tmp_path / "other/pix2cap/pix2cap_coco_val.json").is_file()
    assert "nothing to retry" in annoengine("retry", "runs/pix2cap", cwd=tmp_path).stdout


def test_a_changed_prompt_is_refused_then_redone(data: Path, tmp_path: Path) -> None:
    recipes = Path(__file__).parents[2]
    shutil.copytree(recipes / "prompts", tmp_path / "mine/prompts")
    shutil.copy(short_recipe(), tmp_path / "mine/pix2cap.yaml")
    command = ("run", "mine/pix2cap.yaml", "-w", "run", *data_options(data))
    assert annoengine(*command, cwd=tmp_path).returncode == 0
    prompt = tmp_path / "mine/prompts/pix2cap/prompt1.v1.md"
    prompt.write_text(prompt.read_text() + "\nThank you.\n")
    refused = annoengine(*command, cwd=tmp_path)
    assert refused.returncode == 2
    assert "prompts.pix2cap/prompt1.v1 changed" in refused.stderr
    assert "--redo accepts this" in refused.stderr
    promised = int(refused.stderr.split(" new call(s)")[0].split()[-1])
    told = json.loads(annoengine("status", "run", "--json", cwd=tmp_path).stdout)
    before = told["stages"][2]["calls"]["asked"]
    assert annoengine(*command, "--redo", cwd=tmp_path).returncode == 0
    told = json.loads(annoengine("status", "run", "--json", cwd=tmp_path).stdout)
    made = told["stages"][2]["calls"]["asked"] - before
    # Only images that drew this prompt are asked again.
    assert made == promised
    assert 0 < made < 5


def test_a_bad_image_costs_only_itself_and_can_be_retried(data: Path, tmp_path: Path) -> None:
    photo = data / "images/000000000002.jpg"
    whole = photo.read_bytes()
    photo.write_bytes(whole[: len(whole) // 2])
    (data / "images/000000000004.jpg").rename(tmp_path / "away.jpg")
    done = annoengine("run", "pix2cap", *data_options(data), "-w", "run", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "2 records failed" in done.stdout
    told = json.loads(annoengine("status", "run", "--json", cwd=tmp_path).stdout)
    assert sum(sum(stage["failed"].values()) for stage in told["stages"]) == 2
    photo.write_bytes(whole)
    (tmp_path / "away.jpg").rename(data / "images/000000000004.jpg")
    retried = annoengine("retry", "run", cwd=tmp_path)
    assert retried.returncode == 0, retried.stderr
    told = json.loads(annoengine("status", "run", "--json", cwd=tmp_path).stdout)
    assert told["stages"][2]["given"] == 5
    assert told["stages"][2]["calls"]["asked"] == 5


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["run", "nope"], "there is no recipe nope. Known: coconut_pancap, "),
        (["run", "pix2cp"], "Did you mean 'pix2cap'?"),
        (["run", "pix2cap", "--set", "annotate.repare=1"], "Did you mean 'repair'?"),
        (["run", "pix2cap", "--set", "anotate.repair=1"], "Did you mean 'annotate'?"),
        (["run", "pix2cap", "--set", "nonsense"], "is not of the form stage.key=value"),
        (["run", "pix2cap", "--model", "annotater=pixels"], "Did you mean 'annotator'?"),
        (["run", "pix2cap", "--model", "annotator=opnai/x"], "Did you mean 'openai'?"),
        (["run", "pix2cap", "--input", "image=/x"], "Did you mean 'images'?"),
        (["run", "pix2cap", "--input", "images=/none", "-i", "annotations=/none"], "/none"),
        (["run", "pix2cap", "--shards", "x"], "neither a shard (5), a range (0-3)"),
        (["run", "pix2cap", "--model", "annotator=openai/gpt-4o"], "OPENAI_API_KEY is not set"),
        (["run", "pix2cap", "-w", "/proc/nothing"], "cannot write /proc/nothing"),
        (["plan", "nope"], "there is no recipe nope"),
        (["status", "nowhere"], "nowhere does not exist"),
        (["retry", "nowhere"], "nowhere does not exist"),
        (["export", "nowhere"], "nowhere does not exist"),
    ],
)
def test_a_mistake_is_a_sentence(arguments: list[str], sentence: str, tmp_path: Path) -> None:
    done = annoengine(*arguments, cwd=tmp_path)
    assert done.returncode == 2, done.stderr
    assert sentence in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr


def test_a_refusing_server_stops_the_run_with_its_reason(data: Path, tmp_path: Path) -> None:
    (tmp_path / "server").mkdir()
    with server_process(tmp_path / "server", [{"do": "bad_key"}]) as server:
        command = ["run", "pix2cap", *data_options(data), *model_options(server.base_url)]
        key = "sk-proj-0123456789abcdefghijklmnop"
        done = annoengine(*command, "-w", "run", cwd=tmp_path, env={"OPENAI_API_KEY": key})
        assert done.returncode == 3, done.stderr
        assert "Nothing is lost" in done.stderr
        written = [p.read_bytes() for p in (tmp_path / "run").rglob("*") if p.is_file()]
        assert not any(key[-8:].encode() in data for data in written)
        assert key[-8:] not in done.stdout + done.stderr
    with server_process(tmp_path / "server", []) as server:
        command = ["run", "pix2cap", *data_options(data), *model_options(server.base_url)]
        done = annoengine(*command, "-w", "run", cwd=tmp_path, env={"OPENAI_API_KEY": key})
        assert done.returncode == 0, done.stderr
        told = json.loads(annoengine("status", "run", "--json", cwd=tmp_path).stdout)
        assert told["stages"][2]["given"] == 5


def test_too_many_failures_end_the_run(data: Path, tmp_path: Path) -> None:
    (tmp_path / "server").mkdir()
    with server_process(tmp_path / "server", [{"do": "refusal"}]) as server:
        command = ["run", "pix2cap", *data_options(data), "-w", "run"]
        command += [*model_options(server.base_url), "--set", "run.failures={after: 2}"]
        done = annoengine(*command, cwd=tmp_path)
        assert done.returncode == 3, done.stderr
        assert "2 of 2 records failed at annotate" in done.stderr
        assert "refusal" in done.stderr


def test_two_runs_on_the_same_shards(data: Path, tmp_path: Path) -> None:
    with waiting_run(data, calls=5, latency_s=600, cwd=tmp_path) as first:
        second = annoengine(*first.command, cwd=tmp_path)
        assert second.returncode == 2
        holder = f"(process {first.process.pid})"
        assert f"another run works on the source {holder}" in second.stderr or (
            f"another run works on shard 0 {holder}" in second.stderr
        )


def test_a_part_of_the_shards_can_be_run(data: Path, tmp_path: Path) -> None:
    command = ["run", "pix2cap", *data_options(data), "-w", "run", "--set", "run.shard_size=2"]
    part = annoengine(*command, "--shards", "2/2", cwd=tmp_path)
    assert part.returncode == 0, part.stderr
    assert "the export waits until every shard is done" in part.stdout
    assert not (tmp_path / "run/export").exists()
    rest = annoengine(*command, cwd=tmp_path)
    assert rest.returncode == 0, rest.stderr
    assert (tmp_path / "run/export/pix2cap").is_dir()
    told = json.loads(annoengine("status", "run", "--json", cwd=tmp_path).stdout)
    assert told["stages"][2]["calls"]["asked"] == 5


def test_plan_sends_and_writes_nothing(data: Path, tmp_path: Path) -> None:
    done = annoengine("plan", "pix2cap", *data_options(data), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "source: 5 images (not read yet)" in done.stdout
    assert "annotate: 5 records, asks pixels" in done.stdout
    assert "from its price alone: no call is paid for" in done.stdout
    assert not (tmp_path / "runs").exists()
    annoengine("run", "pix2cap", *data_options(data), cwd=tmp_path)
    done = annoengine("plan", "pix2cap", *data_options(data), cwd=tmp_path)
    assert "nothing is left to do" in done.stdout
