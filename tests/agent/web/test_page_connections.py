"""What a page may ask for, what it sees, what is kept and learnt; without sockets, in virtual time where time passes."""

from __future__ import annotations

import asyncio
import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from agent.audio.sound_output import open_sound
from agent.control.bindings import Bindings, read_trigger
from agent.control.midi_learn import MidiLearn
from agent.errors import UserError
from agent.midi.hotplug import HotplugWatcher
from agent.midi.messages import Event
from agent.midi.output_merge import AGENT, PLAYER, OutputMerge
from agent.midi.port_subscribers import PortSubscribers
from agent.midi.ports import PortList
from agent.session.config import SessionConfig, SessionIO
from agent.session.patchbay import Patchbay
from agent.session.session import Session
from agent.styles import presets
from agent.takes import file_export, library
from agent.takes.recorder import JSONL, MIDI, Take
from agent.user_folders import settings_folder
from agent.web.note_view import NoteView, ident_of
from agent.web.page_connections import Hub
from agent.web.page_request_handlers import handle
from agent.web.page_requests import LARGEST, RequestRefused, read_request, request_limits
from agent.web.server import Page
from agent.web.take_list import TakeList
from agent.web.take_sounds import TakeSounds
from models.music.midifile import read_notes
from models.music.note_records import Note

from ...support.fakes import (
    FakeInput,
    FakeOutput,
    FakeSound,
    FakeWorker,
    LoopPlayer,
    VirtualLoop,
    assert_no_hung_notes,
    in_virtual_time,
)
from .test_take_sounds import FakeMaker

# -- requests ----------------------------------------------------------------------------------------------------------


def test_a_wish_is_read() -> None:
    assert read_request('{"do": "on", "pitch": 60, "velocity": 80}') == {"do": "on", "pitch": 60, "velocity": 80}
    assert read_request('{"do": "learn", "action": null}')["action"] is None
    assert read_request('{"do": "learn", "action": "knob:density"}')


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "null",
        '"on"',
        '{"do": "exec"}',
        '{"do": ["on"]}',
        '{"do": "on", "pitch": 60}',
        '{"do": "on", "pitch": 128, "velocity": 1}',
        '{"do": "on", "pitch": true, "velocity": 1}',
        '{"do": "on", "pitch": 60.5, "velocity": 1}',
        '{"do": "on", "pitch": 60, "velocity": 80, "more": 1}',
        '{"do": "knob", "name": "density", "value": NaN}',
        '{"do": "knob", "name": "nobody", "value": 0}',
        '{"do": "knob", "name": "tempo", "value": 1e999}',
        '{"do": "midi", "bytes": [144, 60]}',
        '{"do": "midi", "bytes": [144, 60, 128]}',
        '{"do": "midi", "bytes": [240, 1, 247]}',
        '{"do": "midi", "bytes": "\x90\x3c\x50"}',
        '{"do": "listen", "port": "a\\u0000b", "on": true}',
        '{"do": "sound", "name": "off"}',
        '{"do": "act", "action": "stop"}',
        '{"do": "preset", "name": "../../etc/passwd"}',
        '{"do": "preset", "name": "/etc/x.toml"}',
        '{"do": "save preset", "name": " "}',
        '{"do": "save preset", "name": "a\\nb"}',
        '{"do": "preset", "name": "a\\\\b"}',
        '{"do": "pad", "x": 0, "y": 2, "corners": ["a", "b", "c", "d"]}',
        '{"do": "pad", "x": 0, "y": 0, "corners": ["a", "b", "c"]}',
        '{"do": "delete take", "name": ".."}',
        "[" * 1900,
        '{"do": "' + "x" * LARGEST + '"}',
    ],
)
def test_what_is_no_wish_is_refused(text: str) -> None:
    with pytest.raises(RequestRefused):
        read_request(text)


def test_a_page_may_not_flood() -> None:
    pace, costly = request_limits(0.0)
    allowed = sum(pace.allows(0.001 * i) for i in range(3000))
    assert 480 <= allowed < 480 + 3 * 240 + 2
    assert sum(costly.allows(0.001 * i) for i in range(3000)) == 12


# -- the view --------------------------------------------------------------------------------------------------------


def test_the_view_tells_notes_once_and_remembers_them_for_who_comes_late() -> None:
    view = NoteView()
    first = view.message("player", 1.0, b"\x90\x3c\x50")
    assert first is not None
    assert first["t"] == "on"
    ended = view.message("player", 1.5, b"\x80\x3c\x00")
    assert ended == {"t": "off", "id": first["id"], "at": 1.5}
    assert view.message("player", 1.6, b"\x80\x3c\x00") is None
    assert view.message("agent", 1.6, b"\x99\x4c\x50") is None  # a click
    plan = [(4, Note(2.0, 0.5, 64, 70))]
    news = view.plan(plan)
    assert news is not None
    assert news["more"][0]["id"] == ident_of(2.0, 64)
    assert view.plan(plan) is None
    assert view.plan([]) == {"t": "planned", "more": [], "gone": [ident_of(2.0, 64)]}
    view.plan(plan)
    view.message("agent", 2.001, b"\x90\x40\x46", ident_of(2.0, 64))
    view.message("agent", 2.501, b"\x80\x40\x00")
    assert view.plan([]) is None  # it sounds: that is told already
    view.plan(plan)
    assert view.message("player", 3.0, b"\xb0\x40\x7f") == {"t": "pedal", "down": True}
    seen = view.snapshot(3.0)
    assert [n["pitch"] for n in seen["notes"]] == [60, 64]
    assert seen["planned"]
    assert seen["pedal"]
    assert not view.snapshot(500.0)["notes"]


