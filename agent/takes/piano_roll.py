"""Draw call and answer as a piano roll, a .png file."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Sequence
from pathlib import Path

from models.music.matplotlib_setup import Figure, Patch, PatchCollection, Rectangle, to_rgba
from models.music.note_records import ANSWER, CALL, Note

BACKGROUND = "#12151c"
GRID = "#232936"
TEXT = "#d6dbe6"
COLOURS = {
    "call": "#56b4e9",
    "answer": "#e69f00",
}  # of Okabe and Ito's palette (2008), which colour-blind people can tell apart
BLACK_KEYS = (1, 3, 6, 8, 10)  # pitch classes
LONGEST_BOX = 8.0  # seconds that are drawn of one note
NAMES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")


def piano_roll(path: Path, call: Sequence[Note], answer: Sequence[Note], *, title: str) -> None:
    """Draw notes, with times in seconds, to a .png. Loud notes are brighter; a line marks the start of each answer. Raises OSError."""
    notes = [*call, *answer]
    low = min((n.pitch for n in notes), default=60) - 3
    high = max((n.pitch for n in notes), default=72) + 3
    end = max((min(n.end, n.onset + LONGEST_BOX) for n in notes), default=1.0)
    figure = Figure(figsize=(min(max(8.0, end * 0.8), 22.0), 5.0), dpi=120, facecolor=BACKGROUND, layout="constrained")
    axes = figure.add_subplot(facecolor=BACKGROUND)
    for pitch in range(low, high + 1):
        if pitch % 12 in BLACK_KEYS:
            axes.axhspan(pitch - 0.5, pitch + 0.5, color=GRID, alpha=0.55, linewidth=0)
    for who, line in (("call", call), ("answer", answer)):
        boxes = [Rectangle((n.onset, n.pitch - 0.42), min(n.duration, LONGEST_BOX), 0.84) for n in line]
        colours = [to_rgba(COLOURS[who], 0.35 + 0.65 * n.velocity / 127) for n in line]
        axes.add_collection(PatchCollection(boxes, facecolors=colours, edgecolors=BACKGROUND, linewidths=0.6))
    for moment in answer_starts(call, answer):
        axes.axvline(moment, color=TEXT, linewidth=0.9, linestyle=(0, (4, 4)), alpha=0.6)
    axes.set_xlim(min((n.onset for n in notes), default=0.0) - 0.2, end + 0.2)
    axes.set_ylim(low - 0.5, high + 0.5)
    octaves = [p for p in range(low, high + 1) if p % 12 == 0]
    axes.set_yticks(octaves, [f"{NAMES[p % 12]}{p // 12 - 1}" for p in octaves])
    axes.set_xlabel("Time (s)")
    axes.set_ylabel("Pitch")
    # Names of files may hold bytes that are no text, and signs that would begin a formula.
    axes.set_title(title.encode("utf8", "replace").decode("utf8"), loc="left", color=TEXT, parse_math=False)
    axes.grid(axis="x", color=GRID, linewidth=0.6)
    axes.tick_params(colors=TEXT)
    axes.xaxis.label.set_color(TEXT)
    axes.yaxis.label.set_color(TEXT)
    for spine in axes.spines.values():
        spine.set_color(GRID)
    keys = [Patch(color=COLOURS[who], label=who) for who in ("call", "answer")]
    figure.legend(handles=keys, loc="outside upper right", ncols=2, frameon=False, labelcolor=TEXT)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing")  # the font has no Chinese; a box is drawn
        figure.savefig(path, facecolor=BACKGROUND)


def answer_starts(call: Sequence[Note], answer: Sequence[Note]) -> list[float]:
    """The onsets of the answer's notes that follow a note of the call, in seconds."""
    notes = sorted([*((n.onset, CALL) for n in call), *((n.onset, ANSWER) for n in answer)])
    return [onset for (_, former), (onset, role) in itertools.pairwise(notes) if former == CALL and role == ANSWER]
