"""The fault matrix as a table: each fault in each dose, by the real engine against a real server.

::

    python -m tests.benchmarks.faults --records 200
"""

from __future__ import annotations

import argparse
import asyncio

from tests.wire.faults import DOSES, FAULTS, dosed, run_with


def main() -> None:
    """Prints a line for each fault and dose."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--records", type=int, default=100)
    options = parser.parse_args()
    heads = ("given", "failed", "calls", "retried", "paid twice", "perhaps", "seconds")
    print(f"{'fault':28} {'dose':16}" + "".join(f"{head:>11}" for head in heads))
    clean = asyncio.run(run_with(None, options.records))
    rows = [("none", "clean", clean)]
    for fault, rule in FAULTS.items():
        for dose, share in DOSES.items():
            if share is not None:
                verdict = asyncio.run(run_with(dosed(rule, share), options.records))
                rows.append((fault, dose, verdict))
    for fault, dose, v in rows:
        numbers = (v.given, v.failed, v.calls, v.tries_failed, v.repeats, v.perhaps_paid)
        cells = "".join(f"{number:>11}" for number in numbers)
        print(f"{fault:28} {dose:16}{cells}{v.seconds:>11.2f}  {'; '.join(v.problems)}")
    wrong = sum(bool(verdict.problems) for _, _, verdict in rows)
    print(f"{len(rows)} runs of {options.records} records, {wrong} with something wrong")


if __name__ == "__main__":
    main()