def test_the_view_ends_all_keys_that_are_up_by_one_message() -> None:
    view = NoteView()
    ids = [(view.message("player", 1.0, bytes((0x90, pitch, 80))) or {})["id"] for pitch in (60, 64)]
    view.message("player", 1.0, b"\x91\x3c\x50")
    view.message("agent", 1.0, b"\x90\x3c\x50", "a")
    assert view.message("player", 2.0, b"\xb0\x7b\x00") == {"t": "offs", "ids": ids, "at": 2.0}
    assert view.message("player", 2.1, b"\xb0\x78\x00") is None
    view.message("player", 2.2, b"\xb0\x40\x7f")
    assert view.message("player", 2.3, b"\xb0\x79\x00") == {"t": "pedal", "down": False}
    panic = view.release_all(3.0)
    assert panic["panic"]
    assert len(panic["ids"]) == 1  # the key on the other channel
    assert [n["pitch"] for n in view.snapshot(3.0)["notes"] if n["end"] is None] == [
        60
    ]  # the agent's, which is ended elsewhere


# -- outputs and the sound ---------------------------------------------------------------------------------------------


def test_the_desk_sends_to_both_and_tells_the_two_apart() -> None:
    midi, sound = FakeOutput(), FakeSound()
    outputs = OutputMerge(midi, sound)
    outputs.player.send(b"\x90\x3c\x50")
    outputs.agent.send(b"\x90\x40\x50")
    assert [m for _, m in midi.sent] == [b"\x90\x3c\x50", b"\x90\x40\x50"]
    assert sound.played == [(PLAYER, b"\x90\x3c\x50"), (AGENT, b"\x90\x40\x50")]
    outputs.player.close()
    assert not midi.closed
    outputs.agent.close()
    assert midi.closed
    assert sound.closed


def test_no_sound_is_no_trouble(monkeypatch: pytest.MonkeyPatch) -> None:
    assert open_sound("off") is None
    monkeypatch.setattr("shutil.which", lambda name: f"/bin/{name}")
    with pytest.raises(UserError, match="not there"):
        open_sound("fluidsynth", Path("/nowhere.sf2"))
    monkeypatch.setattr("shutil.which", lambda name: None)
    with pytest.raises(UserError, match="FluidSynth is not installed"):
        open_sound("fluidsynth", Path("/nowhere.sf2"))


def test_our_sound_is_not_needed_where_the_output_was_named() -> None:
    assert PortSubscribers("jack").is_there(FakeOutput(), ours=False)
    assert not PortSubscribers("coremidi").is_there(FakeOutput(), ours=True)
    assert not PortSubscribers(None).is_there(None, ours=True)


# -- learning --------------------------------------------------------------------------------------------------------


def test_a_control_is_learnt_by_moving_it_and_remembered(tmp_path: Path) -> None:
    file = tmp_path / "new" / "controls.txt"
    learning = MidiLearn.load(["cc20=duet"], file)
    assert learning.receive(b"\xb0\x15\x40") is None  # nobody asked
    learning.pending = "knob:density"
    assert learning.receive(b"\x90\x24\x40") is None  # a key is no knob
    assert learning.receive(b"\xb0\x15\x40") == "cc21@1 now does knob:density."
    learning.pending = "panic"
    assert learning.receive(b"\x80\x24\x00") is None
    assert learning.receive(b"\x90\x24\x40")
    assert learning.bindings.action_for(b"\x90\x24\x40") is None  # the stroke that taught it does nothing
    learning.bindings.action_for(b"\x80\x24\x00")
    assert learning.bindings.action_for(b"\x90\x24\x40") == "panic"
    again = MidiLearn.load([], file)
    assert again.lines() == ["cc20=duet", "cc21@1=knob:density", "note36@1=panic"]
    again.remove("note36@1")
    assert MidiLearn.load([], file).lines() == ["cc20=duet", "cc21@1=knob:density"]


def test_both_halves_of_a_wide_knob_are_learnt_as_one(tmp_path: Path) -> None:
    for first, second in ((21, 53), (53, 21)):
        learning = MidiLearn.load([], tmp_path / str(first))
        learning.pending = "knob:register"
        assert learning.receive(bytes((0xB0, first, 70))) == f"cc{first}@1 now does knob:register."
        assert learning.receive(bytes((0xB0, second, 5))) is None
        assert learning.lines() == ["wide21@1=knob:register"]
        assert learning.receive(bytes((0xB0, 21, 70))) is None  # no more is learnt
    learning.pending = "knob:density"
    learning.receive(b"\xb0\x16\x40")
    learning.receive(b"\xb0\x17\x40")  # another knob is another knob
    assert learning.lines() == ["cc22@1=knob:density", "wide21@1=knob:register"]


