"""A thousand kills in chains, each chain checked against an undisturbed run to the byte.

::

    python -m tests.benchmarks.many_kills --kills 1000
"""

from __future__ import annotations

import argparse
import json
import tempfile
from dataclasses import asdict
from pathlib import Path

from tests.resume.chains import kill_in_chains, result_files, run_arguments
from tests.resume.test_kills import SCRIPT
from tests.scenes import make_dataset
from tests.wire.openai_server import server_process
from tests.zygote import Zygote


def main() -> None:
    """Reads the options and kills."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--kills", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as name,
        server_process(Path(name), SCRIPT, latency_s=0.01) as server,
        Zygote(Path(name) / "output.txt") as zygote,
    ):
        zygote.load_language()
        folder = Path(name)
        dataset = make_dataset(folder / "data", 24, seed=5)
        command = run_arguments(dataset, server.base_url, 5)
        undisturbed = folder / "undisturbed"
        assert zygote.run([*command, "-w", str(undisturbed)]) == 0, zygote.output.read_text()
        made = kill_in_chains(
            zygote,
            command,
            folder,
            result_files(undisturbed),
            options.kills,
            options.seed,
            longest_s=0.5,
        )
        print(json.dumps(asdict(made)))


if __name__ == "__main__":
    main()
