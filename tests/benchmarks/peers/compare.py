"""Other engines beside this one, turn about, at the same job on the same loopback server.

Each sends a question and a 100 KB picture a record, 64 at once, to a server that answers after
50 ms, and keeps what a killed run needs to go on. The peers live in environments of their own,
which are made in a folder outside the checkout::

    python -m tests.benchmarks.peers.compare --environments ~/peers --requests 500 1000

Ratios are those of one round, since a machine is never the same twice; their medians count. What
is kept is kept on the disk of ``--folder``: how long that takes to write a line for certain decides
over a client that does so for each call (datatrove's cache), and less over one that does so for
many at once; a folder in memory shows the calls alone. A peer's time begins with its first call
(curator's with its dataset: it writes all requests to a file first), and none counts imports or
the start of its environment.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.benchmarks.annotate_calls import bare, in_process, recipe_file
from tests.benchmarks.peers.server import PeersServer
from tests.benchmarks.peers.spans import folder_bytes
from tests.wire.openai_server import server_process

PEERS = {
    "datatrove": ["datatrove[io]==0.10.1", "aiofiles", "aiosqlite", "httpx", "openai", "xxhash"],
    "curator": ["bespokelabs-curator==0.1.31"],
}
"""What is installed for each. datatrove's extra ``inference`` also wants engines for GPUs, which an
endpoint does without; what it needs of the rest is here."""

QUESTION = "Describe each object of the image."
"""That of :class:`tests.benchmarks.plugins.Asked`."""


def python_of(environments: Path, peer: str) -> Path:
    """The interpreter of a peer's environment, which is made where it is missing."""
    folder = environments / peer
    python = folder / "bin" / "python"
    if not (folder / "made").exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
        install = [str(python), "-m", "pip", "install", "--quiet", *PEERS[peer]]
        subprocess.run(install, check=True)
        (folder / "made").touch()
    return python


def job_file(folder: Path, n: int, picture_bytes: int) -> Path:
    """The job as the peers read it: a line a record, the pictures as files.

    One picture at a time: the memory of this process would count as that of those it starts.
    """
    (folder / "pictures").mkdir(parents=True)
    lines, draw = [], random.Random(7)
    for number in range(n):
        image = folder / "pictures" / f"{number}.jpg"
        image.write_bytes(b"\xff\xd8\xff\xe0" + draw.randbytes(picture_bytes - 4))
        lines.append(json.dumps({"id": str(number), "text": QUESTION, "image": str(image)}))
    path = folder / "job.jsonl"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def peer_run(environments: Path, peer: str, job: Path, base_url: str) -> dict[str, float]:
    """What a peer took for the job, in a process of its own."""
    script = Path(__file__).parent / f"{peer}_job.py"
    with tempfile.TemporaryDirectory(dir=job.parent) as name:
        out, home = Path(name) / "out", Path(name) / "home"
        out.mkdir()
        home.mkdir()
        command = [str(python_of(environments, peer)), str(script)]
        command += ["--job", str(job), "--out", str(out), "--base-url", base_url]
        command += ["--concurrency", "64"]
        kept = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")}
        done = subprocess.run(
            command, check=False, capture_output=True, text=True, env={**kept, "HOME": str(home)}
        )
    if done.returncode:
        raise RuntimeError(f"{peer} failed:\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}")
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def own_run(folder: Path, n: int, picture_bytes: int, base_url: str) -> dict[str, float]:
    """What this engine took for it: a stage that asks and keeps the answer as it is."""
    run = folder / "run"
    shutil.rmtree(run, ignore_errors=True)
    in_process(recipe_file(folder, base_url, n, picture_bytes, "draw"), run)
    before = folder_bytes(run)
    found = in_process(recipe_file(folder, base_url, n, picture_bytes, "asked"), run)
    answers = sum(
        line.count(b'"event":"answered"')
        for path in (run / "journals").rglob("*.jsonl")
        for line in path.read_bytes().splitlines()
    )
    return {**found, "answers": answers, "written_bytes": folder_bytes(run) - before}


def compare(options: argparse.Namespace, n: int) -> None:
    """Prints each round and, last, the medians of rates, CPU and ratios."""
    environments, picture_bytes = options.environments, options.picture_bytes
    table: dict[str, dict[str, list[float]]] = {}

    def note(client: str, made: dict[str, float], own_rate: float, bare_rate: float) -> None:
        if made["answers"] != n:
            raise RuntimeError(f"{client} kept {made['answers']:g} answers of {n}")
        rate = n / made["seconds"]
        figures = {
            "req/s": rate,
            "CPU ms": made["cpu_s"] * 1000 / n,
            "MB": made["peak_mb"],
            "KB kept": made["written_bytes"] / n / 1000,
            "of bare": rate / bare_rate,
            "ours ÷ it": own_rate / rate,
        }
        for name, value in figures.items():
            table.setdefault(client, {}).setdefault(name, []).append(value)
        print(f"  {client:22}" + _cells(figures), flush=True)

    for peer in PEERS:
        python_of(environments, peer)
    with (
        tempfile.TemporaryDirectory(dir=options.folder) as name,
        server_process(Path(name), latency_s=options.latency, kind=PeersServer) as server,
    ):
        folder = Path(name)
        job = job_file(folder / "job", n, picture_bytes)
        for _ in range(options.rounds):
            bare_rate, bare_cpu_ms = bare(server.base_url, n, picture_bytes)
            print(f"  bare aiohttp {bare_rate:.0f} req/s, {bare_cpu_ms:.2f} CPU ms", flush=True)
            own = own_run(folder, n, picture_bytes, server.base_url)
            own_rate = n / own["seconds"]
            note("annoengine", own, own_rate, bare_rate)
            for peer in PEERS:
                note(peer, peer_run(environments, peer, job, server.base_url), own_rate, bare_rate)
    print(f"{n} requests, medians of {options.rounds} rounds")
    for client, lists in table.items():
        medians: dict[str, Any] = {name: statistics.median(found) for name, found in lists.items()}
        print(f"  {client:22}" + _cells(medians))


def _cells(figures: dict[str, float]) -> str:
    return "".join(f"{name:>10} {value:8.2f}" for name, value in figures.items())


def main() -> None:
    """Reads the options and measures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--environments", type=Path, required=True, help="a folder for them")
    parser.add_argument("--folder", type=Path, help="for runs; none is the system's temporary one")
    parser.add_argument("--requests", type=int, nargs="+", default=[500, 1000])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--picture-bytes", type=int, default=100_000)
    parser.add_argument("--latency", type=float, default=0.05)
    options = parser.parse_args()
    options.environments = options.environments.resolve()
    if options.environments.is_relative_to(Path(__file__).resolve().parents[3]):
        parser.error("--environments must lie outside the checkout")
    for n in options.requests:
        compare(options, n)


if __name__ == "__main__":
    main()
