"""Ardour without a screen, driven by a script: it sends its MIDI clock and records a MIDI track.

An Ardour that is not installed is an error, never a skip.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import mido

from .jack import wait_for

CLIENT = "daw"
CLOCK, TRACK = f"{CLIENT}:MIDI Clock out", f"{CLIENT}:take/midi_in 1"

CONFIG = """<?xml version="1.0" encoding="UTF-8"?>
<Ardour><Config><Option name="send-midi-clock" value="1"/></Config></Ardour>
"""

SCRIPT = """
assert(AudioEngine:set_backend("JACK", "{client}", ""))
local session = assert(create_session("{folder}", "song", {rate}))
local map = Temporal.TempoMap.write_copy()
map:set_tempo(Temporal.Tempo({tempo}, {tempo}, 4), Temporal.timepos_t(0))
Temporal.TempoMap.update(map)
local midi = ARDOUR.ChanCount(ARDOUR.DataType("midi"), 1)
local tracks = session:new_midi_track(midi, midi, true, ARDOUR.PluginInfo(), nil, nil, 1, "take",
  ARDOUR.PresentationInfo.max_order, ARDOUR.TrackMode.Normal, true)
for track in tracks:iter() do
  track:rec_enable_control():set_value(1, PBD.GroupControlDisposition.NoGroup)
end
session:maybe_enable_record(false)
print("the DAW is ready")
io.flush()
local by = ARDOUR.TransportRequestSource.TRS_UI
for word in io.lines() do
  if word == "roll" then
    session:request_roll(by)
  elseif word == "stop" then
    session:request_stop(false, false, by)
  elseif word == "save" then
    session:save_state("")
    print("the DAW has saved")
    io.flush()
  else
    break
  end
end
close_session()
quit()
"""


class Daw:
    """A song with one track that is armed for recording. Times are in beats of the song."""

    def __init__(self, folder: Path, process: subprocess.Popen[str]) -> None:
        self.folder, self._process = folder, process
        self.lines: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        self.lines.extend(self._process.stdout)

    def command(self, word: str) -> None:
        """Send a command: roll, stop, save or leave."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{word}\n")
        self._process.stdin.flush()

    def wait_for_line(self, words: str, seconds: float = 30.0) -> None:
        """Wait for a line of its output."""
        wait_for(lambda: any(words in line for line in list(self.lines)), seconds, f"{words}: {self.lines}")

    def read_track(self) -> list[tuple[float, bytes]]:
        """The messages on the track, as (beat, message)."""
        self.command("save")
        self.wait_for_line("has saved")
        paths = self.folder.glob("interchange/*/midifiles/*.mid")
        song = mido.MidiFile(
            max(paths, key=lambda path: path.stat().st_size)
        )  # an empty one lies ready for the next take
        found, now = [], 0
        for message in mido.merge_tracks(song.tracks):
            now += message.time
            if not message.is_meta:
                found.append((now / song.ticks_per_beat, bytes(message.bytes())))
        return found


@contextmanager
def ardour(folder: Path, tempo: float, rate: int) -> Iterator[Daw]:
    """Ardour on the present JACK server, as the client `daw`."""
    program = next(filter(None, map(shutil.which, ("ardour9-lua", "ardour8-lua", "ardour7-lua"))), None)
    assert program, "Ardour is not installed; see the README for what the tests need"
    settings = folder / "settings"
    own = settings / re.sub("-lua$", "", Path(program).name)
    own.mkdir(parents=True)
    (own / "config").write_text(CONFIG)
    script = folder / "daw.lua"
    script.write_text(SCRIPT.format(client=CLIENT, folder=folder / "song", rate=rate, tempo=tempo))
    process = subprocess.Popen(
        [program, str(script)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "HOME": str(folder), "XDG_CONFIG_HOME": str(settings)},
    )
    daw = Daw(folder / "song", process)
    try:
        daw.wait_for_line("the DAW is ready", 60)
        yield daw
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        daw._reader.join(2)
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.close()
        process.stdout.close()
