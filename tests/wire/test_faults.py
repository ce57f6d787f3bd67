"""The fault matrix: whatever a server does, no record is lost and nothing whole is paid twice."""

from __future__ import annotations

import pytest

from tests.wire.faults import DOSES, FAULTS, dosed, run_with

RECORDS = 60


@pytest.mark.parametrize("dose", [name for name, rule in DOSES.items() if rule is not None])
@pytest.mark.parametrize("fault", FAULTS)
async def test_a_fault_loses_nothing(fault: str, dose: str) -> None:
    verdict = await run_with(dosed(FAULTS[fault], DOSES[dose]), RECORDS)
    assert verdict.problems == []
    assert (verdict.given, verdict.failed) == (RECORDS, 0)
