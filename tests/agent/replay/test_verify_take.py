"""Takes are played again: golden ones decide as ever, and what differs is shown."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from agent.errors import UserError
from agent.replay.session_replay import differs
from agent.replay.verify_take import replay
from agent.styles.presets import Preset
from agent.takes.recorder import JSONL, rows
from agent.turns.mode_settings import MODES

from ...measure.record_golden import ECHO, FOLDER, jam
from ...system.rigs.jack import ROOT


def a_take(folder: Path, mode: str, change: Any = None) -> Path:
    """A golden take in a folder of its own, with each row changed."""
    folder.mkdir(exist_ok=True)
    told = list(rows(FOLDER / f"{mode}.jsonl"))
    for number, row in enumerate(told):
        if change is not None:
            change(number, row)
    (folder / JSONL).write_text("\n".join(json.dumps(row) for row in told))
    return folder


@pytest.mark.parametrize("mode", MODES)
def test_golden_takes_are_decided_as_ever(mode: str, tmp_path: Path) -> None:
    """Where a change is meant: `python -m tests.measure.record_golden`."""
    report = replay(a_take(tmp_path / "take", mode), ECHO[1:])
    assert report["session"] == ""
    assert report["musician"] == ""
    assert report["same"]
    assert report["decisions"] >= 5
    assert report["sent"] >= 40


def test_what_is_made_anew_is_the_same(tmp_path: Path) -> None:
    jam("trade", tmp_path)
    made, kept = (list(rows(path))[1:] for path in (tmp_path / JSONL, FOLDER / "trade.jsonl"))
    assert made == kept


def test_a_musician_who_takes_the_seat_of_another_is_asked_again_too(tmp_path: Path) -> None:
    styles = [Preset("jazz", musician="full"), Preset("walk", musician="full"), Preset("plain")]
    jam("call", tmp_path, styles=styles)
    told = list(rows(tmp_path / JSONL))
    seats = [row["seat"][-1] for row in told if "seat" in row]
    assert seats == ["full", "open"]  # who is there already is not called again
    assert sum("ready" in row.get("got", {}) for row in told) == 3
    report = replay(tmp_path, ECHO[1:])
    assert report["same"], report
    assert report["decisions"] >= 5
    for row in told:
        if "seat" in row:
            row["seat"] = [*ECHO[1:], "--no-such-option"]
    (tmp_path / JSONL).write_text("\n".join(json.dumps(row) for row in told))
    assert "did not answer" in replay(tmp_path, ECHO[1:])["musician"]


@pytest.mark.parametrize("seat", [False, True])
@pytest.mark.parametrize("kind", [list, str, lambda command: 7])
def test_a_take_starts_no_program_but_our_own(tmp_path: Path, kind: Any, seat: bool) -> None:
    jam("call", tmp_path, styles=[Preset("jazz", musician="full")])
    told, touched = list(rows(tmp_path / JSONL)), tmp_path / "touched"
    evil = kind(["-c", f"open({str(touched)!r}, 'w')"])
    told[0]["setting"]["musician"] = ECHO[1:] if seat else evil
    for row in told:
        if "seat" in row and seat:
            row["seat"] = evil
    (tmp_path / JSONL).write_text("\n".join(json.dumps(row) for row in told))
    assert replay(tmp_path)["musician"].startswith("not asked")
    assert not touched.exists()


def test_another_note_is_shown(tmp_path: Path) -> None:
    def change(number: int, row: dict[str, Any]) -> None:
        if "note" in row.get("got", {}) and row["got"]["id"] == 2:
            row["got"]["note"][2] += 1

    report = replay(a_take(tmp_path / "take", "call", change), ECHO[1:])
    assert not report["same"]
    assert "then" in report["musician"]
    assert "message" in report["session"]


def test_a_decision_that_is_another_is_shown(tmp_path: Path) -> None:
    def change(number: int, row: dict[str, Any]) -> None:
        if row.get("ask", {}).get("do") == "play" and row["ask"]["id"] == 3:
            row["ask"]["until"] += 1.0

    report = replay(a_take(tmp_path / "take", "call", change), ECHO[1:])
    assert "until" in report["session"]


def test_another_musician_is_said(tmp_path: Path) -> None:
    def change(number: int, row: dict[str, Any]) -> None:
        if "ready" in row.get("got", {}):
            row["got"]["ready"]["fingerprint"] = "abc"

    report = replay(a_take(tmp_path / "take", "call", change), ECHO[1:])
    assert report["session"] == ""
    assert report["musician"] == "another one: fingerprint abc then, none now"


def test_what_cannot_be_replayed_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot be read"):
        replay(tmp_path / "nowhere")
    (tmp_path / JSONL).write_text('{"format": "tradefours-take/1"}\n')
    with pytest.raises(UserError, match="older versions"):
        replay(tmp_path)

    def linked(number: int, row: dict[str, Any]) -> None:
        if number == 0:
            row["setting"]["link"] = True

    with pytest.raises(UserError, match="Link"):
        replay(a_take(tmp_path / "link", "call", linked))

    def broken(number: int, row: dict[str, Any]) -> None:
        if number == 0:
            del row["setting"]["preset"]["name"]

    with pytest.raises(UserError, match="may be broken"):
        replay(a_take(tmp_path / "broken", "call", broken), ECHO[1:])


def test_a_jam_in_real_time_is_decided_the_same_in_virtual_time(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "agent"]
    take, echo = str(tmp_path / "take"), " ".join(ECHO)
    subprocess.run(
        [*command, "demo", "--take", take, "--sound", "off", "--mind", echo], check=True, capture_output=True, cwd=ROOT
    )
    done = subprocess.run([*command, "takes", "replay", take, "--json"], capture_output=True, text=True, cwd=ROOT)
    report = json.loads(done.stdout)
    assert report["same"], report
    assert report["sent"] > 20
    assert done.returncode == 0


def test_moments_may_differ_a_little_and_nothing_else() -> None:
    assert differs({"do": "play", "until": 1.0}, {"do": "play", "until": 1.01}) == ""
    assert differs({"do": "play", "until": 1.0}, {"do": "play", "until": 2.0}) == "until: 1.0 then, 2.0 now"
    assert differs({"do": "play"}, {"do": "seed"}) == "play then, seed now"
    assert differs([[1, None]], [[1, 2]]) == "0 1: None then, 2 now"
    assert differs([1], [1, 2]) == ": 1 values then, 2 now"
