"""The reranker: of several answers to one call, which one sounds most like a person's.

It measures an answer in plain figures, by themselves and against the call's. How much each figure is worth was learned
once, from what people played after a call and what the musician did (`models.training.reranker`). The most probable
answer is not the most human one: what tells them apart is what the musician, note by note, cannot see.

A model whose probabilities are multiplied by such a score is a residual energy-based model (Deng et al. 2020); here the
score only chooses.
"""

from __future__ import annotations

import hashlib
import itertools
import math
from bisect import bisect
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from ..music import answer_metrics, features, pulse
from ..music.features import NAMES
from ..music.keys import KEYS, classes_of, key_of
from ..music.melody import is_chordal, skyline
from ..music.note_records import Note
from ..music.simultaneous_notes import CHORD_SECONDS, chords_of

ANSWER_SECONDS = 6.5  # seconds of an answer that are measured
CALL_SECONDS = 10.0  # seconds of a call that are measured, its last ones
LEAST_NOTES = 6  # notes that can be scored
LONGEST_SECONDS = 3.0  # seconds that a note counts for at most
FARTHEST_SPREADS = 4.0  # spreads from the mean: a figure counts as no farther out
WAIT_EDGES = tuple(0.0442 * 2.0**i for i in range(6))  # seconds, between bands an octave wide
LEAP_EDGES = (-12.5, -7.5, -4.5, -2.5, -0.5, 0.5, 2.5, 4.5, 7.5, 12.5)  # semitones
LENGTH_EDGES = (0.0884, 0.177, 0.354, 0.707, 1.414)  # seconds
STROKES = 40  # last chords or notes whose steadiness is measured
LEFT_HAND_HIGHEST = 52  # MIDI number: lower notes are mostly the left hand's

Figures = dict[str, float]
Row = NDArray[np.float64]
Rows = NDArray[np.floating]


@dataclass(frozen=True)
class Reranker:
    """`mean` and `spread`: (n,) of the figures of the musician's answers; `weights`: (2n,) nats for each figure and its square."""

    mean: Rows
    spread: Rows
    weights: Rows

    @classmethod
    def read(cls, path: Path) -> Reranker:
        """From a file that `write` made. Raises ValueError for anything else."""
        try:
            with safe_open(path, framework="np") as file:
                if (file.metadata() or {}).get("figures") != fingerprint():
                    raise ValueError(
                        f"{path.name} is a reranker (an ear) for other figures; train one anew (models/README.md)."
                    )
                mean, spread, weights = (
                    file.get_tensor(kind).astype(np.float64) for kind in ("mean", "spread", "worth")
                )
        except (OSError, SafetensorError) as error:
            raise ValueError(f"{path.name} is no ear's file; install the program again.") from error
        count = len(figure_names())
        if (mean.shape, spread.shape, weights.shape) != ((count,), (count,), (2 * count,)):
            raise ValueError(f"{path.name} is no ear's file; install the program again.")
        return cls(mean, spread, weights)

    def write(self, path: Path, about: Mapping[str, str]) -> None:
        """As a file, with what is to be known about it."""
        arrays = {"mean": self.mean, "spread": self.spread, "worth": self.weights}
        tensors = {kind: array.astype(np.float32) for kind, array in arrays.items()}
        save_file(tensors, path, metadata={**about, "figures": fingerprint()})

    def score(self, call: CallProfile, answer: Sequence[Note]) -> float | None:
        """How much likelier a person's, in nats, than the musician's average answer; None where there are too few notes to tell."""
        if len(scored_part(answer)) < LEAST_NOTES:
            return None
        return float(add_squares((measure_figures(call, answer) - self.mean) / self.spread) @ self.weights)


def add_squares(z: Row) -> Row:
    """(..., n) standardised figures -> (..., 2n): those and their squares, none farther out than `FAR`."""
    clipped = np.clip(z, -FARTHEST_SPREADS, FARTHEST_SPREADS)
    return np.concatenate([clipped, clipped * clipped], axis=-1)


def fingerprint() -> str:
    """A short name for these figures. A reranker that was trained on others does not fit."""
    sizes = (
        ANSWER_SECONDS,
        CALL_SECONDS,
        LEAST_NOTES,
        LONGEST_SECONDS,
        FARTHEST_SPREADS,
        WAIT_EDGES,
        LEAP_EDGES,
        LENGTH_EDGES,
        STROKES,
        LEFT_HAND_HIGHEST,
    )
    return hashlib.sha256(repr((figure_names(), sizes)).encode()).hexdigest()[:12]


@dataclass(frozen=True)
class CallProfile:
    """What the reranker needs of a call: its figures, {} where it is too short, the patterns of its tune, and its key's tonic."""

    figures: Figures
    patterns: frozenset[tuple[int, int, int]]
    tonic: int

    @classmethod
    def of(cls, call: Sequence[Note]) -> CallProfile:
        """Of the end of these notes."""
        recent = [n for n in call if n.onset > call[-1].onset - CALL_SECONDS]
        figures = measure_profile(recent) if len(recent) >= LEAST_NOTES else {}
        return cls(figures, frozenset(_grams(_tune(recent))), key_of(n.pitch for n in recent))