def test_a_control_is_learnt_on_its_own_channel_and_replaces_one_of_any_channel(tmp_path: Path) -> None:
    file = tmp_path / "controls.txt"
    file.write_text("note36=panic\ncc20=duet\nwide21=knob:density\npc5=tap\nnote40@3=hush\n")
    learning = MidiLearn.load(["note41@16=answer"], file)
    told: list[dict[str, Any]] = []
    learning.journal = told.append

    def learn(action: str, *messages: bytes) -> None:
        learning.pending = action
        for message in messages:
            learning.receive(message)

    learn("tap", b"\x99\x24\x40")  # a pad: what note 36 did on every channel is replaced
    learn("hush", b"\x92\x28\x40")  # another action for the same pad
    learn("answer", b"\x91\x28\x40")  # the same number on another channel is another pad
    learn("trade", b"\xb2\x14\x7f")
    learn("call", b"\xc3\x05")
    learn("knob:tempo", b"\xb0\x15\x40", b"\xb0\x35\x01")  # both halves of a wide knob
    learn("knob:swing", b"\xb1\x16\x40", b"\xb2\x36\x01")  # no two halves of one: they lie on two channels
    expected = [
        "cc20@3=trade",
        "cc22@2=knob:swing",
        "note36@10=tap",
        "note40@2=answer",
        "note40@3=hush",
        "note41@16=answer",
        "pc5@4=call",
        "wide21@1=knob:tempo",
    ]
    assert learning.lines() == expected
    assert MidiLearn.load([], file).lines() == expected
    assert {"forgets": "note36"} in told
    assert {"learns": ["note36@10", "tap"]} in told
    replayed = Bindings.parse(["note36=panic", "cc20=duet", "wide21=knob:density", "pc5=tap", "note40@3=hush"])
    for row in told:
        if "forgets" in row:
            replayed.remove(row["forgets"])
        else:
            trigger = read_trigger(row["learns"][0])
            assert trigger is not None
            replayed.bind(trigger, row["learns"][1])
    assert replayed.lines() == [line for line in expected if line != "note41@16=answer"]


def test_a_control_of_two_layers_is_learnt_on_any_channel(tmp_path: Path) -> None:
    """A keyboard that layers two sounds sends each key and pedal on two channels."""
    learning = MidiLearn.load([], tmp_path / "controls.txt")

    def learn(action: str, *messages: bytes) -> None:
        learning.pending = action
        for message in messages:
            learning.receive(message)

    learn("panic", b"\x90\x24\x40", b"\x91\x24\x40", b"\x80\x24\x00", b"\x81\x24\x00")
    learn("hush", b"\xb0\x43\x7f", b"\xb3\x43\x7f")
    learn("tap", b"\x90\x25\x40", b"\x80\x25\x00", b"\x91\x25\x40")  # later: another key
    learn("duet", b"\x90\x26\x40", b"\x91\x26\x41")  # harder: another key
    assert learning.lines() == ["cc67=hush", "note36=panic", "note37@1=tap", "note38@1=duet"]
    assert learning.bindings.action_for(b"\x91\x24\x40") is None  # it is down already
    learning.bindings.action_for(b"\x81\x24\x00")
    assert learning.bindings.action_for(b"\x91\x24\x40") == "panic"


def test_a_broken_memory_is_said(tmp_path: Path) -> None:
    (tmp_path / "c").write_bytes(b"cc20=duet\ncc21=\xff\n")
    with pytest.raises(UserError, match="cannot be read; repair it"):
        MidiLearn.load([], tmp_path / "c")


@pytest.mark.parametrize(
    ("written", "lines"),
    [
        ("\ufeffcc20=duet\r\n".encode(), ["cc20=duet"]),
        ("cc20=duet\ncc21=panic".encode("utf-16"), ["cc20=duet", "cc21=panic"]),
        (b"# my pads\n\ncc20=duet\n", ["cc20=duet"]),
        (b"  cc20 = duet   # the left pedal\n", ["cc20=duet"]),
        ("pc5=preset:Für Elise\n".encode(), ["pc5=preset:Für Elise"]),
        (b"#\n# nothing yet\n", []),
        (b"\n\n", []),
        (b"cc20=duet\rcc21=panic", ["cc20=duet", "cc21=panic"]),
    ],
)
def test_a_file_of_controls_as_editors_and_people_write_it(tmp_path: Path, written: bytes, lines: list[str]) -> None:
    (tmp_path / "c").write_bytes(written)
    learning = MidiLearn.load([], tmp_path / "c")
    assert learning.lines() == lines
    assert learning.problems == []


def test_a_line_that_is_no_control_is_named_passed_over_and_kept(tmp_path: Path) -> None:
    file = tmp_path / "c"
    file.write_text("# my pads\ncc20=fly\nnote36=panic\n", encoding="utf8")
    learning = MidiLearn.load([], file)
    assert learning.lines() == ["note36=panic"]
    [problem] = learning.problems
    assert "fly" in problem
    assert str(file) in problem
    learning.pending = "duet"
    learning.receive(b"\xb0\x15\x7f")
    assert file.read_text(encoding="utf8").splitlines() == ["# my pads", "cc20=fly", "cc21@1=duet", "note36=panic"]


def test_settings_lie_where_the_platform_has_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setenv("XDG_CONFIG_HOME", "/x")
    assert settings_folder() == Path("/x/tradefours")
    monkeypatch.setenv("XDG_CONFIG_HOME", "relative")
    monkeypatch.setenv("HOME", "/home/x")
    assert settings_folder() == Path("/home/x/.config/tradefours")
    monkeypatch.setattr("sys.platform", "darwin")
    assert settings_folder().parts[-2:] == ("Application Support", "tradefours")


# -- takes -----------------------------------------------------------------------------------------------------------


def test_a_take_is_exported_as_the_file_that_is_named(tmp_path: Path) -> None:
    take = make_take(tmp_path, "2024-01-01_10-00-00")
    for name in ("x.mid", "x.MIDI", "new/folder/y z.mid", "x.png"):
        [path] = file_export.export(take, tmp_path / name)
        assert path == tmp_path / name
        assert path.read_bytes()[:4] == (b"\x89PNG" if name.endswith("png") else b"MThd")
        assert not list(path.parent.glob("*.part"))
    assert len(read_notes(tmp_path / "x.mid")) == 10
    (tmp_path / "folder.mid").mkdir()
    for folder in (tmp_path / "folder.mid", tmp_path / "my.folder", tmp_path / "plain"):
        assert [p.parent for p in file_export.export(take, folder)] == [folder, folder]
    with pytest.raises(UserError, match=r"name a \.wav file"):
        file_export.export(take, tmp_path / "x.mp3")
    assert not (tmp_path / "x.mp3").exists()
    (tmp_path / "file").write_text("x", encoding="utf8")
    with pytest.raises(UserError, match="name another file"):
        file_export.export(take, tmp_path / "file" / "x.mid")
    silent = make_take(tmp_path, "2024-01-02_10-00-00", notes=0)
    (silent / JSONL).write_text("{}\n", encoding="utf8")
    (silent / MIDI).unlink(missing_ok=True)
    with pytest.raises(UserError, match="holds no notes"):
        file_export.export(silent, tmp_path / "none.mid")


