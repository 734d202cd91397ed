"""The figures of an evaluation as a table for people, each where there is one; what is missing is named, with the reason."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..network.heads import PREDICTED

NAMES = ("total", *PREDICTED[1:])
KINDS = {"true": "with the true one", "foreign": "with a foreign one", "zero": "with none"}


def table(result: Mapping[str, Any], shares: Sequence[str]) -> str:
    """What `models.evaluation.evaluate.evaluate` returns; `shares` names the figures of answers that are no distance from their call."""
    lines = ["bits a note".ljust(24) + "".join(n.rjust(10) for n in NAMES)]
    lines += [_row(source, figures) for source, figures in result["by_source"].items()]
    lines += [_row("mean (live)", result["bits_per_note"]), _row("mean (durations known)", result["durations_known"])]
    for name, figures in result.get("baselines", {}).items():
        lines.append(_row(f"  {name}", figures["mean"]) + "  ({low:.2f} to {high:.2f})".format(**figures["interval"]))
    lines += _style_lines(result["style"])
    if result["copy"]:
        lines.append(
            f"copy: {result['copy']['first']:.2f} bits the first time, {result['copy']['repeat']:.2f} the second"
        )
    touch = result.get("touch")
    if touch:
        lines.append(
            f"music without velocities: {touch['bare']:.2f} bits bare, {touch['played']:.2f} played (loudness left out)"
        )
    found = [f"{k} {v:.3f}" for k, v in result["continuation"].items() if k != "tests"]
    if found:
        lines.append("true continuation found: " + ", ".join(found))
    lines += _answer_lines(result, shares)
    lines += [f"not measured: {name} ({why})" for name, why in result.get("missing", {}).items()]
    return "\n".join(lines)


def _row(name: str, figures: Mapping[str, float]) -> str:
    return name.ljust(24) + "".join(f"{figures[n]:10.2f}" if n in figures else "         -" for n in NAMES)


def _style_lines(style: Mapping[str, Any]) -> list[str]:
    """How much a style tells, in bits a note."""
    plain = " and ".join(
        f"{style['plain'][f'bits_{k}_z']:.2f}" for k in KINDS if k != "zero" and f"bits_{k}_z" in style["plain"]
    )
    alive = f", {style['active_dimensions']} dimensions alive" if "active_dimensions" in style else ""
    lines = [f"style: {_style_bits(style, KINDS)} (as played; plain {plain}); {style['kl_nats']:.1f} nats{alive}"]
    for count, each in style["first"].items():
        bits = ", ".join(f"{each[f'bits_{kind}_z']:.2f}" for kind in KINDS if f"bits_{kind}_z" in each)
        lines.append(f"  the first {count} notes after silence: {bits}")
    if "accuracy" in style:
        lines.append(f"style recognised in answers: {style['accuracy']:.2f}, in real music {style['ceiling']:.2f}")
    return lines


def _style_bits(bits: Mapping[str, float], kinds: Mapping[str, str]) -> str:
    """Bits with each kind of style that was measured."""
    known = [(text, bits[f"bits_{kind}_z"]) for kind, text in kinds.items() if f"bits_{kind}_z" in bits]
    return ", ".join(f"{value:.2f}{' bits' if i == 0 else ''} {text}" for i, (text, value) in enumerate(known))


def _answer_lines(result: Mapping[str, Any], shares: Sequence[str]) -> list[str]:
    """How answers fit their calls, and what knobs do."""
    lines = []
    for key, each in result.get("fit", {}).items():
        spread = {who: "{:.2f} to {:.2f}".format(*each[f"{who}_interval"]) for who in ("answer", "real")}
        lines.append(f"fit, {key}: " + ", ".join(f"{who} {each[who]:.2f} ({spread[who]})" for who in spread))
    for key in shares:
        if result.get(key):
            sides = {"answers": "answer", "real": "real"}
            known = [f"{who} {result[key][side]:.3f}" for who, side in sides.items() if side in result[key]]
            lines.append(f"{key}: " + ", ".join(known))
    for name, curve in result.get("knobs", {}).items():
        means = " ".join(f"{x:.2f}" for x in curve["curve"])
        lines.append(f"knob {name}: Spearman {curve['spearman']:.2f} ({means})")
    return lines
