"""The CPU pool: results, exceptions, dead workers, and a parent that is killed."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time

import pytest

from annoengine.compute import Pool
from annoengine.errors import RecordFailed
from tests.engine.pool_tasks import complain, die, double


@pytest.mark.parametrize("workers", [0, 2])
async def test_results_and_exceptions_pass(workers: int) -> None:
    pool = Pool(workers)
    try:
        assert await asyncio.gather(*(pool.run(double, n) for n in range(20))) == [
            2 * n for n in range(20)
        ]
        with pytest.raises(ValueError, match="wrong"):
            await pool.run(complain, "wrong")
    finally:
        pool.close()
        pool.close()


async def test_only_the_killer_fails() -> None:
    pool = Pool(2)
    try:
        found = await asyncio.gather(*(pool.run(die, n) for n in range(6)), return_exceptions=True)
        assert isinstance(found[0], RecordFailed)
        assert found[0].reason == "worker died"
        assert found[1:] == list(range(1, 6))
        assert await pool.run(double, 4) == 8, "the pool was built again"
    finally:
        pool.close()


PARENT = """
import asyncio, os
from annoengine.compute import Pool
async def main():
    pool = Pool(1)
    print(await pool.run(os.getpid), flush=True)
    await asyncio.sleep(60)
asyncio.run(main())
"""


def test_workers_end_with_a_killed_parent() -> None:
    parent = subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    worker = int(parent.stdout.readline())
    os.kill(worker, 0)
    parent.kill()
    parent.wait()
    parent.stdout.close()
    for _ in range(200):
        try:
            os.kill(worker, 0)
        except ProcessLookupError:
            return
        time.sleep(0.05)
    pytest.fail("the worker outlived its parent by ten seconds")