def make_take(folder: Path, name: str, notes: int = 9) -> Path:
    take = Take(folder / name, preset="ragtime", seed=7)
    for i in range(notes):
        pitch = 60 + (0, 2, 4, 5, 7, 9, 11)[i % 7]
        take.record_input(Event(i * 0.5, bytes((0x90, pitch, 80))), "keys")
        take.record_input(Event(i * 0.5 + 0.4, bytes((0x80, pitch, 0))), "keys")
    take.record_output(10.0, 10.002, bytes((0x90, 64, 80)))
    take.record_output(10.5, 10.5, bytes((0x80, 64, 0)))
    take.close()
    return folder / name


def test_takes_are_listed_summed_up_exported_and_deleted(tmp_path: Path) -> None:
    make_take(tmp_path, "2024-01-01_10-00-00")
    make_take(tmp_path, "2024-01-02_10-00-00")
    (tmp_path / "my own folder").mkdir()
    assert [p.name for p in library.list_takes(tmp_path)] == ["2024-01-02_10-00-00", "2024-01-01_10-00-00"]
    found = library.summarize(library.find_take(tmp_path, "last"))
    assert (found.played, found.answered, found.preset, found.seed) == (9, 1, "ragtime", 7)
    assert found.key == "C major"
    assert found.late_ms == pytest.approx(2.0)
    assert found.tempo == pytest.approx(120, abs=2)  # nobody has named it: the player's own pulse
    assert "ragtime" in str(found)
    midi, picture = library.export(library.find_take(tmp_path, "last"), tmp_path / "out")
    assert len(read_notes(midi)) == 10
    assert picture.read_bytes()[:4] == b"\x89PNG"
    library.delete(tmp_path, "2024-01-01_10-00-00")
    assert len(library.list_takes(tmp_path)) == 1
    with pytest.raises(UserError, match="newest is"):
        library.find_take(tmp_path, "2024-01-01_10-00-00")


def test_the_shelf_is_kept_within_bounds_and_others_things_are_left_alone(tmp_path: Path) -> None:
    for day in range(1, 7):
        make_take(tmp_path, f"2024-01-0{day}_10-00-00")
    (tmp_path / "2024-01-01_10-00-00" / "letter.txt").write_text("mine")
    (tmp_path / "wedding").mkdir()
    today = datetime(2024, 1, 7)
    assert library.prune(tmp_path, today) == 0
    assert library.prune(tmp_path, today, most=3) == 2
    assert (tmp_path / "2024-01-01_10-00-00" / "letter.txt").exists()
    assert (tmp_path / "wedding").exists()
    assert [p.name[8:10] for p in library.list_takes(tmp_path)] == ["06", "05", "04"]
    assert library.prune(tmp_path, datetime(2024, 1, 15, 9), most_days=10) == 1  # only what is older than that
    assert library.prune(tmp_path, today, most_bytes=1) == 1  # the newest stays, whatever it weighs


def test_a_take_that_is_over_gets_a_picture_and_a_few_words(tmp_path: Path) -> None:
    found = library.finish(make_take(tmp_path, "2024-01-01_10-00-00"))
    assert found is not None
    text = (tmp_path / "2024-01-01_10-00-00" / "take.txt").read_text()
    for word in ("9 notes of yours, 1 of its own", "C major", "beats a minute", "ragtime", "seed 7", "ms at p99"):
        assert word in text
    assert (tmp_path / "2024-01-01_10-00-00" / "take.png").read_bytes()[:4] == b"\x89PNG"
    assert library.finish(make_take(tmp_path, "2024-01-02_10-00-00", notes=0)) is not None  # the agent's note
    empty = Take(tmp_path / "2024-01-03_10-00-00")
    empty.close()
    assert library.finish(empty.folder) is None
    rows = library.note_rows(tmp_path / "2024-01-01_10-00-00")
    assert rows[0] == ["player", 0.0, 0.4, 60, 80]
    assert [r[0] for r in rows].count("agent") == 1
    library.delete(tmp_path, "2024-01-01_10-00-00")
    assert not (tmp_path / "2024-01-01_10-00-00").exists()


# -- the hub, in virtual time ---------------------------------------------------------------------------------------


