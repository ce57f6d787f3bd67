"""Runs the command as a person does: in a process of its own (forked), in an empty folder."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.short_recipe import short_recipe, shortened
from tests.wire.openai_server import ServerProcess, server_process
from tests.zygote import shared_zygote


def environment(**more: str) -> dict[str, str]:
    """What a command sees of this machine's environment: no key, and a terminal's width."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("OPENAI_", "COLUMNS"))}
    return {**clean, "COLUMNS": "100", **more}


def annoengine(
    *arguments: str, cwd: Path, env: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Runs the command; its output as text."""
    return shared_zygote().complete(shortened(arguments), cwd, environment(**(env or {})))


@dataclass(frozen=True)
class WaitingRun:
    """A run in a process of its own, whose calls are with a server."""

    process: subprocess.Popen[str]
    server: ServerProcess
    command: list[str]


@contextlib.contextmanager
def waiting_run(data: Path, calls: int, latency_s: float, cwd: Path) -> Iterator[WaitingRun]:
    """A run over a dataset as soon as so many calls are sent; killed at the end if it still is."""
    (cwd / "server").mkdir()
    with server_process(cwd / "server", latency_s=latency_s) as server:
        command = ["run", str(short_recipe()), *data_options(data), "-w", "run"]
        command += [*model_options(server.base_url), "--set", "run.workers=2"]
        with subprocess.Popen(
            [sys.executable, "-m", "annoengine", *command],
            cwd=cwd,
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            try:
                while server.counts()["received"] < calls and process.poll() is None:
                    time.sleep(0.02)
                yield WaitingRun(process, server, command)
            finally:
                process.kill()


def interrupted(
    ending: str, *arguments: str, cwd: Path, env: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Runs the command, which gets SIGINT as soon as it opens a file whose path ends so."""
    surroundings = environment(**(env or {}))
    return shared_zygote().complete(shortened(arguments), cwd, surroundings, interrupt_at=ending)


def data_options(data: Path) -> list[str]:
    """The inputs of a made dataset."""
    return [
        "--input",
        f"images={data / 'images'}",
        "--input",
        f"annotations={data / 'panoptic_val2017.json'}",
    ]


def model_options(base_url: str) -> list[str]:
    """OpenAI's model as the annotator, at another address."""
    model = f"{{model: openai/gpt-4o, options: {{base_url: '{base_url}'}}}}"
    return ["--set", f"models.annotator={model}"]
