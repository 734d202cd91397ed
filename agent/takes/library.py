"""The library: the folder of takes. List, summarize, export, delete and prune them.

`library`, in every function, is the folder that holds the takes; `folder` is one take.
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
from models.music.note_records import Note
from models.music.pulse import find_pulse

from ..errors import UserError, hint
from ..timing.timing_stats import percentiles
from .recorder import AGENT, JSONL, MIDI, PICTURE, PLAYER, TEXT, repair, rows, take_notes, write_take_midi
from .take_folder_lock import is_recording

TITLE = "title.txt"  # the file with the name that the user gave a take
MOST_BYTES = 1 << 30  # of all takes
MOST_TAKES = 500  # that are kept; older ones are deleted
MOST_DAYS = 365  # of age
BOUNDS = f"at most {MOST_TAKES} takes, {MOST_BYTES >> 30} GiB and {MOST_DAYS} days are kept"
MOST_CHECKED = 12  # of the newest takes, for whether they have a picture
FEWEST_NOTES = 8  # from which a key can be estimated
NAME = re.compile(r"\d{4}-\d\d-\d\d_\d\d-\d\d-\d\d[a-z0-9-]*")
"""The names of folders that this program made; others are left alone."""
DATE = "%Y-%m-%d_%H-%M-%S"
PAUSE = 1.5  # seconds between two onsets that end a phrase
LONGEST_WEIGHT = 2.0  # seconds: a longer note counts no more for the key
TONIC_WEIGHT = (
    0.2  # of the tonic's own weight, added so that the key of two equal scales is the one whose tonic is played
)
KEYS = ("C", "D flat", "D", "E flat", "E", "F", "F sharp", "G", "A flat", "A", "B flat", "B")


@dataclass(frozen=True)
class Summary:
    """The facts of one take. `played` and `answered`: notes of the player and of the agent. `late_ms`: p99 of the agent's lateness."""

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
        parts = [f"{self.seconds:.0f} s", f"{self.played} notes of yours, {self.answered} of its own"]
        if self.key:
            parts.append(f"about {self.key}")
        if self.tempo:
            parts.append(f"{self.tempo:.0f} beats a minute")
        if self.preset:
            parts.append(self.preset)
        if self.seed is not None:
            parts.append(f"seed {self.seed}")
        if self.late_ms is not None:
            parts.append(f"late by {self.late_ms:.1f} ms at p99")
        return ", ".join(parts)

    def row(self) -> dict[str, Any]:
        """Ready for JSON."""
        return {**asdict(self), "text": str(self)}


def list_takes(library: Path) -> list[Path]:
    """The folders of all takes, the newest first."""
    try:
        if not library.is_dir():
            return []
    except OSError as error:
        raise UserError(f"{library} cannot be read ({error.strerror}); name another folder with --take.") from error
    found = [p for p in library.iterdir() if p.is_dir() and NAME.fullmatch(p.name) and (p / JSONL).is_file()]
    return sorted(found, key=lambda p: p.name, reverse=True)


def find_take(library: Path, name: str) -> Path:
    """The folder of the take of that name, or of the newest for `last`; `name` may be a path. Raises UserError."""
    takes = list_takes(library)
    if name == "last" and takes:
        return takes[0]
    for path in takes:
        if path.name == name:
            return path
    if "/" in name and (Path(name) / JSONL).is_file():
        return Path(name)
    newest = f"the newest is {takes[0].name}" if takes else "none has been kept yet"
    raise UserError(f"There is no take {name!r}; {newest}. `{hint('takes', 'list')}` lists them.")


def repair_all(library: Path, most: int = MOST_TAKES) -> list[str]:
    """Repair the newest `most` takes (see `recorder.repair`); returns the names of those that needed it."""
    repaired = []
    for folder in list_takes(library)[:most]:
        with contextlib.suppress(OSError):
            if repair(folder):
                repaired.append(folder.name)
    return repaired


def summarize(folder: Path) -> Summary:
    """The facts of a take. Raises UserError where it cannot be read."""
    try:
        status = (folder / JSONL).stat()
    except OSError as error:
        raise UserError(f"{folder.name} cannot be read; it may be broken.") from error
    return _summarize(folder, status.st_size, status.st_mtime_ns)


@lru_cache(maxsize=1024)
def _summarize(folder: Path, _size: int, _modified_ns: int) -> Summary:
    """The same; the other arguments make a changed take a new key of the cache."""
    about: dict[str, Any] = {}
    lateness: list[float] = []
    tempo = None
    try:
        for row in rows(folder / JSONL):
            about = about or row
            tempo = row.get("tempo", tempo)
            if "out" in row and str(row["out"])[:1] in "89":
                lateness.append(float(row["at"]) - float(row["t"]))
        known_tempo = float(tempo) if isinstance(tempo, int | float) else None
        notes = take_notes(folder / JSONL)
    except (OSError, KeyError, TypeError, ValueError, OverflowError) as error:
        raise UserError(f"{folder.name} cannot be read; it may be broken.") from error
    both = [*notes[PLAYER], *notes[AGENT]]
    seed = about.get("seed")
    return Summary(
        folder.name,
        seconds=max((n.end for n in both), default=0.0),
        played=len(notes[PLAYER]),
        answered=len(notes[AGENT]),
        key=estimate_key(both),
        tempo=estimate_tempo(notes[PLAYER]) if known_tempo is None else known_tempo,
        preset=str(about.get("preset", "")),
        seed=seed if isinstance(seed, int) else None,
        late_ms=percentiles(lateness).get("p99"),
    )