class Evening:
    """A session with a hub, one page, and nothing real."""

    def __init__(self, loop: VirtualLoop, folder: Path, **more: Any) -> None:
        self.loop, self.news = loop, []
        self.midi, self.sound, self.keyboard = FakeOutput(loop), FakeSound(), FakeInput(loop)
        self.worker = FakeWorker()
        self.worker.styles_have = 24
        outputs = self.outputs = OutputMerge(self.midi, self.sound)
        take = Take(folder / "2024-01-01_10-00-00")
        self.learning = MidiLearn(Bindings(), None)
        bay = Patchbay(None, outputs, ours=False)
        self.hub = Hub(
            outputs=outputs,
            takes=TakeList(take, folder, TakeSounds(folder, FakeMaker())),
            clock=loop,
            midi_learn=self.learning,
            patchbay=bay,
            handle=handle,
        )
        self.hub.broadcast = lambda news: self.news.append(news) if news else None
        self.page = Page()
        io = SessionIO(
            inputs=[self.keyboard, *self.hub.keyboard.inputs],
            output=outputs.agent,
            thru_output=outputs.player,
            worker=self.worker,
            clock=loop,
            take=self.hub,
            say=self.hub.say,
            show=self.hub.show,
            make_player=LoopPlayer,
        )
        config = SessionConfig(presets.load(), channel=1, controls=self.learning.bindings, **more)
        self.session = self.hub.session = Session(config, io)

    def request(self, **fields: Any) -> None:
        self.hub.handle_request(self.page, read_request(json.dumps(fields)))

    async def phrase(self) -> None:
        for pitch in (60, 62, 64, 65, 67):
            self.request(do="on", pitch=pitch, velocity=80)
            await asyncio.sleep(0.2)
            self.request(do="off", pitch=pitch)

    async def settle(self) -> None:
        """Until what was asked for is done."""
        while self.hub._tasks:
            await asyncio.gather(*self.hub._tasks)
        await asyncio.sleep(0.1)

    def said(self) -> list[str]:
        return list(self.hub.lines)


def evening(script: Any, folder: Path, **more: Any) -> Evening:
    async def both(loop: VirtualLoop) -> Evening:
        made = Evening(loop, folder, **more)
        running = asyncio.ensure_future(made.session.run(lambda session: made.hub.watch()))
        await asyncio.sleep(0.05)
        await script(made)
        made.session.stop()
        await running
        return made

    async def at_once(work: Any, *args: Any) -> Any:
        return work(*args)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(asyncio, "to_thread", at_once)  # other threads know no virtual time
        made = in_virtual_time(both)
    assert_no_hung_notes([(t, m) for t, m in made.midi.sent if m[0] & 0xF0 in (0x80, 0x90)])
    return made


def test_letters_are_heard_answered_and_seen(tmp_path: Path) -> None:
    async def script(e: Evening) -> None:
        await e.phrase()
        await asyncio.sleep(6)

    made = evening(script, tmp_path)
    kinds = [n["t"] for n in made.news]
    assert {"on", "off", "planned", "state", "showing", "say"} <= set(kinds)
    ons = [n for n in made.news if n["t"] == "on"]
    assert [n["pitch"] for n in ons if n["who"] == "player"] == [60, 62, 64, 65, 67]
    answered = {n["id"] for n in ons if n["who"] == "agent"}
    planned = {p["id"] for n in made.news if n["t"] == "planned" for p in n["more"]}
    assert len(answered) == 5
    assert len(answered - planned) <= 1  # but for the first: ghosts before they sounded, under the same name
    assert {who for who, _ in made.sound.played} == {PLAYER, AGENT}
    assert (tmp_path / "2024-01-01_10-00-00" / MIDI).exists()
    assert all(json.dumps(n) for n in made.news)


def test_pages_are_told_what_is_different_and_who_has_just_come_misses_nothing(tmp_path: Path) -> None:
    async def script(e: Evening) -> None:
        def told() -> list[dict[str, Any]]:
            return [n for n in e.news if n["t"] == "state"]

        await asyncio.sleep(0.5)
        before = len(told())
        await asyncio.sleep(0.5)
        assert len(told()) == before  # nothing is different, and nothing is said
        e.request(do="act", action="duet")
        await asyncio.sleep(0.3)
        assert told()[-1]["mode"] == "duet"
        assert "ports" not in told()[-1]
        e.request(do="act", action="call")
        late = e.hub.welcome()["state"]  # a page comes between two looks,
        e.request(do="act", action="duet")  # and what it saw is taken back before the next
        await asyncio.sleep(0.3)
        assert {**late, **told()[-1]}["mode"] == "duet"

    evening(script, tmp_path)


def test_the_same_letter_again_and_again_is_no_echo(tmp_path: Path) -> None:
    async def script(e: Evening) -> None:
        for _ in range(10):
            e.request(do="on", pitch=60, velocity=80)
            e.request(do="off", pitch=60)
            await asyncio.sleep(0.02)

    made = evening(script, tmp_path)
    assert sum(m[:2] == b"\x90\x3c" for _, m in made.midi.sent) == 10
    assert not any("come back" in line for line in made.said())


def test_a_page_that_goes_lets_its_keys_go(tmp_path: Path) -> None:
    async def script(e: Evening) -> None:
        e.request(do="on", pitch=60, velocity=80)
        await asyncio.sleep(0.1)
        e.hub.remove_page(e.page)
        await asyncio.sleep(0.1)
        assert e.midi.sent[-1][1][:2] == b"\x80\x3c"

    evening(script, tmp_path)


@pytest.mark.parametrize("way", ["closed", "silent"])
def test_a_page_that_vanishes_lets_keys_and_pedals_go(way: str, tmp_path: Path) -> None:
    async def script(e: Evening) -> None:
        e.request(do="pedal", down=True)
        e.request(do="on", pitch=60, velocity=80)
        for controller, value in ((64, 90), (66, 127), (67, 40), (69, 127)):  # of a keyboard in its browser
            e.request(do="midi", bytes=[0xB2, controller, value])
        e.request(do="midi", bytes=[0x92, 72, 80])
        await asyncio.sleep(0.1)
        (e.hub.remove_page if way == "closed" else e.hub.release_keys)(e.page)
        await asyncio.sleep(0.1)
        assert e.page.queue.qsize() == (way == "silent")  # it may come back, and must know

    made = evening(script, tmp_path)
    last = {m[:2]: m[2] for _, m in made.midi.sent}
    for ended in (b"\xb0\x40", b"\xb2\x40", b"\xb2\x42", b"\xb2\x43", b"\xb2\x45"):
        assert last[ended] == 0, ended
    assert last[b"\x80\x3c"] == last[b"\x82\x48"] == 0


