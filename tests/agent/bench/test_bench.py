"""The benchmark measures every figure that has a budget, and compares it with the budget alone."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

from agent.bench.budgets import BUDGETS, BUSY_BUDGETS, conclusion, table, verdicts
from models.runtime import checkpoint

from ...support.musicians import SMALL, small_musician

ROW = {"p50": 1.0, "p95": 1.5, "p99": 1.9, "max": 3.0}


def test_budgets_are_kept_or_missed() -> None:
    report = {"note_ms": ROW, "lateness_ms": ROW, "ready_share": 0.9, "thru_ms": {}}
    found = verdicts(report, {"note_ms": {**ROW, "p95": 2.5}})
    assert found["note, 512 of context, p50"] == {"limit": 1.5, "measured": 1.0, "ok": True}
    assert not found["lateness, p99"]["ok"]
    assert not found["notes ready in time, 12 a second"]["ok"]
    assert found["one core busy: note, 512 of context, p95"]["measured"] == 2.5
    assert not any("thru" in name for name in found)
    assert len({b.name for b in (*BUDGETS, *BUSY_BUDGETS)}) == len(BUDGETS) + len(BUSY_BUDGETS)
    text = table({"machine": "m", "engine": "e", **report, "budgets": found})
    assert text.endswith(conclusion(found))
    assert "MISSED lateness, p99" in text


def verdict_of(*missed: str) -> dict[str, dict[str, bool]]:
    """Verdicts on every budget, of which those of these names are missed."""
    names = [b.name for b in (*BUDGETS, *BUSY_BUDGETS)]
    assert set(missed) <= set(names)
    return {name: {"ok": name not in missed} for name in names}


def test_it_ends_in_one_sentence_for_a_player() -> None:
    sentences = {
        (): "in time, also while another program works hard",
        ("one core busy: lateness, p95",): "as long as no other program works hard",
        ("times as fast as torch, a note",): "is not heard",
        ("lateness, p99", "one core busy: lateness, p95"): "its notes may sound late: close other programs",
        ("thru, p99",): "your own keys may sound late",
        ("command to ready",): "it takes long to start",
        ("an answer is chosen from, p50",): "it has fewer answers to choose from",
        ("note, 512 of context, p99", "cut-in to last off, p99"): "when you cut in and it may answer late",
    }
    for missed, words in sentences.items():
        sentence = conclusion(verdict_of(*missed))
        assert words in sentence
        assert sentence.count(".") == 1
    for budget in BUDGETS:  # none is passed over in silence
        assert conclusion(verdict_of(budget.name)) != conclusion(verdict_of())


def test_every_row_is_measured(tmp_path: Path) -> None:
    path = tmp_path / "small.safetensors"
    checkpoint.save(path, small_musician(0, replace(SMALL, latent=24)), {})
    command = [sys.executable, "-m", "agent.cli.main", "bench", "--json", "--seconds", "4", "--weights", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode in (0, 1), done.stderr
    found = json.loads(done.stdout)
    assert set(found["rss_mb"]) == {"start", "end"}
    assert found["engine"] == "onnxruntime"
    assert found["side_by_side"] > 0
    assert found["chosen_from"]["answers"] > 0
    assert 0 < found["choice_ms"]["p50"] < found["silence_to_choice_ms"]["p50"]
    for key in (
        "note_ms",
        "twelve_ms",
        "apart_ms",
        "append_ms",
        "prefill_ms",
        "limit_ms",
        "torch_note_ms",
        "thru_ms",
        "stamp_ms",
    ):
        assert set(found[key]) == {"p50", "p95", "p99", "max"}, key
    assert {
        "first_note_ms",
        "first_note_undrafted_ms",
        "lateness_ms",
        "cut_in_ms",
        "machine",
        "cold_start_s",
        "ready_share",
    } <= set(found)
    assert 0.0 <= found["ready_share"] <= 1.0
    assert done.returncode == int(not all(v["ok"] for v in found["budgets"].values()))
