"""Chains of killed runs: what they must end in, and what they may cost.

Used by the test suite and, for a thousand kills, by the benchmark.
"""

from __future__ import annotations

import random
import signal
from dataclasses import dataclass
from pathlib import Path

from annoengine.call_counts import CallCounts, count_calls
from tests.zygote import Zygote


def run_arguments(dataset: Path, base_url: str, shard_size: int) -> list[str]:
    """The command line of the run that is killed."""
    model = "{model: openai/gpt-4o-2024-11-20, options: {base_url: '%s', max_concurrency: 4}}"
    return [
        "run",
        "pix2cap",
        "--input",
        f"images={dataset / 'images'}",
        "--input",
        f"annotations={dataset / 'panoptic_val2017.json'}",
        "--set",
        f"models.annotator={model % base_url}",
        "--set",
        f"run.shard_size={shard_size}",
        "--set",
        "run.workers=0",
        "--set",
        "run.retries={first_wait_s: 0.01, longest_wait_s: 0.02}",
    ]


def result_files(run: Path) -> dict[str, bytes]:
    """Everything of a run that must be the same whatever happened on the way."""
    kept = {}
    for path in sorted(run.rglob("*")):
        name = path.relative_to(run).as_posix()
        exempt = name.startswith("journals/") or name in ("account.json", "lock", "recipe.yaml")
        if path.is_file() and not exempt:
            kept[name] = path.read_bytes()
    return kept


def journal_counts(run: Path) -> CallCounts:
    """The calls of a run, by its journals."""
    counts = CallCounts()
    for path in sorted((run / "journals").rglob("*.jsonl")):
        counts.add(count_calls(path))
    return counts


def check_rule_three(run: Path) -> None:
    """Repeated calls ≤ asked without an outcome at a death + tries without a whole reply."""
    counts = journal_counts(run)
    unanswered = counts.asked - counts.answered - counts.failed
    assert counts.repeated <= unanswered + counts.failed, counts


@dataclass
class Chains:
    """How chains of kills went."""

    kills: int = 0
    chains: int = 0
    repeated: int = 0
    asked: int = 0


def kill_in_chains(
    zygote: Zygote,
    arguments: list[str],
    folder: Path,
    expected: dict[str, bytes],
    kills: int,
    seed: int,
    longest_s: float,
) -> Chains:
    """Kills runs at random moments until there were ``kills``; checks the end of every chain.

    A chain is one workspace, killed and resumed until it is done.
    """
    rng = random.Random(seed)
    made = Chains()
    while made.kills < kills:
        run = folder / f"chain-{made.chains}"
        while True:
            wait_s = rng.uniform(0, longest_s) if made.kills < kills else None
            code = zygote.run([*arguments, "-w", str(run)], wait_s)
            if code == -signal.SIGKILL:
                made.kills += 1
                continue
            assert code == 0, f"exit {code}: {zygote.output.read_text()[-3000:]}"
            break
        made.chains += 1
        found = result_files(run)
        assert found.keys() == expected.keys()
        different = [name for name in found if found[name] != expected[name]]
        assert not different, f"{run}: {different}"
        check_rule_three(run)
        counts = journal_counts(run)
        made.repeated += counts.repeated
        made.asked += counts.asked
    return made
