"""Toy providers begin each test without what they heard before."""

from __future__ import annotations

import pytest

from tests.toy import Batch, Echo


@pytest.fixture(autouse=True)
def _forget() -> None:
    for provider in (Echo, Batch):
        provider.forget()
    Batch.waves.clear()
    Batch.lost.clear()
