"""A run that is killed, at every commit point in turn and at random, ends in the same bytes."""

from __future__ import annotations

import itertools
import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.resume.chains import (
    check_rule_three,
    journal_counts,
    kill_in_chains,
    result_files,
    run_arguments,
)
from tests.scenes import make_dataset
from tests.wire.openai_server import ServerProcess, server_process
from tests.zygote import Zygote, shared_zygote

KILLS = int(os.environ.get("ANNOENGINE_KILLS", "12"))

SCRIPT = (
    {"do": "rate_limit", "share": 0.1, "seed": 1, "times": 1, "retry_after": 0.01},
    {"do": "status", "share": 0.1, "seed": 2, "times": 1, "status": 503},
    {"do": "cut", "share": 0.1, "seed": 3, "times": 1},
)
"""Some trouble on the way; each body is spared after its first hit."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    with server_process(tmp_path_factory.mktemp("server"), SCRIPT, latency_s=0.01) as running:
        yield running


@pytest.fixture(scope="module")
def calm_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    with server_process(tmp_path_factory.mktemp("calm")) as running:
        yield running


@pytest.fixture(scope="module")
def zygote() -> Zygote:
    running = shared_zygote()
    running.load_language()
    return running


def test_random_kills(zygote: Zygote, server: ServerProcess, tmp_path: Path) -> None:
    dataset = make_dataset(tmp_path / "data", 24, seed=5)
    command = run_arguments(dataset, server.base_url, 5)
    undisturbed = tmp_path / "undisturbed"
    assert zygote.run([*command, "-w", str(undisturbed)]) == 0, zygote.output.read_text()
    expected = result_files(undisturbed)
    assert any(name.startswith("export/") for name in expected)
    made = kill_in_chains(zygote, command, tmp_path, expected, KILLS, seed=11, longest_s=0.5)
    assert made.kills >= KILLS
    assert made.asked > 0
    # The server's own count: nothing reached it that a journal does not know of.
    journalled = made.asked + journal_counts(undisturbed).asked
    assert server.counts()["received"] <= journalled


@pytest.mark.parametrize("first", [1, 2])
def test_kills_at_every_commit_point(
    first: int, zygote: Zygote, calm_server: ServerProcess, tmp_path: Path
) -> None:
    """The odd ones, then the even ones, so that two processes can share them."""
    dataset = make_dataset(tmp_path / "data", 2, seed=6)
    command = run_arguments(dataset, calm_server.base_url, 1)
    undisturbed = tmp_path / "undisturbed"
    assert zygote.run([*command, "-w", str(undisturbed)]) == 0, zygote.output.read_text()
    expected = result_files(undisturbed)
    zygote.rehearse([*command, "-w", str(tmp_path / "rehearsal")])
    for point in itertools.count(first, 2):
        run = tmp_path / "killed"
        shutil.rmtree(run, ignore_errors=True)
        code = zygote.run([*command, "-w", str(run)], die_at=point)
        if code == 0:
            break
        assert code == -signal.SIGKILL, zygote.output.read_text()
        assert zygote.run([*command, "-w", str(run)]) == 0, zygote.output.read_text()
        assert result_files(run) == expected, f"killed at point {point}"
        check_rule_three(run)
        # One death, so no more calls are repeated than were in flight then.
        assert journal_counts(run).repeated <= 3
    assert point > 40, "there are more commit points than that"
