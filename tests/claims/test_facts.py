"""The check of facts against statements that people labelled by looking, and generated ones.

The hand-written tables were closed before the check first ran; figures stand in README.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.benchmarks.facts import judge_by_hand, judge_generated
from tests.claims.tally import Judged, tally

PRECISION = 0.95
"""How often "contradicted" is right."""

RECALL, RECALL_BY_HAND = 0.7, 0.62
"""How many of all false statements are contradicted; by hand they are harder."""


def suffices(judged: Sequence[Judged], recall: float = RECALL_BY_HAND) -> None:
    found = tally(judged)["all"]
    assert found.precision is not None
    assert found.recall is not None
    assert found.precision >= PRECISION
    assert found.recall >= recall


def test_statements_about_the_examples() -> None:
    suffices(judge_by_hand().judged)


@pytest.mark.check_data
def test_statements_about_the_examples_and_coco(coco_sample: Path) -> None:
    suffices(judge_by_hand(coco_sample).judged)


def test_generated_statements(tmp_path: Path) -> None:
    outcome = judge_generated(tmp_path)
    assert len(outcome.judged) >= 400
    suffices(outcome.judged, RECALL)
