"""The ear: of several answers to one call, which one sounds most like a person's.

Knows nothing of networks, or of who played what. It hears an answer as plain figures, and beside the call's; how much each figure is worth
was learned once, from what people played after a call and what the musician did (`models.training.reranker`). The
likeliest of several answers is
not the most human one; what tells is what the musician, note by note, cannot see: how evenly it all goes on.

A musician whose odds are multiplied by what such an ear says is a residual energy-based model (Deng et al. 2020); here it only chooses.
"""

from __future__ import annotations

import hashlib
import itertools
import math
from bisect import bisect
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, pstdev

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from ..music import answer_metrics, features, pulse
from ..music.chords import CHORD_SECONDS, chords_of
from ..music.features import NAMES
from ..music.keys import KEYS, classes_of, key_of
from ..music.melody import on_top, thick
from ..music.note import Note

LISTENED = 6.5  # seconds of an answer that are listened to, and
REMEMBERED = 10.0  # of a call, its last ones
LEAST = 6  # notes, of fewer nobody can tell
LONGEST = 3.0  # seconds that a note counts for at most
FAR = 4.0  # spreads: what is farther out counts as so far
WAITS = tuple(0.0442 * 2.0**i for i in range(6))  # seconds, between bands an octave wide
LEAPS = (-12.5, -7.5, -4.5, -2.5, -0.5, 0.5, 2.5, 4.5, 7.5, 12.5)  # semitones
LENGTHS = (0.0884, 0.177, 0.354, 0.707, 1.414)  # seconds
STROKES = 40  # the last ones, of which steadiness is told
LOW = 52  # MIDI number: below is the left hand's, mostly

Figures = dict[str, float]
Row = NDArray[np.float64]
Rows = NDArray[np.floating]


@dataclass(frozen=True)
class Reranker:
    """What each figure is worth: `mean` and `spread` (n,) of the musician's answers, and a `worth` (2n,) of each figure and its square."""

    mean: Rows
    spread: Rows
    worth: Rows

    @classmethod
    def read(cls, path: Path) -> Reranker:
        """From a file that `write` made. Raises ValueError for anything else."""
        try:
            with safe_open(path, framework="np") as file:
                if (file.metadata() or {}).get("figures") != fingerprint():
                    raise ValueError(f"{path.name} is an ear for other figures; teach one anew (models/README.md).")
                mean, spread, worth = (file.get_tensor(kind).astype(np.float64) for kind in ("mean", "spread", "worth"))
        except (OSError, SafetensorError) as error:
            raise ValueError(f"{path.name} is no ear's file; install the program again.") from error
        count = len(names())
        if (mean.shape, spread.shape, worth.shape) != ((count,), (count,), (2 * count,)):
            raise ValueError(f"{path.name} is no ear's file; install the program again.")
        return cls(mean, spread, worth)

    def write(self, path: Path, about: Mapping[str, str]) -> None:
        """As a file, with what is to be known about it."""
        tensors = {kind: getattr(self, kind).astype(np.float32) for kind in ("mean", "spread", "worth")}
        save_file(tensors, path, metadata={**about, "figures": fingerprint()})

    def score(self, call: CallProfile, answer: Sequence[Note]) -> float | None:
        """How much likelier a person's, in nats, than the musician's average answer; None where there are too few notes to tell."""
        if len(listened(answer)) < LEAST:
            return None
        return float(expanded((heard(call, answer) - self.mean) / self.spread) @ self.worth)


def expanded(z: Row) -> Row:
    """(..., n) standardised figures -> (..., 2n): those and their squares, none farther out than `FAR`."""
    near = np.clip(z, -FAR, FAR)
    return np.concatenate([near, near * near], axis=-1)


def fingerprint() -> str:
    """A short name for these figures. An ear that learned from others does not fit."""
    sizes = (LISTENED, REMEMBERED, LEAST, LONGEST, FAR, WAITS, LEAPS, LENGTHS, STROKES, LOW)
    return hashlib.sha256(repr((names(), sizes)).encode()).hexdigest()[:12]


@dataclass(frozen=True)
class CallProfile:
    """A call as it is remembered: its figures, {} where it is too short, the patterns of its tune, and its key's tonic."""

    figures: Figures
    patterns: frozenset[tuple[int, int, int]]
    tonic: int

    @classmethod
    def of(cls, call: Sequence[Note]) -> CallProfile:
        """By the end of these notes."""
        late = [n for n in call if n.onset > call[-1].onset - REMEMBERED]
        figures = profile(late) if len(late) >= LEAST else {}
        return cls(figures, frozenset(_grams(_tune(late))), key_of(n.pitch for n in late))


def listened(answer: Sequence[Note]) -> list[Note]:
    """What of an answer is listened to."""
    return [n for n in answer if n.onset < answer[0].onset + LISTENED]


def heard(call: CallProfile, answer: Sequence[Note]) -> Row:
    """(n,) all figures of an answer of at least `LEAST` notes: its own, how they differ from its call's, and what of the call is in it."""
    notes = listened(answer)
    mine = profile(notes)
    beside = [value - call.figures.get(name, value) for name, value in mine.items()]
    taken = _share(gram in call.patterns for gram in _grams(_tune(notes)))
    return np.array([*mine.values(), *beside, taken, _share(KEYS[call.tonic][n.pitch % 12] > 0 for n in notes)])


