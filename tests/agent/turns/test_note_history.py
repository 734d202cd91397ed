"""The history and a musician that is told its news always agree."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import example, given, settings
from hypothesis import strategies as st

from agent.turns.note_history import History
from models.music.note_records import ANSWER, CALL, HELD, Note

acts = st.lists(
    st.tuples(st.sampled_from(["strike", "end", "answer", "withdraw", "tell"]), st.integers(0, 40)), max_size=80
)


@example([("strike", 0)] * 9, 3)
@example([("answer", 0), ("end", 0)], 3)
@settings(max_examples=400, deadline=None)
@given(acts, st.sampled_from([3, 1000]))
def test_news_brings_the_musician_up_to_date(script: list[tuple[str, int]], kept: int) -> None:
    mine, theirs, now = History(kept), [], 0.0
    everything: list[Note] = []

    def tell() -> None:
        if (news := mine.take_changes()) is not None:
            at, notes = news
            assert at <= len(theirs)
            theirs[at:] = notes

    for act, number in script:
        now += 0.1
        if act == "strike":
            mine.add(Note(now, HELD, 60, 70, CALL))
            everything.append(Note(now, HELD, 60, 70, CALL))
        elif act == "end":
            if mine.first <= number < len(mine):
                mine.set_duration(number, now)
                everything[number] = replace(everything[number], duration=now)
        elif act == "answer":
            tell()  # the musician plays only on what it has been told
            note = Note(now, 0.5, 64, 60, ANSWER)
            mine.add_generated(note)
            theirs.append(note)
            everything.append(note)
        elif act == "withdraw":
            if mine.first <= number < len(mine):
                mine.withdraw(number)
                del everything[number:]
        else:
            tell()
            assert mine.take_changes() is None
    tell()
    assert len(mine) == len(theirs) == len(everything)
    assert mine.notes == theirs[mine.first :] == everything[mine.first :]


def test_a_musician_who_comes_in_late_is_told_the_end() -> None:
    mine = History()
    for i in range(10):
        mine.add(Note(float(i), 0.5, 60, 70))
    at, notes = mine.take_last(4)
    assert at == 6
    assert [n.onset for n in notes] == [6.0, 7.0, 8.0, 9.0]
    assert mine.take_changes() is None
