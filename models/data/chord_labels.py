"""Chord labels of a pack: which chord each piece has when. Not every source has them, and not all were written by people."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import numpy as np

from ..music.harmony.chords import NO_CHORD, Chord, TimedChord
from .corpus import CorpusError

QUALITIES = ("maj", "min", "dom", "maj7", "min7", "hdim", "dim", "sus")  # as a pack numbers them
NONE, UNKNOWN = 12, 255  # in place of a root: no chord, and nobody knows


def read_labels(root: Path, source: str) -> dict[str, list[TimedChord]]:
    """The chords of each piece of a source, by the piece's name, in seconds from its first note. Raises CorpusError.

    A piece with a chord that nobody knows is left out.
    """
    try:
        manifest = json.loads((Path(root) / "manifest.json").read_text(encoding="utf8"))
        about = manifest["sources"][source]
        with np.load(Path(root) / about["chords_file"], allow_pickle=False) as file:
            a = {key: file[key] for key in ("n_chords", "chord_dt", "root", "quality")}
    except (OSError, KeyError, TypeError, ValueError, zipfile.BadZipFile) as error:
        raise CorpusError(f"{root} has no chords of {source} ({type(error).__name__}); name another source.") from error
    ends = np.cumsum(a["n_chords"].astype(np.int64))
    found: dict[str, list[TimedChord]] = {}
    for number, (row, end) in enumerate(zip(about["index"], ends.tolist(), strict=True)):
        part = slice(end - int(a["n_chords"][number]), end)
        roots = a["root"][part].tolist()
        if not roots or UNKNOWN in roots:
            continue
        starts = np.cumsum(a["chord_dt"][part].astype(np.int64)) * manifest["onset_tick_s"]
        name = str({**about["defaults"], **row}.get("id", number))
        found[name] = [
            TimedChord(float(start), NO_CHORD if at >= NONE else Chord.of_family(at, QUALITIES[quality]))
            for start, at, quality in zip(starts, roots, a["quality"][part].tolist(), strict=True)
        ]
    return found
