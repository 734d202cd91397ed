"""Answers, measured: what the musician plays to calls from pieces that it has never heard, beside what really came next.

Knows nothing of ports or of time. Plain figures, and a plain classifier on them; never the musician's own encoder.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..data.corpus import Piece
from ..data.examples import phrase_ends
from ..decoding.candidates import MOST
from ..decoding.engine import Engine
from ..music import answer_metrics, features, preset_file, pulse
from ..music.note import CALL, Note, Span
from ..music.settings import KNOB
from ..training import reranker
from .likelihood import notes_of

SECONDS = 8.0
FEWEST = 8  # notes of a call or of what came next
BREATH = 0.05  # seconds between a call's last key and the answer, at least
GROOVE = 0.3  # the performer's, who plays alone
DRAFTS = MOST  # of which the ear chooses, as live where there is time
AWAY = ("density", "register", "velocity")  # distances from the call, of which the median is told

NOTHING: Mapping[str, float] = {}

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Cut:
    """A call that ends at a phrase's end, and the `SECONDS` that really followed."""

    call: list[Note]
    next: list[Note]
    source: str
    dynamics: bool


def cuts(pieces: Sequence[Piece], count: int, seed: int = 0) -> list[Cut]:
    """Calls of 3 to 10 seconds, each source as often as the others."""
    rng = np.random.default_rng(seed)
    sources = sorted({p.source for p in pieces})
    found: list[Cut] = []
    for _ in range(60 * count):
        group = [p for p in pieces if p.source == sources[len(found) % len(sources)]]
        piece = group[int(rng.integers(len(group)))]
        ends = phrase_ends(piece.onset, 3.0, 8.0)
        if len(ends) < 2:
            continue
        k = int(rng.integers(len(ends) - 1))
        first = 0 if k == 0 else int(ends[k - 1])
        notes = notes_of(piece)
        call, start = notes[first : ends[k]], piece.onset[ends[k]]
        after = [n for n in notes[ends[k] :] if n.onset < start + SECONDS]
        first_onset = call[0].onset if call else 0.0
        if min(len(call), len(after)) >= FEWEST and call[-1].onset - first_onset <= 10.0:
            call, after = ([n.moved(-first_onset) for n in x] for x in (call, after))
            found.append(Cut(call, after, piece.source, piece.dynamics))
        if len(found) == count:
            break
    return found


def answered(
    engine: Engine,
    call: Sequence[Note],
    z: Sequence[float] | None,
    sampling: dict[str, float],
    seed: int,
    vamp: Sequence[Note] = (),
    drafts: int = DRAFTS,
) -> list[Note]:
    """The answer to a call, about `SECONDS` long, as `tradefours answer` asks for it: the best of some drafts."""
    engine.hear(0, [])
    engine.style(list(z) if z is not None else None, sampling)
    engine.vamp(list(vamp))
    engine.seed(seed)
    engine.hear(0, [Note(n.onset, n.duration, n.pitch, n.velocity, CALL) for n in call])
    start = max(min(max(n.end for n in call), call[-1].onset + 1.0), call[-1].onset + BREATH)
    stop = start + SECONDS
    beat = pulse.pulse(call, GROOVE)
    span = Span(start, stop + 1.0, start + 0.85 * SECONDS, stop, bar=beat, on_beat=beat is not None)
    engine.draft(span, drafts)
    while engine.spare():
        pass
    return list(engine.play(span))


def preset(path: Path) -> tuple[list[float], dict[str, float], list[Note]]:
    """The point, the settings and the vamp of a preset of ours."""
    told = preset_file.fields_of(path)
    return list(told["z"]), told["sampling"], list(told["vamp"])


def fit(engine: Engine, found: Sequence[Cut], seed: int = 0, changes: Mapping[str, float] = NOTHING) -> dict[str, Any]:
    """How answers, each in the style of its call, fit it: see `measured`. `changes`: settings that are not as by default."""
    given = [
        answered(engine, cut.call, engine.encode(cut.call), dict(changes), seed + i) for i, cut in enumerate(found)
    ]
    return measured(found, given, seed)


