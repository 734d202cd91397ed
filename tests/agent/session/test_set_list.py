"""A set list in a session: each song brings its style, beat and mode, from whatever asks for it, and the take is replayed."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from agent.control.bindings import Bindings
from agent.control.set_list import Song
from agent.errors import UserError
from agent.replay.verify_take import replay
from agent.session.session import Session
from agent.takes.recorder import JSONL, rows
from agent.turns.mode_settings import BeatSettings, ModeSettings

from ...measure.record_golden import ECHO
from ...measure.record_golden import jam as recorded_jam
from .test_session import Jam, jam

SONGS = (
    Song("nocturne", title="Opening"),
    Song("ragtime", "trade", 132.0, 2),
    Song("bebop-line", "duet", 180.0, title="Fast one"),
    Song("pop-ballad"),
)


def at(j: Jam) -> tuple[int, str, str, float | None]:
    """Where the session is: song, style, mode, and the tempo where there is a beat."""
    settings = j.session.partner.mode_settings
    transport = j.session.transport
    return (
        j.session.actions.song,
        j.session.partner.preset.name,
        settings.mode,
        transport.tempo if transport.running else None,
    )


def test_each_song_brings_its_style_beat_and_mode() -> None:
    async def script(j: Jam) -> None:
        j.session.act("next-song", j.loop.now())
        assert at(j) == (1, "ragtime", "trade", 132.0)
        assert j.session.partner.mode_settings.bars == 2
        await asyncio.sleep(1.0)
        j.session.act("next-song", j.loop.now())
        assert at(j) == (2, "bebop-line", "duet", 180.0)
        await asyncio.sleep(1.0)
        j.session.act("next-song", j.loop.now())
        assert at(j) == (3, "pop-ballad", "call", None)
        j.session.act("next-song", j.loop.now())
        assert at(j) == (3, "pop-ballad", "call", None)
        j.session.act("previous-song", j.loop.now())
        assert at(j) == (2, "bebop-line", "duet", 180.0)
        j.session.act("song:1", j.loop.now())
        assert at(j) == (0, "nocturne", "call", None)
        j.session.act("previous-song", j.loop.now())
        j.session.act("song:9", j.loop.now())
        assert at(j) == (0, "nocturne", "call", None)

    made, _ = jam(script, set_list=SONGS)
    assert [line for line in made.said if line.startswith("Song ")][:3] == [
        "Song 2 of 4: ragtime · Ragtime · trade · 2 bars each · 132 beats a minute.",
        "Song 3 of 4: Fast one · Bebop line · duet · 180 beats a minute.",
        "Song 4 of 4: pop-ballad · Pop ballad · call · free time.",
    ]
    assert "The set list has songs 1 to 4, and this is song 4." in made.said


def test_a_song_with_a_beat_counts_in() -> None:
    async def script(j: Jam) -> None:
        j.session.act("next-song", j.loop.now())
        assert j.session.transport.beat_at(j.loop.now()) < -3.0
        await asyncio.sleep(3.0)

    made, _ = jam(script, set_list=SONGS)
    clicks = [t for t, m in made.output.sent if m[0] == 0x99 and m[2] > 0]
    assert len(clicks) == 4


def test_pads_program_changes_and_numbers_go_through_the_songs() -> None:
    async def script(j: Jam) -> None:
        j.keys.play(0xB0, 64, 127)
        await asyncio.sleep(0.01)
        assert j.session.actions.song == 1
        j.keys.play(0xC0, 5)
        await asyncio.sleep(0.01)
        assert j.session.actions.song == 0
        j.keys.play(0x90, 36, 100)
        await asyncio.sleep(0.01)
        assert j.session.actions.song == 2

    controls = Bindings.parse(["cc64=next-song", "pc5=previous-song", "note36=song:3"])
    jam(script, set_list=SONGS, controls=controls, judged=False)


def test_the_beat_of_another_stays() -> None:
    async def script(j: Jam) -> None:
        j.session.act("next-song", j.loop.now())
        assert j.session.partner.mode_settings.mode == "trade"
        assert not j.session.transport.running

    jam(script, set_list=SONGS, beat=BeatSettings(follow=True))


def test_without_a_set_list_one_is_told_how_to_get_one() -> None:
    async def script(j: Jam) -> None:
        j.session.act("next-song", j.loop.now())
        j.session.act("song:2", j.loop.now() + 5)

    made, _ = jam(script, mode_settings=ModeSettings("duet"))
    assert made.said.count("There is no set list here; start with --set-list NAME.") == 2


def test_a_style_that_has_gone_is_told_and_the_song_before_goes_on() -> None:
    async def script(j: Jam) -> None:
        j.session.act("next-song", j.loop.now())
        assert at(j) == (0, "plain", "call", None)

    made, _ = jam(script, set_list=(Song("plain"), Song("has-gone", "duet", 90.0)))
    assert any("no preset 'has-gone'" in line for line in made.said)


@pytest.mark.parametrize("line", ["cc20=song:0", "cc20=song:", "cc20=song:1000", "cc20=song:x", "cc20=song:٣"])
def test_what_is_no_number_of_a_song_is_no_action(line: str) -> None:
    with pytest.raises(UserError, match="song:NUMBER"):
        Bindings.parse([line])


def test_a_take_with_a_set_list_is_replayed_bit_for_bit(tmp_path: Path) -> None:
    plan = ["next-song", "next-song", "previous-song", "song:4", "song:9", "song:1", "next-song"]

    def go_on(session: Session) -> None:
        if plan:
            session.act(plan.pop(0), session.clock.now())

    recorded_jam("call", tmp_path, seconds=40.0, exact=True, after_phrase=go_on, set_list=SONGS)
    assert plan == []
    told = list(rows(tmp_path / JSONL))
    assert [row["loads"]["name"] for row in told if "loads" in row][:3] == ["ragtime", "bebop-line", "ragtime"]
    assert [Song.of(row) for row in told[0]["setting"]["set_list"]] == list(SONGS)
    report = replay(tmp_path, ECHO[1:])
    assert report["same"], report
    assert report["sent"] > 20


def test_a_song_of_a_newer_take_is_read_without_what_is_new() -> None:
    assert Song.of({**SONGS[1].row(), "chart": "blues"}) == SONGS[1]
