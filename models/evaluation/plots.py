"""Plots of an evaluation: how a model learned, where styles lie in the latent space, what knobs do, when phrases are over."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..music.features import NAMES
from ..music.matplotlib_setup import Figure
from .answers import KNOB_SETTINGS

FEWEST_POINTS = 2  # styles that a map shows: fewer have no two components


def learning_curve(path: Path, log: Path) -> None:
    """Bits a note in training over notes seen, from a log of JSON lines; the mean of ten lines at a time."""
    rows = [json.loads(line) for line in log.read_text(encoding="utf8").splitlines() if line.strip()]
    if not rows:
        return
    figure = Figure(figsize=(8, 5), dpi=120, layout="constrained")
    axes = figure.add_subplot(
        xlabel="notes seen, millions", ylabel="bits a note", title="Learning curve (training examples)"
    )
    seen = np.array([r["notes"] for r in rows]) / 1e6
    width = min(10, len(rows))
    for field in ("bits", "time", "pitch", "velocity", "duration"):
        values = np.convolve([r[field] for r in rows], np.ones(width) / width, "valid")
        axes.plot(seen[len(seen) - len(values) :], values, label="total" if field == "bits" else field)
    axes.set_ylim(bottom=0)
    axes.grid(alpha=0.3)
    axes.legend()
    figure.savefig(path)


def latent_map(path: Path, points: NDArray[np.float64], labels: Sequence[str]) -> None:
    """Styles of passages, (n, latent), in the plane of their two largest principal components, coloured by source."""
    centred = points - points.mean(0)
    _, _, axes_of = np.linalg.svd(centred, full_matrices=False)
    plane = centred @ axes_of[:2].T
    figure = Figure(figsize=(7, 6), dpi=120, layout="constrained")
    axes = figure.add_subplot(xlabel="first component", ylabel="second component", title="Where styles lie")
    for label in sorted(set(labels)):
        of = np.array([x == label for x in labels])
        axes.scatter(plane[of, 0], plane[of, 1], s=14, alpha=0.7, label=label)
    axes.legend()
    figure.savefig(path)


def knob_curves(path: Path, knobs: dict[str, dict[str, Any]]) -> None:
    """The mean of each feature in the answers, at each setting of its knob."""
    figure = Figure(figsize=(12, 5), dpi=120, layout="constrained")
    grid = figure.subplots(2, 4)
    for axes, name in zip(grid.flat, NAMES, strict=False):
        if name not in knobs:
            axes.set_axis_off()
            continue
        axes.plot(KNOB_SETTINGS, knobs[name]["curve"], marker="o")
        axes.set_title(f"{name} ({knobs[name]['spearman']:.2f})")
        axes.grid(alpha=0.3)
    grid.flat[-1].set_axis_off()
    figure.suptitle("What knobs do: the quality in the answers, over the knob's setting (Spearman's correlation)")
    figure.savefig(path)


def phrase_end_curves(path: Path, found: dict[str, Any]) -> None:
    """False cut-ins over delay: a curve for each kind of rule, and the one that plays."""
    figure = Figure(figsize=(7, 5), dpi=120, layout="constrained")
    axes = figure.add_subplot(
        xlabel="median delay, seconds",
        ylabel="phrases cut into",
        title=f"When is a phrase over? {found['phrases']} phrases",
    )
    for kind, label in (
        ("fixed", "a fixed silence"),
        ("paced", "times the phrase's own slower gaps"),
        ("breathing", "its longest gap, beside its length"),
    ):
        rows = found[kind].values()
        axes.plot([r["delay"] for r in rows], [r["false"] for r in rows], marker="o", label=label)
    axes.plot(found["plays"]["delay"], found["plays"]["false"], "k*", markersize=14, label="what plays")
    axes.set_ylim(bottom=0)
    axes.grid(alpha=0.3)
    axes.legend()
    figure.savefig(path)


def ablation(path: Path, rows: Sequence[str], columns: Sequence[str], worse: NDArray[np.float64], title: str) -> None:
    """How much farther from people's each variant is than with everything, in standard errors: red is farther, blue is nearer."""
    figure = Figure(figsize=(1.5 + 0.7 * len(columns), 1.5 + 0.27 * len(rows)), dpi=120, layout="constrained")
    axes = figure.add_subplot(title=title)
    image = axes.imshow(worse, cmap="RdBu_r", vmin=-6.0, vmax=6.0, aspect="auto")
    axes.set_xticks(range(len(columns)), columns, rotation=45, ha="right")
    axes.set_yticks(range(len(rows)), rows)
    for i, row in enumerate(worse):
        for j, value in enumerate(row):
            if np.isfinite(value):
                colour = "white" if abs(value) > 4.0 else "black"
                axes.text(j, i, f"{value:+.1f}", ha="center", va="center", fontsize=6, color=colour)
    figure.colorbar(image, label="farther from people's than with everything, standard errors")
    figure.savefig(path)
