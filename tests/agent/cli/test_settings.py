"""`--set` and `--without` as a user meets them: what is told to the musician, and what it does to an answer."""

from __future__ import annotations

import json
from pathlib import Path

from agent.takes.recorder import JSONL

from .test_main import ECHO, call, run

__all__ = ["call"]


def test_setting_a_strength_to_nothing_and_switching_the_term_off_are_the_same(call: Path, tmp_path: Path) -> None:
    ask = ["answer", str(call), "-o", str(tmp_path / "out.mid"), "--seconds", "3", "--json"]
    plain, none, off = (run(*ask, *more) for more in ((), ("--set", "motif=0"), ("--without", "motif")))
    answers = [json.loads(done.stdout)["answer"] for done in (plain, none, off)]
    assert answers[1] == answers[2] != answers[0]


def test_a_session_tells_its_musician(tmp_path: Path) -> None:
    take = tmp_path / "take"
    more = ["--set", "beat=1.5", "--without", "clash", "--without", "style-prompt"]
    done = run("demo", "--take", str(take), "--mind", ECHO, "--json", *more)
    assert done.returncode == 0, done.stderr
    rows = [json.loads(line) for line in (take / JSONL).read_text(encoding="utf8").splitlines()]
    told = next(row["ask"]["sampling"] for row in rows if row.get("ask", {}).get("do") == "style")
    assert (told["beat"], told["without.clash"], told["without.style-prompt"]) == (1.5, 1.0, 1.0)
    kept = rows[0]["setting"]["preset"]["sampling"]
    assert kept["without.clash"] == 1.0  # so the take can be played again
    assert run("takes", "replay", str(take)).returncode == 0


def test_a_wrong_name_is_helped_to_the_nearest(call: Path, tmp_path: Path) -> None:
    ask = ["answer", str(call), "-o", str(tmp_path / "out.mid")]
    for words, sentence in (
        (("--set", "cadense=1"), "'cadense' is no setting; did you mean cadence?"),
        (("--without", "motiv"), "'motiv' cannot be switched off; did you mean motif?"),
        (("--set", "lowest=60", "--set", "highest=62"), "at least an octave apart"),
    ):
        done = run(*ask, *words)
        assert done.returncode == 2
        assert sentence in done.stderr.splitlines()[-1]
        assert "Traceback" not in done.stderr
    assert not (tmp_path / "out.mid").exists()
