"""What a run gets out of a server, beside bare aiohttp on uvloop.

All send the same number of calls with a 100 KB picture each to one loopback server that answers
after 50 ms, 64 in flight. ``asked`` is a stage that asks and keeps the answer as it is, the job of
other engines' inference runners; ``annotate`` is the stage of the recipes, which reads, judges and
matches 8 descriptions an answer. Both read their records from shards and their pictures from tars,
journal every call and write their shards. The three are run in turn; medians count. The first
connection is in nobody's time; the slow start of the concurrency is in ours::

    python -m tests.benchmarks.annotate_calls --rounds 5
"""

from __future__ import annotations

import argparse
import json
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import yaml

from tests.wire.openai_server import server_process

JOBS: dict[str, list[Any]] = {
    "draw": [],
    "asked": [{"tests.benchmarks.plugins:Asked": {}, "as": "asked"}],
    "annotate": [
        {
            "annotate": {
                "prompts": ["pix2cap/prompt1.v1", "pix2cap/prompt2.v1"],
                "repair_prompts": ["pix2cap/repair1.v1"],
            }
        }
    ],
}
"""The stages after the one that makes the pictures."""


def recipe_file(folder: Path, base_url: str, n: int, picture_bytes: int, job: str) -> Path:
    """The recipe of one of the :data:`JOBS`."""
    pictured = {"tests.benchmarks.plugins:Pictured": {"size_bytes": picture_bytes}, "as": "mark"}
    data = {
        "name": "bench",
        "source": {"tests.benchmarks.plugins:Pictures": {"n": n}},
        "models": {
            "annotator": {
                "model": "openai/gpt-4o-2024-11-20",
                "options": {"base_url": base_url, "max_concurrency": 64},
            }
        },
        "stages": [pictured, *JOBS[job]],
        "run": {"shard_size": 100, "workers": 0},
    }
    path = folder / f"recipe-{job}.yaml"
    path.write_text(yaml.safe_dump(data), encoding="utf-8")
    return path


def carry(recipe: Path, run: Path) -> dict[str, float]:
    """Carries a recipe out; seconds from the first call's step to the end, CPU, peak memory."""
    import openai  # noqa: F401  # so that its import is in nobody's time

    from annoengine.carry import run_loop
    from annoengine.events import Event, StepBegins
    from annoengine.recipe import load_recipe
    from annoengine.runner import carry_out
    from annoengine.workspace import Workspace

    began: list[float] = []

    def on_event(event: Event) -> None:
        if isinstance(event, StepBegins) and event.stage in JOBS and not began:
            began.append(time.perf_counter())

    built = load_recipe(recipe)
    cpu = time.process_time()
    run_loop(carry_out(built, Workspace(run), on_event=on_event))
    seconds = time.perf_counter() - began[0] if began else 0.0
    return {
        "seconds": seconds,
        "cpu_s": time.process_time() - cpu,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def in_process(recipe: Path, run: Path) -> dict[str, float]:
    """:func:`carry` in a process of its own."""
    command = [sys.executable, "-m", "tests.benchmarks.annotate_calls", "--carry"]
    done = subprocess.run(
        [*command, str(recipe), str(run)], check=True, capture_output=True, text=True
    )
    result: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return result


def bare(base_url: str, n: int, picture_bytes: int) -> tuple[float, float]:
    """Calls per second and CPU milliseconds per call of bare aiohttp, in a process of its own."""
    command = [sys.executable, "-m", "tests.benchmarks.bare_client"]
    command += ["--base-url", base_url, "--requests", str(n)]
    command += ["--picture-bytes", str(picture_bytes)]
    line = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    return float(line[1]), float(line[3])


def compare(rounds: int, n: int, picture_bytes: int, latency_s: float) -> dict[str, float]:
    """Each client in turn, round by round; prints them, gives medians and ratios to bare calls."""
    found: dict[str, list[float]] = {}

    def note(name: str, value: float) -> float:
        found.setdefault(name, []).append(value)
        return value

    with (
        tempfile.TemporaryDirectory() as name,
        server_process(Path(name), latency_s=latency_s) as server,
    ):
        folder = Path(name)
        run = folder / "run"
        in_process(recipe_file(folder, server.base_url, n, picture_bytes, "draw"), run)
        for _ in range(rounds):
            bare_rate, bare_ms = bare(server.base_url, n, picture_bytes)
            note("bare_req_s", bare_rate)
            note("bare_cpu_ms", bare_ms)
            line = f"  bare {bare_rate:.0f} req/s, {bare_ms:.2f} ms CPU"
            for job in ("asked", "annotate"):
                recipe = recipe_file(folder, server.base_url, n, picture_bytes, job)
                shutil.rmtree(run, ignore_errors=True)
                in_process(recipe_file(folder, server.base_url, n, picture_bytes, "draw"), run)
                made = in_process(recipe, run)
                rate = note(f"{job}_req_s", n / made["seconds"])
                ratio = note(f"{job}_ratio", rate / bare_rate)
                cpu_ms = note(f"{job}_cpu_ms", made["cpu_s"] * 1000 / n)
                peak_mb = note(f"{job}_peak_mb", made["peak_mb"])
                line += f"; {job} {rate:.0f} req/s ({ratio:.2f}), {cpu_ms:.2f} ms, {peak_mb:.0f} MB"
            print(line, flush=True)
    return {name: round(statistics.median(values), 3) for name, values in found.items()}


def main() -> None:
    """Reads the options and measures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--carry", nargs=2, type=Path, metavar=("RECIPE", "RUN"))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--requests", type=int, default=2000)
    parser.add_argument("--picture-bytes", type=int, default=100_000)
    parser.add_argument("--latency", type=float, default=0.05)
    options = parser.parse_args()
    if options.carry:
        print(json.dumps(carry(*options.carry)))
        return
    found = compare(options.rounds, options.requests, options.picture_bytes, options.latency)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
