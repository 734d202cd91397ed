"""The picture: call and answer as a piano roll.

Knows nothing of sessions or files other than the one it draws.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path

from models.music.drawing import Figure, Patch, PatchCollection, Rectangle, to_rgba
from models.music.note import CALL, Note

STAGE, GRID, TEXT = "#12151c", "#232936", "#d6dbe6"
COLOURS = {"call": "#56b4e9", "answer": "#e69f00"}  # Okabe and Ito: told apart by every eye
NAMES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")


def piano_roll(path: Path, call: Sequence[Note], answer: Sequence[Note], *, title: str) -> None:
    """Draw notes, in seconds, to a .png. Loud notes are brighter; a line marks each hand-over. Raises OSError."""
    notes = [*call, *answer]
    low = min((n.pitch for n in notes), default=60) - 3
    high = max((n.pitch for n in notes), default=72) + 3
    end = max((min(n.end, n.onset + 8.0) for n in notes), default=1.0)
    figure = Figure(figsize=(min(max(8.0, end * 0.8), 22.0), 5.0), dpi=120, facecolor=STAGE, layout="constrained")
    axes = figure.add_subplot(facecolor=STAGE)
    for pitch in range(low, high + 1):
        if pitch % 12 in (1, 3, 6, 8, 10):
            axes.axhspan(pitch - 0.5, pitch + 0.5, color=GRID, alpha=0.55, linewidth=0)
    for who, line in (("call", call), ("answer", answer)):
        boxes = [Rectangle((n.onset, n.pitch - 0.42), min(n.duration, 8.0), 0.84) for n in line]
        colours = [to_rgba(COLOURS[who], 0.35 + 0.65 * n.velocity / 127) for n in line]
        axes.add_collection(PatchCollection(boxes, facecolors=colours, edgecolors=STAGE, linewidths=0.6))
    for moment in hand_overs(call, answer):
        axes.axvline(moment, color=TEXT, linewidth=0.9, linestyle=(0, (4, 4)), alpha=0.6)
    axes.set_xlim(min((n.onset for n in notes), default=0.0) - 0.2, end + 0.2)
    axes.set_ylim(low - 0.5, high + 0.5)
    octaves = [p for p in range(low, high + 1) if p % 12 == 0]
    axes.set_yticks(octaves, [f"{NAMES[p % 12]}{p // 12 - 1}" for p in octaves])
    axes.set_xlabel("Time (s)")
    axes.set_ylabel("Pitch")
    axes.set_title(title, loc="left", color=TEXT)
    axes.grid(axis="x", color=GRID, linewidth=0.6)
    axes.tick_params(colors=TEXT)
    axes.xaxis.label.set_color(TEXT)
    axes.yaxis.label.set_color(TEXT)
    for spine in axes.spines.values():
        spine.set_color(GRID)
    keys = [Patch(color=COLOURS[who], label=who) for who in ("call", "answer")]
    figure.legend(handles=keys, loc="outside upper right", ncols=2, frameon=False, labelcolor=TEXT)
    figure.savefig(path, facecolor=STAGE)


def hand_overs(call: Sequence[Note], answer: Sequence[Note]) -> list[float]:
    """The moments at which an answer begins, in seconds."""
    line = sorted([*((n.onset, 0) for n in call), *((n.onset, 1) for n in answer)])
    return [b[0] for a, b in itertools.pairwise(line) if a[1] == CALL and b[1] != CALL]
