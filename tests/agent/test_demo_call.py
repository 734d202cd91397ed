"""The demo's call and its ports; pictures of call and answer."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest

from agent.demo_call import BEAT, DemoInput, messages, pitch, written_call
from agent.midi.messages import Event
from agent.takes.piano_roll import COLOURS, answer_starts, piano_roll
from models.music.keys import key_share
from models.music.matplotlib_setup import imread, to_rgb
from models.music.note_records import ANSWER, Note, Phrase


def test_names_are_pitches() -> None:
    assert [pitch(n) for n in ("C4", "A4", "G5", "F2")] == [60, 69, 79, 41]


def test_the_call_is_a_phrase_in_c_major_of_eight_beats() -> None:
    call = written_call()
    assert key_share(n.pitch for n in call) == (0, 1.0)
    assert 4.0 < call.end - call.start <= 8 * BEAT + 0.1
    assert 20 <= len(call) <= 40
    assert all(n.duration > 0.1 and 40 <= n.velocity <= 100 for n in call)


def test_ons_and_offs_pair_up_in_order() -> None:
    stream = messages(written_call().notes)
    assert [when for when, _ in stream] == sorted(when for when, _ in stream)
    assert len(stream) == 2 * len(written_call())


def test_the_keyboard_plays_in_real_time_and_stops_when_closed() -> None:
    heard: list[Event] = []
    keys = DemoInput(Phrase.of([Note(0.0, 0.05, 60, 70), Note(0.1, 0.05, 62, 70), Note(60.0, 1.0, 64, 70)]), delay=0.0)
    keys.open(heard.append)
    time.sleep(0.4)
    keys.close()
    assert [e.message[1] for e in heard] == [60, 60, 62, 62]
    assert 0.095 <= heard[2].when - heard[0].when < 0.2


def test_a_picture_shows_both_players_apart(tmp_path: Path) -> None:
    answer = [Note(6.0 + i * 0.3, 0.25, 65 + i, 127, ANSWER) for i in range(8)]
    call = [Note(i * 0.3, 0.25, 60 + i, 127) for i in range(8)]
    piano_roll(tmp_path / "a.png", call, answer, title="a test")
    pixels = imread(tmp_path / "a.png")[..., :3]
    assert pixels.shape[0] > 400
    assert pixels.shape[1] > 700
    where = {}
    for who, colour in COLOURS.items():
        close = np.abs(pixels - np.array(to_rgb(colour))).max(axis=-1) < 0.02
        columns = np.flatnonzero(close[100:].any(axis=0))  # below the legend
        assert close.sum() > 500, who
        where[who] = columns.mean()
    assert where["call"] < where["answer"]


def test_hand_overs_are_where_the_answerer_begins() -> None:
    call = [Note(0.0, 1.0, 60, 70), Note(5.0, 1.0, 60, 70)]
    answer = [Note(2.0, 1.0, 60, 70, ANSWER), Note(3.0, 1.0, 60, 70, ANSWER), Note(7.0, 1.0, 60, 70, ANSWER)]
    assert answer_starts(call, answer) == [2.0, 7.0]
    assert answer_starts([], answer) == []


def test_an_empty_picture_is_still_a_picture(tmp_path: Path) -> None:
    piano_roll(tmp_path / "a.png", [], [], title="nothing")
    assert (tmp_path / "a.png").stat().st_size > 1000


@pytest.mark.parametrize("title", ["日本 😀", "M\udcfcller", "a $x^ b$", "$", "a_b^{", "\\frac"])
def test_a_picture_takes_any_title(tmp_path: Path, title: str) -> None:
    piano_roll(tmp_path / "a.png", [Note(0.0, 1.0, 60, 80)], [], title=title)
    assert (tmp_path / "a.png").read_bytes()[:4] == b"\x89PNG"
