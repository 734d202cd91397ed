"""What training tells: before it begins, how long it takes on this machine; on its way, how far it is."""

from __future__ import annotations

import json
import math
import time

from torch import Tensor

from ..data.loader import ExampleBatches, to_tensors
from ..network.heads import PREDICTED
from ..network.losses import REPORT_NAMES
from .trainer import Trainer


def tell_duration(trainer: Trainer, batches: ExampleBatches) -> None:
    """Say how long the steps that are left take on this machine, by a step that changes nothing."""
    began = time.perf_counter()
    arrays = batches[0]
    preparation = time.perf_counter() - began
    step = trainer.measure_step(to_tensors(arrays, trainer.device))
    workers = trainer.args.workers
    # One thread prepares examples and another learns, and Python lets them share one core; processes have cores of their own.
    seconds = (step + preparation if workers == 0 else max(step, preparation / workers)) * len(batches)
    limit = trainer.args.minutes
    pause = "" if limit is None or limit * 60 >= seconds else f"; it pauses after {limit:g} minutes"
    print(
        f"about {duration(seconds)} on this machine, for {len(batches)} steps{pause}. Ctrl-C pauses, and the same command goes on.",
        flush=True,
    )


def duration(seconds: float) -> str:
    """A length of time in words."""
    if seconds < 100:
        return f"{seconds:.0f} seconds"
    if seconds < 100 * 60:
        return f"{seconds / 60:.0f} minutes"
    return f"{seconds / 3600:.1f} hours"


def log_progress(trainer: Trainer, report: Tensor, speed: float, unseen: Tensor | None) -> None:
    """One line on the terminal, one in the log. Bits for people and plots.

    `report` and `unseen`: (8,), of recent steps and of examples that are not learned from; `speed`: notes a second.
    """
    figures = dict(zip(REPORT_NAMES, report.tolist(), strict=True))
    bits = {k: figures[k] / math.log(2) for k in PREDICTED}
    done = trainer.step * trainer.args.batch * trainer.model.config.window
    minutes_left = (trainer.args.notes - done) / max(speed, 1e-9) / 60
    total = sum(bits.values())
    row = {
        "step": trainer.step,
        "notes": done,
        "hours": round(trainer.hours, 4),
        "bits": round(total, 4),
        "notes_per_s": round(speed),
    }
    row |= {k: round(v, 4) for k, v in bits.items()}
    row |= {k: round(figures[k], 4) for k in ("kl", "tied", "loss")}
    unseen_text = ""
    if unseen is not None:
        row["unseen"] = round(float(unseen[: len(PREDICTED)].sum()) / math.log(2), 4)
        unseen_text = f"  unseen {row['unseen']:.2f}"
    with (trainer.args.out / "log.jsonl").open("a", encoding="utf8") as log:
        log.write(json.dumps(row) + "\n")
    each = "  ".join(f"{k} {v:.2f}" for k, v in bits.items())
    print(
        f"{done / trainer.args.notes:6.1%}  {total:.2f} bits a note ({each}){unseen_text}  style {figures['kl']:.1f} nats, "
        f"tied {figures['tied']:.2f}  {speed:,.0f} notes/s, {minutes_left:.0f} min left",
        flush=True,
    )
