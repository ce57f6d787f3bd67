"""Runs the command as a person does: in a process of its own, in an empty folder."""

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

_WITH_CTRL_C = """
import os, signal, sys

def listen(event, arguments):
    global ending
    if event == "open" and ending and str(arguments[0]).endswith(ending):
        ending = ""
        os.kill(os.getpid(), signal.SIGINT)

_, ending, *sys.argv[1:] = sys.argv
sys.addaudithook(listen)
from annoengine.cli import main
main()
"""


def environment(**more: str) -> dict[str, str]:
    """What a command sees of this machine's environment: no key, and a terminal's width."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("OPENAI_", "COLUMNS"))}
    return {**clean, "COLUMNS": "100", **more}


def annoengine(
    *arguments: str, cwd: Path, env: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Runs the command; its output as text."""
    return _run([sys.executable, "-m", "annoengine", *shortened(arguments)], cwd, env)


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
        command += model_options(server.base_url)
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
    return _run([sys.executable, "-c", _WITH_CTRL_C, ending, *shortened(arguments)], cwd, env)


def _run(
    command: list[str], cwd: Path, env: dict[str, str] | None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        cwd=cwd,
        env=environment(**(env or {})),
        capture_output=True,
        text=True,
        check=False,
    )


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
