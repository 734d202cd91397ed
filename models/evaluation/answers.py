"""Answers to calls from pieces that the musician has never heard, measured beside what really came next.

The figures are plain ones (`models.music.answer_metrics`), and the accuracy of a plain classifier; the network's own encoder is not asked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..data.corpus import Piece
from ..data.passage_operations import phrase_starts
from ..decoding.candidate_pool import MOST
from ..decoding.engine import Engine
from ..music import answer_metrics, features, preset_file, pulse
from ..music.note_records import CALL, Note, Span
from ..music.style_settings_table import KNOB
from ..training import reranker
from .likelihood import notes_of

ANSWER_SECONDS = 8.0  # that an answer is asked for
MAX_CALL_SECONDS = 10.0  # from the first onset to the last: a longer call is not drawn
FEWEST_NOTES = 8  # of a call, or of what came next
MIN_BREATH = 0.05  # seconds between a call's last key and the answer
GROOVE = 0.3  # as in `agent.turns.mode_settings`, where the musician plays alone
DRAFTS = MOST  # candidates that the reranker chooses from, as live where there is time
DISTANCES = ("density", "register", "velocity")  # figures that are distances from the call: their median is given
KNOB_SETTINGS = (-1.0, -0.5, 0.0, 0.5, 1.0)
DRAWS = 1000  # of a bootstrap (Efron 1979)
NO_CHANGES: Mapping[str, float] = {}

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Excerpt:
    """A call that ends at a phrase's end, and the notes of the `ANSWER_SECONDS` that really followed. It begins at 0 s."""

    call: list[Note]
    next: list[Note]
    source: str
    dynamics: bool


def draw_excerpts(pieces: Sequence[Piece], count: int, seed: int = 0) -> list[Excerpt]:
    """Up to `count` excerpts with calls of 3 to 10 seconds, each source as often as the others."""
    rng = np.random.default_rng(seed)
    sources = sorted({p.source for p in pieces})
    excerpts: list[Excerpt] = []
    for _ in range(60 * count):
        group = [p for p in pieces if p.source == sources[len(excerpts) % len(sources)]]
        piece = group[int(rng.integers(len(group)))]
        starts = phrase_starts(piece.onset, 3.0, 8.0)
        if len(starts) < 2:
            continue
        k = int(rng.integers(len(starts) - 1))
        first = 0 if k == 0 else int(starts[k - 1])
        notes = notes_of(piece)
        call = notes[first : starts[k]]
        end = piece.onset[starts[k]] + ANSWER_SECONDS
        after = [n for n in notes[starts[k] :] if n.onset < end]
        if min(len(call), len(after)) >= FEWEST_NOTES and call[-1].onset - call[0].onset <= MAX_CALL_SECONDS:
            earlier = -call[0].onset
            call = [n.shift(earlier) for n in call]
            after = [n.shift(earlier) for n in after]
            excerpts.append(Excerpt(call, after, piece.source, piece.dynamics))
        if len(excerpts) == count:
            break
    return excerpts


def answer_call(
    engine: Engine,
    call: Sequence[Note],
    z: Sequence[float] | None,
    sampling: dict[str, float],
    seed: int,
    vamp: Sequence[Note] = (),
    drafts: int = DRAFTS,
) -> list[Note]:
    """The answer to a call, about `ANSWER_SECONDS` long, as `tradefours answer` asks for it: the best of some drafts."""
    engine.hear(0, [])
    engine.style(list(z) if z is not None else None, sampling)
    engine.vamp(list(vamp))
    engine.seed(seed)
    engine.hear(0, [Note(n.onset, n.duration, n.pitch, n.velocity, CALL) for n in call])
    start = max(min(max(n.end for n in call), call[-1].onset + 1.0), call[-1].onset + MIN_BREATH)
    stop = start + ANSWER_SECONDS
    beat = pulse.find_pulse(call, GROOVE)
    span = Span(start, stop + 1.0, start + 0.85 * ANSWER_SECONDS, stop, bar=beat, on_beat=beat is not None)
    engine.draft(span, drafts)
    while engine.spare():
        pass
    return list(engine.play(span))


def read_preset(path: Path) -> tuple[list[float], dict[str, float], list[Note]]:
    """The point, the settings and the style prompt of a preset. Raises PresetError."""
    read_preset = preset_file.fields_of(path)
    return list(read_preset["z"]), read_preset["sampling"], list(read_preset["vamp"])


def measure_fit(
    engine: Engine, excerpts: Sequence[Excerpt], seed: int = 0, changes: Mapping[str, float] = NO_CHANGES
) -> dict[str, Any]:
    """How answers fit, each in the style of its call: see `compare_answers`. `changes`: settings that are not the defaults."""
    answers = [
        answer_call(engine, excerpt.call, engine.encode(excerpt.call), dict(changes), seed + i)
        for i, excerpt in enumerate(excerpts)
    ]
    return compare_answers(excerpts, answers, seed)


