"""Voices: messages in, samples out. The instruments that are built in, mixed to stereo.

Knows nothing of sound cards, threads or time; a block is rendered when it is asked for.

Each voice is two pairs of sines: in each, one bends the other (frequency modulation), and how far it bends it fades as a struck string's
brightness does. All voices of a block are computed as one array. What could click cannot: a level never jumps, it moves in a straight
line through each block; a voice that is taken away fades in a few milliseconds, beside the one that takes its place.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..midi.messages import (
    ALL_NOTES_OFF,
    ALL_SOUND_OFF,
    CHANNEL,
    CONTROL,
    DRUM_CHANNEL,
    FIRST_STATUS,
    FIRST_SYSTEM,
    KIND,
    NOTE_OFF,
    NOTE_ON,
    PEDAL_DOWN,
    PITCH_BEND,
    RESET_CONTROLS,
    SUSTAIN,
)
from .fm_patches import CLICK, TIMBRES, Timbre

BLOCK = 128  # frames that are computed at once
POLYPHONY, SLOTS = 32, 48  # voices that sound; and with those that are fading out
SILENT = 1e-4
QUICK = 0.0018  # seconds: how fast a voice fades that has to go
GAIN = 0.22
KNEE = 0.7  # samples above are bent, and never reach 1
BEND = 2.0  # semitones

Floats = NDArray[np.float32]
Line = tuple[int, int]  # who plays, and on which channel


@dataclass
class Part:
    """One player's seat: what it plays on, and where it sits."""

    timbre: str = "electric piano"
    pan: float = 0.5  # 0 left, 1 right
    volume: float = 1.0


