"""Multiple choice: is the true continuation of a passage found among four wrong ones?

Each candidate is judged by its *gain*: how much likelier it is after the passage than after nothing. (Likelihood alone prefers whatever is
metronomic.) A wrong continuation has as many notes in about the same time, transposed to the key of the true one, from any source or from
the same one. It begins when the true one does. Notes that still sound when the passage ends are held, as they are live. No chord is cut in
two. Every note of a continuation counts, the first ones most: there one hears how the music goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch

from ..data.corpus import Piece
from ..encoding import codec, longest_match_features
from ..music.keys import key_share
from ..music.note_records import HIGHEST, LOWEST, Note
from ..music.simultaneous_notes import CHORD_SECONDS
from ..network.heads import PREDICTED
from ..network.losses import field_nats
from ..network.model import MusicModel
from .likelihood import hold_sounding, notes_of
from .markov import Continuator

WRONG_CONTINUATIONS = 4  # beside the true one in each test
PASSAGE_NOTES = 128  # before a continuation, at most
SECONDS = 4.0  # of a continuation, at most
FEWEST_NOTES, MOST_NOTES = 8, 64  # of a continuation
MAX_LENGTH_RATIO = 1.33  # by which a wrong continuation is longer or shorter than the true one, at most
TRIES, WRONG_TRIES = 50, 40  # draws for a test, and for its wrong continuations
DRAWS = 1000  # of a bootstrap (Efron 1979)

#: A passage, its candidates, the true one first, and whether velocities are known.
Test = tuple[list[Note], list[list[Note]], bool]
Gain = Callable[[list[Note], list[Note], bool], float]  # nats, by passage, candidate, and whether velocities are known


def draw_tests(pieces: Sequence[Piece], count: int, same_source: bool, seed: int) -> list[Test]:
    """Up to `count` tests, each source as often as the others. `same_source`: wrong continuations come from the piece's source."""
    rng = np.random.default_rng(seed)
    long = [p for p in pieces if len(p) >= PASSAGE_NOTES]
    sources = sorted({p.source for p in long})
    tests: list[Test] = []
    tries = 0
    while long and len(tests) < count and tries < TRIES * count:
        tries += 1
        source = sources[len(tests) % len(sources)]
        group = [p for p in long if p.source == source]
        piece = group[int(rng.integers(len(group)))]
        at = int(rng.integers(32, max(len(piece) - FEWEST_NOTES, 33)))
        notes = notes_of(piece)
        if notes[at].onset - notes[at - 1].onset <= CHORD_SECONDS:
            continue
        true = [n for n in notes[at : at + MOST_NOTES + 1] if n.onset < notes[at].onset + SECONDS]
        if not FEWEST_NOTES <= len(true) <= MOST_NOTES:
            continue
        others = [p for p in (group if same_source else long) if p.name != piece.name and p.dynamics == piece.dynamics]
        drawn = [_draw_wrong(rng, others, true) for _ in range(WRONG_TRIES)] if others else []
        wrong = [candidate for candidate in drawn if candidate is not None][:WRONG_CONTINUATIONS]
        if len(wrong) == WRONG_CONTINUATIONS:
            tests.append((notes[max(at - PASSAGE_NOTES, 0) : at], [true, *wrong], piece.dynamics))
    return tests


def _draw_wrong(rng: np.random.Generator, others: Sequence[Piece], true: Sequence[Note]) -> list[Note] | None:
    """As many notes from another piece, begun when the true ones begin, in their key; None where a draw does not fit."""
    piece = others[int(rng.integers(len(others)))]
    if len(piece) < len(true) + 1:
        return None
    at = int(rng.integers(0, len(piece) - len(true)))
    notes = notes_of(piece)[at : at + len(true)]
    length, wanted = (x[-1].onset - x[0].onset for x in (notes, true))
    if not wanted / MAX_LENGTH_RATIO <= length <= wanted * MAX_LENGTH_RATIO:
        return None
    key, true_key = (key_share(n.pitch for n in x)[0] for x in (notes, true))
    shift = (true_key - key + 6) % 12 - 6
    later = true[0].onset - notes[0].onset
    moved = [Note(n.onset + later, n.duration, n.pitch + shift, n.velocity) for n in notes]
    return moved if all(LOWEST <= n.pitch <= HIGHEST for n in moved) else None


def accuracy(gain: Gain, tests: Sequence[Test]) -> tuple[float, float, float]:
    """The share of tests in which the true continuation has the greatest gain, and its 95 % interval (bootstrap). At least one test."""
    right = np.array(
        [np.argmax([gain(passage, c, known) for c in candidates]) == 0 for passage, candidates, known in tests]
    )
    again = np.random.default_rng(0).choice(right, (DRAWS, len(right))).mean(1)
    return float(right.mean()), float(np.quantile(again, 0.025)), float(np.quantile(again, 0.975))


def _encode(passage: Sequence[Note], notes: Sequence[Note], dynamics: bool) -> codec.Steps:
    """(N, 7) steps: silence, the passage with its sounding notes held, the continuation as it is."""
    rows = np.concatenate([codec.SILENCE[None], codec.encode([*passage, *notes])])
    if not dynamics:
        rows[1:, codec.VELOCITY] = codec.UNKNOWN
    if passage:
        rows[: len(passage) + 1] = hold_sounding(rows[: len(passage) + 1], passage)
    return rows


def model_gain(model: MusicModel) -> Gain:
    """The gain by a model, in no style."""
    z = torch.zeros(1, 1, model.config.latent)

    @torch.inference_mode()
    def nats(passage: Sequence[Note], notes: Sequence[Note], dynamics: bool) -> float:
        rows = _encode(passage, notes, dynamics)
        steps = torch.from_numpy(longest_match_features.add_recall(rows, model.config.window))[None]
        continuation = slice(len(rows) - 1 - len(notes), None)
        logits = model(steps[:, :-1], z, steps[:, 1:])
        sums, _ = field_nats([x[:, continuation] for x in logits], steps[:, 1:][:, continuation])
        return float(sums[1:].sum())

    return lambda passage, notes, dynamics: nats([], notes, dynamics) - nats(passage, notes, dynamics)


def continuator_gain(chain: Continuator) -> Gain:
    """The gain by a chain that counts in the passage, too. It looks back on three steps, so three silent ones come first."""

    def nats(passage: Sequence[Note], notes: Sequence[Note], dynamics: bool) -> float:
        rows = np.concatenate([np.tile(codec.SILENCE, (2, 1)), _encode(passage, notes, dynamics)])
        total = 0.0
        for field, p in chain.likelihood(rows).items():
            known = rows[3:, PREDICTED.index(field)] < codec.SIZES[PREDICTED.index(field)]
            in_continuation = np.arange(len(rows) - 3) >= len(rows) - 3 - len(notes)
            total -= float(np.log(p[known & in_continuation]).sum())
        return total

    return lambda passage, notes, dynamics: nats([], notes, dynamics) - nats(passage, notes, dynamics)
