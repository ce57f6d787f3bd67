"""Memory and bytes of whole runs: is memory flat, and what does each stage write per record?

Runs ``recipes/pix2cap.yaml`` over made photographs (96 by 72) against a loopback server, once for
each number of records, in a process of its own::

    python -m tests.benchmarks.run_sizes --records 1000 20000
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.scenes import make_dataset
from tests.wire.openai_server import server_process


def run_recipe(arguments: list[str]) -> dict[str, float]:
    """Runs the command line in this process; gives its peak memory, without the pool's."""
    from annoengine.cli import app

    app(arguments, standalone_mode=False)
    return {"peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


def bytes_per_record(run: Path, records: int) -> dict[str, dict[str, float]]:
    """Bytes that lie in each folder of a run, by kind of file, per record."""
    sizes: dict[str, dict[str, float]] = {}
    folders = [p for p in sorted(run.iterdir()) if p.is_dir() and p.name[:2].isdigit()]
    for folder in [*folders, *sorted((run / "journals").glob("*"))]:
        kinds: dict[str, float] = {}
        for path in folder.rglob("*"):
            if path.is_file():
                kind = "".join(path.suffixes)
                kinds[kind] = kinds.get(kind, 0.0) + path.stat().st_size / records
        name = folder.relative_to(run).as_posix()
        sizes[name] = {kind: round(size, 1) for kind, size in sorted(kinds.items())}
    return sizes


def measure(records: int) -> dict[str, object]:
    """One run of so many records."""
    with (
        tempfile.TemporaryDirectory() as name,
        server_process(Path(name)) as server,
    ):
        folder = Path(name)
        data = make_dataset(folder / "data", records, seed=1)
        run = folder / "run"
        model = f"{{model: openai/gpt-4o-2024-11-20, options: {{base_url: '{server.base_url}'}}}}"
        arguments = ["run", "pix2cap", "-q", "-w", str(run), "--set", f"models.annotator={model}"]
        arguments += ["--input", f"images={data / 'images'}"]
        arguments += ["--input", f"annotations={data / 'panoptic_val2017.json'}"]
        command = [sys.executable, "-m", "tests.benchmarks.run_sizes", "--run", *arguments]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        peak_mb = json.loads(done.stdout.splitlines()[-1])["peak_mb"]
        return {
            "records": records,
            "peak_mb": round(peak_mb, 1),
            "bytes_per_record": bytes_per_record(run, records),
        }


def main() -> None:
    """Reads the options and measures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--records", nargs="+", type=int, default=[1000, 20000])
    parser.add_argument("--run", nargs=argparse.REMAINDER)
    options = parser.parse_args()
    if options.run:
        print(json.dumps(run_recipe(options.run)))
        return
    for records in options.records:
        print(json.dumps(measure(records)), flush=True)


if __name__ == "__main__":
    main()
