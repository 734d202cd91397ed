"""A take as sound: its messages, played by the built-in synthesizer, as fast as it can."""

from __future__ import annotations

import os
import wave
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ..audio.sound_output import PANS
from ..audio.synth import Part, Synth
from ..errors import UserError
from .recorder import AGENT, JSONL, PLAYER, take_events

RATE = 48000  # frames a second
MOST_TAIL = 12.0  # seconds after the last message, in which notes may ring out
CHUNK = 4800  # frames that are rendered at once, while notes ring out
PARTS = [Part(pan=pan) for pan in PANS]  # of the player and the agent, as while they play
FULL_SCALE = 32767  # of 16 bits


def write_wav(folder: Path, to: Path) -> None:
    """Write the take of that folder as 16 bits stereo, at once or not at all. Raises UserError and OSError."""
    part = to.with_name(f"{to.name}.part")
    is_empty = True
    try:
        with wave.open(str(part), "wb") as file:
            file.setnchannels(2)
            file.setsampwidth(2)
            file.setframerate(RATE)
            for samples in render(folder / JSONL):
                is_empty = False
                file.writeframes((np.clip(samples, -1, 1) * FULL_SCALE).round().astype("<i2").tobytes())
        if is_empty:
            raise UserError(f"{folder.name} holds no notes; choose another take.")
        os.replace(part, to)
    finally:
        part.unlink(missing_ok=True)


def render(path: Path) -> Iterator[np.ndarray]:
    """The sound of a take.jsonl in pieces, shape (frames, 2), from its first message until its last note has rung out."""
    streams = take_events(path)
    messages = [(event.when, who, event.message) for who, name in enumerate((PLAYER, AGENT)) for event in streams[name]]
    if not messages:
        return
    messages.sort(key=lambda message: message[0])
    synth = Synth(RATE, PARTS)
    start = messages[0][0]
    frame = 0
    for when, who, message in messages:
        due = round((when - start) * RATE)
        while frame < due:
            frames = min(due - frame, RATE)
            frame += frames
            yield synth.render(frames)
        synth.receive(who, message)
    for _ in range(round(MOST_TAIL * RATE / CHUNK)):
        yield synth.render(CHUNK)
        if not synth.sounding:
            return
