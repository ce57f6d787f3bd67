"""All measurements of ``make benchmark``, one after another, printed as they come."""

from __future__ import annotations

import subprocess
import sys

EVERY: tuple[tuple[str, str, list[str]], ...] = (
    ("calls: annotate beside bare aiohttp + uvloop", "annotate_calls", ["--rounds", "7"]),
    ("limits: refusals and time at every kind of server", "rate_limits", []),
    ("faults: what each does to a run", "faults", []),
    ("checks of captions: milliseconds a caption", "captions", []),
    ("facts: precision and recall on statements labelled by looking", "facts", []),
    ("rephrase: a small LLaMA's rewrites before the check", "rephrase_llama", []),
    ("memory and bytes: 1,000 and 20,000 records", "run_sizes", ["--records", "1000", "20000"]),
    ("a thousand kills", "many_kills", ["--kills", "1000"]),
)


def main() -> None:
    """Runs them; the first that fails ends it."""
    for title, module, options in EVERY:
        print(title, flush=True)
        subprocess.run([sys.executable, "-m", f"tests.benchmarks.{module}", *options], check=True)


if __name__ == "__main__":
    main()
