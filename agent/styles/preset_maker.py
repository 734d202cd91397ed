"""Make new presets: learn them from MIDI files, or blend two.

The musician's style encoder finds the point in its latent space; the rest is arithmetic.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any

from models.music.midifile import MidiFileError, read_notes
from models.music.note_records import CALL, Note, to_wire
from models.music.preset_file import written
from models.music.style_settings_table import HABIT, KNOB, PROMPT_NOTES

from ..errors import UserError
from ..user_folders import check_home
from . import presets
from .presets import Preset

MOST_NOTES = 4000  # of one file: fewer are enough to encode a style
Ask = Callable[[list[dict[str, Any]]], Iterable[dict[str, Any]]]  # requests to a musician, and its replies

PASSAGE_NOTES = 48  # notes of the files that become the style prompt, at most
LONGEST_WAIT = 2.0  # seconds from one onset to the next in a style prompt
LONGEST_NOTE = 3.0  # seconds of a note in a style prompt


def learn(name: str, files: Sequence[Path], ask: Ask, musician: str = "") -> Preset:
    """The style of some MIDI files, each of which counts the same; to be played by `musician`. `ask` reaches one. Raises UserError.

    `name` is what the user calls it, its title.
    """
    file_name = presets.file_name(name)
    requests = []
    longest: list[Note] = []
    for number, path in enumerate(files):
        try:
            notes = read_notes(path)[:MOST_NOTES]
        except MidiFileError as error:
            raise UserError(str(error)) from error
        if len(notes) < 4:
            raise UserError(f"{path.name} has {len(notes)} notes; a style needs at least 4.")
        longest = max(longest, notes, key=len)
        requests.append({"do": "encode", "id": number, "notes": [to_wire(n) for n in notes]})
    replies = list(ask(requests))
    if errors := [str(r["error"]) for r in replies if "error" in r]:
        raise UserError(errors[0])
    points = [[float(x) for x in r["z"]] for r in replies if "z" in r]
    if not points or not points[0]:
        raise UserError("this musician knows no styles; use one with weights.")
    about: dict[str, object] = next((r["ready"] for r in replies if "ready" in r), {})
    weights = str(about.get("points", about.get("weights", "")))
    z = tuple(sum(column) / len(points) for column in zip(*points, strict=True))
    habits = [r.get("habits", {}) for r in replies if "z" in r]
    sampling = {key: sum(float(h.get(key, 0.0)) for h in habits) / len(habits) for key in habits[0]}
    source = ", ".join(p.name for p in files)[:200]
    return Preset(
        file_name,
        title=name.strip(),
        description=f"Learnt from {source}.",
        z=z,
        weights=weights,
        source=source,
        musician=musician,
        sampling=sampling,
        vamp=cut_passage(longest),
    )


def with_vamp(preset: Preset, path: Path) -> Preset:
    """The same style with the bars of a MIDI file in the ear. Raises UserError."""
    try:
        notes = read_notes(path)
    except MidiFileError as error:
        raise UserError(str(error)) from error
    if len(notes) > PROMPT_NOTES:
        raise UserError(f"{path.name} has {len(notes)} notes; a vamp has at most {PROMPT_NOTES}: take fewer bars.")
    return replace(
        preset, vamp=cut_passage(notes, PROMPT_NOTES), description=f"{preset.title}, with {path.name} in the ear."
    )


def cut_passage(notes: Sequence[Note], most: int = PASSAGE_NOTES) -> tuple[Note, ...]:
    """Cut up to `most` notes for a style prompt. They end before the longest wait, and begin at 0; long waits and notes are shortened."""
    waits = [min(max(b.onset - a.onset, 0.0), LONGEST_WAIT) for a, b in pairwise(notes)]

    def wait_before(i: int) -> float:
        return notes[i].onset - notes[i - 1].onset if i < len(notes) else LONGEST_WAIT

    end = max(range(min(most, len(notes)), len(notes) + 1), key=wait_before)
    start = max(end - most, 0)
    onsets = accumulate(waits[start : end - 1], initial=0.0)
    return tuple(
        replace(n, onset=at, duration=min(n.duration, LONGEST_NOTE), role=CALL, place=None)
        for n, at in zip(notes[start:end], onsets, strict=True)
    )


def blend(name: str, a: Preset, b: Preset, share: float) -> Preset:
    """Interpolate from `a` (share 0) to `b` (1). Raises UserError where their points belong to different weights."""
    if len(a.z) != len(b.z) or (a.weights and b.weights and a.weights != b.weights):
        raise UserError(f"{a.name} and {b.name} belong to different weights; blend two of one kind.")

    def between(x: float, y: float) -> float:
        return x + (y - x) * share

    nearer = b if share > 0.5 else a
    sampling = dict(nearer.sampling)
    for key in set(a.sampling) & set(b.sampling):
        sampling[key] = between(a.sampling[key], b.sampling[key])
    for key in set(a.sampling) | set(b.sampling):
        if key.startswith((KNOB, HABIT)):  # they are 0 where a preset does not give them
            sampling[key] = between(a.sampling.get(key, 0.0), b.sampling.get(key, 0.0))
    return replace(
        nearer,
        name=presets.file_name(name),
        title=name,
        description=f"{a.title} with {share:.0%} of {b.title}.",
        z=tuple(between(x, y) for x, y in zip(a.z, b.z, strict=True)),
        source=f"{a.name} and {b.name}",
        sampling=sampling,
        shortest=between(a.shortest, b.shortest),
        longest=between(a.longest, b.longest),
    )


def keep(preset: Preset) -> tuple[Path, str]:
    """Keep a preset among the user's own: its file, and a sentence on what it takes the place of, or "". Raises UserError.

    Another own preset, of another title, is not overwritten.
    """
    path = presets.OWN / f"{preset.name}.toml"
    check_home(path, "name a file with -o FILE.toml")
    remark = ""
    if path.name in presets.names_of_own_files():
        former = preset.title
        with contextlib.suppress(UserError):  # one that cannot be read is of no use
            former = presets.read(path).title
        if former != preset.title:
            raise UserError(f"{preset.title} would take the place of your style {former}; choose another name.")
        remark = "It takes the place of your former style of that name."
    write(preset, path)
    if presets.hidden(preset.name):
        remark = f"It hides the style {preset.name} that comes with the program; to have that again, remove {path}."
    return path, remark


def write(preset: Preset, path: Path) -> None:
    """Write a preset's file atomically. Raises UserError."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(path.name + ".part")
        part.write_text(written(preset), encoding="utf8")
        os.replace(part, path)
    except OSError as error:
        raise UserError(f"{path} cannot be written ({error.strerror}); name another file.") from error
