"""Bits a note: what the musician expects of music that it has never heard, field by field.

Knows nothing of playing. Bits depend on how finely time is told apart: see the bins of `models.encoding.codec`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..data.corpus import Piece
from ..data.velocity_synthesis import touched
from ..encoding import codec, longest_match
from ..music.note import LOWEST, Note
from ..network.heads import CHOSEN
from ..network.losses import field_nats
from ..network.model import Musician
from ..network.style_encoder import kl_nats
from ..steering import answer_offset
from ..steering.sampling import Sampling
from .markov import Continuator, Markov

Bits = dict[str, float]
Floats = NDArray[np.float64]

MOMENTS = 8
BEGINNINGS = (16, 64)  # notes after silence


def notes_of(piece: Piece) -> list[Note]:
    """The piece as notes, in free time, with a middling velocity where the source has none."""
    velocity = piece.velocity if piece.dynamics else np.full(len(piece), 64)
    columns = (piece.onset, piece.duration, piece.pitch, velocity)
    return [Note(float(o), float(d), int(p), int(v)) for o, d, p, v in zip(*columns, strict=True)]


def window_steps(piece: Piece, start: int, window: int) -> codec.Steps:
    """(window + 1, 7) steps of the piece from note `start`, silence first; no velocities where the source has none."""
    notes = notes_of(piece)[start : start + window]
    rows = np.concatenate([codec.SILENCE[None], codec.steps_of(notes)])
    if not piece.dynamics:
        rows[1:, codec.VELOCITY] = codec.UNKNOWN
    return rows


def live(rows: codec.Steps, notes: Sequence[Note]) -> codec.Steps:
    """The same steps as they look at the moment of the last onset: notes that still sound have no duration yet."""
    rows = rows.copy()
    now = notes[-1].onset
    for i, note in enumerate(notes):
        if note.end > now + 1e-4:
            rows[1 + i, codec.DURATION] = codec.HELD_STEP
    return rows


@torch.inference_mode()
def bits_per_note(
    musician: Musician, pieces: Sequence[Piece], windows: int, seed: int = 0
) -> dict[str, dict[str, Bits]]:
    """Bits a note by source and field, with all durations known and ("live") in the state of live play.

    Each window is as long as the model's. Live, `MOMENTS` notes of it are asked for, each with the notes that sound at
    that moment still held. The style is read from the piece's other notes, as in training. Each source counts the same
    in "mean".
    """
    rng = np.random.default_rng(seed + 1)
    sums: dict[str, dict[str, tuple[Tensor, Tensor]]] = {"known": {}, "live": {}}
    for piece, start, rows in drawn(pieces, musician.config.window, windows, seed):
        z = style_of(musician, piece, start)
        _add(sums["known"], piece.source, _ask(musician, rows, z, last_only=False))
        notes = notes_of(piece)[start : start + len(rows) - 1]
        for at in rng.integers(16, len(notes), MOMENTS):
            held = np.concatenate([live(rows[: at + 1], notes[:at]), rows[at + 1 : at + 2]])
            _add(sums["live"], piece.source, _ask(musician, held, z, last_only=True))
    return {state: _bits(found) for state, found in sums.items()}


def drawn(pieces: Sequence[Piece], window: int, windows: int, seed: int) -> Iterator[tuple[Piece, int, codec.Steps]]:
    """So many windows a source: the piece, where it begins, and its steps. The same seed draws the same."""
    rng = np.random.default_rng(seed)
    by_source: dict[str, list[Piece]] = {}
    for piece in pieces:
        if len(piece) >= 48:
            by_source.setdefault(piece.source, []).append(piece)
    for group in by_source.values():
        for _ in range(windows):
            piece = group[int(rng.integers(len(group)))]
            start = int(rng.integers(0, max(len(piece) - window, 0) + 1))
            yield piece, start, window_steps(piece, start, window)


@torch.inference_mode()
def style_counts(musician: Musician, pieces: Sequence[Piece], windows: int, seed: int = 0) -> dict[str, Any]:
    """Bits a note with the true style, with that of a piece from another window, and with a zero one: whether the style is read.

    The styles as they are played with (`emphasis`, see `models.steering.sampling`); in "plain", as they are. In
    "first" as played for the first
    16 and 64 notes after silence alone, where the context tells less of it yet. And the latent itself: its KL divergence from the
    prior, in nats, and how many dimensions tell passages apart.
    """
    found = list(drawn(pieces, musician.config.window, windows, seed))
    plain = [style_of(musician, piece, start) for piece, start, _ in found]
    order = np.random.default_rng(seed).permutation(len(found))

    def counted(emphasis: float, count: int) -> Bits:
        sums: dict[str, dict[str, tuple[Tensor, Tensor]]] = {kind: {} for kind in ("true", "foreign", "zero")}
        for i, (piece, _, rows) in enumerate(found):
            other = next(int(j) for j in np.roll(order, -i) if found[int(j)][0].name != piece.name)
            for kind, z in (("true", plain[i]), ("foreign", plain[other]), ("zero", torch.zeros_like(plain[i]))):
                told = torch.from_numpy(answer_offset.emphasize(z.numpy(), emphasis))
                asked = _ask(musician, rows[: count + 1], told, last_only=False)
                _add(sums[kind], piece.source, asked)
        return {f"bits_{kind}_z": _bits(each)["mean"]["total"] for kind, each in sums.items()}

    window, played = musician.config.window, Sampling().emphasis
    return {
        **counted(played, window),
        "plain": counted(1.0, window),
        "first": {str(n): counted(played, n) for n in BEGINNINGS},
        "kl_nats": float(torch.stack([kl_of(musician, piece, start) for piece, start, _ in found]).mean()),
        "active_dimensions": int((torch.cat(plain).flatten(1).std(0) > 0.1).sum()),
    }


@torch.inference_mode()
def touch(musician: Musician, pieces: Sequence[Piece], windows: int, seed: int = 0) -> Bits:
    """Bits a note of music without velocities, time, pitch and duration together: `bare`, as it is written, and `played` by some hand.

    As it is heard live, where every key has a velocity (`models.data.velocity_synthesis`). The style is that of the bare notes.
    Empty where no piece is long enough.
    """
    sums: dict[str, dict[str, tuple[Tensor, Tensor]]] = {"bare": {}, "played": {}}
    for k, (piece, start, rows) in enumerate(
        drawn([p for p in pieces if not p.dynamics], musician.config.window, windows, seed)
    ):
        z, part = style_of(musician, piece, start), slice(start, start + len(rows) - 1)
        played, tune = rows.copy(), piece.part[part] == 1
        struck = touched(np.random.default_rng((seed, k)), piece.onset[part], piece.pitch[part], tune)
        played[1:, codec.VELOCITY] = struck // 4
        for how, told in (("bare", rows), ("played", played)):
            nats, counts = _ask(musician, told, z, last_only=False)
            counts[codec.VELOCITY] = 0  # nobody can expect what is made up
            _add(sums[how], piece.source, (nats, counts))
    return {how: _bits(found)["mean"]["total"] for how, found in sums.items() if found}


@torch.inference_mode()
def styles(musician: Musician, pieces: Sequence[Piece], windows: int, seed: int = 0) -> tuple[Floats, list[str]]:
    """The styles of so many passages a source, (n, latent), and the source of each."""
    found = list(drawn(pieces, musician.config.window, windows, seed))
    points = np.concatenate([style_of(musician, piece, start)[0].double().numpy() for piece, start, _ in found])
    return points, [piece.source for piece, _, _ in found]


@torch.inference_mode()
def against(
    musicians: dict[str, Musician], markov: Markov, pieces: Sequence[Piece], windows: int, seed: int = 0
) -> dict[str, dict[str, Bits]]:
    """Bits a note of musicians, a Markov chain and a Continuator on the same notes, all durations known.

    By source and in the mean; in "interval", where 95 of 100 means would lie if other windows had been drawn (bootstrap; Efron 1979). The
    first three notes of a window are not asked for: the chains look back on three.
    """
    chains: dict[str, Markov | Continuator] = {"markov": markov, "continuator": Continuator(markov)}
    found: dict[str, dict[str, list[tuple[Tensor, Tensor]]]] = {name: {} for name in (*musicians, *chains)}
    for piece, start, rows in drawn(pieces, next(iter(musicians.values())).config.window, windows, seed):
        notes = rows[1:]
        for name, musician in musicians.items():
            z = style_of(musician, piece, start)
            found[name].setdefault(piece.source, []).append(_ask(musician, rows, z, last_only=False, skip=3))
        for name, chain in chains.items():
            nats, counts = torch.zeros(len(CHOSEN)), torch.zeros(len(CHOSEN), dtype=torch.long)
            for field, p in chain.likelihood(notes).items():
                asked = notes[3:, CHOSEN.index(field)] < codec.SIZES[CHOSEN.index(field)]
                nats[CHOSEN.index(field)] = float(-np.log(p[asked]).sum())
                counts[CHOSEN.index(field)] = int(asked.sum())
            found[name].setdefault(piece.source, []).append((nats, counts))
    out = {}
    for name, rows_of in found.items():
        summed = {
            s: (torch.stack([n for n, _ in w]).sum(0), torch.stack([c for _, c in w]).sum(0))
            for s, w in rows_of.items()
        }
        out[name] = _bits(summed)
        out[name]["interval"] = dict(zip(("low", "high"), interval(rows_of, seed), strict=True))
    return out


def interval(found: dict[str, list[tuple[Tensor, Tensor]]], seed: int = 0, draws: int = 1000) -> tuple[float, float]:
    """The middle 95 of 100 of the total bits a note when windows are drawn again, source by source, with replacement."""
    rng = np.random.default_rng(seed)
    totals = np.zeros(draws)
    for windows in found.values():
        nats, counts = (torch.stack(x).double().numpy()[:, 1:] for x in zip(*windows, strict=True))
        again = rng.integers(len(windows), size=(draws, len(windows)))
        bits = nats[again].sum(1) / np.maximum(counts[again].sum(1), 1) / math.log(2)
        totals += bits.sum(1) / len(found)
    return float(np.quantile(totals, 0.025)), float(np.quantile(totals, 0.975))


def piece_steps(piece: Piece) -> codec.Steps:
    """A whole piece as steps, without making notes of it first."""
    rows = np.tile(codec.SILENCE, (len(piece), 1))
    rows[1:, codec.TIME] = codec.time_step(np.diff(piece.onset))
    rows[:, codec.PITCH] = piece.pitch - LOWEST
    rows[:, codec.VELOCITY] = piece.velocity // 4 if piece.dynamics else codec.UNKNOWN
    rows[:, codec.DURATION] = codec.duration_step(piece.duration)
    return rows


def style_of(musician: Musician, piece: Piece, start: int) -> Tensor:
    """(1, 1, latent): the style of up to `style_notes` notes as far from `start` as the piece allows."""
    mean, _ = _read(musician, piece, start)
    return mean[:, None]


def kl_of(musician: Musician, piece: Piece, start: int) -> Tensor:
    """The nats that the same style costs."""
    return kl_nats(*_read(musician, piece, start)).sum()


def _read(musician: Musician, piece: Piece, start: int) -> tuple[Tensor, Tensor]:
    span = musician.config.style_notes
    begin = 0 if start > len(piece) // 2 else max(len(piece) - span, 0)
    rows = codec.steps_of(notes_of(piece)[begin : begin + span])
    rows[:, [codec.ROLE, codec.PLACE, codec.FEEL]] = 0
    if not piece.dynamics:
        rows[:, codec.VELOCITY] = codec.UNKNOWN
    steps = torch.from_numpy(rows)[None]
    mean, logvar = musician.style(steps, torch.ones(steps.shape[:2], dtype=torch.bool))
    return mean, logvar


def _ask(musician: Musician, rows: codec.Steps, z: Tensor, last_only: bool, skip: int = 0) -> tuple[Tensor, Tensor]:
    steps = torch.from_numpy(longest_match.recalled(rows, musician.config.window))[None]
    target = steps[:, 1:].clone()
    target[..., codec.ROLE] = codec.SIZES[codec.ROLE]  # one player: there is nothing to guess
    logits = musician(steps[:, :-1], z, target)
    if skip:
        logits, target = [x[:, skip:] for x in logits], target[:, skip:]
    if last_only:
        logits, target = [x[:, -1:] for x in logits], target[:, -1:]
    return field_nats(logits, target)


def _add(found: dict[str, tuple[Tensor, Tensor]], source: str, more: tuple[Tensor, Tensor]) -> None:
    before = found.get(source)
    found[source] = more if before is None else (before[0] + more[0], before[1] + more[1])


def _bits(found: dict[str, tuple[Tensor, Tensor]]) -> dict[str, Bits]:
    table: dict[str, Bits] = {}
    for source, (nats, counts) in found.items():
        bits = nats / counts.clamp(min=1) / math.log(2)
        fields = {CHOSEN[i]: float(bits[i]) for i in range(1, len(CHOSEN)) if counts[i] > 0}
        table[source] = {"total": sum(fields.values()), **fields}
    each = {n: [row[n] for row in table.values() if n in row] for n in ("total", *CHOSEN[1:])}
    table["mean"] = {n: float(np.mean(figures)) for n, figures in each.items() if figures}
    return table


@torch.inference_mode()
def copy_test(musician: Musician, pieces: Sequence[Piece], tests: int = 60, count: int = 48, seed: int = 0) -> Bits:
    """Bits a note of `count` notes, and of the same notes played exactly again right after."""
    rng = np.random.default_rng(seed)
    z = torch.zeros(1, 1, musician.config.latent)
    long = [p for p in pieces if len(p) > 4 * count]
    total = torch.zeros(2)
    for _ in range(tests):
        piece = long[int(rng.integers(len(long)))]
        start = int(rng.integers(0, len(piece) - count))
        notes = notes_of(piece)[start : start + count]
        shift = notes[-1].onset - notes[0].onset + 0.3
        rows = np.concatenate([codec.SILENCE[None], codec.steps_of([*notes, *(n.moved(shift) for n in notes)])])
        if not piece.dynamics:
            rows[1:, codec.VELOCITY] = codec.UNKNOWN
        steps = torch.from_numpy(longest_match.recalled(rows, musician.config.window))[None]
        target = steps[:, 1:]
        logits = musician(steps[:, :-1], z, target)
        for half in range(2):
            part = slice(half * count, (half + 1) * count)
            nats, counts = field_nats([x[:, part] for x in logits], target[:, part])
            total[half] += (nats[1:] / counts[1:].clamp(min=1)).sum() / math.log(2) / tests
    return {"first": float(total[0]), "repeat": float(total[1])}