def compare_answers(excerpts: Sequence[Excerpt], answers: Sequence[list[Note]], seed: int = 0) -> dict[str, Any]:
    """How answers fit their calls, beside what really came next. Medians of distances, means of shares.

    key: share of notes in the call's key · density, velocity, register: median distance from the call, in octaves of notes a second,
    MIDI velocity and semitones · repetition, copied, ragged, clashing, ringing, rhythm (distance from the call's): see
    `models.music.answer_metrics` · closing: share of answers, and of calls, that end at home · beat: how closely they keep to the
    pulse of the call, where it has one (`models.music.pulse.beat_alignment`) · apart: how often a reranker that was fitted to other
    calls tells a person's from an answer, lead sheets left out. Beside `answer` and `real` there are 95 % intervals (bootstrap),
    `answer_interval` and `real_interval`.
    """
    values: dict[str, dict[str, list[float]]] = {}
    questions: list[reranker.Question] = []
    for excerpt, answer in zip(excerpts, answers, strict=True):
        if len(answer) < answer_metrics.NGRAM:
            continue
        if excerpt.source != reranker.GRID_SOURCE:
            ignored = reranker.feature_mask(*reranker.VELOCITY_FEATURES) & (not excerpt.dynamics)
            questions += reranker.make_questions(excerpt.call, excerpt.next, excerpt.call, [answer], ignored)
        for who, notes, closing in (("answer", answer, answer), ("real", excerpt.next, excerpt.call)):
            for key, value in _measure_notes(excerpt, notes, closing).items():
                values.setdefault(key, {}).setdefault(who, []).append(float(value))
    out: dict[str, Any] = {}
    for key, by_player in values.items():
        if len(by_player) < 2:  # known of answers alone, or of people alone: of a line's chords, for example
            continue
        average: Any = np.median if key in DISTANCES else np.mean
        out[key] = {who: float(average(each)) for who, each in by_player.items()}
        for who, each in by_player.items():
            again = np.random.default_rng(seed).choice(each, (DRAWS, len(each)))
            out[key][f"{who}_interval"] = np.quantile(average(again, axis=1), [0.025, 0.975]).tolist()
    if len(questions) >= 2 * reranker.FOLDS:
        out["apart"] = {"answer": reranker.cross_validated_accuracy(questions)}
    return out


def _measure_notes(excerpt: Excerpt, notes: Sequence[Note], closing: Sequence[Note]) -> dict[str, float]:
    """The figures of notes after a call; those that are unknown are left out. Whether they end at home is measured on `closing`."""
    distance = np.abs(answer_metrics.note_features(notes) - answer_metrics.note_features(excerpt.call))
    beat = pulse.find_pulse(excerpt.call)
    figures = {
        "key": answer_metrics.in_key_share(excerpt.call, notes),
        "density": distance[0],
        "register": distance[1],
        "velocity": distance[3] if excerpt.dynamics else None,
        "repetition": answer_metrics.repeated_share(notes),
        "copied": answer_metrics.copied_share(excerpt.call, notes),
        "clashing": answer_metrics.dissonance_share(notes),
        "ragged": answer_metrics.length_spread(notes),
        "ringing": answer_metrics.overlap_share(notes),
        "rhythm": answer_metrics.rhythm_distance(excerpt.call, notes),
        "closing": answer_metrics.ends_at_home(excerpt.call, closing),
        "beat": None if beat is None else pulse.beat_alignment(notes, beat),
    }
    return {key: value for key, value in figures.items() if value is not None}


def knob_curves(
    engine: Engine, excerpts: Sequence[Excerpt], seed: int = 0, changes: Mapping[str, float] = NO_CHANGES
) -> dict[str, dict[str, Any]]:
    """For each knob, the mean of its feature in the answers at five settings; and Spearman's correlation over all answers.

    Knobs for which there are too few answers are left out.
    """
    out: dict[str, dict[str, Any]] = {}
    for k, name in enumerate(features.NAMES):
        settings: list[float] = []
        compare_answers: list[float] = []
        for i, excerpt in enumerate(excerpts):
            z = engine.encode(excerpt.call)
            for value in KNOB_SETTINGS:
                answer = answer_call(engine, excerpt.call, z, {**changes, KNOB + name: value}, seed + i)
                if len(answer) >= FEWEST_NOTES:
                    settings.append(value)
                    compare_answers.append(float(answer_metrics.note_features(answer)[k]))
        at = [[x for x, s in zip(compare_answers, settings, strict=True) if s == value] for value in KNOB_SETTINGS]
        if not all(at) or np.ptp(compare_answers) == 0.0:
            continue  # too few answers, or all of them alike
        curve = [float(np.mean(values)) for values in at]
        out[name] = {"spearman": spearman(settings, compare_answers), "curve": curve}
    return out


def spearman(a: Sequence[float], b: Sequence[float]) -> float:
    """Rank correlation; equal values share their ranks."""

    def ranks(x: Sequence[float]) -> Floats:
        _, where, counts = np.unique(np.asarray(x), return_inverse=True, return_counts=True)
        return (np.cumsum(counts) - (counts - 1) / 2)[where]

    return float(np.corrcoef(ranks(a), ranks(b))[0, 1])
