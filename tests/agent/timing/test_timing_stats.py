"""Meters: percentiles that are what they say."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from agent.timing.timing_stats import TimingStats, percentiles


def test_percentiles_of_a_hundred() -> None:
    found = percentiles([i / 1000 for i in range(100)])
    assert found == {"p50": 50.0, "p95": 95.0, "p99": 99.0, "max": 99.0}


def test_nothing_measured_is_nothing_said() -> None:
    assert percentiles([]) == {}
    assert json.loads(json.dumps(TimingStats().summary()))["first_note_ms"] == {}


@given(st.lists(st.floats(0.0, 10.0), min_size=1))
def test_percentiles_never_fall(seconds: list[float]) -> None:
    found = percentiles(seconds)
    assert found["p50"] <= found["p95"] <= found["p99"] <= found["max"] == round(1000 * max(seconds), 3)
