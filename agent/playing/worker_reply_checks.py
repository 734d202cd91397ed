"""What a worker replied, checked: notes, styles and measurements. A worker may say anything at all."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from models.music.note_records import Note, Span, from_wire

from ..errors import UserError
from .worker_client_interface import WorkerLost

MOST_STYLE = 1024  # numbers of a style
EARLY = 1.0  # seconds before what was asked for: a note from before that is nonsense
LATE = 60.0  # seconds after what was asked for, likewise
MOST_NAME = 20  # letters of a count's name

Row = dict[str, Any]


def read_ready(reply: Row) -> Row:
    """What a worker says of itself once it is ready. Raises UserError where it says why it is not, WorkerLost for nonsense."""
    if "ready" not in reply:
        raise UserError(str(reply.get("error", "the musician said something else than that it is ready."))[:500])
    ready = reply["ready"]
    size = ready.get("style", 0) if isinstance(ready, dict) else None
    if not isinstance(size, int) or not 0 <= size <= MOST_STYLE:
        raise WorkerLost("it said something that is not a reply")
    return dict(ready)


def read_note(reply: Row, span: Span) -> Note:
    """The note of a reply to `play`. Raises WorkerLost."""
    try:
        note = from_wire(reply["note"])
    except ValueError as error:
        raise WorkerLost(str(error)) from error
    if not span.earliest - EARLY <= note.onset <= span.until + LATE:
        raise WorkerLost(f"it plays out of time: {str(reply['note'])[:80]}")
    return note


def read_counts(counts: Row) -> dict[str, int]:
    """What a worker did so far, by name."""
    return {str(name)[:MOST_NAME]: count for name, count in counts.items() if isinstance(count, int)}


def read_style(reply: Row, size: int | None) -> tuple[list[float], dict[str, float]]:
    """A point, of `size` numbers where that is known, and habits as settings. Raises UserError where there are none, WorkerLost."""
    if "z" not in reply:
        raise UserError(str(reply.get("error", "these notes have no style."))[:500])
    try:
        z = _numbers(reply["z"])
        habits = {str(name): float(value) for name, value in reply.get("habits", {}).items()}
        _numbers(habits.values())
        if size is not None and len(z) != size:
            raise ValueError("another number of numbers")
    except (AttributeError, TypeError, ValueError, OverflowError) as error:
        raise WorkerLost("it said something that is not a style") from error
    return z, habits


def read_seconds(reply: Row) -> dict[str, list[float]]:
    """Durations in seconds, by what was measured. Raises WorkerLost."""
    if "seconds" not in reply:
        raise WorkerLost(str(reply.get("error", reply))[:200])
    try:
        return {str(name): _numbers(row) for name, row in reply["seconds"].items()}
    except (AttributeError, TypeError, ValueError, OverflowError) as error:
        raise WorkerLost("it said something that is not a measurement") from error


def _numbers(row: Iterable[Any]) -> list[float]:
    """Finite numbers. Raises ValueError."""
    numbers = [float(x) for x in row]
    if not all(math.isfinite(x) for x in numbers):
        raise ValueError("not a number")
    return numbers
