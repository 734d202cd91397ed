"""Three random sessions with the real musician beside two busy loops, one in each mode: each take is replayed bit for bit."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.takes.recorder import JSONL, rows

from ..measure.replays import Plan, main

FIRST = 9  # in these three, a musician is killed, another takes its seat, and styles and a control are learnt


def test_sessions_beside_busy_loops_are_replayed_bit_for_bit(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plans = [Plan.drawn(seed) for seed in range(FIRST, FIRST + 3)]
    assert {plan.manner.mode for plan in plans} == {"call", "trade", "duet"}
    assert {"kill", "others", "learn", "control"} <= {request for plan in plans for _, request in plan.requests}
    failed = main(["--sessions", "3", "--first", str(FIRST), "--folder", str(tmp_path)])
    table = capsys.readouterr().out
    assert not failed, table
    assert "3 of 3" in table
    told = [row for path in sorted(tmp_path.glob(f"*/take/{JSONL}")) for row in rows(path)]
    assert sum("starts" in row for row in told) >= 5
    assert any("learns" in row for row in told)
    assert any(row.get("aside") for row in told)
    assert any(sum(row["got"]["spared"]) for row in told if "spared" in row.get("got", {}))
    assert sum("out" in row for row in told) >= 30