def estimate_tempo(notes: Sequence[Note]) -> float | None:
    """Beats a minute: the median of the phrases' tempi; None where no phrase has a clear pulse."""
    tempi = []
    for phrase in split_phrases(notes):
        bar = find_pulse(phrase)
        if bar is not None:
            tempi.append(60.0 / bar.length)
    return round(median(tempi)) if tempi else None


def split_phrases(notes: Sequence[Note]) -> list[list[Note]]:
    """The notes, split where two onsets are `PAUSE` apart."""
    phrases: list[list[Note]] = []
    for note in notes:
        if phrases and note.onset - phrases[-1][-1].onset < PAUSE:
            phrases[-1].append(note)
        else:
            phrases.append([note])
    return phrases


def note_rows(folder: Path) -> list[list[Any]]:
    """The notes of a take, by onset, as rows: player or agent, onset and duration in seconds, pitch, velocity. Raises UserError."""
    try:
        notes = take_notes(folder / JSONL)
    except OSError as error:
        raise UserError(f"{folder.name} cannot be read; it may be broken.") from error
    found = [[who, round(n.onset, 3), round(n.duration, 3), n.pitch, n.velocity] for who in notes for n in notes[who]]
    return sorted(found, key=lambda row: row[1])


def estimate_key(notes: Sequence[Note]) -> str:
    """The key whose scale holds most of the notes, by duration; "" where there are too few."""
    weights = [0.0] * 12
    for note in notes:
        weights[note.pitch % 12] += min(note.duration, LONGEST_WEIGHT)
    if len(notes) < FEWEST_NOTES or not sum(weights):
        return ""
    tonic = max(range(12), key=lambda t: sum(weights[(t + s) % 12] for s in SCALE) + TONIC_WEIGHT * weights[t])
    relative = (tonic + 9) % 12
    return f"{KEYS[relative]} minor" if weights[relative] > weights[tonic] else f"{KEYS[tonic]} major"


def without_picture(library: Path, most: int = MOST_CHECKED) -> list[Path]:
    """Those of the newest `most` takes that are over and have no picture yet, the newest first."""
    return [f for f in list_takes(library)[:most] if not _has_picture(f) and not is_recording(f)]


def _has_picture(folder: Path) -> bool:
    """Whether there is a picture of the whole take. An older one may have been drawn while the take was recorded."""
    picture = folder / PICTURE
    return picture.is_file() and picture.stat().st_mtime >= (folder / JSONL).stat().st_mtime


def finish(folder: Path) -> Summary | None:
    """Write the picture and the summary of a take into its folder; None where nobody has played. Raises UserError."""
    found = summarize(folder)
    if found.played + found.answered == 0:
        return None
    try:
        (folder / TEXT).write_text(f"{found.name}: {found}\n", encoding="utf8")
        if not _has_picture(folder):
            draw(folder, folder / PICTURE)
    except OSError as error:
        raise UserError(f"{folder} cannot be written ({error.strerror}).") from error
    return found


def draw(folder: Path, to: Path) -> None:
    """Draw the picture of a take, atomically. Raises OSError."""
    from .piano_roll import piano_roll  # imported here, as the import takes long

    notes = take_notes(folder / JSONL)
    part = to.with_name(f".{to.name}")
    piano_roll(part, notes[PLAYER], notes[AGENT], title=f"tradefours · {folder.name}")
    os.replace(part, to)


def export(folder: Path, to: Path) -> list[Path]:
    """Write the .mid and the picture of a take into a folder; returns their paths. Raises UserError."""
    try:
        to.mkdir(parents=True, exist_ok=True)
        write_take_midi(folder)
        midi = to / f"{folder.name}.mid"
        picture = to / f"{folder.name}.png"
        if not (folder / MIDI).is_file():
            raise UserError(f"{folder.name} holds no notes; choose another take.")
        shutil.copyfile(folder / MIDI, midi)
        if _has_picture(folder):
            shutil.copyfile(folder / PICTURE, picture)
        else:
            draw(folder, picture)
    except OSError as error:
        raise UserError(f"{to} cannot be written ({error.strerror}); name another folder.") from error
    return [midi, picture]


def delete(library: Path, name: str) -> None:
    """Delete a take for ever. Raises UserError."""
    folder = find_take(library, name)
    if folder.parent != library:
        raise UserError(f"{name} is not in {library}; remove it yourself.")
    if is_recording(folder):
        raise UserError(f"{folder.name} is being played just now; it can be deleted when it is over.")
    for file in (JSONL, MIDI, PICTURE, TEXT, TITLE, f"{MIDI}.part", f".{PICTURE}"):
        (folder / file).unlink(missing_ok=True)
    try:
        folder.rmdir()
    except OSError as error:
        raise UserError(f"{folder} holds other files, too; look at them yourself.") from error


def prune(
    library: Path, now: datetime, most: int = MOST_TAKES, most_bytes: int = MOST_BYTES, most_days: int = MOST_DAYS
) -> int:
    """Delete the oldest takes until the rest is within the limits; the newest always stays. Returns how many were deleted."""
    deleted = 0
    size = 0
    oldest = (now - timedelta(days=most_days)).strftime(DATE)
    for number, folder in enumerate(list_takes(library)):
        size += sum(f.stat().st_size for f in folder.iterdir() if f.is_file())
        if number and (number >= most or size > most_bytes or folder.name < oldest):
            try:
                delete(library, folder.name)
                deleted += 1
            except (UserError, OSError):
                continue
    return deleted
