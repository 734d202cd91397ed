"""Bits a note: how well a model expects music that it has never heard, field by field.

Bits depend on how finely time is told apart: see the bins of `models.encoding.codec`.
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
from ..data.velocity_synthesis import synthesize_velocities
from ..encoding import codec, longest_match_features
from ..music.note_records import LOWEST, Note
from ..network.heads import PREDICTED
from ..network.losses import field_nats
from ..network.model import MusicModel
from ..network.style_encoder import kl_nats
from ..steering import random_style_offset
from ..steering.sampling import Sampling

Bits = dict[str, float]
Floats = NDArray[np.float64]

LIVE_MOMENTS = 8  # notes of a window that are asked for as they would be live
FIRST_NOTES = (16, 64)  # counts of notes after silence, for which bits are given, too
FEWEST_NOTES = 48  # of a piece that windows are drawn from
FEWEST_OF_SHORT = 20  # of one, where its source has none so long
COPIED_NOTES = 48  # of the copy test
ACTIVE_SPREAD = 0.1  # standard deviation of a latent dimension that tells passages apart

Sums = tuple[Tensor, Tensor]  # nats and counts of each field, both (5,)


def notes_of(piece: Piece) -> list[Note]:
    """The piece as notes, in free time, with a middling velocity where the source has none."""
    velocity = piece.velocity if piece.dynamics else np.full(len(piece), 64)
    columns = (piece.onset, piece.duration, piece.pitch, velocity)
    return [Note(float(o), float(d), int(p), int(v)) for o, d, p, v in zip(*columns, strict=True)]


def window_steps(piece: Piece, start: int, window: int) -> codec.Steps:
    """(window + 1, 7) steps of the piece from note `start`, silence first; no velocities where the source has none."""
    notes = notes_of(piece)[start : start + window]
    rows = np.concatenate([codec.SILENCE[None], codec.encode(notes)])
    if not piece.dynamics:
        rows[1:, codec.VELOCITY] = codec.UNKNOWN
    return rows


def hold_sounding(rows: codec.Steps, notes: Sequence[Note]) -> codec.Steps:
    """The (1 + N, 7) steps of N notes as they are at the last onset: notes that still sound have no duration yet."""
    rows = rows.copy()
    now = notes[-1].onset
    for i, note in enumerate(notes):
        if note.end > now + 1e-4:
            rows[1 + i, codec.DURATION] = codec.HELD_STEP
    return rows


@torch.inference_mode()
def bits_per_note(
    model: MusicModel, pieces: Sequence[Piece], windows: int, seed: int = 0
) -> dict[str, dict[str, Bits]]:
    """Bits a note by source and field, with all durations known and ("live") in the state of live play.

    Each window is as long as the model's. Live, `LIVE_MOMENTS` notes of it are asked for, each with the notes that sound at
    that moment still held. The style is read from the piece's other notes, as in training. Each source counts the same
    in "mean".
    """
    rng = np.random.default_rng(seed + 1)
    sums: dict[str, dict[str, Sums]] = {"known": {}, "live": {}}
    for piece, start, rows in draw_windows(pieces, model.config.window, windows, seed):
        z = piece_style(model, piece, start)
        _add(sums["known"], piece.source, window_nats(model, rows, z, last_only=False))
        notes = notes_of(piece)[start : start + len(rows) - 1]
        for at in rng.integers(16, len(notes), LIVE_MOMENTS):
            held = np.concatenate([hold_sounding(rows[: at + 1], notes[:at]), rows[at + 1 : at + 2]])
            _add(sums["live"], piece.source, window_nats(model, held, z, last_only=True))
    return {state: bits_table(found) for state, found in sums.items()}


def draw_windows(
    pieces: Sequence[Piece], window: int, windows: int, seed: int
) -> Iterator[tuple[Piece, int, codec.Steps]]:
    """So many windows a source: the piece, the number of the first note, and the (window + 1, 7) steps. The same seed draws the same."""
    rng = np.random.default_rng(seed)
    by_source: dict[str, list[Piece]] = {}
    for piece in pieces:
        if len(piece) >= FEWEST_OF_SHORT:
            by_source.setdefault(piece.source, []).append(piece)
    for source in by_source.values():
        group = [p for p in source if len(p) >= FEWEST_NOTES] or source
        for _ in range(windows):
            piece = group[int(rng.integers(len(group)))]
            start = int(rng.integers(0, max(len(piece) - window, 0) + 1))
            yield piece, start, window_steps(piece, start, window)


@torch.inference_mode()
def style_bits(model: MusicModel, pieces: Sequence[Piece], windows: int, seed: int = 0) -> dict[str, Any]:
    """Bits a note with the true style, with that of another piece, and with a zero one: whether the style is read.

    The styles have the `emphasis` of playing (see `models.steering.sampling`); in "plain", they have none. In "first", bits of the
    first 16 and 64 notes after silence alone, where the context tells less about the style. And of the latent: its KL divergence
    from the prior, in nats, and how many dimensions tell passages apart. Without another piece, there is no foreign style; empty
    where no piece is long enough.
    """
    found = list(draw_windows(pieces, model.config.window, windows, seed))
    plain = [piece_style(model, piece, start) for piece, start, _ in found]
    order = np.random.default_rng(seed).permutation(len(found))
    if not found:
        return {}

    def foreign_style(i: int) -> Tensor | None:
        """The style of a window of another piece; where only one piece was drawn, of the first other one."""
        name = found[i][0].name
        for j in np.roll(order, -i).tolist():
            if found[j][0].name != name:
                return plain[j]
        other = next((p for p in pieces if p.name != name and len(p) >= FEWEST_OF_SHORT), None)
        return None if other is None else piece_style(model, other, 0)

    def bits_by_style(emphasis: float, count: int) -> Bits:
        sums: dict[str, dict[str, Sums]] = {kind: {} for kind in ("true", "foreign", "zero")}
        for i, (piece, _, rows) in enumerate(found):
            for kind, z in (("true", plain[i]), ("foreign", foreign_style(i)), ("zero", torch.zeros_like(plain[i]))):
                if z is None:
                    continue
                emphasized = torch.from_numpy(random_style_offset.emphasize(z.numpy(), emphasis))
                _add(sums[kind], piece.source, window_nats(model, rows[: count + 1], emphasized, last_only=False))
        return {f"bits_{kind}_z": bits_table(each)["mean"]["total"] for kind, each in sums.items() if each}

    window = model.config.window
    played = Sampling().emphasis
    styles = torch.cat(plain).flatten(1)
    alive = {} if len(styles) < 2 else {"active_dimensions": int((styles.std(0) > ACTIVE_SPREAD).sum())}
    return {
        **bits_by_style(played, window),
        "plain": bits_by_style(1.0, window),
        "first": {str(n): bits_by_style(played, n) for n in FIRST_NOTES},
        "kl_nats": float(torch.stack([style_kl(model, piece, start) for piece, start, _ in found]).mean()),
        **alive,
    }


@torch.inference_mode()
def velocity_bits(model: MusicModel, pieces: Sequence[Piece], windows: int, seed: int = 0) -> Bits:
    """Bits a note of music without velocities, for time, pitch and duration: `bare`, as it is written, and `played`.

    Live, every key has a velocity (`models.data.velocity_synthesis`). The style is that of the bare notes. Empty where no piece is
    long enough.
    """
    sums: dict[str, dict[str, Sums]] = {"bare": {}, "played": {}}
    bare = [p for p in pieces if not p.dynamics]
    for k, (piece, start, rows) in enumerate(draw_windows(bare, model.config.window, windows, seed)):
        z = piece_style(model, piece, start)
        part = slice(start, start + len(rows) - 1)
        rng = np.random.default_rng((seed, k))
        velocity = synthesize_velocities(rng, piece.onset[part], piece.pitch[part], piece.part[part] == 1)
        played = rows.copy()
        played[1:, codec.VELOCITY] = velocity // 4
        for name, steps in (("bare", rows), ("played", played)):
            nats, counts = window_nats(model, steps, z, last_only=False)
            counts[codec.VELOCITY] = 0  # synthetic velocities cannot be expected
            _add(sums[name], piece.source, (nats, counts))
    return {name: bits_table(found)["mean"]["total"] for name, found in sums.items() if found}


@torch.inference_mode()
def encode_styles(model: MusicModel, pieces: Sequence[Piece], windows: int, seed: int = 0) -> tuple[Floats, list[str]]:
    """The styles of so many passages a source, (n, latent), and the source of each."""
    found = list(draw_windows(pieces, model.config.window, windows, seed))
    points = np.concatenate([piece_style(model, piece, start)[0].double().numpy() for piece, start, _ in found])
    return points, [piece.source for piece, _, _ in found]


def piece_steps(piece: Piece) -> codec.Steps:
    """A whole piece as steps, without making notes of it first."""
    rows = np.tile(codec.SILENCE, (len(piece), 1))
    rows[1:, codec.TIME] = codec.time_bins(np.diff(piece.onset))
    rows[:, codec.PITCH] = piece.pitch - LOWEST
    rows[:, codec.VELOCITY] = piece.velocity // 4 if piece.dynamics else codec.UNKNOWN
    rows[:, codec.DURATION] = codec.duration_bins(piece.duration)
    return rows


def piece_style(model: MusicModel, piece: Piece, start: int) -> Tensor:
    """(1, 1, latent): the style of up to `style_notes` notes as far from `start` as the piece allows."""
    mean, _ = _encode_style(model, piece, start)
    return mean[:, None]


def style_kl(model: MusicModel, piece: Piece, start: int) -> Tensor:
    """The KL divergence of the same style from the prior, in nats."""
    return kl_nats(*_encode_style(model, piece, start)).sum()


def _encode_style(model: MusicModel, piece: Piece, start: int) -> tuple[Tensor, Tensor]:
    """Mean and log-variance, (1, latent), of the style of notes as far from `start` as the piece allows."""
    span = model.config.style_notes
    begin = 0 if start > len(piece) // 2 else max(len(piece) - span, 0)
    rows = codec.encode(notes_of(piece)[begin : begin + span])
    rows[:, [codec.ROLE, codec.PLACE, codec.FEEL]] = 0
    if not piece.dynamics:
        rows[:, codec.VELOCITY] = codec.UNKNOWN
    steps = torch.from_numpy(rows)[None]
    mean, logvar = model.style(steps, torch.ones(steps.shape[:2], dtype=torch.bool))
    return mean, logvar


def window_nats(model: MusicModel, rows: codec.Steps, z: Tensor, last_only: bool, skip: int = 0) -> Sums:
    """Nats and counts of (N, 7) steps in a style: of all but the first, or of the last only; the first `skip` are not asked for."""
    steps = torch.from_numpy(longest_match_features.add_recall(rows, model.config.window))[None]
    target = steps[:, 1:].clone()
    target[..., codec.ROLE] = codec.SIZES[codec.ROLE]  # one player: there is nothing to guess
    logits = model(steps[:, :-1], z, target)
    kept = slice(-1, None) if last_only else slice(skip, None)
    return field_nats([x[:, kept] for x in logits], target[:, kept])


def _add(found: dict[str, Sums], source: str, more: Sums) -> None:
    """Add to the sums of a source."""
    before = found.get(source)
    found[source] = more if before is None else (before[0] + more[0], before[1] + more[1])


def bits_table(found: dict[str, Sums]) -> dict[str, Bits]:
    """Bits a note by source, and in the mean of the sources, each by field and in total."""
    table: dict[str, Bits] = {}
    for source, (nats, counts) in found.items():
        bits = nats / counts.clamp(min=1) / math.log(2)
        fields = {PREDICTED[i]: float(bits[i]) for i in range(1, len(PREDICTED)) if counts[i] > 0}
        table[source] = {"total": sum(fields.values()), **fields}
    each = {n: [row[n] for row in table.values() if n in row] for n in ("total", *PREDICTED[1:])}
    table["mean"] = {n: float(np.mean(figures)) for n, figures in each.items() if figures}
    return table


@torch.inference_mode()
def copy_test(
    model: MusicModel, pieces: Sequence[Piece], tests: int = 60, count: int = COPIED_NOTES, seed: int = 0
) -> Bits:
    """Bits a note of `count` notes, and of the same notes played exactly again right after; empty where no piece is long enough."""
    rng = np.random.default_rng(seed)
    z = torch.zeros(1, 1, model.config.latent)
    long = [p for p in pieces if len(p) > 4 * count]
    if not long:
        return {}
    total = torch.zeros(2)
    for _ in range(tests):
        piece = long[int(rng.integers(len(long)))]
        start = int(rng.integers(0, len(piece) - count))
        notes = notes_of(piece)[start : start + count]
        shift = notes[-1].onset - notes[0].onset + 0.3
        rows = np.concatenate([codec.SILENCE[None], codec.encode([*notes, *(n.shift(shift) for n in notes)])])
        if not piece.dynamics:
            rows[1:, codec.VELOCITY] = codec.UNKNOWN
        steps = torch.from_numpy(longest_match_features.add_recall(rows, model.config.window))[None]
        target = steps[:, 1:]
        logits = model(steps[:, :-1], z, target)
        for half in range(2):
            part = slice(half * count, (half + 1) * count)
            nats, counts = field_nats([x[:, part] for x in logits], target[:, part])
            total[half] += (nats[1:] / counts[1:].clamp(min=1)).sum() / math.log(2) / tests
    return {"first": float(total[0]), "repeat": float(total[1])}
