"""The listener turns any messages into notes, and tells the conversation only what changed."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from agent.midi.messages import Event
from agent.turns.history import History
from agent.turns.note_tracker import LONGEST_RING, NoteTracker
from models.music.note import HELD, Note


def heard(*events: tuple[float, tuple[int, ...]]) -> NoteTracker:
    listener = NoteTracker(History())
    for when, message in events:
        listener.hear(Event(when, bytes(message)))
    return listener


def lengths(listener: NoteTracker) -> list[float]:
    return [round(n.duration, 6) for n in listener.conversation.notes]


def test_a_key_down_and_up_is_a_note() -> None:
    listener = heard((1.0, (0x90, 60, 80)), (1.5, (0x80, 60, 0)))
    assert listener.conversation.notes == [Note(1.0, 0.5, 60, 80)]
    assert (listener.last_onset, listener.last_release) == (1.0, 1.5)


def test_a_note_is_held_until_its_key_is_up() -> None:
    assert lengths(heard((1.0, (0x90, 60, 80)))) == [HELD]
    assert lengths(heard((1.0, (0x90, 60, 80)), (2.0, (0x90, 60, 0)))) == [1.0]


def test_the_pedal_holds_what_is_let_go() -> None:
    down, up = (0xB0, 64, 127), (0xB0, 64, 0)
    listener = heard((0.0, down), (1.0, (0x90, 60, 80)), (1.2, (0x80, 60, 0)))
    assert lengths(listener) == [HELD]
    assert listener.pedal
    listener.hear(Event(3.0, bytes(up)))
    assert lengths(listener) == [2.0]
    assert not listener.pedal


def test_a_key_held_when_the_pedal_rises_goes_on() -> None:
    assert lengths(heard((0.0, (0xB0, 64, 127)), (1.0, (0x90, 60, 80)), (2.0, (0xB0, 64, 0)))) == [HELD]


def test_a_key_struck_again_ends_the_note_before() -> None:
    assert lengths(heard((1.0, (0x90, 60, 80)), (1.4, (0x90, 60, 80)))) == [0.4, HELD]
    pedalled = heard((0.0, (0xB0, 64, 127)), (1.0, (0x90, 60, 80)), (1.1, (0x80, 60, 0)), (1.4, (0x90, 60, 80)))
    assert lengths(pedalled) == [0.4, HELD]


def test_a_string_dies_away_under_the_pedal() -> None:
    listener = heard((0.0, (0xB0, 64, 127)), (1.0, (0x90, 60, 80)), (1.1, (0x80, 60, 0)), (99.0, (0xB0, 64, 0)))
    assert lengths(listener) == [LONGEST_RING]


def test_all_notes_off_lets_go() -> None:
    listener = heard((1.0, (0x90, 60, 80)), (1.0, (0x91, 60, 80)), (2.0, (0xB0, 123, 0)))
    assert lengths(listener) == [1.0, HELD]
    assert list(listener.down) == [(1, 60)]


def test_channels_do_not_mix() -> None:
    assert lengths(heard((1.0, (0x90, 60, 80)), (2.0, (0x81, 60, 0)))) == [HELD]


def test_a_pedal_that_ends_ten_notes_is_one_piece_of_news() -> None:
    events = [(0.0, (0xB0, 64, 127))]
    for i in range(10):
        events += [(1.0 + i, (0x90, 60 + i, 80)), (1.5 + i, (0x80, 60 + i, 0))]
    listener = heard(*events)
    assert listener.conversation.news() == (0, listener.conversation.notes)
    assert listener.conversation.news() is None
    listener.hear(Event(20.0, bytes((0xB0, 64, 0))))
    at, notes = listener.conversation.news() or (None, [])
    assert at == 0
    assert all(n.duration != HELD for n in notes)
    assert listener.conversation.news() is None


@given(st.lists(st.tuples(st.floats(0.0, 0.5), st.binary(max_size=6)), max_size=60))
def test_any_bytes_at_all(stream: list[tuple[float, bytes]]) -> None:
    now, listener = 0.0, NoteTracker(History())
    for wait, message in stream:
        now += wait
        listener.hear(Event(now, message))
    listener.lift(now)
    assert not listener.down
    assert not listener.ringing
    assert all(0 < n.duration <= LONGEST_RING for n in listener.conversation.notes)
