"""Play MIDI messages on the computer's sound: with the built-in synth, or with FluidSynth where it and a SoundFont are installed.

Threads: `play` may be called from any; it only queues the message. The sound system's own thread reads the queue at its next block.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import threading
import time
from collections import deque
from pathlib import Path
from typing import Any

from .. import thread_priority
from ..errors import UserError
from ..midi.messages import (
    ALL_NOTES_OFF,
    ALL_SOUND_OFF,
    BANK_COARSE,
    BANK_FINE,
    CHANNEL,
    CONTROL,
    DRUM_CHANNEL,
    FIRST_SYSTEM,
    KIND,
    NOTE_OFF,
    NOTE_ON,
    NOTES_OFF_MODES,
    PAN,
    PITCH_BEND,
    PROGRAM,
)
from ..midi.output_merge import AGENT, PLAYER, Sound
from ..midi.rtmidi_backend import is_working
from ..silence_stderr import silence_stderr
from .soundfont_files import find_soundfont, why_not
from .synth import BAND_CHANNELS, PIANO, Part, Synth
from .voices import BLOCK

AUTO, BUILT_IN, FLUIDSYNTH, OFF = "auto", "built-in", "fluidsynth", "off"
TITLES = {BUILT_IN: "the built-in sound", FLUIDSYNTH: "FluidSynth"}
CHOICES = (AUTO, BUILT_IN, FLUIDSYNTH, OFF)
DRIVERS = {"darwin": "coreaudio", "win32": "dsound"}
START_SECONDS = 0.5  # in which FluidSynth mostly ends if it cannot play
PROGRAMS = {"electric piano": 4, "piano": 0, "bass": 33, "pad": 89, "organ": 16}
"""General MIDI's numbers for our instruments."""
FLUIDSYNTH_GAIN = 0.9  # at full volume
PANS = (0.36, 0.64)  # of the player and the agent, 0 left to 1 right
IGNORED_CONTROLLERS = (BANK_COARSE, PAN, BANK_FINE)  # bank and pan of FluidSynth are set here alone
FADE = 0.2  # of the way to silence, or back, that the volume goes in a block


class BuiltInSynth:
    """The built-in synth. Raises UserError where the computer has no sound that works."""

    name = BUILT_IN

    def __init__(self) -> None:
        # Seconds from a key of the page to the first frame of its sound.
        self.key_latencies: deque[float] = deque(maxlen=1000)
        self._queue: deque[tuple[int, bytes | float]] = deque()  # messages, and times of keys to be measured
        self._quiet = False
        try:
            with silence_stderr():
                import sounddevice

                device = sounddevice.query_devices(kind="output")
                rate = float(device["default_samplerate"])
                parts = [Part(pan=PANS[PLAYER]), Part(pan=PANS[AGENT])]
                self.synth = Synth(rate, parts)
                self._stream: Any = sounddevice.OutputStream(
                    samplerate=rate,
                    blocksize=BLOCK,
                    channels=2,
                    latency="low",
                    dtype="float32",
                    callback=self._fill_buffer,
                )
                self._stream.start()
        except Exception as error:  # library, card, server or permission may be missing
            raise UserError(f"This computer has no sound that works here ({_summary_of(error)}).") from error

    @property
    def is_alive(self) -> bool:
        return self._stream is not None

    def play(self, who: int, message: bytes) -> None:
        self._queue.append((who, message))

    def timbre(self, who: int, name: str) -> None:
        self.synth.parts[who].timbre = name

    def volume(self, share: float) -> None:
        for part in self.synth.parts:
            part.volume = share

    def measure_key(self, when: float) -> None:
        """The last message was a key that went down at `when`: measure how long it takes until its sound begins."""
        self._queue.append((PLAYER, when))

    @property
    def buffer(self) -> float:
        """Seconds from a frame to the loudspeaker, as the sound system tells."""
        return float(self._stream.latency) if self._stream is not None else 0.0

    def quiet(self, is_quiet: bool) -> None:
        self._quiet = is_quiet

    def close(self) -> None:
        stream = self._stream
        self._stream = None
        if stream is not None:
            with contextlib.suppress(Exception):
                stream.stop()
            stream.close()

    def _fill_buffer(self, out: Any, frames: int, _time: Any, _status: Any) -> None:
        thread_priority.request_once()
        while self._queue:
            who, item = self._queue.popleft()
            if isinstance(item, bytes):
                self.synth.receive(who, item)
            else:
                self.key_latencies.append(time.perf_counter() - item)
        target = 0.0 if self._quiet else 1.0
        self.synth.volume += (target - self.synth.volume) * FADE
        out[:] = self.synth.render(frames)


