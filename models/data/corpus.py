"""The corpus: pieces to learn from, read from packs or from any folder of .mid files.

A pack is a folder with a manifest.json and one .npz a source ("keyboard-pack/1"). All pieces of a source lie end to end, onsets and
durations as small differences.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..music.midifile import MidiFileError, read_notes
from ..music.note_records import HIGHEST, LOWEST

OPEN_SOURCES = ("pop909", "pianolatron", "giantmidi", "openewld", "pianolatron_supra", "wjd")
"""The sources whose licences let the weights be published under CC BY 4.0."""
FULL_SOURCES = (*OPEN_SOURCES, "pijama", "asap", "emopia")
"""Those, and the ones whose licences let the weights be published under CC BY-NC-SA 4.0, jazz piano above all.

Of the other sources, some state no licence that covers this use, and some ask for one that CC BY-NC-SA does not go with.
"""
SOURCE_SETS = {"open": OPEN_SOURCES, "full": FULL_SOURCES}
NONCOMMERCIAL = "CC BY-NC-SA 4.0, not for commercial use; models/weights/README.md tells whose music they learned from"

MAX_DURATION = 3.0  # seconds: a longer note, pedal included, counts as this long
FEWEST_SPREAD = 1.0  # MIDI velocity, one standard deviation: a piece with less has no dynamics
FORMAT = "keyboard-pack/1"
MIDI_SUFFIXES = (".mid", ".midi", ".kar", ".rmi", ".smf")
MOST_NAMED = 3  # files of each reason that are named


class CorpusError(ValueError):
    """A corpus cannot be read; one sentence that says what to do."""


@dataclass(frozen=True, slots=True)
class NoteArrays:
    """Notes in the order of onset, then pitch. All arrays have one entry a note.

    `onset` and `duration` are in seconds (pedal included), `place` is the place in the bar (NaN where unknown), `part`
    is 0 for keyboard or accompaniment, 1 for a melody or solo, 2 for other.
    """

    onset: NDArray[np.float64]
    duration: NDArray[np.float64]
    pitch: NDArray[np.int64]
    velocity: NDArray[np.int64]
    part: NDArray[np.int64]
    place: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.onset)


@dataclass(frozen=True, slots=True)
class Piece(NoteArrays):
    """One piece, and what is known about it."""

    source: str
    name: str
    human: bool  # its timing was played and is not on a grid
    dynamics: bool  # its velocities mean something
    about: dict[str, Any] = field(default_factory=dict)


def parse_sources(sources: str | None) -> list[str] | None:
    """The sources that a command line names: some, with commas, or all of those that `NAMED` has together; None where it names none."""
    return list(SOURCE_SETS.get(sources, sources.split(","))) if sources else None


def licence(sources: Sequence[str] | None) -> str:
    """The licence to show wherever weights play that learned from these sources; "" where none must be shown, or none is known."""
    names = set(sources or ())
    is_noncommercial = names <= set(FULL_SOURCES) and not names <= set(OPEN_SOURCES)
    return NONCOMMERCIAL if is_noncommercial else ""


def read(
    root: Path,
    split: str | None = None,
    sources: Sequence[str] | None = None,
    tell: Callable[[str], None] = lambda line: None,
) -> list[Piece]:
    """All pieces of a pack, or of a folder of .mid files, in a fixed order. Raises CorpusError.

    `split` is train, valid or test; a folder of .mid files has no splits and counts as all of them. `tell` gets a line where files of a
    folder are passed over.
    """
    root = Path(root)
    if (root / "manifest.json").is_file():
        try:
            pieces = list(_read_pack(root, split, sources))
        except CorpusError:
            raise
        except (OSError, EOFError, KeyError, TypeError, ValueError, zipfile.BadZipFile) as error:
            raise CorpusError(f"{root} is not a whole {FORMAT} ({type(error).__name__}); fetch it again.") from error
        if not pieces:
            raise CorpusError(f"{root} holds nothing to read (split {split}, sources {sources}); check the names.")
        return pieces
    if not root.is_dir():
        raise CorpusError(f"{root} is not a folder; name a folder of .mid files or a pack with its manifest.json.")
    problems: dict[str, list[str]] = {}
    pieces = list(_read_folder(root, problems))
    count = len(pieces) + sum(map(len, problems.values()))
    if not count:
        raise CorpusError(f"{root} holds nothing to read; put .mid files there, or name another folder.")
    if not pieces:
        raise CorpusError(f"none of the {count} files in {root} can be read: {_reasons(problems)}.")
    if problems:
        tell(f"{count - len(pieces)} of {count} files are passed over: {_reasons(problems)}.")
    return pieces


def _reasons(problems: Mapping[str, Sequence[str]]) -> str:
    """Why files were passed over, with how many and the first of them."""
    parts = []
    for reason, names in problems.items():
        more = ", …" if len(names) > MOST_NAMED else ""
        parts.append(f"{reason} ({len(names)}: {', '.join(names[:MOST_NAMED])}{more})")
    return "; ".join(parts)


def _read_pack(root: Path, split: str | None, sources: Sequence[str] | None) -> Iterator[Piece]:
    try:
        manifest = json.loads((root / "manifest.json").read_text(encoding="utf8"))
        known = manifest["sources"]
        tick = manifest["onset_tick_s"]
        duration_tick = manifest["duration_tick_s"]
    except (json.JSONDecodeError, KeyError) as error:
        raise CorpusError(f"{root}/manifest.json is not a {FORMAT} manifest.") from error
    missing = set(sources or ()) - set(known)
    if missing:
        raise CorpusError(f"no source {sorted(missing)[0]!r} in {root} (there are: {', '.join(known)}).")
    for name, source in known.items():
        if sources and name not in sources:
            continue
        with np.load(root / source["file"], allow_pickle=False) as file:
            a = {key: file[key] for key in file.files}
        since = (a["dt_lo"].astype(np.int64) | (a["dt_hi"].astype(np.int64) << 8)) * tick
        down = (a["dur_lo"].astype(np.int64) | (a["dur_hi"].astype(np.int64) << 8)) * duration_tick
        notes, pedals, beats = (np.concatenate([[0], np.cumsum(a[k])]) for k in ("n_notes", "n_ped", "n_beats"))
        for i, row in enumerate(source["index"]):
            about = {**source["defaults"], **row}
            if split and about["split"] != split:
                continue
            n, p, b = (slice(int(c[i]), int(c[i + 1])) for c in (notes, pedals, beats))
            onset = np.cumsum(since[n])
            pitch = a["pitch"][n].astype(np.int64)
            pedal = (np.cumsum(a["ped_dt"][p].astype(np.int64)) * tick).reshape(-1, 2)
            beat = np.cumsum(a["beat_dt"][b].astype(np.int64)) * tick
            yield Piece(
                onset=onset,
                duration=np.minimum(apply_pedal(onset, down[n], pitch, pedal), MAX_DURATION),
                pitch=pitch,
                velocity=a["vel"][n].astype(np.int64),
                part=a["part"][n].astype(np.int64),
                place=bar_places(onset, beat, a["beat_pos"][b]),
                source=name,
                name=str(about.get("id", i)),
                human=bool(about.get("human_timing", False)),
                dynamics=about.get("velocity") != "constant" and float(np.std(a["vel"][n])) > FEWEST_SPREAD,
                about=about,
            )


def _read_folder(root: Path, problems: dict[str, list[str]]) -> Iterator[Piece]:
    """The pieces of a folder. `problems` gets the names of files that cannot be read, by the reason."""
    for path in sorted(p for p in root.rglob("*") if p.suffix.lower() in MIDI_SUFFIXES and not p.is_dir()):
        try:
            notes = read_notes(path)
        except MidiFileError as error:  # a folder of found music often holds a broken file
            reason = str(error).removeprefix(f"{path} ").removeprefix(f"{path.name} ").partition(";")[0]
            problems.setdefault(reason, []).append(path.name)
            continue
        onset = np.array([n.onset for n in notes])
        velocity = np.array([n.velocity for n in notes])
        yield Piece(
            onset=onset - onset[0],
            duration=np.minimum([n.duration for n in notes], MAX_DURATION),
            pitch=np.clip([n.pitch for n in notes], LOWEST, HIGHEST),
            velocity=velocity,
            part=np.zeros(len(notes), dtype=np.int64),
            place=np.full(len(notes), np.nan),
            source=root.name,
            name=str(path.relative_to(root)),
            human=True,
            dynamics=float(np.std(velocity)) > FEWEST_SPREAD,
        )


def apply_pedal(
    onset: NDArray[np.float64], duration: NDArray[np.float64], pitch: NDArray[np.int64], pedal: NDArray[np.float64]
) -> NDArray[np.float64]:
    """(N,) durations with the pedal: a note let go under it rings until the pedal rises or its key is struck again.

    `pedal`: (K, 2), the seconds at which it goes down and up.
    """
    end = onset + duration
    if len(pedal):
        k = np.searchsorted(pedal[:, 0], end, side="right") - 1
        under = (k >= 0) & (end < pedal[np.maximum(k, 0), 1])
        end = np.where(under, pedal[np.maximum(k, 0), 1], end)
    order = np.lexsort((onset, pitch))
    same = np.diff(pitch[order]) == 0
    stroke = np.full(len(onset), np.inf)
    stroke[order[:-1]] = np.where(same, onset[order[1:]], np.inf)
    return np.minimum(end, stroke) - onset


def bar_places(onset: NDArray[np.float64], beat: NDArray[np.float64], number: NDArray[np.int64]) -> NDArray[np.float64]:
    """(N,) the place of each onset in its bar, 0 to 1; NaN where no bar is known.

    `beat`: (K,) seconds, and `number`: (K,) the number of each beat in its bar (0 = downbeat).
    """
    down = beat[number == 0]
    if len(down) < 2:
        return np.full(len(onset), np.nan)
    bar = np.searchsorted(down, onset + 1e-6, side="right") - 1
    inside = (bar >= 0) & (bar < len(down) - 1)
    bar = np.clip(bar, 0, len(down) - 2)
    fraction = (onset - down[bar]) / np.maximum(down[bar + 1] - down[bar], 1e-3)
    return np.where(inside, np.clip(fraction, 0.0, 0.9999), np.nan)
