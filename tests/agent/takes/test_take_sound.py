"""A take as sound: notes sound where they were played, and everything has rung out at the end."""

from __future__ import annotations

import json
import wave
from pathlib import Path

import numpy as np
import pytest

from agent.errors import UserError
from agent.takes import take_sound
from agent.takes.file_export import export
from agent.takes.recorder import JSONL
from agent.takes.take_sound import RATE

START = 500.0  # seconds, of the system's clock


def take(folder: Path, rows: list[dict[str, object]]) -> Path:
    folder.mkdir(parents=True)
    lines = [json.dumps(row) for row in ({"format": "tradefours-take/1"}, *rows)]
    (folder / JSONL).write_text("\n".join(lines) + "\n", encoding="utf8")
    return folder


def player(when: float, message: str) -> dict[str, object]:
    return {"in": "keys", "t": START + when, "bytes": message}


def agent(when: float, message: str) -> dict[str, object]:
    return {"out": message, "at": START + when, "due": START + when}


def sound(path: Path) -> np.ndarray:
    with wave.open(str(path)) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (2, 2, RATE)
        return np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, 2).astype(float)


def loudness(samples: np.ndarray, begin: float, end: float) -> float:
    return float(np.sqrt((samples[round(begin * RATE) : round(end * RATE)] ** 2).mean()))


def test_notes_sound_where_they_were_played(tmp_path: Path) -> None:
    rows = [player(0, "903c50"), player(0.5, "803c00"), agent(3, "904850"), agent(3.5, "804800")]
    [path] = export(take(tmp_path / "a", rows), tmp_path / "new" / "a.wav")
    samples = sound(path)
    assert loudness(samples, 0.05, 0.4) > 300
    assert loudness(samples, 3.05, 3.4) > 300
    assert loudness(samples, 2.5, 2.95) < 0.05 * loudness(samples, 0.05, 0.4)  # silence between them
    left, right = (float(np.abs(samples[: 2 * RATE, side]).mean()) for side in (0, 1))
    assert left > right  # the player
    left, right = (float(np.abs(samples[3 * RATE :, side]).mean()) for side in (0, 1))
    assert right > left  # the agent
    assert np.abs(samples[-100:]).max() < 200  # it has rung out
    assert not list(path.parent.glob("*.part"))


def test_a_pedal_that_is_never_lifted_ends_the_file_all_the_same(tmp_path: Path) -> None:
    rows = [player(0, "b0407f"), player(0.1, "903c50"), player(0.2, "803c00")]
    [path] = export(take(tmp_path / "a", rows), tmp_path / "a.wav")
    assert 2 * RATE < len(sound(path)) <= 13 * RATE


def test_a_take_without_notes_leaves_no_file(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="holds no notes"):
        export(take(tmp_path / "a", []), tmp_path / "a.wav")
    assert [p.name for p in tmp_path.iterdir()] == ["a"]


def test_a_take_that_is_too_long_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    folder = take(tmp_path / "a", [player(0, "903c50"), player(7 * 3600, "803c00")])
    with pytest.raises(UserError, match="longer than 360 minutes"):
        export(folder, tmp_path / "a.wav")
    assert [p.name for p in tmp_path.iterdir()] == ["a"]


def test_a_process_says_how_far_it_is_and_what_went_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = take(tmp_path / "a", [player(0, "903c50"), player(5, "803c00")])
    long = take(tmp_path / "long", [player(0, "903c50"), player(130, "803c00")])
    to = tmp_path / "a.wav"
    assert take_sound.main(str(folder), str(to), "120") == 0
    shares = [float(line) for line in capsys.readouterr().out.splitlines()]
    assert shares == sorted(set(shares))
    assert 0.0 < shares[0] < shares[-1] <= 1.0
    assert len(sound(to)) > 5 * RATE
    for words, why in (
        ((long, to, "120"), "longer than 2 minutes"),
        ((folder, tmp_path / "no" / "a.wav", "120"), "cannot be written"),
    ):
        assert take_sound.main(*map(str, words)) == 2
        said = capsys.readouterr().err
        assert why in said
        assert said.count("\n") == 1
