"""The phrase of now is what the player has played since the last answer; a call that got no note waits on."""

from __future__ import annotations

from agent.turns.note_history import History
from agent.turns.session_phrases import KEPT, LONGEST_CALL, PhraseLog
from models.music.note_records import ANSWER, CALL, Note


def notes(first: float, count: int, role: int = CALL) -> list[Note]:
    return [Note(first + 0.1 * i, 0.1, 60 + i % 12, 70, role) for i in range(count)]


def played(history: History, *more: Note) -> None:
    for note in more:
        history.add(note)


def test_a_phrase_ends_with_the_answer_to_it() -> None:
    history = History()
    log = PhraseLog(history, start=10.0)
    call, answer, next_call = notes(11.0, 3), notes(12.0, 2, ANSWER), notes(13.0, 1)
    played(history, *call)
    assert log.current() == call
    assert log.current() == call  # asking changes nothing
    log.begin_answer(log.current())
    played(history, *answer)
    assert log.current() == call
    log.end_answer(answer)
    assert log.current() == []
    played(history, *next_call)
    assert log.current() == next_call
    assert [n.onset for p in log.calls for n in p] == [n.onset - 10.0 for n in call]
    assert [len(p) for p in log.answers] == [2]
    assert log.answer_count == 1


def test_a_call_without_a_note_in_reply_is_open_again() -> None:
    history = History()
    log = PhraseLog(history, start=0.0)
    call = notes(1.0, 4)
    played(history, *call)
    log.begin_answer(log.current())
    log.end_answer([])
    log.reopen_call()
    assert log.current() == call
    assert log.calls == []
    assert log.answer_count == 0


def test_what_is_kept_is_bounded() -> None:
    history = History(kept=LONGEST_CALL)
    log = PhraseLog(history, start=0.0)
    for number in range(KEPT + 20):
        played(history, *notes(float(number), 3))
        log.begin_answer(log.current())
        log.end_answer(notes(float(number), 1, ANSWER))
    assert len(log.calls) == len(log.answers) == KEPT
    assert log.answer_count == KEPT + 20
    played(history, *notes(1e4, 2 * LONGEST_CALL))
    assert len(log.current()) == LONGEST_CALL
