"""A phrase begins after the last long rest: an accidental key, or the one that stopped an answer, makes no later answer longer."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Generator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.turns import turn_taking
from agent.turns.mode_settings import DUET
from agent.turns.turn_taking import SLOWEST, current_phrase
from models.decoding.echo_test_musician import Echo
from models.music.note_records import ANSWER, Note, Span
from models.music.phrase_end import REST

from ..session.test_session import Jam, jam

STEP = 0.1  # seconds between the notes of this musician
USUAL = (1.6, 2.9)  # seconds of an answer to a phrase of one second: the shortest there is
TUNE = (60, 62, 64, 67, 65, 64)


class Steady(Echo):
    """Plays even notes for as long as it may."""

    def play(self, span: Span) -> Generator[Note, None, str]:
        onset = span.earliest
        if self.notes and self.notes[-1].role == ANSWER:
            onset = max(onset, self.notes[-1].onset + STEP)
        while onset < span.stop:
            note = Note(onset, STEP / 2, 72, 70, ANSWER)
            self.notes.append(note)
            yield note
            if onset >= span.until:
                return "more"
            onset += STEP
        return "end"


async def stray(j: Jam, pitch: int = 50, channel: int = 0, length: float = 0.05) -> None:
    j.keys.play(0x90 | channel, pitch, 30)
    await asyncio.sleep(length)
    j.keys.play(0x80 | channel, pitch, 0)


async def hush(j: Jam, length: float = 0.1) -> None:
    """A whole exchange, in which a key stops the answer."""
    await j.play(*TUNE, gap=0.2, length=0.1)
    await j.until_answered(3)
    await stray(j, length=length)


async def twice(j: Jam) -> None:
    await stray(j)
    await asyncio.sleep(10.0)
    await stray(j, 51)


async def under_the_pedal(j: Jam) -> None:
    j.keys.play(0xB0, 64, 127)
    await stray(j)


async def through_a_duet(j: Jam) -> None:
    await stray(j)
    j.session.partner.set_mode(DUET)
    await asyncio.sleep(1.0)
    j.session.partner.set_mode("call")


async def with_a_new_musician(j: Jam) -> None:
    await stray(j)
    j.worker.gone.set()


async def tapped_and_learnt(j: Jam) -> None:
    await stray(j)
    j.session.act("preset:ragtime", j.loop.now())
    j.session.act("knob:density=0.5", j.loop.now())


async def hushed_by_command(j: Jam) -> None:
    await j.play(*TUNE, gap=0.2, length=0.1)
    await j.until_answered(3)
    j.session.act("hush", j.loop.now())
    await stray(j)


async def on_another_channel(j: Jam) -> None:
    await stray(j, channel=3)


async def held(j: Jam) -> None:
    await stray(j, length=4.0)


async def hushed_by_a_held_key(j: Jam) -> None:
    await hush(j, length=2.4)


async def restless(j: Jam) -> None:
    for _ in range(4):
        await stray(j)
        await asyncio.sleep(SLOWEST + 0.1)


@pytest.mark.parametrize("rest", [REST + 0.1, 6.5, 15.0, 20.0, 60.0])
@pytest.mark.parametrize(
    "before",
    [
        stray,
        hush,
        twice,
        under_the_pedal,
        through_a_duet,
        with_a_new_musician,
        tapped_and_learnt,
        hushed_by_command,
        on_another_channel,
        held,
        hushed_by_a_held_key,
        restless,
    ],
)
def test_what_was_played_before_a_rest_makes_no_answer_longer(
    before: Callable[[Jam], Awaitable[None]], rest: float
) -> None:
    async def script(j: Jam) -> None:
        await before(j)
        await asyncio.sleep(rest)
        heard = len(j.agent_ons())
        await j.play(*TUNE, gap=0.2, length=0.1)
        await asyncio.sleep(14.0)
        onsets = [t for t, _ in j.agent_ons()[heard:]]
        assert onsets
        assert USUAL[0] <= onsets[-1] - onsets[0] <= USUAL[1]

    _, report = jam(script, worker={"musician": Steady})
    assert report.calls[-1].notes[0].pitch == TUNE[0]
    assert len(report.calls[-1]) == len(TUNE)


@pytest.mark.parametrize("rest", [SLOWEST + 0.1, 20.0, 300.0])
def test_two_single_keys_far_apart_are_no_phrase(rest: float) -> None:
    async def script(j: Jam) -> None:
        for pitch in (60, 67, 64):
            await stray(j, pitch)
            await asyncio.sleep(rest)

    made, report = jam(script, worker={"musician": Steady})
    assert not made.agent_ons()
    assert report.stats["phrases"] == 0


@pytest.mark.parametrize("gap", [REST + 0.1, 4.0, SLOWEST - 0.1])
@pytest.mark.parametrize("length", [0.5, 2.4])
def test_a_slow_phrase_is_answered(gap: float, length: float) -> None:
    async def script(j: Jam) -> None:
        await j.play(60, 62, gap=gap, length=length)
        await asyncio.sleep(12.0)

    made, report = jam(script, worker={"musician": Steady})
    assert made.agent_ons()
    assert len(report.calls[0]) == 2


def test_a_phrase_in_which_nobody_listened_is_answered_from_its_own_beginning() -> None:
    async def script(j: Jam) -> None:
        await j.play(*TUNE, gap=0.2, length=0.1)
        await asyncio.sleep(10.0)
        await j.play(*TUNE, gap=0.2, length=0.1)
        await asyncio.sleep(20.0)

    made, report = jam(script, worker={"musician": Steady, "wakes_after": 13.0})
    onsets = [t for t, _ in made.agent_ons()]
    assert USUAL[0] <= onsets[-1] - onsets[0] <= USUAL[1]
    assert [len(call) for call in report.calls] == [len(TUNE)]


def test_a_single_key_is_answered_when_that_is_asked_for() -> None:
    async def script(j: Jam) -> None:
        await stray(j, 60)
        await asyncio.sleep(20.0)
        await stray(j, 67)
        await asyncio.sleep(0.5)
        j.session.act("answer", j.loop.now())
        await asyncio.sleep(10.0)

    made, report = jam(script, worker={"musician": Steady})
    onsets = [t for t, _ in made.agent_ons()]
    assert USUAL[0] <= onsets[-1] - onsets[0] <= USUAL[1]
    assert [n.pitch for n in report.calls[0]] == [67]


@given(st.lists(st.floats(0.0, 40.0), max_size=60))
def test_the_phrase_is_what_follows_the_last_rest_of_all(gaps: list[float]) -> None:
    onsets = [0.0]
    for gap in gaps:
        onsets.append(onsets[-1] + gap)
    notes = [Note(onset, 0.1, 60, 70) for onset in onsets]
    phrase = current_phrase(notes)
    assert phrase == notes[-len(phrase) :]
    inside = [b.onset - a.onset for a, b in itertools.pairwise(phrase)]
    assert all(gap <= REST for gap in inside[:-1])
    assert all(gap <= SLOWEST for gap in inside[-1:])
    if len(phrase) >= turn_taking.LEAST_NOTES:
        assert turn_taking.closing_silence(phrase) == turn_taking.closing_silence(notes)
    assert not current_phrase([])