def scored_part(answer: Sequence[Note]) -> list[Note]:
    """The part of an answer that is measured."""
    return [n for n in answer if n.onset < answer[0].onset + ANSWER_SECONDS]


def measure_figures(call: CallProfile, answer: Sequence[Note]) -> Row:
    """(n,) all figures of an answer of at least `LEAST` notes: its own, how they differ from its call's, and what of the call is in it."""
    notes = scored_part(answer)
    own = measure_profile(notes)
    differences = [value - call.figures.get(name, value) for name, value in own.items()]
    motif_share = _share(gram in call.patterns for gram in _grams(_tune(notes)))
    return np.array(
        [*own.values(), *differences, motif_share, _share(KEYS[call.tonic][n.pitch % 12] > 0 for n in notes)]
    )


def figure_names() -> list[str]:
    """The names of the figures of `measure_figures`, in their order."""
    own = list(measure_profile([Note(0.1 * i, 0.1, 60 + i, 64) for i in range(2 * LEAST_NOTES)]))
    return [*own, *(f"{name}, beside the call" for name in own), "motif", "call's key"]


def measure_profile(notes: Sequence[Note]) -> Figures:
    """How some notes go, at least `LEAST` of them: the seven attributes and how they change, rhythm, tune, chords, touch, silence."""
    strokes = chords_of(notes)
    return _whole(notes) | _rhythm(strokes) | _melody(notes) | _chords(strokes) | _touch(notes)


def _whole(notes: Sequence[Note]) -> Figures:
    half = len(notes) // 2
    changes = np.zeros(len(NAMES))
    if half >= 4:
        changes = (
            answer_metrics.note_features(notes[half:]) - answer_metrics.note_features(notes[:half])
        ) / features.SPREAD
    found = dict(zip(NAMES, features.standardize(answer_metrics.note_features(notes)).tolist(), strict=True))
    found |= {f"{name} changes": abs(x) for name, x in zip(NAMES, changes.tolist(), strict=True)}
    classes = [np.array(classes_of(n.pitch for n in part)) / max(len(part), 1) for part in (notes[:half], notes[half:])]
    found["harmony changes"] = float(np.abs(classes[0] - classes[1]).sum())
    sounding = notes[0].onset
    silent = 0.0
    longest = 0.0
    for note in notes:
        gap = max(note.onset - sounding, 0.0)
        silent = silent + gap
        longest = max(longest, gap)
        sounding = max(sounding, note.onset + min(note.duration, LONGEST_SECONDS))
    found |= {"silence": silent / max(notes[-1].onset - notes[0].onset, 0.5), "longest silence": longest}
    found["left hand"] = _share(n.pitch < LEFT_HAND_HIGHEST for n in notes)
    return found


def _rhythm(strokes: Sequence[Sequence[Note]]) -> Figures:
    onsets = [chord[0].onset for chord in strokes]
    waits = [min(max(b - a, CHORD_SECONDS), 4.0) for a, b in itertools.pairwise(onsets)] or [1.0]
    octaves = [math.log2(w) for w in waits]
    ratios = [abs(b - a) for a, b in itertools.pairwise(octaves)] or [1.0]
    found = {f"waits {i}": x for i, x in enumerate(_bands(waits, WAIT_EDGES))}
    found |= {"even": _share(r < 0.15 for r in ratios), "doubled": _share(abs(r - 1.0) < 0.15 for r in ratios)}
    found |= {"waits vary": _spread(octaves), "longest wait": max(octaves)}
    return found | {"steady": pulse.steadiness(onsets[-STROKES:])}


def _melody(notes: Sequence[Note]) -> Figures:
    tune = _tune(notes)
    leaps = [b.pitch - a.pitch for a, b in itertools.pairwise(tune)] or [0]
    moves = [leap > 0 for leap in leaps if leap]
    grams = _grams(tune)
    pitches = [n.pitch for n in tune]
    found = {f"leaps {i}": x for i, x in enumerate(_bands(leaps, LEAP_EDGES))}
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
    found |= {"chords vary": _spread(sizes), "rubbing": _share(bool(a & {1, 11}) for a in apart)}
    found |= {"tritones": _share(6 in a for a in apart), "octaves": _share(0 in a for a in apart)}
    return found | {"chords' width": fmean([chord[-1] - chord[0] for chord in chords] or [0.0])}


def _touch(notes: Sequence[Note]) -> Figures:
    velocities = [float(n.velocity) for n in notes]
    lengths = [min(max(n.duration, 0.03), LONGEST_SECONDS) for n in notes]
    found = {f"lengths {i}": x for i, x in enumerate(_bands(lengths, LENGTH_EDGES))}
    found |= {"lengths vary": _spread([math.log2(x) for x in lengths]), "accents": _spread(velocities)}
    return found | {"from note to note": fmean(abs(b - a) for a, b in itertools.pairwise(velocities))}


def _spread(values: Sequence[float]) -> float:
    """The standard deviation. That of `statistics` is exact to the last bit, and ten times slower."""
    mean = sum(values) / len(values)
    return math.sqrt(sum([(x - mean) * (x - mean) for x in values]) / len(values))


def _tune(notes: Sequence[Note]) -> Sequence[Note]:
    return skyline(notes) if is_chordal(notes) else notes


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