def names() -> list[str]:
    """What the figures of `heard` are called, in their order."""
    own = list(profile([Note(0.1 * i, 0.1, 60 + i, 64) for i in range(2 * LEAST)]))
    return [*own, *(f"{name}, beside the call" for name in own), "motif", "call's key"]


def profile(notes: Sequence[Note]) -> Figures:
    """How some notes go, at least `LEAST` of them: the seven attributes and how they change, rhythm, tune, chords, touch, silence."""
    strokes = chords_of(notes)
    return _whole(notes) | _rhythm(strokes) | _melody(notes) | _chords(strokes) | _touch(notes)


def _whole(notes: Sequence[Note]) -> Figures:
    half = len(notes) // 2
    changes = np.zeros(len(NAMES))
    if half >= 4:
        changes = (answer_metrics.figures(notes[half:]) - answer_metrics.figures(notes[:half])) / features.SPREAD
    found = dict(zip(NAMES, features.standard(answer_metrics.figures(notes)).tolist(), strict=True))
    found |= {f"{name} changes": abs(x) for name, x in zip(NAMES, changes.tolist(), strict=True)}
    classes = [np.array(classes_of(n.pitch for n in part)) / max(len(part), 1) for part in (notes[:half], notes[half:])]
    found["harmony changes"] = float(np.abs(classes[0] - classes[1]).sum())
    sounding, silent, longest = notes[0].onset, 0.0, 0.0
    for note in notes:
        gap = max(note.onset - sounding, 0.0)
        silent, longest = silent + gap, max(longest, gap)
        sounding = max(sounding, note.onset + min(note.duration, LONGEST))
    found |= {"silence": silent / max(notes[-1].onset - notes[0].onset, 0.5), "longest silence": longest}
    found["left hand"] = _share(n.pitch < LOW for n in notes)
    return found


def _rhythm(strokes: Sequence[Sequence[Note]]) -> Figures:
    onsets = [chord[0].onset for chord in strokes]
    waits = [min(max(b - a, CHORD_SECONDS), 4.0) for a, b in itertools.pairwise(onsets)] or [1.0]
    octaves = [math.log2(w) for w in waits]
    ratios = [abs(b - a) for a, b in itertools.pairwise(octaves)] or [1.0]
    found = {f"waits {i}": x for i, x in enumerate(_bands(waits, WAITS))}
    found |= {"even": _share(r < 0.15 for r in ratios), "doubled": _share(abs(r - 1.0) < 0.15 for r in ratios)}
    found |= {"waits vary": pstdev(octaves), "longest wait": max(octaves)}
    return found | {"steady": pulse.steadiness(onsets[-STROKES:])}


def _melody(notes: Sequence[Note]) -> Figures:
    tune = _tune(notes)
    leaps = [b.pitch - a.pitch for a, b in itertools.pairwise(tune)] or [0]
    moves = [leap > 0 for leap in leaps if leap]
    grams = _grams(tune)
    pitches = [n.pitch for n in tune]
    found = {f"leaps {i}": x for i, x in enumerate(_bands(leaps, LEAPS))}
    found |= {"turns": _share(a != b for a, b in itertools.pairwise(moves)), "leap": fmean(map(abs, leaps))}
    found |= {
        "again": 1.0 - len(set(grams)) / len(grams) if grams else 0.0,
        "range": float(max(pitches) - min(pitches)),
    }
    return found | {
        "struck again": float(max(len(list(same)) for _, same in itertools.groupby(n.pitch for n in notes)))
    }


def _chords(strokes: Sequence[Sequence[Note]]) -> Figures:
    sizes = [len(chord) for chord in strokes]
    chords = [sorted({n.pitch for n in chord}) for chord in strokes if len(chord) > 1]
    apart = [{(b - a) % 12 for a, b in itertools.combinations(chord, 2)} for chord in chords]
    found = {f"chords of {k}": _share(size >= k for size in sizes) for k in (2, 3, 4)}
    found |= {"chords vary": pstdev(sizes), "rubbing": _share(bool(a & {1, 11}) for a in apart)}
    found |= {"tritones": _share(6 in a for a in apart), "octaves": _share(0 in a for a in apart)}
    return found | {"chords' width": fmean([chord[-1] - chord[0] for chord in chords] or [0.0])}


def _touch(notes: Sequence[Note]) -> Figures:
    struck = [float(n.velocity) for n in notes]
    lengths = [min(max(n.duration, 0.03), LONGEST) for n in notes]
    found = {f"lengths {i}": x for i, x in enumerate(_bands(lengths, LENGTHS))}
    found |= {"lengths vary": pstdev(map(math.log2, lengths)), "accents": pstdev(struck)}
    return found | {"from note to note": fmean(abs(b - a) for a, b in itertools.pairwise(struck))}


def _tune(notes: Sequence[Note]) -> Sequence[Note]:
    return on_top(notes) if thick(notes) else notes


def _grams(tune: Sequence[Note]) -> list[tuple[int, int, int]]:
    leaps = [b.pitch - a.pitch for a, b in itertools.pairwise(tune)]
    return list(zip(leaps, leaps[1:], leaps[2:], strict=False))


def _bands(values: Sequence[float], edges: Sequence[float]) -> list[float]:
    """The share of values in each band but the last, which the others tell."""
    counts = [0] * (len(edges) + 1)
    for value in values:
        counts[bisect(edges, value)] += 1
    return [count / len(values) for count in counts[:-1]]


def _share(of: Iterable[bool]) -> float:
    found = list(of)
    return sum(found) / len(found) if found else 0.0
