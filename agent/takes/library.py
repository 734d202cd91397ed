"""Takes: the shelf on which sessions are kept; what is on it, in a few words, and how much may be on it.

Knows nothing of the session that is going on.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path
from statistics import median
from typing import Any

from models.music.keys import SCALE
from models.music.note import Note
from models.music.pulse import pulse

from ..errors import UserError
from ..playing.timing_stats import percentiles
from .recorder import AGENT, JSONL, MIDI, PICTURE, PLAYER, TEXT, mend, rows, take_notes, write_take_midi

MOST_BYTES, MOST_TAKES, MOST_DAYS = 1 << 30, 500, 365
BOUNDS = f"at most {MOST_TAKES} takes, {MOST_BYTES >> 30} GiB and {MOST_DAYS} days are kept"
LOOKED_AT = 12  # of the newest takes, whether they have a picture
SHORTEST = 8  # notes of which a tempo or a key can be told
NAME = re.compile(r"\d{4}-\d\d-\d\d_\d\d-\d\d-\d\d[a-z0-9-]*")
"""How folders are called that we made; others are nobody's business."""
DATE = "%Y-%m-%d_%H-%M-%S"
PAUSE = 1.5  # seconds between two onsets, after which another phrase begins
KEYS = ("C", "D flat", "D", "E flat", "E", "F", "F sharp", "G", "A flat", "A", "B flat", "B")


@dataclass(frozen=True)
class Summary:
    """One take in a few words. `late_ms` is the lateness of the agent's notes, at the 99th of a hundred."""

    name: str
    seconds: float
    played: int
    answered: int
    key: str
    tempo: float | None
    preset: str
    seed: int | None
    late_ms: float | None

    def __str__(self) -> str:
        what = [f"{self.seconds:.0f} s", f"{self.played} notes of yours, {self.answered} of its own"]
        what += [f"about {self.key}"] if self.key else []
        what += [f"{self.tempo:.0f} beats a minute"] if self.tempo else []
        what += [self.preset] if self.preset else []
        what += [f"seed {self.seed}"] if self.seed is not None else []
        what += [f"late by {self.late_ms:.1f} ms at p99"] if self.late_ms is not None else []
        return ", ".join(what)

    def row(self) -> dict[str, Any]:
        """Ready for JSON."""
        return {**asdict(self), "text": str(self)}


def folders(shelf: Path) -> list[Path]:
    """The takes on a shelf, the newest first."""
    if not shelf.is_dir():
        return []
    found = [p for p in shelf.iterdir() if p.is_dir() and NAME.fullmatch(p.name) and (p / JSONL).is_file()]
    return sorted(found, key=lambda p: p.name, reverse=True)


def find(shelf: Path, name: str) -> Path:
    """The take of that name, or the newest for `last`. Raises UserError."""
    there = folders(shelf)
    if name == "last" and there:
        return there[0]
    for path in there:
        if path.name == name:
            return path
    if "/" in name and (Path(name) / JSONL).is_file():
        return Path(name)
    hint = f"the newest is {there[0].name}" if there else "none has been kept yet"
    raise UserError(f"There is no take {name!r}; {hint}. `tradefours takes list` lists them.")


def mend_all(shelf: Path, most: int = MOST_TAKES) -> list[str]:
    """Make what a crash has left unmade, of the newest so many; the names of these takes."""
    mended = []
    for folder in folders(shelf)[:most]:
        with contextlib.suppress(OSError):
            mended += [folder.name] if mend(folder) else []
    return mended


def summary(folder: Path) -> Summary:
    """A take in a few words. Raises UserError."""
    try:
        about = (folder / JSONL).stat()
    except OSError as error:
        raise UserError(f"{folder.name} cannot be read; it may be broken.") from error
    return _summary(folder, about.st_size, about.st_mtime_ns)


@lru_cache(maxsize=1024)
def _summary(folder: Path, size: int, changed: int) -> Summary:
    """The same, for a take of that size that was changed then."""
    about: dict[str, Any] = {}
    late: list[float] = []
    tempo = None
    try:
        for row in rows(folder / JSONL):
            about = about or row
            tempo = row.get("tempo", tempo)
            if "out" in row and str(row["out"])[:1] in "89":
                late.append(float(row["at"]) - float(row["t"]))
        notes = take_notes(folder / JSONL)
    except (OSError, KeyError, TypeError, ValueError, OverflowError) as error:
        raise UserError(f"{folder.name} cannot be read; it may be broken.") from error
    both = [*notes[PLAYER], *notes[AGENT]]
    seed, figures = about.get("seed"), percentiles(late)
    return Summary(
        folder.name,
        seconds=max((n.end for n in both), default=0.0),
        played=len(notes[PLAYER]),
        answered=len(notes[AGENT]),
        key=key_of(both),
        tempo=float(tempo) if isinstance(tempo, int | float) else tempo_of(notes[PLAYER]),
        preset=str(about.get("preset", "")),
        seed=seed if isinstance(seed, int) else None,
        late_ms=figures.get("p99"),
    )


