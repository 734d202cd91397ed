"""The cost of an open page: the measurement itself, with a process that reads what a page would."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from typing import Any

import pytest

from agent.bench import cpu_usage, web_page_cost, web_page_opener
from agent.errors import UserError


@pytest.fixture
def reader_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """No browser, and little time."""
    monkeypatch.setattr(web_page_opener, "has_browser", lambda: False)
    monkeypatch.setattr(web_page_opener, "HEADLESS", ())
    monkeypatch.setattr(web_page_cost, "WARM_UP", 1.5)
    monkeypatch.setattr(web_page_cost, "TURNS", (False, True))


def test_both_turns_are_measured_and_reported(
    reader_only: None, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    code = web_page_cost.page_cost("open", "live", 5.0, as_json=True)
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert found["opened_by"] == "a reader"
    assert found["thru_ms"]["closed"]
    assert found["thru_ms"]["open"]
    for name in ("thru_ms", "lateness_ms"):
        closed, opened = found[name]["closed"], found[name]["open"]
        if not closed or not opened:  # a machine that is too busy for the musician
            assert found[name]["ratio"] is None
            continue
        assert 0 < closed["p50"] <= closed["p99"]
        assert found[name]["ratio"] == pytest.approx(opened["p99"] / closed["p99"], abs=1e-3)
    assert code == int(not all(v["ok"] for v in found["budgets"].values()))
    for verdict in found["budgets"].values():
        assert verdict["ok"] == (verdict["measured"] <= web_page_cost.MOST_RATIO)
    traffic = found["page"]
    assert 2 < traffic["messages_a_second"] <= 22  # notes were played, and what came together went together
    assert 10 * traffic["messages_a_second"] < traffic["bytes_a_second"] < 50_000
    if sys.platform == "linux":
        assert set(found["cores"]["open"]) == {"program", "musician", "page"}
        assert set(found["cores"]["closed"]) == {"program", "musician"}
        assert 0 < found["cores"]["open"]["program"] < 1.5

    async def same_report(*_: Any) -> dict[str, Any]:
        return found

    monkeypatch.setattr(web_page_cost, "compare", same_report)
    assert web_page_cost.page_cost("open", "live", 5.0, as_json=False) == code
    said = capsys.readouterr().out
    for words in ("opened by a reader", "thru, page closed", "thru, page open", "messages", "at most 1.2"):
        assert words in said


def test_a_browser_that_does_not_open_the_page_is_reported(reader_only: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web_page_opener, "OPEN_TIMEOUT", 0.2)
    monkeypatch.setattr(web_page_opener, "READER", "")
    with pytest.raises(UserError, match="is there a browser that works"):
        web_page_cost.page_cost("open", "live", 2.0, as_json=True)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has these figures")
def test_cpu_seconds_are_summed_over_each_childs_descendants() -> None:
    inner = "import time\nbegun = time.process_time()\nwhile time.process_time() - begun < 0.3: pass\ntime.sleep(60)"
    outer = f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {inner!r}])"
    before, begun = cpu_usage.cpu_seconds(os.getpid()), time.perf_counter()
    assert os.getpid() in before
    child = subprocess.Popen([sys.executable, "-c", outer])
    try:
        end = time.monotonic() + 60
        while cpu_usage.cpu_seconds(os.getpid()).get(child.pid, 0.0) < 0.3:
            assert time.monotonic() < end
            time.sleep(0.05)
        seconds = time.perf_counter() - begun
        shares = cpu_usage.shares(before, cpu_usage.cpu_seconds(os.getpid()), seconds)
        assert shares[child.pid] >= 0.29 / seconds
    finally:
        for pid in [*_children(child.pid), child.pid]:
            os.kill(pid, 9)
        child.wait()


def _children(pid: int) -> list[int]:
    with open(f"/proc/{pid}/task/{pid}/children") as file:
        return [int(word) for word in file.read().split()]
