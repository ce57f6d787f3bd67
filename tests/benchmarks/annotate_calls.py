"""What the ``annotate`` stage gets out of a server, beside bare aiohttp on uvloop.

Both send the same number of calls with a 100 KB picture each to one loopback server that answers
after 50 ms, 64 in flight; annotate reads its records from shards, its pictures from their tars,
journals every call and writes its shards. The two are run in turn; medians of the pairs count::

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


def recipe_file(folder: Path, base_url: str, n: int, picture_bytes: int, stages: int) -> Path:
    """The recipe of the measurement, with its first ``stages`` stages."""
    every: list[Any] = [
        {"tests.benchmarks.plugins:Pictured": {"size_bytes": picture_bytes}, "as": "mark"},
        {
            "annotate": {
                "prompts": ["pix2cap/prompt1.v1", "pix2cap/prompt2.v1"],
                "repair_prompts": ["pix2cap/repair1.v1"],
            }
        },
    ]
    data = {
        "name": "bench",
        "source": {"tests.benchmarks.plugins:Pictures": {"n": n}},
        "models": {
            "annotator": {
                "model": "openai/gpt-4o-2024-11-20",
                "options": {"base_url": base_url, "max_concurrency": 64},
            }
        },
        "stages": every[:stages],
        "run": {"shard_size": 100, "workers": 0},
    }
    path = folder / f"recipe-{stages}.yaml"
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
        if isinstance(event, StepBegins) and event.stage == "annotate" and not began:
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


def compare(rounds: int, n: int, picture_bytes: int, latency_s: float) -> dict[str, float]:
    """Interleaved pairs of bare calls and annotate; prints each, gives medians and their ratio."""
    bare_rates, rates, cpu_ms, peaks, ratios = [], [], [], [], []
    with (
        tempfile.TemporaryDirectory() as name,
        server_process(Path(name), latency_s=latency_s) as server,
    ):
        folder = Path(name)
        run = folder / "run"
        in_process(recipe_file(folder, server.base_url, n, picture_bytes, 1), run)
        recipe = recipe_file(folder, server.base_url, n, picture_bytes, 2)
        for _ in range(rounds):
            command = [sys.executable, "-m", "tests.benchmarks.bare_client"]
            command += ["--base-url", server.base_url, "--requests", str(n)]
            command += ["--picture-bytes", str(picture_bytes)]
            line = subprocess.run(command, check=True, capture_output=True, text=True).stdout
            bare_rates.append(float(line.split()[1]))
            shutil.rmtree(run / "02-annotate", ignore_errors=True)
            shutil.rmtree(run / "journals", ignore_errors=True)
            made = in_process(recipe, run)
            rates.append(n / made["seconds"])
            cpu_ms.append(made["cpu_s"] * 1000 / n)
            peaks.append(made["peak_mb"])
            ratios.append(rates[-1] / bare_rates[-1])
            print(
                f"  bare {bare_rates[-1]:.0f} req/s, annotate {rates[-1]:.0f} req/s "
                f"({ratios[-1]:.2f}), {cpu_ms[-1]:.2f} CPU ms/req, {peaks[-1]:.0f} MB",
                flush=True,
            )
    return {
        "bare_req_s": statistics.median(bare_rates),
        "annotate_req_s": statistics.median(rates),
        "ratio": statistics.median(ratios),
        "cpu_ms_per_request": statistics.median(cpu_ms),
        "peak_mb": max(peaks),
    }


def main() -> None:
    """Reads the options and measures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--carry", nargs=2, type=Path, metavar=("RECIPE", "RUN"))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--requests", type=int, default=500)
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
