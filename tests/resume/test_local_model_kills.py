"""The packaged recipe with a tiny Qwen2-VL: all records accounted, killed and resumed alike."""

from __future__ import annotations

import json
import re
import signal
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from annoengine.cli import app
from tests.resume.chains import check_rule_three, journal_counts, result_files
from tests.tiny_qwen import save_tiny_qwen
from tests.zygote import shared_zygote

PIX2CAP = Path(__file__).parents[2] / "recipes" / "pix2cap.yaml"


DIES_AT = 90
"""The commit point (a write to a journal, or a rename) at which the run is killed, in the midst of
its 24 writes to the journal."""


def command(folder: Path, **options: Any) -> list[str]:
    """Captions of the example photographs, short ones; a record a shard, so that there are many
    places to be killed at."""
    settings = {"workers": 0, "threads": 1, "memory_gib": 0.25, "max_pixels": 6272, **options}
    model = {"model": f"qwen2_vl/{folder}", "options": settings}
    told = ["annotate.max_tokens=10", "annotate.repair=1", "run.shard_size=1", "run.workers=0"]
    return [
        "run",
        str(PIX2CAP),
        "--set",
        f"models.annotator={json.dumps(model)}",
        *(word for setting in told for word in ("--set", setting)),
    ]


def run_here(arguments: list[str], workspace: Path) -> str:
    """What a run in this process prints; it must come to its end."""
    result = CliRunner().invoke(app, [*arguments, "-w", str(workspace)], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_babble_is_accounted_and_a_killed_run_ends_in_the_same_bytes(tmp_path: Path) -> None:
    folder = save_tiny_qwen(tmp_path / "model")
    undisturbed, killed = tmp_path / "undisturbed", tmp_path / "killed"
    said = run_here(command(folder, slots=8), undisturbed)
    (gap,) = re.findall(r"the likeliest was ahead of the second by (\S+) logits", said)
    assert float(gap) > 1e-4, "draw another seed: another batch may write other words"
    stages = json.loads((undisturbed / "account.json").read_text())["stages"]
    assert [(s["stage"], s["came_in"], s["given"], s["failed"]) for s in stages[:4]] == [
        ("source", 6, 6, {}),
        ("mark", 6, 6, {}),
        ("annotate", 6, 0, {"unmatched": 6}),
        ("rephrase", 0, 0, {}),
    ]
    counts = journal_counts(undisturbed)
    assert counts.asked == counts.answered == 12  # two tries at each photograph
    expected = result_files(undisturbed)

    zygote = shared_zygote()
    one_by_one = [*command(folder, slots=1), "-w", str(killed)]
    code = zygote.run(one_by_one, die_at=DIES_AT)
    assert code == -signal.SIGKILL, zygote.output.read_text()
    before = journal_counts(killed)
    assert 0 < before.answered < 12, before
    run_here(command(folder, slots=1), killed)
    assert result_files(killed) == expected
    check_rule_three(killed)
    after = journal_counts(killed)
    assert after.answered == 12
    assert after.asked - before.asked <= 12 - before.answered
