"""Notes, phrases, bars and spans: the plain data that `agent` and `models` share, and their JSON forms."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from .harmony.chord_symbols import read_chord, write_chord
from .harmony.chords import TimedChord

#: The duration of a note whose key is still down: how long it will be is not known yet.
HELD = math.inf
MOST_CHORDS = 256  # of one span
SHORTEST = 0.06  # seconds: no generated note is shorter; one that must end sooner is not begun

#: Who plays a note. In call and response the player calls and the agent answers.
CALL, ANSWER = 0, 1

LOWEST, HIGHEST = 21, 108  # the piano's A0 and C8, MIDI numbers


@dataclass(frozen=True, slots=True)
class Note:
    """One note: `onset` and `duration` in seconds, `pitch` and `velocity` as MIDI numbers.

    `duration` is `HELD` while the note still sounds. `place` is where in the bar it starts (0 <= place < 1), or None in
    free time.
    """

    onset: float
    duration: float
    pitch: int
    velocity: int
    role: int = CALL
    place: float | None = None

    @property
    def end(self) -> float:
        """When the note stops sounding, in seconds; infinite while it is held."""
        return self.onset + self.duration

    def shift(self, seconds: float) -> Note:
        """The same note, `seconds` later (earlier where negative)."""
        return replace(self, onset=self.onset + seconds)


@dataclass(frozen=True, slots=True)
class Phrase:
    """Notes that belong together, in the order of their onsets."""

    notes: tuple[Note, ...]

    @classmethod
    def of(cls, notes: Iterable[Note]) -> Phrase:
        """A phrase from notes in any order."""
        return cls(tuple(sorted(notes, key=lambda n: (n.onset, n.pitch))))

    def __iter__(self) -> Iterator[Note]:
        return iter(self.notes)

    def __len__(self) -> int:
        return len(self.notes)

    @property
    def start(self) -> float:
        """Onset of the first note, in seconds; 0 for an empty phrase."""
        return self.notes[0].onset if self.notes else 0.0

    @property
    def end(self) -> float:
        """When the last note stops, in seconds; a held note counts up to its onset."""
        return max((n.end if n.duration != HELD else n.onset for n in self.notes), default=0.0)

    def shift(self, seconds: float) -> Phrase:
        """The same phrase, `seconds` later (earlier where negative)."""
        return Phrase(tuple(n.shift(seconds) for n in self.notes))


@dataclass(frozen=True, slots=True)
class Bar:
    """The bar lines of music at a steady tempo: one is at `start`, and one every `length` seconds.

    `groove` is how strongly onsets are quantised to sixteenths (0: not at all, 1: fully). `swing` is where in its beat the second
    eighth is (0.5 straight, 0.67 a triplet). A bar of one beat is a pulse: it has beats, but no place in a bar is known.
    """

    start: float
    length: float
    beats: int = 4
    groove: float = 0.0
    swing: float = 0.5

    def place(self, time: float) -> float:
        """Where in its bar a moment lies, 0 <= place < 1."""
        return ((time - self.start) / self.length) % 1.0

    def quantize(self, time: float, groove: float | None = None, earliest: float = -math.inf) -> float:
        """A time moved towards its nearest sixteenth by the groove's share; towards the next one where that is before `earliest`."""
        beat = (time - self.start) / self.length * self.beats
        whole, within = divmod(beat, 1.0)
        first = (earliest - self.start) / self.length * self.beats - whole - 1e-6
        grid = (0.0, self.swing / 2, self.swing, (1.0 + self.swing) / 2, 1.0, 1.0 + self.swing / 2)
        nearest = min((g for g in grid if g >= first), key=lambda g: abs(g - within), default=within)
        share = self.groove if groove is None else groove
        return time + share * (whole + nearest - beat) * self.length / self.beats

    def next_beat(self, time: float) -> float:
        """The first beat at or after a moment."""
        return self.start + math.ceil((time - self.start) / self.length * self.beats - 1e-6) * self.length / self.beats


