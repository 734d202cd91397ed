"""A take as sound: its messages, played by the built-in synthesizer, as fast as it can.

As a process, for the page: `agent.takes.take_sound FOLDER FILE SECONDS` writes the take's sound at the lowest priority, and prints which
share of it is done, a number a line. A take that is longer than SECONDS is refused.
"""

from __future__ import annotations

import os
import sys
import wave
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..audio.sound_output import PANS
from ..audio.synth import Part, Synth
from ..errors import UserError
from .background_finishing import lower_priority
from .recorder import AGENT, JSONL, PLAYER, take_events

RATE = 48000  # frames a second
BYTES = 2  # of a sample
LONGEST = 6 * 3600.0  # seconds: a longer take does not fit in a .wav file, which has at most 4 GiB
MOST_TAIL = 12.0  # seconds after the last message, in which notes may ring out
CHUNK = 4800  # frames that are rendered at once, while notes ring out
PARTS = [Part(pan=pan) for pan in PANS]  # of the player and the agent, as while they play
FULL_SCALE = 32767  # of 16 bits

Timed = tuple[float, int, bytes]  # seconds since the first message, who (0 the player, 1 the agent), message


def write_wav(
    folder: Path, to: Path, longest: float = LONGEST, tell: Callable[[float], None] = lambda share: None
) -> None:
    """Write the take of that folder as 16 bits stereo, at once or not at all. Raises UserError and OSError.

    `longest`: seconds; a longer take is refused. `tell` is told now and then which share of it is done.
    """
    messages = timed_messages(folder / JSONL)
    if not messages:
        raise UserError(f"{folder.name} holds no notes; choose another take.")
    length = messages[-1][0] + MOST_TAIL
    if length > longest:
        raise UserError(
            f"{folder.name} is longer than {longest / 60:.0f} minutes, and too long for a file of sound; choose another take."
        )
    part = to.with_name(f"{to.name}.part")
    try:
        with part.open("wb") as raw, wave.open(raw, "wb") as file:
            file.setnchannels(2)
            file.setsampwidth(BYTES)
            file.setframerate(RATE)
            for samples in render(messages):
                file.writeframes((np.clip(samples, -1, 1) * FULL_SCALE).round().astype("<i2").tobytes())
                tell(min(file.tell() / RATE / length, 1.0))
        os.replace(part, to)
    finally:
        part.unlink(missing_ok=True)


def timed_messages(path: Path) -> list[Timed]:
    """All messages of a take.jsonl, in the order of their times."""
    streams = take_events(path)
    messages = [(event.when, who, event.message) for who, name in enumerate((PLAYER, AGENT)) for event in streams[name]]
    messages.sort(key=lambda message: message[0])
    return [(when - messages[0][0], who, message) for when, who, message in messages]


def render(messages: list[Timed]) -> Iterator[NDArray[np.float32]]:
    """The sound of messages in pieces, shape (frames, 2), from the first message until the last note has rung out."""
    synth = Synth(RATE, PARTS)
    frame = 0
    for when, who, message in messages:
        due = round(when * RATE)
        while frame < due:
            frames = min(due - frame, RATE)
            frame += frames
            yield synth.render(frames)
        synth.receive(who, message)
    for _ in range(round(MOST_TAIL * RATE / CHUNK)):
        yield synth.render(CHUNK)
        if not synth.sounding:
            return


def main(folder: str, to: str, longest: str) -> int:
    """Write a take's sound, and print how far it is."""
    lower_priority()
    told = -1

    def tell(share: float) -> None:
        nonlocal told
        if int(100 * share) > told:
            told = int(100 * share)
            print(told / 100, flush=True)

    try:
        write_wav(Path(folder), Path(to), float(longest), tell)
    except UserError as error:
        print(error, file=sys.stderr)
        return 2
    except OSError as error:
        print(f"{to} cannot be written ({error.strerror}).", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
