"""Results keep the order of the tasks, whoever computes them and whoever dies."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator

import pytest

from annoengine.checks.ordered_work import results_in_order
from annoengine.errors import InputError


def squared(task: int) -> int:
    time.sleep(0.002 if task % 16 == 0 else 0)
    return task * task


def deadly(task: int) -> int:
    if task == 20:
        os._exit(3)
    return task


def raising(task: int) -> int:
    raise InputError(f"no {task}")


def died(task: int, why: str) -> int:
    assert "died twice" in why
    return -task


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("n", [0, 1, 16, 333])
def test_results_come_in_order(workers: int, n: int) -> None:
    found = list(results_in_order(squared, range(n), workers, died))
    assert found == [task * task for task in range(n)]


def test_a_task_that_kills_its_process_fails_alone() -> None:
    assert list(results_in_order(deadly, range(40), 1, died)) == [
        -task if task == 20 else task for task in range(40)
    ]


def test_an_error_passes() -> None:
    with pytest.raises(InputError, match="no 0"):
        list(results_in_order(raising, range(3), 1, died))


def test_few_tasks_are_on_the_way() -> None:
    """The row is drawn from as it is worked off: memory does not grow with it."""
    drawn = 0

    def row() -> Iterator[int]:
        nonlocal drawn
        for task in range(10_000):
            drawn += 1
            yield task

    results = results_in_order(squared, row(), 1, died)
    for _ in range(3):
        next(results)
    assert 16 <= drawn <= 16 * 6
    results.close()  # type: ignore[attr-defined]