def tempo_of(notes: Sequence[Note]) -> float | None:
    """Beats a minute: the middle of those that the phrases tell, each for itself; None where they tell none."""
    found, phrase = [], list[Note]()
    for note in [*notes, None]:
        if note is not None and (not phrase or note.onset - phrase[-1].onset < PAUSE):
            phrase.append(note)
            continue
        if (bar := pulse(phrase) if phrase else None) is not None:
            found.append(60.0 / bar.length)
        phrase = [note] if note is not None else []
    return round(median(found)) if found else None


def sketch(folder: Path) -> list[list[Any]]:
    """The notes of a take as rows: who, onset, duration, pitch, velocity. Raises UserError."""
    try:
        notes = take_notes(folder / JSONL)
    except OSError as error:
        raise UserError(f"{folder.name} cannot be read; it may be broken.") from error
    found = [[who, round(n.onset, 3), round(n.duration, 3), n.pitch, n.velocity] for who in notes for n in notes[who]]
    return sorted(found, key=lambda row: row[1])


def key_of(notes: Sequence[Note]) -> str:
    """The scale that holds most of what was played; "" where there is too little."""
    weights = [0.0] * 12
    for note in notes:
        weights[note.pitch % 12] += min(note.duration, 2.0)
    if len(notes) < SHORTEST or not sum(weights):
        return ""
    tonic = max(range(12), key=lambda t: sum(weights[(t + s) % 12] for s in SCALE) + 0.2 * weights[t])
    relative = (tonic + 9) % 12
    return f"{KEYS[relative]} minor" if weights[relative] > weights[tonic] else f"{KEYS[tonic]} major"


def unfinished(shelf: Path, most: int = LOOKED_AT) -> list[Path]:
    """Of the newest so many, those that have no picture yet, the newest first."""
    return [folder for folder in folders(shelf)[:most] if not _is_drawn(folder)]


def _is_drawn(folder: Path) -> bool:
    """Whether there is a picture of all of it: it may have been looked at while it was played."""
    picture = folder / PICTURE
    return picture.is_file() and picture.stat().st_mtime >= (folder / JSONL).stat().st_mtime


def finish(folder: Path) -> Summary | None:
    """Put a picture and a few words beside a take that is over; None where nobody has played. Raises UserError."""
    found = summary(folder)
    if not found.played + found.answered:
        return None
    try:
        (folder / TEXT).write_text(f"{found.name}: {found}\n", encoding="utf8")
        if not _is_drawn(folder):
            _draw(folder, folder / PICTURE)
    except OSError as error:
        raise UserError(f"{folder} cannot be written ({error.strerror}).") from error
    return found


def _draw(folder: Path, to: Path) -> None:
    """The picture of a take: whole, or not at all. Raises OSError."""
    from .piano_roll import piano_roll  # which takes its time

    notes, half = take_notes(folder / JSONL), to.with_name(f".{to.name}")
    piano_roll(half, notes[PLAYER], notes[AGENT], title=f"tradefours · {folder.name}")
    os.replace(half, to)


def export(folder: Path, to: Path) -> list[Path]:
    """Write the .mid and the picture of a take into a folder. Raises UserError."""
    try:
        to.mkdir(parents=True, exist_ok=True)
        write_take_midi(folder)
        out = [to / f"{folder.name}.mid", to / f"{folder.name}.png"]
        if not (folder / MIDI).is_file():
            raise UserError(f"{folder.name} holds no notes; choose another take.")
        shutil.copyfile(folder / MIDI, out[0])
        if _is_drawn(folder):
            shutil.copyfile(folder / PICTURE, out[1])
        else:
            _draw(folder, out[1])
    except OSError as error:
        raise UserError(f"{to} cannot be written ({error.strerror}); name another folder.") from error
    return out


def delete(shelf: Path, name: str) -> None:
    """Take it off the shelf, for ever. Raises UserError."""
    folder = find(shelf, name)
    if folder.parent != shelf:
        raise UserError(f"{name} is not on the shelf; remove it yourself.")
    for file in (JSONL, MIDI, PICTURE, TEXT, f"{MIDI}.part", f".{PICTURE}"):
        (folder / file).unlink(missing_ok=True)
    try:
        folder.rmdir()
    except OSError as error:
        raise UserError(f"{folder} holds other files, too; look at them yourself.") from error


def tidy(
    shelf: Path, now: datetime, most: int = MOST_TAKES, most_bytes: int = MOST_BYTES, most_days: int = MOST_DAYS
) -> int:
    """Keep the shelf within its bounds: the oldest go first, the newest stays in any case. Returns how many went."""
    gone, size = 0, 0
    oldest = (now - timedelta(days=most_days)).strftime(DATE)
    for number, folder in enumerate(folders(shelf)):
        size += sum(f.stat().st_size for f in folder.iterdir() if f.is_file())
        if number and (number >= most or size > most_bytes or folder.name < oldest):
            try:
                delete(shelf, folder.name)
                gone += 1
            except (UserError, OSError):
                continue
    return gone