def player_ons(e: Evening) -> list[tuple[float, int]]:
    return [(n["at"], n["pitch"]) for n in e.news if n["t"] == "on" and n["who"] == "player"]


def test_a_phrase_differs_with_the_style_says_that_it_plays_and_is_stopped(tmp_path: Path) -> None:
    async def script(e: Evening) -> None:
        heard = []
        for style in ("ragtime", "baroque", "pop-ballad"):
            e.request(do="preset", name=style)
            before = len(player_ons(e))
            e.request(do="phrase")
            await asyncio.sleep(0.3)
            assert e.hub.state()["phrase"] == "playing"
            await asyncio.sleep(9.0)
            assert e.hub.state()["phrase"] == ""
            heard.append([pitch for _, pitch in player_ons(e)[before:]])
        assert len({tuple(h) for h in heard}) == 3
        assert all(len(h) >= 8 for h in heard)
        before = len(player_ons(e))
        e.request(do="phrase")
        await asyncio.sleep(1.0)
        e.request(do="phrase")  # once more: it ends
        await asyncio.sleep(0.2)
        begun = len(player_ons(e))
        assert before < begun
        assert e.hub.state()["phrase"] == ""
        assert not e.session.partner.keys_down
        await asyncio.sleep(8.0)
        assert len(player_ons(e)) == begun

    evening(script, tmp_path)


