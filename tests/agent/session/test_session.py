"""Whole jams, in virtual time: a keyboard, an echo for a musician, and a judge at the output."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.errors import UserError
from agent.playing.load_shedding import MOST_CANDIDATES
from agent.session.config import Report, SessionConfig, SessionIO
from agent.session.session import Session
from agent.styles.presets import Preset
from agent.takes.recorder import JSONL, MIDI, Take
from agent.turns.mode_settings import ModeSettings
from agent.turns.turn_taking import RUN_SILENCE
from models.decoding.engine import Engine
from models.music.midifile import read_notes
from models.music.note_records import ANSWER, HELD, Note

from ...support.fakes import (
    FakeInput,
    FakeOutput,
    FakeWorker,
    LoopPlayer,
    VirtualLoop,
    agent_notes,
    assert_no_hung_notes,
    in_virtual_time,
)
from ...support.musicians import small_network

AGENT_CHANNEL = 1


class Jam:
    """A session in virtual time, and a keyboard to play on."""

    def __init__(self, loop: VirtualLoop, worker: FakeWorker, **more: Any) -> None:
        self.loop, self.worker = loop, worker
        self.output, self.keys = FakeOutput(loop), FakeInput(loop)
        self.said: list[str] = []
        take = more.pop("take", None)
        config = SessionConfig(**{"preset": Preset("plain"), "channel": AGENT_CHANNEL, **more})
        io = SessionIO(
            inputs=[self.keys],
            output=self.output,
            worker=worker,
            clock=loop,
            take=take,
            say=self.said.append,
            make_player=LoopPlayer,
        )
        self.session = Session(config, io)

    async def play(self, *pitches: int, gap: float = 0.25, length: float = 0.2) -> None:
        for pitch in pitches:
            self.keys.play(0x90, pitch, 80)
            await asyncio.sleep(length)
            self.keys.play(0x80, pitch, 0)
            await asyncio.sleep(max(gap - length, 0.0))

    async def until_answered(self, notes: int) -> None:
        end = self.loop.now() + 20.0
        while len(self.agent_ons()) < notes:
            assert self.loop.now() < end, "no answer came"
            await asyncio.sleep(0.001)

    def agent_ons(self) -> list[tuple[float, int]]:
        return [(t, m[1]) for t, m in self.output.sent if m[0] == 0x90 | AGENT_CHANNEL and m[2] > 0]

    def notes_sent(self) -> list[tuple[float, bytes]]:
        return [(t, m) for t, m in self.output.sent if m[0] & 0xF0 in (0x80, 0x90)]


def jam(script: Any, *, worker: dict[str, Any] | None = None, judged: bool = True, **more: Any) -> tuple[Jam, Report]:
    """Run a script beside a session, stop the session, judge what was sent."""

    async def both(loop: VirtualLoop) -> tuple[Jam, Report]:
        made = Jam(loop, FakeWorker(**worker or {}), **more)
        running = asyncio.ensure_future(made.session.run())
        await asyncio.sleep(0.01)
        await script(made)
        made.session.stop()
        return made, await running

    made, report = in_virtual_time(both)
    if judged:
        assert_no_hung_notes(made.notes_sent())
    assert made.output.closed
    assert made.keys.closed
    assert made.worker.closed
    return made, report


def test_a_phrase_is_answered_after_it_ends_and_not_before() -> None:
    async def script(j: Jam) -> None:
        await j.play(60, 62, 64, 65, 67)
        await asyncio.sleep(6)

    made, report = jam(script)
    assert [p for _, p in made.agent_ons()] == [72, 74, 76, 77, 79]
    last_key = max(t for t, m in made.output.sent if m[0] == 0x80)
    assert made.agent_ons()[0][0] > last_key
    assert report.stats["answers"] == report.stats["phrases"] == 1
    assert [len(p) for p in report.calls] == [len(p) for p in report.answers] == [5]
    assert report.stats["first_note_ms"]["max"] < 50
    assert report.stats["lateness_ms"]["max"] < 1


def test_thru_passes_everything_on_at_once_on_its_own_channel() -> None:
    async def script(j: Jam) -> None:
        j.keys.play(0x93, 60, 80)
        j.keys.play(0xE3, 1, 2)
        await asyncio.sleep(0.1)
        j.keys.play(0x83, 60, 0)

    made, _ = jam(script)
    assert [m for _, m in made.output.sent][:3] == [bytes((0x93, 60, 80)), bytes((0xE3, 1, 2)), bytes((0x83, 60, 0))]


def test_a_system_exclusive_message_is_passed_on_and_is_no_part_of_the_music(tmp_path: Path) -> None:
    message = (0xF0, 0x7F, 0x7F, 4, 1, 0, 64, 0xF7)  # master volume

    async def script(j: Jam) -> None:
        j.keys.play(*message)
        assert [m for _, m in j.output.sent] == [bytes(message)]
        await asyncio.sleep(0.1)
        await j.play(60, 62, 64)
        j.keys.play(*message)  # in the middle of a phrase, it changes nothing
        await j.until_answered(3)

    made, _ = jam(script, take=Take(tmp_path / "take"))
    assert [m for _, m in made.output.sent].count(bytes(message)) == 2
    assert "f0 7f" not in (tmp_path / "take" / JSONL).read_text(encoding="utf8")
    assert made.session.partner.history.notes[0].pitch == 60


def test_without_thru_only_the_agent_is_heard() -> None:
    async def script(j: Jam) -> None:
        await j.play(60, 62, 64)
        await asyncio.sleep(5)

    made, _ = jam(script, thru=False)
    assert {m[0] & 0x0F for _, m in made.output.sent} == {AGENT_CHANNEL}
    assert len(made.agent_ons()) == 3


def test_the_player_is_heard_while_the_musician_wakes_and_answered_when_it_is_awake() -> None:
    async def script(j: Jam) -> None:
        await j.play(60, 62, 64)
        await asyncio.sleep(8)

    made, _ = jam(script, worker={"wakes_after": 4.0})
    assert made.output.sent[0][0] < 1001
    assert made.agent_ons()[0][0] == pytest.approx(1004.0, abs=0.3)


def test_a_cut_in_silences_at_once_and_takes_back_what_never_sounded() -> None:
    async def script(j: Jam) -> None:
        await j.play(60, 62, 64, 65, 67, 69, 71, 72)
        await j.until_answered(3)
        j.keys.play(0x90, 50, 90)
        j.cut = len(j.agent_ons()), j.loop.now()  # type: ignore[attr-defined]
        await asyncio.sleep(0.3)
        j.keys.play(0x80, 50, 0)
        await asyncio.sleep(0.2)
        assert [n.pitch for n in j.worker.echo.notes[8:]] == [72, 74, 76, 50]
        assert j.worker.echo.notes == j.session.partner.history.notes

    made, report = jam(script)
    count, when = made.cut  # type: ignore[attr-defined]
    assert len(made.agent_ons()) == count == 3
    assert all(t <= when for t, m in made.output.sent if m[0] == 0x80 | AGENT_CHANNEL)
    sounded = agent_notes(made.session.partner.history.notes)
    assert all(n.duration != HELD and n.end <= when + 0.021 for n in sounded)
    assert len(report.answers[0]) == 3
    assert report.stats["cut_in_ms"]["max"] < 5


def test_a_cut_in_on_the_key_that_sounds_leaves_the_player_the_note() -> None:
    async def script(j: Jam) -> None:
        await j.play(60, 62, 64)
        await j.until_answered(1)
        pitch = j.agent_ons()[0][1]
        j.keys.play(0x90 | AGENT_CHANNEL, pitch, 90)
        await asyncio.sleep(0.5)
        j.keys.play(0x80 | AGENT_CHANNEL, pitch, 0)

    made, _ = jam(script)
    assert len(made.agent_ons()) == 2


def test_a_player_who_was_cut_into_is_given_more_time() -> None:
    times: list[float] = []

    async def script(j: Jam) -> None:
        async def another_key() -> None:
            await j.play(69)
            await asyncio.sleep(4)
            times.append(j.session.partner.patience)

        for later in (4.0, 0.1, 1.5):  # seconds from the answer's first note to the player's next key
            count = len(j.agent_ons())
            await j.play(60, 62, 64, 65, 67, 65, 64, 62)
            await j.until_answered(count + 1)
            await asyncio.sleep(later)
            await another_key()
        await j.play(60, 62, 64, 65, 67, 65, 64, 62)
        j.session.act("answer", j.loop.now())
        await asyncio.sleep(0.1)
        await another_key()

    jam(script)
    heard_out, cut_into, late, told_to = times
    assert heard_out == 1.0 < cut_into
    assert 1.0 < late < cut_into  # this key came when the player had heard that it was an answer
    assert told_to == late  # it did not think that the phrase was over: the player said so


def test_it_goes_on_turn_after_turn() -> None:
    async def script(j: Jam) -> None:
        for first in (60, 65, 70):
            await j.play(first, first + 2, first + 4, first + 5)
            await asyncio.sleep(4)

    made, report = jam(script)
    assert report.stats["answers"] == 3
    assert [len(p) for p in report.answers] == [4, 4, 4]
    assert [p for _, p in made.agent_ons()][-4:] == [82, 84, 86, 87]


def test_in_a_long_session_nothing_is_heard_anew() -> None:
    """Each note is fed when it is struck; a release, or a cut-in, feeds the tail again, and nothing ever the whole window."""
    rounds, pressed = 40, 0

    async def script(j: Jam) -> None:
        nonlocal pressed
        for r in range(rounds):
            if r % 3 == 0:
                j.keys.play(0xB0, 64, 127)
            for pitch in range(60, 72):
                j.keys.play(0x90, pitch + r % 5, 80)
                await asyncio.sleep(0.1)
                j.keys.play(0x80, pitch + r % 5, 0)
            if r % 3 == 0:
                j.keys.play(0xB0, 64, 0)
            pressed += 12
            before = len(j.agent_ons())
            await j.until_answered(before + 1)
            if r % 2:
                await asyncio.sleep(6.0)

    made, report = jam(
        script, worker={"musician": lambda: Engine(small_network()), "note_takes": 0.002}, most_candidates=1
    )
    heard, engine = report.stats["musician"], made.worker.echo
    assert engine.context.offset > 0 or len(engine.notes) > 2 * engine.ring.size
    assert heard["anew"] == 0
    assert pressed <= heard["fed"] < 3 * pressed
    assert 0 < heard["again"] <= 2 * pressed + rounds
    assert report.stats["unready"] == 0
    assert heard["drafted"] > 0.8 * report.stats["answers"]


def test_the_answer_that_would_be_given_now_is_thought_of_while_the_player_plays() -> None:
    async def script(j: Jam) -> None:
        await j.play(60, 62, 64, 65, 67)
        await asyncio.sleep(6)

    made, report = jam(script, worker={"musician": lambda: Engine(small_network())})
    spans = [span for span, _ in made.worker.drafts]
    assert len(spans) > 5  # again with each key and release
    assert made.agent_ons()[0][0] >= spans[-1].earliest
    assert report.stats["musician"]["drafted"] == report.stats["answers"] == 1
    assert {candidates for _, candidates in made.worker.drafts} == {MOST_CANDIDATES}


def test_who_is_in_the_middle_of_a_run_is_not_thought_about() -> None:
    async def script(j: Jam) -> None:
        await j.play(*range(60, 72), gap=RUN_SILENCE - 0.03, length=0.05)
        assert not j.worker.drafts
        await asyncio.sleep(RUN_SILENCE)
        assert j.worker.drafts

    jam(script)


def test_rounds_end_it() -> None:
    async def both(loop: VirtualLoop) -> Report:
        made = Jam(loop, FakeWorker(), rounds=1)
        running = asyncio.ensure_future(made.session.run())
        await asyncio.sleep(0.01)
        await made.play(60, 62, 64)
        return await running

    assert in_virtual_time(both).stats["answers"] == 1


def test_seconds_end_it() -> None:
    async def alone(loop: VirtualLoop) -> float:
        made = Jam(loop, FakeWorker(), seconds=7.0)
        began = loop.now()
        await made.session.run()
        return loop.now() - began

    assert in_virtual_time(alone) == pytest.approx(7.0, abs=0.1)


def test_style_and_seed_reach_the_musician() -> None:
    async def script(j: Jam) -> None:
        await asyncio.sleep(0.1)

    made, _ = jam(script, preset=Preset("p", sampling={"temperature": 0.8}), seed=4)
    assert made.worker.styles == [(None, {"temperature": 0.8})]


def test_the_musician_has_the_styles_bars_in_the_ear_unless_it_mirrors_the_player() -> None:
    vamp = tuple(Note(0.25 * i, 0.2, 60 + i, 70) for i in range(8))
    other = vamp[::2]

    async def script(j: Jam) -> None:
        j.worker.styles_have = 2
        await j.play(*range(60, 70))
        await asyncio.sleep(6)
        j.session.set_style(Preset("q", vamp=other))
        j.session.set_style(Preset("q", title="the same bars", vamp=other))
        await j.play(*range(60, 70))
        await asyncio.sleep(6)

    for mirror, told in ((0.0, [vamp, other]), (0.5, [vamp, other]), (0.6, [vamp, (), other, ()])):
        made, _ = jam(
            script,
            preset=Preset("p", vamp=vamp),
            mode_settings=ModeSettings(mirror=mirror),
            worker={"wakes_after": 0.1},
        )
        assert made.worker.vamps == told  # followed so far, the player's own playing is enough


def test_the_mirror_follows_the_player_after_each_answer() -> None:
    async def script(j: Jam) -> None:
        j.worker.styles_have = 2
        await j.play(*range(60, 70))
        await asyncio.sleep(8)
        await j.play(60, 62)
        await asyncio.sleep(4)

    made, _ = jam(
        script, mode_settings=ModeSettings(mirror=0.25), preset=Preset("p", z=(0.0, 4.0)), worker={"wakes_after": 0.1}
    )
    assert [len(notes) for notes in made.worker.encoded] == [10, 12]
    assert [z for z, _ in made.worker.styles] == [(0.0, 4.0), (2.5, 5.5), (3.0, 6.0)]
    assert [s.get("habit.wait.0", 0.0) for _, s in made.worker.styles] == pytest.approx([0.0, 0.25, 0.3])


def test_a_musician_that_dies_is_woken_again_with_what_was_heard() -> None:
    async def script(j: Jam) -> None:
        await j.play(60, 62, 64)
        await asyncio.sleep(6)

    made, report = jam(script, worker={"fails": [1]})
    assert made.worker.starts == 2
    assert [s for s in made.said if "started again" in s]
    assert [p for _, p in made.agent_ons()] == [72, 74, 76]
    assert report.stats["answers"] == 1


def test_a_musician_that_dies_again_and_again_is_waited_for_a_little_longer_each_time() -> None:
    async def script(j: Jam) -> None:
        for _ in range(4):
            await j.play(60, 62, 64)
            await asyncio.sleep(6)

    made, report = jam(script, worker={"fails": [1, 2, 3]})
    assert [s.rpartition("it is ")[2] for s in made.said if "stopped" in s] == [
        "started again, play on.",
        "started again in 0.5 s, play on.",
        "started again in 1 s, play on.",
    ]
    assert made.worker.starts == 4
    assert report.stats["answers"] == 4
    assert [p for _, p in made.agent_ons()] == [72, 74, 76] * 4


@pytest.mark.parametrize("while_it_answers", [False, True])
def test_a_style_may_ask_for_another_musician_who_is_told_what_was_heard(while_it_answers: bool) -> None:
    async def script(j: Jam) -> None:
        await j.play(60, 62, 64)
        if while_it_answers:
            await j.until_answered(1)
        else:
            await asyncio.sleep(6)
        for name in ("jazz", "walk"):
            j.session.set_style(Preset(name, musician="full"))
        await asyncio.sleep(1)
        await j.play(65, 67, 69)
        await asyncio.sleep(6)

    made, _ = jam(script)
    assert made.worker.weights == "full"
    assert made.worker.starts == 2
    assert [s for s in made.said if "takes the seat" in s] == [
        "The musician with the weights full takes the seat; play on."
    ]
    assert not [s for s in made.said if "stopped" in s]
    assert made.worker.changes[-1][0] >= 3  # the new one knows what was played before it came
    assert [p for _, p in made.agent_ons()][-3:] == [77, 79, 81]


def test_one_that_is_never_ready_is_given_up_with_one_sentence() -> None:
    async def script(j: Jam) -> None:
        await j.play(60, 62, 64)
        await asyncio.sleep(6)

    with pytest.raises(UserError, match="cannot be kept alive"):
        jam(script, worker={"stillborn": True})


def test_a_lost_output_ends_the_session_with_its_sentence(tmp_path: Path) -> None:
    async def script(j: Jam) -> None:
        await j.play(60, 62)
        j.output.lost = True
        await j.play(64)
        await asyncio.sleep(1)

    with pytest.raises(UserError, match="is gone"):
        jam(script, take=Take(tmp_path))
    assert (tmp_path / MIDI).is_file()


def test_the_take_holds_both_players(tmp_path: Path) -> None:
    async def script(j: Jam) -> None:
        await j.play(60, 62, 64)
        await asyncio.sleep(4)

    jam(script, take=Take(tmp_path))
    assert sorted(n.pitch for n in read_notes(tmp_path / MIDI)) == [60, 62, 64, 72, 74, 76]


moves = st.lists(
    st.tuples(
        st.sampled_from(["phrase", "note", "hold", "let go", "pedal", "wait", "double"]),
        st.integers(58, 64),
        st.floats(0.0, 1.5),
    ),
    max_size=14,
)


@settings(max_examples=400, deadline=None)
@given(moves, st.integers(0, 1), st.floats(0.0, 0.4), st.lists(st.integers(1, 6), max_size=1))
def test_whatever_is_played_every_note_ends(
    script: list[tuple[str, int, float]], channel: int, note_takes: float, fails: list[int]
) -> None:
    async def any_playing(j: Jam) -> None:
        held: set[int] = set()  # no key is struck twice without an end: that would be the player's own doing
        for move, pitch, seconds in script:
            if move == "phrase":
                await j.play(*range(pitch + 22, pitch + 26), gap=0.2, length=0.15)
            elif move == "note":
                await j.play(pitch + 22, gap=0.1, length=0.05)
            elif move == "hold" and pitch not in held:
                held.add(pitch)
                j.keys.play(0x90, pitch, 70)
            elif move == "double" and held.isdisjoint({pitch, pitch + 12}):
                held |= {pitch, pitch + 12}
                j.keys.play(0x90, pitch, 70)
                j.keys.play(0x90, pitch + 12, 70)
            elif move == "let go" and pitch in held:
                held.remove(pitch)
                j.keys.play(0x80, pitch, 0)
            elif move == "pedal":
                j.keys.play(0xB0, 64, 127 if seconds > 0.7 else 0)
            await asyncio.sleep(seconds)

    async def both(loop: VirtualLoop) -> Jam:
        made = Jam(loop, FakeWorker(note_takes=note_takes, fails=fails), channel=channel)
        running = asyncio.ensure_future(made.session.run())
        await asyncio.sleep(0.01)
        await any_playing(made)
        made.session.stop()
        await running
        return made

    made = in_virtual_time(both)
    ours = [(t, m) for t, m in made.notes_sent() if m[0] & 0x0F == channel]
    theirs = [(t, m) for t, m in made.notes_sent() if m[0] & 0x0F != channel]
    assert_no_hung_notes(ours)
    assert_no_hung_notes(theirs)
    assert made.session.player.schedule.empty
    for answer in made.session.partner.answers:
        assert all(n.role == ANSWER for n in answer)
