"""MIDI files from raw bytes, so that odd ones can be written, too."""

from __future__ import annotations

import struct

TEMPO_120 = bytes((0x07, 0xA1, 0x20))  # microseconds a beat, as a file has them


def number(value: int) -> bytes:
    """A variable-length quantity."""
    out = [value & 0x7F]
    while value := value >> 7:
        out.insert(0, 0x80 | value & 0x7F)
    return bytes(out)


def event(delta: int, *message: int) -> bytes:
    """A message, so many ticks after the one before."""
    return number(delta) + bytes(message)


def meta(kind: int, text: bytes = b"", delta: int = 0) -> bytes:
    """A meta event."""
    return number(delta) + bytes((0xFF, kind)) + number(len(text)) + text


END = meta(0x2F)


def chunk(body: bytes, name: bytes = b"MTrk", length: int | None = None) -> bytes:
    """A chunk; `length` is what it says of itself, the truth by default."""
    return name + struct.pack(">I", len(body) if length is None else length) + body


def header(format_: int = 0, tracks: int = 1, division: int = 480, more: bytes = b"") -> bytes:
    """The header of a file."""
    return chunk(struct.pack(">HHH", format_, tracks, division) + more, b"MThd")


def tune(*pitches: int, step: int = 480, channel: int = 0) -> bytes:
    """Notes of `step` ticks, one after another."""
    return b"".join(event(0, 0x90 | channel, p, 80) + event(step, 0x80 | channel, p, 0) for p in pitches)
