"""The recipe with two rounds of questions, killed on the way, ends in the same bytes."""

from __future__ import annotations

import random
import shutil
import signal
from pathlib import Path

import yaml

from tests.resume.chains import check_rule_three, result_files
from tests.scenes import make_dataset
from tests.zygote import shared_zygote

PACKAGED = Path(__file__).parents[2] / "recipes" / "coconut_pancap.yaml"
ROUNDS = {"mark", "annotate", "review", "merge"}
"""The stages that ask or wait; those behind them load a language model and are alike anywhere."""


def two_rounds(folder: Path) -> Path:
    data = yaml.safe_load(PACKAGED.read_text(encoding="utf-8"))
    data["stages"] = [stage for stage in data["stages"] if stage.keys() & ROUNDS]
    path = folder / "coconut_pancap.yaml"
    path.write_text(yaml.safe_dump(data, sort_keys=False), encoding="utf-8")
    return path


def test_kills_at_some_commit_points(tmp_path: Path) -> None:
    data = make_dataset(tmp_path / "data", 2, seed=6)
    command = ["run", str(two_rounds(tmp_path)), "--set", "run.shard_size=1"]
    command += ["--set", "run.workers=0", "--input", f"images={data / 'images'}"]
    command += ["--input", f"annotations={data / 'panoptic_val2017.json'}"]
    command += ["--input", f"panoptic={data / 'panoptic_val2017'}"]
    zygote = shared_zygote()
    undisturbed = tmp_path / "undisturbed"
    assert zygote.run([*command, "-w", str(undisturbed)]) == 0, zygote.output.read_text()
    expected = result_files(undisturbed)
    assert any(name.startswith("export/coconut_pancap/caption_") for name in expected)
    killed = 0
    for point in random.Random(2502).sample(range(4, 70), 5):
        run = tmp_path / "killed"
        shutil.rmtree(run, ignore_errors=True)
        code = zygote.run([*command, "-w", str(run)], die_at=point)
        assert code in (0, -signal.SIGKILL), zygote.output.read_text()
        killed += code != 0
        assert zygote.run([*command, "-w", str(run)]) == 0, zygote.output.read_text()
        assert result_files(run) == expected, f"killed at point {point}"
        check_rule_three(run)
    assert killed >= 4
