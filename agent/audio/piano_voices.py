"""Voices of the piano: the vibrations of `agent.audio.piano_model`, computed live. Pure: they render a block when they are asked to.

All vibrations of all voices are rows of one table. In a block of 128 frames a row is a cosine and a sine, whose amplitudes at the two ends
of the block are known; between them they move in straight lines. So the block is two products of matrices: of the amplitudes, and of the
rows' cosines and sines. Counted from the middle of the block, cosines are even and sines odd: half of each is enough. Rows that nobody
hears any more are left out.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .piano_model import WAYS, KeySound, blow_gain, hammer_filter, key_sound
from .voices import BLOCK, SLOTS, Start

HALF = BLOCK // 2  # frames
FIRST_ROWS = 2048  # rows that there is room for at first
CHUNK = 512  # rows of one product: larger ones would wake the linear algebra library's other threads
SWEEP_BLOCKS = 12  # between two looks for rows that are silent
VANISHED = 1e-15  # an amplitude below it is 0, as processors are slow with the smallest numbers
INAUDIBLE = 8e-5  # an amplitude below it is silence
NOBODY = np.zeros(0, dtype=np.intp)
HIGHEST_SHARE = 0.45  # of the rate: rows above would alias


@dataclass(frozen=True)
class Key:
    """What a key's voice begins with; `n` rows, those that would alias left out."""

    sound: KeySound
    size: NDArray[np.float64]  # (n,), the largest that its amplitude may be
    omega: NDArray[np.float64]  # (n,), radians a frame
    damping: NDArray[np.float32]  # (n,), factor a block, of a key that is let go
    amplitude: NDArray[np.complex64]  # (WAYS, n)
    step: NDArray[np.complex64]  # (WAYS, n), factor a block
    gain: NDArray[np.complex64]  # (2, n)
    half: NDArray[np.complex64]  # (n,), the turn of half a block
    cosines: NDArray[np.float32]  # (n, HALF)
    sines: NDArray[np.float32]  # (n, HALF)


def _key(rate: float, pitch: int) -> Key:
    sound = key_sound(pitch).below(HIGHEST_SHARE * rate)
    omega = 2 * math.pi / rate * sound.frequency
    return Key(
        sound,
        np.abs(sound.amplitude).sum(0),
        omega,
        np.exp(-sound.damping * BLOCK / rate).astype(np.float32),
        sound.amplitude.astype(np.complex64),
        np.exp(sound.rate * (BLOCK / rate) + 1j * BLOCK * omega).astype(np.complex64),
        sound.gain.astype(np.complex64),
        np.exp(1j * HALF * omega).astype(np.complex64),
        *_waves(omega),
    )


@lru_cache(maxsize=2)
def _keys(rate: float) -> list[Key]:
    """Every key, computed before the first is struck."""
    return [_key(rate, pitch) for pitch in range(128)]


