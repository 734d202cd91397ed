"""Models beside chains of counts: bits a note on the same windows, and how sure the figures are."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch

from ..data.corpus import Piece
from ..encoding import codec
from ..network.heads import PREDICTED
from ..network.model import MusicModel
from .likelihood import Bits, Sums, bits_table, draw_windows, piece_style, window_nats
from .markov import Continuator, Markov

CHAIN_CONTEXT = 3  # steps that the chains look back on, so that these are not asked for


@torch.inference_mode()
def compare(
    models: dict[str, MusicModel], markov: Markov, pieces: Sequence[Piece], windows: int, seed: int = 0
) -> dict[str, dict[str, Bits]]:
    """Bits a note of models, a Markov chain and a Continuator on the same notes, all durations known.

    By source and in the mean; in "interval", the 95 % interval of the mean (`bootstrap_interval`). The first three notes of a window
    are not asked for: the chains look back on three.
    """
    chains: dict[str, Markov | Continuator] = {"markov": markov, "continuator": Continuator(markov)}
    found: dict[str, dict[str, list[Sums]]] = {name: {} for name in (*models, *chains)}
    for piece, start, rows in draw_windows(pieces, next(iter(models.values())).config.window, windows, seed):
        for name, model in models.items():
            z = piece_style(model, piece, start)
            sums = window_nats(model, rows, z, last_only=False, skip=CHAIN_CONTEXT)
            found[name].setdefault(piece.source, []).append(sums)
        for name, chain in chains.items():
            found[name].setdefault(piece.source, []).append(_chain_nats(chain, rows[1:]))
    out = {}
    for name, by_source in found.items():
        totals = {
            source: (torch.stack([n for n, _ in w]).sum(0), torch.stack([c for _, c in w]).sum(0))
            for source, w in by_source.items()
        }
        out[name] = bits_table(totals)
        low, high = bootstrap_interval(by_source, seed)
        out[name]["interval"] = {"low": low, "high": high}
    return out


def _chain_nats(chain: Markov | Continuator, notes: codec.Steps) -> Sums:
    """What a chain needs for (N, 7) steps, the first `CHAIN_CONTEXT` of which are not asked for."""
    nats = torch.zeros(len(PREDICTED))
    counts = torch.zeros(len(PREDICTED), dtype=torch.long)
    for field, p in chain.likelihood(notes).items():
        i = PREDICTED.index(field)
        known = notes[CHAIN_CONTEXT:, i] < codec.SIZES[i]
        nats[i] = float(-np.log(p[known]).sum())
        counts[i] = int(known.sum())
    return nats, counts


def bootstrap_interval(found: dict[str, list[Sums]], seed: int = 0, draws: int = 1000) -> tuple[float, float]:
    """The 95 % interval of the total bits a note: windows are drawn again, source by source, with replacement (Efron 1979)."""
    rng = np.random.default_rng(seed)
    totals = np.zeros(draws)
    for windows in found.values():
        nats, counts = (torch.stack(x).double().numpy()[:, 1:] for x in zip(*windows, strict=True))
        again = rng.integers(len(windows), size=(draws, len(windows)))
        bits = nats[again].sum(1) / np.maximum(counts[again].sum(1), 1) / math.log(2)
        totals += bits.sum(1) / len(found)
    return float(np.quantile(totals, 0.025)), float(np.quantile(totals, 0.975))
