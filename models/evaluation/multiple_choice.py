"""Foils: is the true continuation of a passage told from four others that could have followed?

Knows nothing of training or sampling. Each candidate is judged by its *gain*: how much likelier it is after the passage than after
nothing. (Likelihood alone prefers whatever is metronomic.) Foils are as many notes in about the same span, moved to the key of the true
one, from any source or from the same, and begin when the true one does; what still sounds when the passage ends is held, as it is live.
No chord is cut in two. Every note of a continuation is judged, the first ones above all: how one goes on is heard there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch

from ..data.corpus import Piece
from ..encoding import codec, longest_match
from ..music.chords import CHORD_SECONDS
from ..music.keys import key_share
from ..music.note import HIGHEST, LOWEST, Note
from ..network.heads import CHOSEN
from ..network.losses import field_nats
from ..network.model import Musician
from .likelihood import live, notes_of
from .markov import Continuator

FOILS = 4
CONTEXT = 128  # notes
SECONDS = 4.0
FEWEST, MOST = 8, 64  # notes of a continuation
SPAN = 1.33  # a foil's span is at most so many times longer or shorter

Gain = Callable[[list[Note], list[Note], bool], float]


def tests(
    pieces: Sequence[Piece], count: int, same_source: bool, seed: int
) -> list[tuple[list[Note], list[list[Note]], bool]]:
    """Passages with their candidates, the true one first; and whether their velocities mean something."""
    rng = np.random.default_rng(seed)
    long = [p for p in pieces if len(p) >= CONTEXT]
    sources = sorted({p.source for p in long})
    found: list[tuple[list[Note], list[list[Note]], bool]] = []
    tries = 0
    while len(found) < count and tries < 50 * count:
        tries += 1
        source = sources[len(found) % len(sources)]
        group = [p for p in long if p.source == source]
        piece = group[int(rng.integers(len(group)))]
        at = int(rng.integers(32, max(len(piece) - FEWEST, 33)))
        notes = notes_of(piece)
        if notes[at].onset - notes[at - 1].onset <= CHORD_SECONDS:
            continue
        true = [n for n in notes[at : at + MOST + 1] if n.onset < notes[at].onset + SECONDS]
        if not FEWEST <= len(true) <= MOST:
            continue
        others = [p for p in (group if same_source else long) if p.name != piece.name and p.dynamics == piece.dynamics]
        foils = [f for _ in range(40) if (f := _foil(rng, others, true)) is not None][:FOILS] if others else []
        if len(foils) == FOILS:
            found.append((notes[max(at - CONTEXT, 0) : at], [true, *foils], piece.dynamics))
    return found


def _foil(rng: np.random.Generator, others: Sequence[Piece], true: Sequence[Note]) -> list[Note] | None:
    """As many notes from elsewhere, begun when the true ones begin, in their key; None where a draw does not fit."""
    piece = others[int(rng.integers(len(others)))]
    if len(piece) < len(true) + 1:
        return None
    at = int(rng.integers(0, len(piece) - len(true)))
    notes = notes_of(piece)[at : at + len(true)]
    span, wanted = (x[-1].onset - x[0].onset for x in (notes, true))
    if not wanted / SPAN <= span <= wanted * SPAN:
        return None
    have, want = (key_share(n.pitch for n in x)[0] for x in (notes, true))
    shift = (want - have + 6) % 12 - 6
    later = true[0].onset - notes[0].onset
    moved = [Note(n.onset + later, n.duration, n.pitch + shift, n.velocity) for n in notes]
    return moved if all(LOWEST <= n.pitch <= HIGHEST for n in moved) else None


def chosen(gain: Gain, asked: Sequence[tuple[list[Note], list[list[Note]], bool]]) -> tuple[float, float, float]:
    """The share of passages whose true continuation has the greatest gain; and 95 of 100 such shares of as many (bootstrap)."""
    right = np.array([np.argmax([gain(before, c, known) for c in each]) == 0 for before, each, known in asked])
    again = np.random.default_rng(0).choice(right, (1000, len(right))).mean(1)
    return float(right.mean()), float(np.quantile(again, 0.025)), float(np.quantile(again, 0.975))


def _rows(before: Sequence[Note], notes: Sequence[Note], dynamics: bool) -> codec.Steps:
    """Silence, the passage in the live state, the continuation as it is."""
    rows = np.concatenate([codec.SILENCE[None], codec.steps_of([*before, *notes])])
    if not dynamics:
        rows[1:, codec.VELOCITY] = codec.UNKNOWN
    if before:
        rows[: len(before) + 1] = live(rows[: len(before) + 1], before)
    return rows


def musicians_gain(musician: Musician) -> Gain:
    """The gain in nats by the musician, in no style."""
    z = torch.zeros(1, 1, musician.config.latent)

    @torch.inference_mode()
    def nats(before: Sequence[Note], notes: Sequence[Note], dynamics: bool) -> float:
        rows = _rows(before, notes, dynamics)
        steps = torch.from_numpy(longest_match.recalled(rows, musician.config.window))[None]
        judged = slice(len(rows) - 1 - len(notes), None)
        logits = musician(steps[:, :-1], z, steps[:, 1:])
        sums, _ = field_nats([x[:, judged] for x in logits], steps[:, 1:][:, judged])
        return float(sums[1:].sum())

    return lambda before, notes, dynamics: nats([], notes, dynamics) - nats(before, notes, dynamics)


def continuators_gain(chain: Continuator) -> Gain:
    """The same by a chain that counts in the passage, too. Before the passage there were three silent steps, as it looks back on three."""

    def nats(before: Sequence[Note], notes: Sequence[Note], dynamics: bool) -> float:
        rows = np.concatenate([np.tile(codec.SILENCE, (2, 1)), _rows(before, notes, dynamics)])
        total = 0.0
        for field, p in chain.likelihood(rows).items():
            known = rows[3:, CHOSEN.index(field)] < codec.SIZES[CHOSEN.index(field)]
            judged = np.arange(len(rows) - 3) >= len(rows) - 3 - len(notes)
            total -= float(np.log(p[known & judged]).sum())
        return total

    return lambda before, notes, dynamics: nats([], notes, dynamics) - nats(before, notes, dynamics)