def _waves(omega: NDArray[np.float64]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Cosines and sines of the second half of a block, counted from its middle, (n, HALF) each."""
    angles = omega[:, None].astype(np.float32) * (np.arange(HALF, dtype=np.float32) + 0.5)
    return np.cos(angles), np.sin(angles)


class PianoVoices:
    """Up to `SLOTS` voices at `rate` frames a second; see `agent.audio.voices.Voices`."""

    def __init__(self, rate: float) -> None:
        self.rate = rate
        self._seconds = BLOCK / rate
        self._keys = _keys(rate)
        rise = (np.arange(BLOCK) + 0.5) / BLOCK
        self._ramps = np.stack([1 - rise, 1 - rise, rise, rise]).astype(np.float32)  # of the amplitudes at the two ends
        self._blocks = 0
        self._rows = 0
        self._slot = np.zeros(0, dtype=np.intp)  # of each row
        self._omega = np.zeros(0)  # radians a frame
        self._damping = np.zeros(0, dtype=np.float32)  # factor a block, of a key that is let go
        self._now = np.zeros(0, dtype=np.complex64)  # amplitude at the beginning of the block
        self._gain = np.zeros((2, 0), dtype=np.complex64)
        self._begin = np.zeros((2, 0), dtype=np.complex64)  # the gains, turned by half a block
        self._end = np.zeros((2, 0), dtype=np.complex64)  # the same, turned back
        self._ways = np.zeros((WAYS, 0), dtype=np.complex64)
        self._step = np.zeros((WAYS, 0), dtype=np.complex64)  # factor a block
        self._cosines = np.zeros((0, HALF), dtype=np.float32)
        self._sines = np.zeros((0, HALF), dtype=np.float32)
        self._sums = np.zeros((4, 0), dtype=np.complex64)
        self._parts = np.zeros((2, 4, 0), dtype=np.float32)  # real, imaginary
        self._make_room(FIRST_ROWS)

    def start(self, slot: int, start: Start) -> None:
        """Begin a voice."""
        key = self._keys[min(max(start.pitch, 0), 127)]
        strength = hammer_filter(key.sound, start.force) * (blow_gain(key.sound, start.force) * start.volume)
        heard: Any = np.flatnonzero(key.size * strength > INAUDIBLE)
        first = self._rows
        self._rows += len(heard)
        if self._rows > len(self._slot):
            self._make_room(2 * self._rows)
        rows = slice(first, self._rows)
        if len(heard) == len(key.size):
            heard = slice(None)  # a view, no copy
        self._slot[rows] = slot
        self._now[rows] = 0.0
        self._omega[rows] = key.omega[heard]
        self._damping[rows] = key.damping[heard]
        self._step[:, rows] = key.step[:, heard]
        np.multiply(key.amplitude[:, heard], strength[heard].astype(np.float32), out=self._ways[:, rows])
        sides = np.array(start.sides, dtype=np.float32)[:, None]
        np.multiply(key.gain[:, heard], sides, out=self._gain[:, rows])
        np.multiply(self._gain[:, rows], key.half[heard], out=self._begin[:, rows])
        np.multiply(self._gain[:, rows], key.half[heard].conj(), out=self._end[:, rows])
        self._cosines[rows] = key.cosines[heard]
        self._sines[rows] = key.sines[heard]
        if start.bend != 1.0:
            self.bend(slot, start.bend)

    def release(self, slot: int) -> None:
        """The key is let go, and its damper falls."""
        rows = self._slot[: self._rows] == slot
        self._step[:, : self._rows][:, rows] *= self._damping[: self._rows][rows]

    def fade(self, slot: int, seconds: float) -> None:
        """Let a voice decay to silence with this time constant."""
        rows = self._slot[: self._rows] == slot
        self._step[:, : self._rows][:, rows] *= math.exp(-self._seconds / seconds)

    def cut(self, slot: int) -> None:
        """End a voice at once."""
        self._keep(np.flatnonzero(self._slot[: self._rows] != slot))

    def bend(self, slot: int, ratio: float) -> None:
        """Multiply the frequency of a voice."""
        rows = np.flatnonzero(self._slot[: self._rows] == slot)
        self._step[:, rows] *= np.exp(1j * BLOCK * (ratio - 1) * self._omega[rows])
        self._omega[rows] *= ratio
        self._ways[:, rows[self._omega[rows] >= 2 * math.pi * HIGHEST_SHARE]] = 0.0
        self._tune(rows)

    def levels(self) -> NDArray[np.float64]:
        """How loud each slot is, shape (SLOTS,)."""
        sizes = np.abs(self._ways[:, : self._rows].sum(0))
        return np.asarray(np.bincount(self._slot[: self._rows], weights=sizes, minlength=SLOTS), dtype=np.float64)

    def render(self) -> tuple[Any, NDArray[np.intp]]:
        """The next `BLOCK` frames of all voices, shape (BLOCK, 2), or 0.0 where none sounds; and the slots that are silent from now on."""
        n = self._rows
        if not n:
            return 0.0, NOBODY
        ways = self._ways[:, :n]
        ways *= self._step[:, :n]
        after = ways[0] + ways[1]
        after += ways[2]
        after += ways[3]
        sums = self._sums[:, :n]
        np.multiply(self._begin[:, :n], self._now[:n], out=sums[:2])
        np.multiply(self._end[:, :n], after, out=sums[2:])
        self._now[:n] = after
        real, imaginary = self._parts[:, :, :n]
        np.copyto(real, sums.real)
        np.copyto(imaginary, sums.imag)
        first = min(n, CHUNK)
        even = real[:, :first] @ self._cosines[:first]
        odd = imaginary[:, :first] @ self._sines[:first]
        for low in range(CHUNK, n, CHUNK):
            high = min(low + CHUNK, n)
            even += real[:, low:high] @ self._cosines[low:high]
            odd += imaginary[:, low:high] @ self._sines[low:high]
        ends = np.empty((4, BLOCK), dtype=np.float32)
        np.add(even, odd, out=ends[:, HALF - 1 :: -1])
        np.subtract(even, odd, out=ends[:, HALF:])
        ends *= self._ramps
        block = np.add(ends[:2], ends[2:]).T
        self._blocks += 1
        return block, self._sweep() if self._blocks % SWEEP_BLOCKS == 0 else NOBODY

    def _tune(self, rows: NDArray[np.intp]) -> None:
        """Compute again what depends on the frequency of some rows."""
        half = np.exp(1j * HALF * self._omega[rows]).astype(np.complex64)
        self._begin[:, rows] = self._gain[:, rows] * half
        self._end[:, rows] = self._gain[:, rows] * half.conj()
        self._cosines[rows], self._sines[rows] = _waves(self._omega[rows])

    def _sweep(self) -> NDArray[np.intp]:
        """Leave out the rows that are silent; the slots that have no row any more."""
        n = self._rows
        ways = self._ways[:, :n].view(np.float32)
        magnitudes = np.abs(ways)
        ways[magnitudes < VANISHED] = 0.0
        sizes = magnitudes.sum(0).reshape(n, 2).sum(1)
        slots = self._slot[:n]
        kept = np.flatnonzero(sizes > INAUDIBLE)
        before = np.bincount(slots, minlength=SLOTS)
        silent = np.flatnonzero((before > 0) & (np.bincount(slots[kept], minlength=SLOTS) == 0))
        if len(silent) or len(kept) < n - n // 8:
            self._keep(kept)
        return silent

    def _keep(self, rows: NDArray[np.intp]) -> None:
        """Keep these rows alone, in ascending order."""
        n = len(rows)
        for table in (self._slot, self._omega, self._damping, self._now, self._cosines, self._sines):
            table[:n] = table[rows]
        for wide in (self._gain, self._begin, self._end, self._ways, self._step):
            wide[:, :n] = wide[:, rows]
        self._rows = n

    def _make_room(self, rows: int) -> None:
        """Make every table longer."""
        more = rows - len(self._slot)
        self._slot = np.pad(self._slot, (0, more))
        self._omega = np.pad(self._omega, (0, more))
        self._damping = np.pad(self._damping, (0, more))
        self._now = np.pad(self._now, (0, more))
        self._cosines = np.pad(self._cosines, ((0, more), (0, 0)))
        self._sines = np.pad(self._sines, ((0, more), (0, 0)))
        self._gain = np.pad(self._gain, ((0, 0), (0, more)))
        self._begin = np.pad(self._begin, ((0, 0), (0, more)))
        self._end = np.pad(self._end, ((0, 0), (0, more)))
        self._ways = np.pad(self._ways, ((0, 0), (0, more)))
        self._step = np.pad(self._step, ((0, 0), (0, more)))
        self._sums = np.zeros((4, rows), dtype=np.complex64)
        self._parts = np.zeros((2, 4, rows), dtype=np.float32)