@pytest.mark.parametrize("bars", [1, 2, 4])
@pytest.mark.parametrize("wait", [0.0, 3.0, 9.0])
def test_in_a_trade_a_phrase_waits_for_the_players_bars(tmp_path: Path, bars: int, wait: float) -> None:
    async def script(e: Evening) -> None:
        e.request(do="form", name="bars", value=bars)
        e.request(do="knob", name="tempo", value=120)
        e.request(do="act", action="trade")
        await asyncio.sleep(wait)
        e.request(do="phrase")
        await asyncio.sleep(0.01)
        assert e.hub.state()["phrase"] == "waiting"
        await asyncio.sleep(0.5 * 4 * bars * 4 + 3.0)
        beats = [e.session.transport.beat_at(t) for t, _ in player_ons(e)]
        assert beats
        length = 4 * bars
        turn = int((beats[0] + 0.05) // length)
        assert turn % 2 == 0  # the player's
        assert beats[0] == pytest.approx(turn * length, abs=0.15)  # on its first bar line
        assert beats[-1] < (turn + 1) * length

    evening(script, tmp_path)


def test_a_phrase_waits_in_vain_where_the_beat_stops(tmp_path: Path) -> None:
    async def script(e: Evening) -> None:
        e.request(do="act", action="click")
        await asyncio.sleep(0.5)
        e.request(do="phrase")
        await asyncio.sleep(0.05)
        e.request(do="act", action="free")
        await asyncio.sleep(0.3)
        assert e.hub.state()["phrase"] == ""
        assert not player_ons(e)

    evening(script, tmp_path)


def test_a_style_is_kept_under_any_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(presets, "OWN", tmp_path / "own")
    names = ("Été", "Für Elise", "東京", "My.Style", "it's (2)")

    async def script(e: Evening) -> None:
        for name in names:
            e.request(do="save preset", name=name)
            row = next(p for p in e.hub.welcome()["presets"] if p["title"] == name)
            e.request(do="preset", name=row["name"])
            assert e.session.partner.preset.title == name

    evening(script, tmp_path / "takes")
    assert len(list((tmp_path / "own").glob("*.toml"))) == len(names)


def test_own_styles_are_renamed_and_deleted_and_others_are_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(presets, "OWN", tmp_path / "own")

    async def script(e: Evening) -> None:
        def own() -> dict[str, str]:
            return {p["title"]: p["name"] for p in e.hub.welcome()["presets"] if p["own"]}

        e.request(do="save preset", name="Été")
        e.request(do="preset", name=own()["Été"])
        e.request(do="rename preset", name=own()["Été"], title="ÉTÉ")  # the same file
        assert list(own()) == ["ÉTÉ"]
        e.request(do="rename preset", name=own()["ÉTÉ"], title="Winter")
        assert list(own()) == ["Winter"]
        assert e.session.partner.preset.title == "Winter"  # it is the one that plays
        e.request(do="delete preset", name=own()["Winter"])
        assert not own()
        for name in ("ragtime", "nobody", "winter"):
            e.request(do="delete preset", name=name)
            e.request(do="rename preset", name=name, title="Mine")
            assert "no style of yours" in e.said()[-1]

    evening(script, tmp_path / "takes")


def test_a_take_is_made_sound_and_every_page_is_told(tmp_path: Path) -> None:
    name = "2023-01-01_10-00-00"
    make_take(tmp_path, name)

    async def script(e: Evening) -> None:
        e.request(do="take sound", name=name)
        e.request(do="take sound", name="2020-01-01_10-00-00")
        e.request(do="take sound", name="2024-01-01_10-00-00")
        await e.settle()
        assert [row["share"] for row in e.news if row["t"] == "take sound"] == [0.0, 0.5, 0.99, 1.0]
        assert "no such take" in e.said()[-2]
        assert "being played just now" in e.said()[-1]
        assert e.hub.take_sound(name) is not None
        assert e.hub.take_sound("2020-01-01_10-00-00") is None
        e.request(do="takes")
        await e.settle()
        assert next(row["sounds"] for row in e.news if row["t"] == "takes") == {name: 1.0}

    evening(script, tmp_path)


def test_takes_have_names_of_the_users_own(tmp_path: Path) -> None:
    name = "2023-01-01_10-00-00"
    make_take(tmp_path, name)

    async def script(e: Evening) -> None:
        e.request(do="rename take", name=name, title="Für Elise, slow")
        e.request(do="rename take", name="2020-01-01_10-00-00", title="nobody")
        assert "no such take" in e.said()[-1]
        await e.settle()
        assert [r["title"] for r in e.hub.takes.rows() if r["name"] == name] == ["Für Elise, slow"]
        (tmp_path / name / library.TITLE).write_bytes(b"\xff\xfe\x00")
        assert [r["title"] for r in e.hub.takes.rows() if r["name"] == name] == [""]
        e.request(do="delete take", name=name)
        await e.settle()
        assert not (tmp_path / name).exists()

    evening(script, tmp_path)


def test_what_another_page_holds_stays(tmp_path: Path) -> None:
    async def script(e: Evening) -> None:
        e.request(do="pedal", down=True)
        e.request(do="on", pitch=60, velocity=80)
        other = Page()
        e.hub.handle_request(other, {"do": "pedal", "down": True})
        e.hub.handle_request(other, {"do": "on", "pitch": 60, "velocity": 80})
        await asyncio.sleep(0.1)
        sent = len(e.midi.sent)
        e.hub.remove_page(e.page)
        await asyncio.sleep(0.1)
        assert len(e.midi.sent) == sent
        e.hub.remove_page(other)
        await asyncio.sleep(0.1)
        assert {m[:2] for _, m in e.midi.sent[sent:]} == {b"\x80\x3c", b"\xb0\x40"}

    evening(script, tmp_path)


def test_the_panel_does_what_it_says(tmp_path: Path) -> None:
    corners = ["ragtime", "baroque", "nocturne", "tango"]

    async def script(e: Evening) -> None:
        e.request(do="act", action="trade")
        e.request(do="knob", name="tempo", value=140)
        e.request(do="preset", name="ragtime")
        e.request(do="knob", name="density", value=0.5)
        await asyncio.sleep(0.3)
        state = e.hub.state()
        assert (state["mode"], state["preset"]["name"]) == ("trade", "ragtime")
        assert (state["parameters"]["tempo"], state["parameters"]["density"]) == (140, 0.5)
        e.request(do="pad", x=1, y=0, corners=corners)
        assert e.worker.styles[-1][0] == pytest.approx(presets.load("baroque").z)
        assert e.hub.state()["parameters"]["density"] == 0.5  # knobs stay where they are
        e.request(do="pad", x=0.5, y=0, corners=corners)
        middle = [(a + b) / 2 for a, b in zip(presets.load("ragtime").z, presets.load("baroque").z, strict=True)]
        assert e.worker.styles[-1][0] == pytest.approx(middle)
        e.request(do="timbre", who="agent", name="bass")
        e.request(do="volume", value=0.5)
        assert (e.sound.timbres, e.sound.loudness) == ({AGENT: "bass"}, 0.5)
        e.request(do="knob", name="swing", value=66)
        e.request(do="knob", name="mirror", value=300)  # as far as it goes
        manner = e.session.partner.mode_settings
        assert (manner.swing, manner.mirror) == (0.66, 1.0)
        before = e.hub.state()["preset"]["name"]
        e.request(do="act", action="next-preset")
        e.request(do="act", action="previous-preset")
        assert e.hub.state()["preset"]["name"] != before or before != "pad"
        e.request(do="act", action="next-mode")
        assert e.hub.state()["mode"] == "duet"
        e.request(do="preset", name="nobody")
        e.request(do="delete take", name="2024-01-01_10-00-00")
        e.request(do="act", action="panic")
        e.request(do="act", action="hush")
        assert json.dumps(e.hub.welcome())

    made = evening(script, tmp_path)
    assert any("no preset 'nobody'" in line for line in made.said())
    assert any("being played" in line for line in made.said())
    assert bytes((0xB1, 123, 0)) in [m for _, m in made.midi.sent]


def test_a_style_is_learnt_saved_and_the_last_minutes_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(presets, "OWN", tmp_path / "own")

    async def script(e: Evening) -> None:
        e.request(do="sound like that", name="Mine")
        await asyncio.sleep(0.1)
        for _ in range(3):
            await e.phrase()
            await asyncio.sleep(6)
        e.request(do="sound like that", name="My Style")
        await asyncio.sleep(0.1)
        e.request(do="save preset", name="Kept")
        e.request(do="save")
        e.request(do="phrase")
        await asyncio.sleep(8)

    made = evening(script, tmp_path)
    assert any("Play a little more" in line for line in made.said())
    assert presets.load("my-style").z == (15.0,) * 24
    assert len(presets.load("my-style").vamp) == 15
    assert presets.load("kept").title == "Kept"
    assert {path.stem for path in (tmp_path / "own").iterdir()} == {"My Style", "Kept"}
    moment = next(p for p in library.list_takes(tmp_path) if p.name.endswith("-moment"))
    assert len(read_notes(moment / MIDI)) >= 25
    assert (moment / JSONL).exists()
    assert sum(n["t"] == "on" and n["who"] == "player" for n in made.news) > 20  # the phrase was played for them


def test_any_name_can_be_given_and_chosen_on_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = tmp_path / "own"
    monkeypatch.setattr(presets, "OWN", own)
    names = ["Für Elise", "日本", "😀", "AC/DC", "Ragtime", "My Style", "my.style", 'it\'s "mine"', "con"]
    chosen = []

    async def script(e: Evening) -> None:
        await asyncio.sleep(0.1)
        for name in names:
            e.request(do="save preset", name=name)
        for preset in presets.all_presets():
            e.request(do="preset", name=preset.name)
            chosen.append(e.hub.state()["preset"] == {"name": preset.name, "title": preset.title})
        e.request(do="save preset", name="ragtime")  # hides the one that comes with the program
        e.request(do="save preset", name="Kept")
        e.request(do="save preset", name="Kept")
        e.request(do="save preset", name="AC-DC")  # whose file would be that of AC/DC

    made = evening(script, tmp_path)
    assert len(chosen) == 16 + len(names)
    assert all(chosen)
    titles = {presets.read(path).title for path in own.iterdir()}
    assert titles == {*names, "ragtime", "Kept"}
    said = made.said()
    assert sum("hides the style ragtime" in line for line in said) == 1
    assert sum("takes the place of your former style of that name" in line for line in said) == 1
    assert any("AC-DC would take the place of your style AC/DC" in line for line in said)


def test_a_knob_is_learnt_live(tmp_path: Path) -> None:
    async def script(e: Evening) -> None:
        e.request(do="learn", action="knob:density")
        e.request(do="on", pitch=60, velocity=80)  # the page itself teaches nothing
        e.request(do="off", pitch=60)
        e.keyboard.play(0xB0, 21, 127)
        await asyncio.sleep(0.01)
        assert e.hub.state()["controls"] == ["cc21@1=knob:density"]
        e.keyboard.play(0xB0, 21, 1)
        await asyncio.sleep(0.01)
        assert e.hub.state()["parameters"]["density"] == -1.0
        e.request(do="forget", trigger="cc21@1")
        assert e.hub.state()["controls"] == []

    evening(script, tmp_path)


def test_a_keyboard_in_the_browser_is_a_port_and_teaches(tmp_path: Path) -> None:
    async def script(e: Evening) -> None:
        e.request(do="learn", action="panic")
        e.request(do="midi", bytes=[0xB0, 20, 127])
        await asyncio.sleep(0.01)
        assert e.hub.state()["controls"] == ["cc20@1=panic"]
        e.request(do="midi", bytes=[0x92, 60, 80])
        e.request(do="midi", bytes=[0x92, 64, 80])
        e.request(do="midi", bytes=[0x82, 64, 0])
        await asyncio.sleep(0.1)
        e.hub.remove_page(e.page)  # the page is closed, and its keyboard's key was down
        await asyncio.sleep(0.1)

    made = evening(script, tmp_path)
    assert [m[:2] for _, m in made.midi.sent if m[0] in (0x92, 0x82)] == [
        b"\x92\x3c",
        b"\x92\x40",
        b"\x82\x40",
        b"\x82\x3c",
    ]
    assert "browser" in (tmp_path / "2024-01-01_10-00-00" / JSONL).read_text()


def test_ports_are_chosen_while_it_goes_on_and_nothing_hangs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def script(e: Evening) -> None:
        ins = {n: FakeInput(e.loop) for n in ("keys", "Piano 28:0")}
        outs = {n: FakeOutput(e.loop) for n in ("tradefours:out", "synth")}
        for name, port in [*ins.items(), *outs.items()]:
            port.name = name
        monkeypatch.setattr("agent.midi.ports.open_input", lambda name, api: ins[name])
        monkeypatch.setattr("agent.midi.ports.open_output", lambda name, api: outs[name or "tradefours:out"])
        there = PortList("alsa", ["keys"], ["synth"])
        watcher = HotplugWatcher("alsa", lambda: there)
        watcher.opens_new = True
        outputs, home = e.outputs, watcher.open_output(None)
        outputs.switch_port(home)
        e.hub.patchbay = Patchbay(watcher, outputs, ours=True)
        looking = asyncio.ensure_future(e.hub.patchbay.watch(e.session, e.hub.say))
        await e.settle()
        rows = e.hub.state()["ports"]
        assert [(r["name"], r["on"]) for r in rows["inputs"]] == [("keys", False)]
        assert [(r["name"], r["on"]) for r in rows["outputs"]] == [("tradefours:out", True), ("synth", False)]
        e.request(do="listen", port="keys", on=True)
        await e.settle()
        ins["keys"].play(0x90, 50, 80)
        ins["keys"].play(0xB0, 64, 127)
        await asyncio.sleep(0.1)
        e.request(do="output", port="synth")  # while a key is down
        await e.settle()
        assert [m for _, m in outs["tradefours:out"].sent[-2:]] == [
            b"\x80\x32\x00",
            b"\xb0\x40\x00",
        ]  # it ends where it began
        assert not outs["tradefours:out"].closed
        e.request(do="listen", port="keys", on=False)  # while the key is down still
        await e.settle()
        assert ins["keys"].closed
        assert [m for _, m in outs["synth"].sent[-2:]] == [b"\x80\x32\x00", b"\xb0\x40\x00"]
        there.inputs.append("Piano 28:0")  # somebody plugs it in
        await asyncio.sleep(3)
        assert "Piano 28:0 is heard, too." in e.said()
        assert ins["keys"].closed  # what was left stays left
        ins["Piano 28:0"].play(0x90, 52, 80)
        ins["Piano 28:0"].play(0x80, 52, 0)
        await asyncio.sleep(0.1)
        assert [m[:2] for _, m in outs["synth"].sent[-2:]] == [b"\x90\x34", b"\x80\x34"]
        there.outputs.clear()  # the synth's cable
        await asyncio.sleep(3)
        gone = next(r for r in e.hub.state()["ports"]["outputs"] if r["name"] == "synth")
        assert (gone["on"], gone["there"]) == (True, False)
        e.request(do="output", port="tradefours:out")  # back home
        await e.settle()
        assert outs["synth"].closed
        assert next(r for r in e.hub.state()["ports"]["outputs"] if r["on"])["name"] == "tradefours:out"
        looking.cancel()

    evening(script, tmp_path)
