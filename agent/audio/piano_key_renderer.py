"""The piano as recordings, one a key, for a player that cannot compute it live: the page. Pure: numbers and bytes."""

from __future__ import annotations

import io
import wave
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .piano_model import FORCES, HARDENING, HIGHEST, LOWEST, REFERENCE_FORCE, blow_gain, hammer_filter, key_sound
from .piano_voices import PianoVoices
from .room import Room
from .voices import BLOCK, Start

RATE = 48000  # frames a second
LONGEST = 4.5  # seconds of a recording
FADE = 0.4  # seconds, in which a recording ends
FAINT = 1e-3  # of the loudest amplitude: a recording ends when the sound is fainter


def recording(pitch: int) -> bytes:
    """The hardest blow of a key, as a .wav file of 16 bits in stereo. The room is in it."""
    voices = PianoVoices(RATE)
    room = Room(RATE)
    voices.start(0, Start(pitch, 1.0))
    blocks = []
    for _ in range(int(length(pitch) * RATE / BLOCK)):
        dry, _silent = voices.render()
        heard = room.render(dry)
        blocks.append(heard if isinstance(heard, np.ndarray) else np.zeros((BLOCK, 2), dtype=np.float32))
    samples = np.concatenate(blocks)
    fade = min(round(FADE * RATE), len(samples))
    samples[-fade:] *= np.linspace(1, 0, fade, dtype=np.float32)[:, None]
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(2)
        out.setsampwidth(2)
        out.setframerate(RATE)
        out.writeframes((np.clip(samples, -1, 1) * 32767).round().astype("<i2").tobytes())
    return file.getvalue()


def length(pitch: int) -> float:
    """Seconds that a key is recorded: until it is faint, but no longer than `LONGEST`."""
    sound = key_sound(pitch)
    times = np.arange(0.25, LONGEST, 0.25)
    strength: NDArray[np.float64] = hammer_filter(sound, 1.0)
    sizes = np.array(
        [np.linalg.norm(np.abs((sound.amplitude * np.exp(sound.rate * t)).sum(0)) * strength) for t in times]
    )
    loud = np.flatnonzero(sizes > FAINT * sizes.max())
    return float(min(times[loud[-1]] + FADE, LONGEST))


def table() -> dict[str, Any]:
    """What a player needs to make any blow of the recordings, ready for JSON.

    A blow of force f is the recording through a filter that takes two poles from the cutoff of force 1 to that of f, times the gain of f
    through the gain of 1. `release`: seconds in which a damper lets the first partial fall to 1/e, or null where there is none.
    """
    keys = {}
    for pitch in range(LOWEST, HIGHEST + 1):
        sound = key_sound(pitch)
        gains = [round(blow_gain(sound, float(force)) / blow_gain(sound, 1.0), 5) for force in FORCES]
        release = round(1 / float(sound.damping[0]), 4) if sound.damping[0] else None
        keys[pitch] = {"cutoff": round(sound.cutoff, 1), "gains": gains, "release": release}
    return {
        "forces": [round(float(f), 5) for f in FORCES],
        "reference": REFERENCE_FORCE,
        "hardening": HARDENING,
        "keys": keys,
    }