@dataclass(frozen=True, slots=True)
class Span:
    """A request for notes: when they may begin and end. All times are in seconds.

    No onset is before `earliest`. The musician pauses after the first onset at or past `until`. It may close the phrase from `close`
    on, begins no note after `stop`, and lets none sound after `hush`. `on_beat`: its first note is on a beat of `bar`. `together`: the
    other player plays, too, and the musician leaves room for the notes that it expects. `chords`: those of a chart, in the order of their
    starts, which are in seconds; none where there is no chart. `another`: the next best of the answers that were
    prepared before, if there is one left.
    """

    earliest: float
    until: float
    close: float
    stop: float
    hush: float = math.inf
    bar: Bar | None = None
    on_beat: bool = False
    together: bool = False
    chords: tuple[TimedChord, ...] = ()
    another: bool = False


def answer_start(notes: Sequence[Note]) -> int:
    """The index of the first note of the answer that the last notes belong to; their number where no answer has begun."""
    start = len(notes)
    while start and notes[start - 1].role == ANSWER:
        start -= 1
    return start


def span_to_wire(span: Span) -> dict[str, Any]:
    """The span as the fields of a JSON object; infinite and absent values are null."""
    row: dict[str, Any] = {k: round(getattr(span, k), 6) for k in ("earliest", "until")}
    for key in ("close", "stop", "hush"):
        value = getattr(span, key)
        row[key] = round(value, 6) if math.isfinite(value) else None
    bar = span.bar
    row["bar"] = None if bar is None else [bar.start, bar.length, bar.beats, bar.groove, bar.swing]
    row |= {"on_beat": span.on_beat, "together": span.together}
    if span.chords:
        row["chords"] = [[round(timed.start, 6), write_chord(timed.chord)] for timed in span.chords]
    if span.another:
        row["another"] = True
    return row


def span_from_wire(row: dict[str, Any]) -> Span:
    """The span in a JSON object as `span_to_wire` makes it. Raises ValueError for anything else."""
    try:
        ends = {k: math.inf if row.get(k) is None else float(row[k]) for k in ("close", "stop", "hush")}
        bar = None
        if row.get("bar") is not None:
            start, length, beats, groove, swing = row["bar"]
            bar = Bar(float(start), float(length), int(beats), float(groove), float(swing))
        span = Span(
            float(row["earliest"]),
            float(row["until"]),
            **ends,
            bar=bar,
            on_beat=bool(row.get("on_beat")),
            together=bool(row.get("together")),
            chords=tuple(TimedChord(float(at), read_chord(str(symbol))) for at, symbol in row.get("chords", ())),
            another=bool(row.get("another")),
        )
    except (TypeError, ValueError, KeyError, OverflowError) as error:
        raise ValueError(f"not a span: {str(row)[:120]}") from error
    valid = all(math.isfinite(x) for x in (span.earliest, span.until, *(timed.start for timed in span.chords)))
    valid = valid and len(span.chords) <= MOST_CHORDS and not any(map(math.isnan, ends.values()))
    if bar is not None:
        valid = valid and math.isfinite(bar.start) and 0.05 < bar.length < 600 and 1 <= bar.beats <= 32
        valid = valid and 0 <= bar.groove <= 1 and 0.4 < bar.swing < 0.9
    if not valid:
        raise ValueError(f"not a span: {str(row)[:120]}")
    return span


def to_wire(note: Note) -> list[Any]:
    """The note as a JSON list: onset, duration (null while held), pitch, velocity, role, place (null in free time)."""
    duration = None if note.duration == HELD else round(note.duration, 6)
    return [round(note.onset, 6), duration, note.pitch, note.velocity, note.role, note.place]


def from_wire(row: Any) -> Note:
    """The note of a JSON list as `to_wire` makes it. Raises ValueError for anything else."""
    try:
        onset, duration, pitch, velocity, role, place = row
        note = Note(
            onset=float(onset),
            duration=HELD if duration is None else float(duration),
            pitch=int(pitch),
            velocity=int(velocity),
            role=int(role),
            place=None if place is None else float(place),
        )
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError(f"not a note: {str(row)[:80]}") from error
    valid = math.isfinite(note.onset) and note.duration >= 0 and not math.isnan(note.duration)
    if not (valid and 0 <= note.pitch <= 127 and 0 <= note.velocity <= 127 and note.role in (CALL, ANSWER)):
        raise ValueError(f"not a note: {str(row)[:80]}")
    return note