def measured(found: Sequence[Cut], given: Sequence[list[Note]], seed: int = 0) -> dict[str, Any]:
    """How the answers that were `given` fit their calls; beside what really came next. Medians of distances, means of shares.

    key: share of notes in the call's key · density, velocity, register: median distance from the call, in octaves of notes a second,
    MIDI velocity and semitones · repetition, copied, ragged, clashing, ringing, rhythm (how unlike the call's): see
    `models.music.answer_metrics` · closing: share of answers, and of calls, that end at home · beat: how closely they keep to
    the pulse of the call, where it has one (`models.music.pulse.kept`) · apart: how often an ear that other calls taught tells a
    person's from an answer, lead sheets left out. Beside `answer` and `real`, in `answer_interval` and `real_interval`, where 95
    of 100 would lie with other calls.
    """
    rows: dict[str, dict[str, list[float]]] = {}
    questions: list[reranker.Question] = []
    for cut, answer in zip(found, given, strict=True):
        if len(answer) < answer_metrics.GRAM:
            continue
        if cut.source != reranker.GRIDDED:
            silent = reranker.told(*reranker.TOUCH) & (not cut.dynamics)
            questions += reranker.asked(cut.call, cut.next, cut.call, [answer], silent)
        for who, notes in (("answer", answer), ("real", cut.next)):
            for key, value in _figures(cut, notes, answer if who == "answer" else cut.call).items():
                rows.setdefault(key, {}).setdefault(who, []).append(float(value))
    out: dict[str, Any] = {}
    for key, each in rows.items():
        if len(each) < 2:  # it can be told of answers alone, or of what came next: of a line's chords, say
            continue
        middle: Any = np.median if key in AWAY else np.mean
        out[key] = {who: float(middle(values)) for who, values in each.items()}
        for who, values in each.items():
            again = np.random.default_rng(seed).choice(values, (1000, len(values)))
            out[key][f"{who}_interval"] = np.quantile(middle(again, axis=1), [0.025, 0.975]).tolist()
    if len(questions) >= 2 * reranker.FOLDS:
        out["apart"] = {"answer": reranker.apart(questions)}
    return out


def _figures(cut: Cut, notes: Sequence[Note], closing: Sequence[Note]) -> dict[str, float]:
    """The figures of some notes after a call; whether they end at home is told of `closing`."""
    away = np.abs(answer_metrics.figures(notes) - answer_metrics.figures(cut.call))
    row = {"key": answer_metrics.in_key(cut.call, notes), "density": away[0], "register": away[1]}
    if cut.dynamics:
        row["velocity"] = away[3]
    row |= {
        "repetition": answer_metrics.repetition(notes),
        "copied": answer_metrics.copied(cut.call, notes),
        "clashing": answer_metrics.clashing(notes),
    }
    if (spread := answer_metrics.ragged(notes)) is not None:
        row["ragged"] = spread
    if (over := answer_metrics.ringing(notes)) is not None:
        row["ringing"] = over
    if (off := answer_metrics.unlike(cut.call, notes)) is not None:
        row["rhythm"] = off
    if (home := answer_metrics.at_home(cut.call, closing)) is not None:
        row["closing"] = home
    if (beat := pulse.pulse(cut.call)) is not None:
        row["beat"] = pulse.kept(notes, beat)
    return row


def knob_curves(
    engine: Engine, calls: Sequence[Cut], seed: int = 0, changes: Mapping[str, float] = NOTHING
) -> dict[str, dict[str, Any]]:
    """For each knob, at five settings, the attribute of each answer; and Spearman's correlation over all of them."""
    out: dict[str, dict[str, Any]] = {}
    settings = (-1.0, -0.5, 0.0, 0.5, 1.0)
    for k, name in enumerate(features.NAMES):
        turned, heard = [], []
        for i, cut in enumerate(calls):
            z = engine.encode(cut.call)
            for value in settings:
                answer = answered(engine, cut.call, z, {**changes, KNOB + name: value}, seed + i)
                if len(answer) >= FEWEST:
                    turned.append(value)
                    heard.append(float(answer_metrics.figures(answer)[k]))
        curve = [float(np.mean([h for t, h in zip(turned, heard, strict=True) if t == v])) for v in settings]
        out[name] = {"spearman": spearman(turned, heard), "curve": curve}
    return out


def spearman(a: Sequence[float], b: Sequence[float]) -> float:
    """Rank correlation; equal values share their ranks."""

    def ranks(x: Sequence[float]) -> Floats:
        _, where, counts = np.unique(np.asarray(x), return_inverse=True, return_counts=True)
        return (np.cumsum(counts) - (counts - 1) / 2)[where]

    return float(np.corrcoef(ranks(a), ranks(b))[0, 1])
