"""Answers, measured: what the musician plays to calls from pieces that it has never heard, beside what really came next.

Knows nothing of ports or of time. Plain figures, and a plain classifier on them; never the musician's own encoder.
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional as F

from ..data.corpus import Piece
from ..data.passages import phrase_starts
from ..data.style_rules import RULES
from ..decoding.candidates import MOST
from ..decoding.engine import Engine
from ..music import answer_metrics, features, pulse
from ..music.note import CALL, Note, Span
from ..steering import style_habits
from ..steering.sampling import KNOB
from ..training import reranker
from .likelihood import notes_of

SECONDS = 8.0
FEWEST = 8  # notes of a call or of what came next
BREATH = 0.05  # seconds between a call's last key and the answer, at least
GROOVE = 0.3  # the performer's, who plays alone
DRAFTS = MOST  # of which the ear chooses, as live where there is time
AWAY = ("density", "register", "velocity")  # distances from the call, of which the median is told

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
        ends = phrase_starts(piece.onset, 3.0, 8.0)
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
    table = tomllib.loads(path.read_text(encoding="utf8"))
    settings = table.get("sampling", {}) | style_habits.settings(table.get("habits", {}))
    return table["style"]["z"], settings, [Note(*row) for row in table.get("vamp", {}).get("notes", [])]


def fit(engine: Engine, found: Sequence[Cut], seed: int = 0) -> dict[str, Any]:
    """How answers, in the style of their call, fit it; beside what really came next. Medians of distances, means of shares.

    key: share of notes in the call's key · density, velocity, register: median distance from the call, in octaves of notes a second,
    MIDI velocity and semitones · repetition, copied, ragged, clashing, ringing, rhythm (how unlike the call's): see `likeness` ·
    closing: share of answers, and of calls, that end at home · beat: how closely they keep to the pulse of the call, where it has one
    (`models.music.pulse.kept`) · apart: how often an ear that other calls taught tells a person's from an answer, lead
    sheets left out. Beside
    `answer` and `real`, in `answer_interval` and `real_interval`, where 95 of 100 would lie with other calls.
    """
    rows: dict[str, dict[str, list[float]]] = {}
    questions: list[reranker.Question] = []
    for i, cut in enumerate(found):
        answer = answered(engine, cut.call, engine.encode(cut.call), {}, seed + i)
        if len(answer) < answer_metrics.GRAM:
            continue
        if cut.source != reranker.GRID_SOURCE:
            silent = reranker.feature_mask(*reranker.VELOCITY_FEATURES) & (not cut.dynamics)
            questions += reranker.make_questions(cut.call, cut.next, cut.call, [answer], silent)
        called = answer_metrics.figures(cut.call)
        for who, notes in (("answer", answer), ("real", cut.next)):
            away = np.abs(answer_metrics.figures(notes) - called)
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
            if (home := answer_metrics.at_home(cut.call, answer if who == "answer" else cut.call)) is not None:
                row["closing"] = home
            if (beat := pulse.pulse(cut.call)) is not None:
                row["beat"] = pulse.kept(notes, beat)
            for key, value in row.items():
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
        out["apart"] = {"answer": reranker.cross_validated_accuracy(questions)}
    return out


def knob_curves(engine: Engine, calls: Sequence[Cut], seed: int = 0) -> dict[str, dict[str, Any]]:
    """For each knob, at five settings, the attribute of each answer; and Spearman's correlation over all of them."""
    out: dict[str, dict[str, Any]] = {}
    settings = (-1.0, -0.5, 0.0, 0.5, 1.0)
    for k, name in enumerate(features.NAMES):
        turned, heard = [], []
        for i, cut in enumerate(calls):
            z = engine.encode(cut.call)
            for value in settings:
                answer = answered(engine, cut.call, z, {KNOB + name: value}, seed + i)
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


# -- style ---------------------------------------------------------------------------------------------------------------


def style_features(notes: Sequence[Note]) -> Floats:
    """What a listener without a name for it would note: attributes, and histograms of intervals, waits, lengths, registers, chords."""
    onset = np.array([n.onset for n in notes])
    pitch = np.array([n.pitch for n in notes])
    wait = np.diff(onset)
    between = wait[wait > features.CHORD]

    def share(values: Floats, edges: Sequence[float]) -> Floats:
        return np.histogram(np.clip(values, edges[0], edges[-1] - 1e-9), edges)[0] / max(len(values), 1)

    sizes = np.diff(np.flatnonzero(np.concatenate([[True], wait > features.CHORD, [True]])))
    steps = np.diff(pitch)[wait > features.CHORD] if len(between) else np.zeros(1)
    return np.concatenate(
        [
            features.standardize(answer_metrics.figures(notes)),
            share(steps, [-24, -12, -7, -4, -2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 4.5, 7.5, 12.5, 24]),
            share(
                np.log2(between) if len(between) else np.zeros(1), [-5, -4, -3.5, -3, -2.5, -2, -1.5, -1, -0.5, 0, 2]
            ),
            share(
                np.log2([max(min(n.duration, 3.0), 0.02) for n in notes]),
                [-6, -4, -3, -2.5, -2, -1.5, -1, -0.5, 0, 1, 2],
            ),
            share(pitch, [21, 36, 48, 55, 60, 65, 72, 79, 88, 109]),
            share(sizes, [1, 2, 3, 4, 5, 12]),
        ]
    )


def segments(pieces: Sequence[Piece], per_style: int, seed: int) -> tuple[Floats, NDArray[np.int64]]:
    """Features of stretches of `SECONDS` of real music of each preset's kind, and the number of the kind."""
    rng = np.random.default_rng(seed)
    x, y = [], []
    for label, rule in enumerate(RULES.values()):
        picked = [p for p in pieces if rule.matches(p)]
        for _ in range(per_style if picked else 0):
            piece = picked[int(rng.integers(len(picked)))]
            start = float(rng.uniform(0.0, max(piece.onset[-1] - SECONDS, 0.1)))
            a, b = np.searchsorted(piece.onset, [start, start + SECONDS])
            notes = notes_of(piece)[a:b]
            if len(notes) >= FEWEST:
                x.append(style_features(notes))
                y.append(label)
    return np.array(x), np.array(y, dtype=np.int64)


@dataclass(frozen=True)
class Classifier:
    """Multinomial logistic regression on standardised features."""

    mean: Floats
    spread: Floats
    weight: Floats
    bias: Floats

    @classmethod
    def taught(cls, x: Floats, y: NDArray[np.int64], classes: int) -> Classifier:
        """Fit, with a little weight decay."""
        mean, spread = x.mean(0), x.std(0) + 1e-3
        inputs, labels = torch.from_numpy((x - mean) / spread), torch.from_numpy(y)
        w = torch.zeros(x.shape[1], classes, dtype=torch.float64, requires_grad=True)
        b = torch.zeros(classes, dtype=torch.float64, requires_grad=True)
        optimizer = torch.optim.LBFGS([w, b], max_iter=200, line_search_fn="strong_wolfe")

        def closure() -> Any:
            optimizer.zero_grad()
            loss = F.cross_entropy(inputs @ w + b, labels) + 2e-3 * w.square().sum()
            loss.backward()  # type: ignore[no-untyped-call]
            return loss

        optimizer.step(closure)  # type: ignore[no-untyped-call]
        return cls(mean, spread, w.detach().numpy(), b.detach().numpy())

    def guess(self, x: Floats) -> NDArray[np.int64]:
        """The likeliest class of each row."""
        return ((x - self.mean) / self.spread @ self.weight + self.bias).argmax(1)


def style_obeyed(
    engine: Engine,
    taught: Sequence[Piece],
    held_out: Sequence[Piece],
    calls: Sequence[Cut],
    presets: Path,
    seed: int = 0,
) -> dict[str, Any]:
    """How often the preset is recognised in an answer, by a classifier taught on real music; and in real music (the ceiling).

    Each preset answers the same calls, whatever their own style is.
    """
    names = list(RULES)
    x, y = segments(taught, 150, seed)
    kinds = np.unique(y)
    if len(kinds) < 2:
        return {}  # a corpus without such pieces, or without titles
    classifier = Classifier.taught(x, y, len(names))
    x, y = segments(held_out, 40, seed + 1)
    real = classifier.guess(x) == y if len(y) else np.zeros(0)
    ceiling = float(np.mean([real[y == label].mean() for label in np.unique(y)])) if len(y) else 0.0
    each = {}
    for label in kinds:
        z, sampling, vamp = preset(presets / f"{names[label]}.toml")
        found = [answered(engine, cut.call, z, sampling, seed + i, vamp) for i, cut in enumerate(calls)]
        rows = [style_features(notes) for notes in found if len(notes) >= FEWEST]
        each[names[label]] = float(np.mean(classifier.guess(np.stack(rows)) == label)) if rows else 0.0
    return {
        "accuracy": float(np.mean(list(each.values()))),
        "ceiling": ceiling,
        "by_preset": each,
        "chance": 1 / len(kinds),
    }