class FmSynth:
    """Up to `POLYPHONY` voices of any number of players, each with a `Part` of its own."""

    def __init__(self, rate: float = 48000.0, parts: list[Part] | None = None) -> None:
        self.rate, self.volume = rate, 1.0
        self.parts = parts or [Part()]
        self._steps = np.arange(1, BLOCK + 1, dtype=np.float32)
        self._ramp = self._steps / BLOCK
        self._phase = np.zeros((SLOTS, 4))  # carrier, modulator, carrier, modulator
        self._turn = np.zeros((SLOTS, 4))  # of each, radians a sample
        self._level, self._rise, self._sink = np.zeros(SLOTS), np.zeros(SLOTS), np.zeros(SLOTS)
        self._rest = np.zeros(SLOTS)  # the level that a held voice sinks to
        self._index, self._dim = np.zeros((SLOTS, 2)), np.ones((SLOTS, 2))
        self._mix, self._pan = np.zeros((SLOTS, 2)), np.zeros((SLOTS, 2))
        self._on = np.zeros(SLOTS, dtype=bool)
        self._going = np.zeros(SLOTS, dtype=bool)  # let go, or taken
        self._keys: list[tuple[int, int, int] | None] = [None] * SLOTS  # who, channel, pitch of those that are held
        self._release = np.zeros(SLOTS)
        self._held: dict[Line, set[int]] = {}  # keys let go under the pedal
        self._pedals: set[Line] = set()
        self._bend: dict[Line, float] = {}

    @property
    def sounding(self) -> int:
        """How many voices sound, those that fade out included."""
        return int(self._on.sum())

    # -- messages ----------------------------------------------------------------------------------------------------

    def take(self, who: int, message: bytes) -> None:
        """One message of a player's; it counts from the next block on."""
        if not message or not FIRST_STATUS <= message[0] < FIRST_SYSTEM or len(message) < 2:
            return
        kind, line = message[0] & KIND, (who, message[0] & CHANNEL)
        first, second = message[1] & 127, message[2] & 127 if len(message) > 2 else 0
        if kind == NOTE_ON and second:
            self._strike(line, first, second)
        elif kind in (NOTE_OFF, NOTE_ON):
            self._let_go(line, first)
        elif kind == PITCH_BEND:
            self._bend_to(line, ((second << 7 | first) - 8192) / 8192)
        elif kind == CONTROL and first == SUSTAIN:
            self._pedal(line, second >= PEDAL_DOWN)
        elif kind == CONTROL and first in (ALL_SOUND_OFF, RESET_CONTROLS, ALL_NOTES_OFF):
            self.hush(line)

    def hush(self, line: Line | None = None) -> None:
        """Let everything go, of one line or of all."""
        for slot, key in enumerate(self._keys):
            if key is not None and line in (None, key[:2]):
                self._fade(slot, self._release[slot])
        for each in [p for p in self._held if line in (None, p)]:
            del self._held[each]
        self._pedals = {p for p in self._pedals if line not in (None, p)}

    def _strike(self, line: Line, pitch: int, velocity: int) -> None:
        key = (*line, pitch)
        for slot in [s for s, k in enumerate(self._keys) if k == key]:
            self._fade(slot, QUICK * 4)  # the same string again
        self._held.get(line, set()).discard(pitch)
        slot = self._free_slot()
        part = self.parts[min(line[0], len(self.parts) - 1)]
        timbre = CLICK if line[1] == DRUM_CHANNEL else TIMBRES.get(part.timbre, TIMBRES["electric piano"])
        self._set(slot, timbre, part, pitch, velocity / 127, self._bend.get(line, 0.0))
        self._keys[slot] = key

    def _free_slot(self) -> int:
        """A slot for a new voice; where all voices sound, the quietest fades out first."""
        staying = np.flatnonzero(self._on & ~self._going)
        if len(staying) >= POLYPHONY:
            self._fade(int(staying[np.argmin(self._level[staying] * self._mix[staying].sum(1))]), QUICK)
        leaving = np.flatnonzero(self._on & self._going)
        if len(staying) + len(leaving) >= SLOTS - 8 and len(leaving):
            self._fade(int(leaving[np.argmin(self._level[leaving])]), QUICK)
        free = np.flatnonzero(~self._on)
        return int(free[0]) if len(free) else int(np.argmin(self._level))

    def _set(self, slot: int, timbre: Timbre, part: Part, pitch: int, force: float, bend: float) -> None:
        self._phase[slot] = 0.0
        hertz = 440.0 * 2.0 ** ((pitch - 69 + BEND * bend) / 12)
        ratios = np.array(timbre.ratios)
        turn = 2 * math.pi * hertz * ratios / self.rate
        self._turn[slot] = turn
        high = 2.0 ** (-(pitch - 60) / 24)  # low strings ring longer and brighter
        index = np.array(timbre.bends) * (0.25 + 0.75 * force) * min(max(high, 0.25), 1.6)
        index[turn[1::2] + turn[0::2] > 0.9 * math.pi] = 0.0  # what would fold back is left out
        self._index[slot] = index
        self._dim[slot] = np.exp(-1.0 / (np.array(timbre.dims) * high * self.rate))
        audible = turn[0::2] < 0.95 * math.pi
        self._mix[slot] = np.array(timbre.mix) * audible * GAIN * part.volume * timbre.gain * (0.08 + 0.92 * force**1.6)
        angle = part.pan * math.pi / 2
        self._pan[slot] = (math.cos(angle) * math.sqrt(2) * 0.8, math.sin(angle) * math.sqrt(2) * 0.8)
        self._level[slot], self._rise[slot] = 0.0, 1.0 / (timbre.attack * self.rate)
        self._sink[slot], self._rest[slot] = timbre.decay * high * self.rate, timbre.rest
        self._release[slot] = timbre.release
        self._on[slot], self._going[slot] = True, False

    def _fade(self, slot: int, seconds: float) -> None:
        self._keys[slot] = None
        self._going[slot] = True
        self._rise[slot], self._rest[slot], self._sink[slot] = 0.0, 0.0, seconds * self.rate

    def _let_go(self, line: Line, pitch: int) -> None:
        if line in self._pedals:
            self._held.setdefault(line, set()).add(pitch)
            return
        for slot in [s for s, k in enumerate(self._keys) if k == (*line, pitch)]:
            self._fade(slot, self._release[slot])

    def _pedal(self, line: Line, is_down: bool) -> None:
        if is_down:
            self._pedals.add(line)
            return
        self._pedals.discard(line)
        for pitch in sorted(self._held.pop(line, set())):
            self._let_go(line, pitch)

    def _bend_to(self, line: Line, bend: float) -> None:
        former = self._bend.get(line, 0.0)
        self._bend[line] = bend
        for slot in [s for s, k in enumerate(self._keys) if k is not None and k[:2] == line]:
            self._turn[slot] *= 2.0 ** ((bend - former) * BEND / 12)

    # -- samples -----------------------------------------------------------------------------------------------------

    def render(self, frames: int) -> Floats:
        """The next frames, left and right, between -1 and 1."""
        out = np.zeros((frames, 2), dtype=np.float32)
        for start in range(0, frames, BLOCK):
            part = out[start : start + BLOCK]
            if self._on.any():
                part += self._block(len(part))
        return limited(out * np.float32(self.volume))

    def _block(self, n: int) -> Any:
        at = np.flatnonzero(self._on)
        steps = self._steps[:n]
        ramp = self._ramp[:n] if n == BLOCK else steps / np.float32(n)
        phase, turn = self._phase[at], self._turn[at]
        angles = phase.astype(np.float32)[:, :, None] + turn.astype(np.float32)[:, :, None] * steps
        index = self._index[at]
        dimmed = index * self._dim[at] ** n
        bend = index.astype(np.float32)[:, :, None] + (dimmed - index).astype(np.float32)[:, :, None] * ramp
        waves = np.sin(angles[:, 0::2] + bend * np.sin(angles[:, 1::2]))
        level = self._level[at]
        new = self._moved(at, level, n)
        gains = level.astype(np.float32)[:, None] + (new - level).astype(np.float32)[:, None] * ramp
        mono = np.einsum("vpn,vp->vn", waves, self._mix[at].astype(np.float32)) * gains
        self._phase[at] = (phase + turn * n) % (2 * math.pi)
        self._index[at], self._level[at] = dimmed, new
        over = at[new <= 0.0]
        self._on[over] = False
        for slot in over:
            self._keys[slot] = None
        return mono.T @ self._pan[at].astype(np.float32)

    def _moved(self, at: NDArray[np.intp], level: NDArray[np.float64], n: int) -> NDArray[np.float64]:
        """The levels at the block's end."""
        rise, rest = self._rise[at], self._rest[at]
        sunk = rest + (level - rest) * np.exp(-n / self._sink[at])
        risen = np.minimum(level + rise * n, 1.0)
        new = np.where(rise > 0, risen, sunk)
        self._rise[at] = np.where(risen >= 1.0, 0.0, rise)
        return np.where((new < SILENT) & (rise == 0), 0.0, new)


def limited(samples: Floats) -> Floats:
    """Loud samples bent so that none reaches 1; the others as they are."""
    size = np.abs(samples)
    if float(size.max(initial=0.0)) <= KNEE:
        return samples
    bent = KNEE + (1 - KNEE) * np.tanh((size - KNEE) / (1 - KNEE)) * 0.99
    return np.where(size > KNEE, np.copysign(bent, samples), samples).astype(np.float32)