class FluidSynth:
    """FluidSynth as a child process that reads commands, a line each. Raises UserError where it cannot play."""

    name = FLUIDSYNTH

    def __init__(self, soundfont: Path) -> None:
        program = shutil.which("fluidsynth")
        if program is None:
            raise UserError("FluidSynth is not installed; install it, or use --sound built-in.")
        fault = why_not(soundfont)
        if fault is not None:
            raise UserError(f"{soundfont} {fault}; name a SoundFont, a file that ends in .sf2 or .sf3.")
        command = [
            program,
            "-q",
            "-n",
            "-a",
            _driver(),
            "-g",
            f"{0.8 * FLUIDSYNTH_GAIN:.2f}",
            "-o",
            "audio.period-size=128",
        ]
        command += ["-o", "audio.jack.autoconnect=1", str(soundfont)]
        self.soundfont = soundfont
        self._lock = threading.Lock()
        self._quiet = False
        self._process: subprocess.Popen[str] | None = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            text=True,
            env={**os.environ, "JACK_NO_START_SERVER": "1"},
        )
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end and self.is_alive:
            time.sleep(0.02)
        if not self.is_alive:
            self.close()
            raise UserError("FluidSynth finds no sound here; use --sound built-in, or check the computer's sound.")
        for who, timbre, pan in ((PLAYER, PIANO, 40), (AGENT, PIANO, 88)):
            self.timbre(who, timbre)
            self._send(f"cc {who} {PAN} {pan}\n")

    @property
    def is_alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def play(self, who: int, message: bytes) -> None:
        if not message or message[0] >= FIRST_SYSTEM or len(message) < 2:
            return
        own = message[0] & CHANNEL
        is_of_band = who == AGENT and own in BAND_CHANNELS
        channel = own if own == DRUM_CHANNEL or is_of_band else who
        kind = message[0] & KIND
        first = message[1]
        second = message[-1]
        if kind == NOTE_ON and second:
            line = "" if self._quiet else f"noteon {channel} {first} {second}\n"
        elif kind in (NOTE_OFF, NOTE_ON):
            line = f"noteoff {channel} {first}\n"
        elif kind == CONTROL and first not in IGNORED_CONTROLLERS:
            first = (
                ALL_NOTES_OFF if first in NOTES_OFF_MODES else first
            )  # one that changes the mode would make FluidSynth mono
            line = f"cc {channel} {first} {second}\n"
        elif kind == PROGRAM and is_of_band:
            line = f"prog {channel} {first}\n"
        elif kind == PITCH_BEND:
            line = f"pitch_bend {channel} {(second << 7) | first}\n"
        else:
            line = ""  # program changes are meant for other synths
        self._send(line)

    def timbre(self, who: int, name: str) -> None:
        self._send(f"prog {who} {PROGRAMS.get(name, 0)}\n")

    def volume(self, share: float) -> None:
        self._send(f"gain {share * FLUIDSYNTH_GAIN:.2f}\n")

    def quiet(self, is_quiet: bool) -> None:
        if is_quiet and not self._quiet:
            self._send(
                "".join(f"cc {who} {ALL_SOUND_OFF} 0\n" for who in (PLAYER, AGENT, DRUM_CHANNEL, *BAND_CHANNELS))
            )
        self._quiet = is_quiet

    def close(self) -> None:
        with self._lock:
            process = self._process
            self._process = None
        if process is not None:
            process.kill()
            process.wait()
            if process.stdin is not None:
                with contextlib.suppress(OSError):
                    process.stdin.close()

    def _send(self, line: str) -> None:
        with self._lock, contextlib.suppress(OSError, ValueError):
            if line and self._process is not None and self._process.stdin is not None:
                self._process.stdin.write(line)
                self._process.stdin.flush()


def open_sound(choice: str, soundfont: Path | None = None) -> Sound | None:
    """Open one of `CHOICES`; None for `off`, or where `auto` finds no sound. Raises UserError where another one does not work."""
    if choice == OFF:
        return None
    if choice == BUILT_IN:
        return BuiltInSynth()
    found = soundfont or find_soundfont()
    if choice == FLUIDSYNTH or soundfont is not None:
        if found is None:
            raise UserError("No SoundFont was found; name one with --soundfont FILE.")
        return FluidSynth(found)
    if found is not None and shutil.which("fluidsynth"):
        with contextlib.suppress(UserError):
            return FluidSynth(found)
    try:
        return BuiltInSynth()
    except UserError:
        return None


def open_sound_or_another(choice: str, soundfont: Path | None) -> tuple[Sound | None, str]:
    """The same; where the SoundFont that was asked for cannot be played, the sound that works without it, and one sentence that says so.

    Raises UserError where it is not for the SoundFont that the sound does not work.
    """
    try:
        return open_sound(choice, soundfont), ""
    except UserError as error:
        if soundfont is None:
            raise
        sound = open_sound(AUTO)
        if sound is None:
            return None, str(error)
        return sound, f"{str(error).removesuffix('.')}; {TITLES.get(sound.name, sound.name)} plays until then."


def _driver() -> str:
    """The sound system that FluidSynth should use. Raises UserError where there is none."""
    if sys.platform != "linux":
        return DRIVERS.get(sys.platform, "dsound")
    if shutil.which("pactl") and subprocess.run(["pactl", "info"], capture_output=True, timeout=3).returncode == 0:
        return "pulseaudio"
    if is_working("jack"):
        return "jack"
    if any(Path("/dev/snd").glob("pcm*p")):
        return "alsa"
    raise UserError("FluidSynth finds no sound here; use --sound built-in, or check the computer's sound.")


def _summary_of(error: Exception) -> str:
    return str(error).splitlines()[0][:80] if str(error) else type(error).__name__
