"""The recipe of captions with boxes, killed on the way, ends in the same bytes and a whole account.

Its stages that load a language model are left out; they are alike in every recipe.
"""

from __future__ import annotations

import json
import signal
from pathlib import Path

import yaml

from tests.resume.chains import check_rule_three, result_files
from tests.scenes import make_dataset
from tests.zygote import shared_zygote

PACKAGED = Path(__file__).parents[2] / "recipes" / "sa_pancap.yaml"


POINT = 21
"""The commit at which the run dies: some records are described, and others are not."""


def light(folder: Path) -> Path:
    data = yaml.safe_load(PACKAGED.read_text(encoding="utf-8"))
    described = [stage for stage in data["stages"] if stage.keys() & {"describe", "check_text"}]
    # One of the images has five, so that the account has something to tell.
    described[0]["describe"] |= {"max_entities": 4, "on_more": "drop"}
    keep = {"keep": {"paragraphs": "entities.coverage == 1 and text.leak == 0"}}
    data["stages"] = [*described, keep]
    path = folder / "sa_pancap.yaml"
    path.write_text(yaml.safe_dump(data, sort_keys=False), encoding="utf-8")
    return path


def test_a_killed_run_goes_on_to_the_same_bytes(tmp_path: Path) -> None:
    data = make_dataset(tmp_path / "data", 2, seed=4)
    command = ["run", str(light(tmp_path)), "--set", "run.shard_size=1"]
    command += ["--set", "run.workers=0", "--input", f"images={data / 'images'}"]
    command += ["--input", f"annotations={data / 'panoptic_val2017.json'}"]
    command += ["--input", f"panoptic={data / 'panoptic_val2017'}"]
    zygote = shared_zygote()
    undisturbed = tmp_path / "undisturbed"
    assert zygote.run([*command, "-w", str(undisturbed)]) == 0, zygote.output.read_text()
    expected = result_files(undisturbed)
    for name in ("sa_pancap/sapancap_val_gtcaption", "pancap_chain/sapancap", "asmv2/coco"):
        assert any(file.startswith(f"export/{name}") for file in expected)
    run = tmp_path / "killed"
    assert zygote.run([*command, "-w", str(run)], die_at=POINT) == -signal.SIGKILL
    assert zygote.run([*command, "-w", str(run)]) == 0, zygote.output.read_text()
    assert result_files(run) == expected
    check_rule_three(run)
    account = json.loads((undisturbed / "account.json").read_text())
    told = {stage["stage"]: stage for stage in account["stages"]}
    for stage in told.values():
        left = sum(stage["dropped"].values()) + sum(stage["failed"].values()) + stage["pending"]
        assert stage["came_in"] == stage["given"] + left
    assert told["describe"]["dropped"] == {"too many entities": 1}
