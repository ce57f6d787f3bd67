"""The fault matrix as a table: each fault in each dose, by the real engine against a real server.

::

    python -m tests.benchmarks.faults --records 200 --protocol gemini
"""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Awaitable, Iterator

from tests.wire.faults import DOSES, PROTOCOLS, Verdict, dosed, run_with
from tests.wire.late_faults import LATE_FAULTS

Row = tuple[str, str, str, Awaitable[Verdict]]


def rows(protocol: str, records: int) -> Iterator[Row]:
    """Protocol, fault and dose of every run, and the run."""
    yield protocol, "none", "clean", run_with(None, records, protocol)
    for fault, rule in PROTOCOLS[protocol].faults.items():
        for dose, share in DOSES.items():
            if share is not None:
                run = run_with(dosed(rule, share), records, protocol)
                yield protocol, fault, dose, run
    for fault, late in LATE_FAULTS.items():
        yield protocol, fault, "late", late(protocol, records)


def main() -> None:
    """Prints a line for each protocol, fault and dose."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--records", type=int, default=100)
    parser.add_argument("--protocol", choices=sorted(PROTOCOLS), help="this one alone")
    options = parser.parse_args()
    heads = ("given", "failed", "calls", "met", "retried", "paid twice", "perhaps", "seconds")
    print(f"{'protocol':9}{'fault':28} {'dose':16}" + "".join(f"{head:>11}" for head in heads))
    chosen = [options.protocol] if options.protocol else list(PROTOCOLS)
    runs = wrong = 0
    for name in chosen:
        for protocol, fault, dose, run in rows(name, options.records):
            v = asyncio.run(_awaited(run))
            runs, wrong = runs + 1, wrong + bool(v.problems)
            numbers = (v.given, v.failed, v.calls, v.met, v.tries_failed, v.repeats, v.perhaps_paid)
            cells = "".join(f"{number:>11}" for number in numbers)
            said = "; ".join(v.problems)
            print(
                f"{protocol:9}{fault:28} {dose:16}{cells}{v.seconds:>11.2f}  {said}".rstrip(),
                flush=True,
            )
    print(f"{runs} runs of {options.records} records, {wrong} with something wrong")


async def _awaited(run: Awaitable[Verdict]) -> Verdict:
    return await run


if __name__ == "__main__":
    main()
