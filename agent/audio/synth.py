"""The built-in synthesizer: MIDI messages in, stereo samples out. Pure: it renders a block when it is asked to.

It hands out voices: the piano's, or those of frequency modulation. A voice that is stolen fades in a few milliseconds, beside the one that
takes its place. What the piano plays is heard in a small room.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from models.music.held_notes import HeldNotes

from ..midi.messages import (
    ALL_SOUND_OFF,
    CHANNEL,
    CONTROL,
    DRUM_CHANNEL,
    FIRST_STATUS,
    FIRST_SYSTEM,
    KIND,
    MOST_DATA,
    NOTE_OFF,
    NOTE_ON,
    PITCH_BEND,
    PROGRAM,
)
from .fm_patches import CLICK, KIT, TIMBRES
from .fm_voices import FmVoices
from .piano_voices import PianoVoices
from .room import Room
from .voices import BLOCK, POLYPHONY, SLOTS, Start

STEAL_SECONDS = 0.0018  # time constant with which a stolen voice fades
RESTRIKE_SECONDS = 4 * STEAL_SECONDS  # the same, where its key is struck again
CLIP_KNEE = 0.7  # samples above are compressed, and never reach 1
BEND_RANGE = 2.0  # semitones, the default of General MIDI
PIANO = "piano"
INSTRUMENTS = (PIANO, *TIMBRES)
CHANNELS = 16  # of MIDI 1.0
BAND_CHANNELS = range(10, 14)  # from 0: where a program change chooses the instrument of a part of the band
ELECTRIC_PIANOS = (4, 5)  # programs of General MIDI, from 0

Floats = NDArray[np.float32]
Line = tuple[int, int]  # a player's number and a channel: keys, pedals and pitch bend are kept for each
Voice = tuple[int, int, int]  # player, channel, pitch


@dataclass
class Part:
    """The instrument of one player."""

    timbre: str = PIANO
    pan: float = 0.5  # 0 left, 1 right
    volume: float = 1.0


class Synth:
    """Up to `POLYPHONY` voices of any number of players, each with a `Part` of its own."""

    def __init__(self, rate: float = 48000.0, parts: list[Part] | None = None) -> None:
        """`rate`: frames a second. A player without a part of its own plays the last one."""
        self.rate = rate
        self.volume = 1.0
        self.parts = parts or [Part()]
        self._fm = FmVoices(rate)
        self._piano = PianoVoices(rate)
        self._room = Room(rate)
        self._voices: list[FmVoices | PianoVoices] = [self._fm] * SLOTS  # who plays each slot
        self._on = np.zeros(SLOTS, dtype=bool)
        self._fading = np.zeros(SLOTS, dtype=bool)  # released or stolen
        self._left = np.zeros((0, 2), dtype=np.float32)  # frames that are rendered and not yet asked for
        self._keys: list[Voice | None] = [None] * SLOTS  # of each held voice
        self._held: HeldNotes[Voice] = HeldNotes()  # its channels are the numbers of lines
        self._bend: dict[Line, float] = {}  # -1 to 1
        self._timbres: dict[Line, str] = {}  # of lines that have an instrument of their own, as the band's

    @property
    def sounding(self) -> int:
        """How many voices sound, those that fade out included."""
        return int(self._on.sum())

    # -- messages ----------------------------------------------------------------------------------------------------

    def receive(self, who: int, message: bytes) -> None:
        """Take one message of a player; it takes effect in the next block. Other messages than a channel's are ignored."""
        if not message or not FIRST_STATUS <= message[0] < FIRST_SYSTEM or len(message) < 2:
            return
        kind = message[0] & KIND
        line = (who, message[0] & CHANNEL)
        first = message[1] & MOST_DATA
        second = message[2] & MOST_DATA if len(message) > 2 else 0
        if kind == NOTE_ON and second:
            self._start_note(line, first, second)
        elif kind in (NOTE_OFF, NOTE_ON):
            self._end_note(line, first)
        elif kind == PROGRAM and line[1] in BAND_CHANNELS:
            self._timbres[line] = timbre_of(first)
        elif kind == PITCH_BEND:
            self._set_bend(line, (((second << 7) | first) - 8192) / 8192)
        elif kind == CONTROL:
            ended = self._held.control(_number(line), first, second)
            self._release_voices(ended, RESTRIKE_SECONDS if first == ALL_SOUND_OFF else None)

    def _release_voices(self, voices: list[Voice], seconds: float | None = None) -> None:
        """Let these voices fade with this time constant, or as their instruments do."""
        for slot, key in enumerate(self._keys):
            if key is not None and key in voices:
                if seconds is None:
                    self._release(slot)
                else:
                    self._fade(slot, seconds)

    def _start_note(self, line: Line, pitch: int, velocity: int) -> None:
        key = (*line, pitch)
        for slot in [s for s, k in enumerate(self._keys) if k == key]:
            self._fade(slot, RESTRIKE_SECONDS)
        self._held.press((_number(line), pitch), key)
        slot = self._find_slot()
        part = self.parts[min(line[0], len(self.parts) - 1)]
        start = Start(pitch, velocity / 127, _ratio(self._bend.get(line, 0.0)), part.pan, part.volume)
        timbre = self._timbres.get(line, part.timbre)
        if line[1] == DRUM_CHANNEL:
            patch, sounds_as = KIT.get(pitch, (CLICK, pitch))
            self._voices[slot] = self._fm
            self._fm.start(slot, replace(start, pitch=sounds_as), patch)
        elif timbre in TIMBRES:
            self._voices[slot] = self._fm
            self._fm.start(slot, start, TIMBRES[timbre])
        else:
            self._voices[slot] = self._piano
            self._piano.start(slot, start)
        self._on[slot] = True
        self._fading[slot] = False
        self._keys[slot] = key

    def _find_slot(self) -> int:
        """A slot for a new voice; where all voices sound, the quietest one is stolen."""
        held = np.flatnonzero(self._on & ~self._fading)
        fading = np.flatnonzero(self._on & self._fading)
        if len(held) >= POLYPHONY or len(held) + len(fading) >= SLOTS - 8:
            levels = self._fm.levels() + self._piano.levels()
            if len(held) >= POLYPHONY:
                self._fade(int(held[np.argmin(levels[held])]), STEAL_SECONDS)
            if len(held) + len(fading) >= SLOTS - 8 and len(fading):
                self._fade(int(fading[np.argmin(levels[fading])]), STEAL_SECONDS)
            if self._on.all():
                return self._cut(int(np.argmin(levels)))
        return int(np.flatnonzero(~self._on)[0])

    def _cut(self, slot: int) -> int:
        """Take a slot whose voice is all but silent."""
        self._voices[slot].cut(slot)
        return slot

    def _release(self, slot: int) -> None:
        """The key of a voice is let go."""
        self._keys[slot] = None
        self._fading[slot] = True
        self._voices[slot].release(slot)

    def _fade(self, slot: int, seconds: float) -> None:
        """Let a voice decay to silence with this time constant."""
        self._keys[slot] = None
        self._fading[slot] = True
        self._voices[slot].fade(slot, seconds)

    def _end_note(self, line: Line, pitch: int) -> None:
        if (_number(line), pitch) in self._held.down:
            self._release_voices(self._held.release((_number(line), pitch)))

    def _set_bend(self, line: Line, bend: float) -> None:
        former = self._bend.get(line, 0.0)
        self._bend[line] = bend
        for slot in [s for s, k in enumerate(self._keys) if k is not None and k[:2] == line]:
            self._voices[slot].bend(slot, _ratio(bend - former))

    # -- samples -----------------------------------------------------------------------------------------------------

    def render(self, frames: int) -> Floats:
        """The next frames, shape (frames, 2), between -1 and 1."""
        blocks = [self._left]
        ready = len(self._left)
        while ready < frames:
            blocks.append(self._render_block())
            ready += BLOCK
        out = blocks[-1] if len(blocks) == 2 and not len(blocks[0]) else np.concatenate(blocks)
        self._left = out[frames:]
        return soft_clip(out[:frames] * np.float32(self.volume))

    def _render_block(self) -> Floats:
        """The next `BLOCK` frames of all voices, shape (BLOCK, 2)."""
        fm, fm_silent = self._fm.render()
        piano, piano_silent = self._piano.render()
        for slot in (*fm_silent, *piano_silent):
            self._on[slot] = False
            self._keys[slot] = None
        heard = fm + self._room.render(piano)
        return heard if isinstance(heard, np.ndarray) else np.zeros((BLOCK, 2), dtype=np.float32)


def timbre_of(program: int) -> str:
    """Our instrument that is nearest to a General MIDI program, from 0."""
    families = {0: PIANO, 2: "organ", 4: "bass", 11: "pad"}  # eight programs each
    return families.get(program // 8, "electric piano") if program not in ELECTRIC_PIANOS else "electric piano"


def _number(line: Line) -> int:
    return line[0] * CHANNELS + line[1]


def _ratio(bend: float) -> float:
    """The factor of the frequency that a pitch bend, -1 to 1, means."""
    return float(2.0 ** (bend * BEND_RANGE / 12))


def soft_clip(samples: Floats) -> Floats:
    """Compress the samples above `CLIP_KNEE` so that none reaches 1; the others stay as they are."""
    size = np.abs(samples)
    if float(size.max(initial=0.0)) <= CLIP_KNEE:
        return samples
    clipped = CLIP_KNEE + (1 - CLIP_KNEE) * np.tanh((size - CLIP_KNEE) / (1 - CLIP_KNEE)) * 0.99
    return np.where(size > CLIP_KNEE, np.copysign(clipped, samples), samples).astype(np.float32)
