"""The fault matrix: whatever a server does, no record is lost and nothing whole is paid twice."""

from __future__ import annotations

import pytest

from tests.wire.faults import DOSES, PROTOCOLS, dosed, run_with
from tests.wire.late_faults import LATE_FAULTS

RECORDS = 20
"""So few because most of the time is waited; one in ten are two calls."""


@pytest.mark.parametrize("dose", [name for name, rule in DOSES.items() if rule is not None])
@pytest.mark.parametrize(
    ("protocol", "fault"),
    [(name, fault) for name, protocol in PROTOCOLS.items() for fault in protocol.faults],
)
async def test_a_fault_loses_nothing(protocol: str, fault: str, dose: str) -> None:
    rule = dosed(PROTOCOLS[protocol].faults[fault], DOSES[dose])
    verdict = await run_with(rule, RECORDS, protocol)
    assert verdict.problems == []
    assert (verdict.given, verdict.failed) == (RECORDS, 0)


@pytest.mark.parametrize("fault", LATE_FAULTS)
@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_a_fault_in_the_middle_of_a_run_loses_nothing(protocol: str, fault: str) -> None:
    verdict = await LATE_FAULTS[fault](protocol, RECORDS)
    assert verdict.problems == []
    assert (verdict.given, verdict.failed) == (RECORDS, 0)
