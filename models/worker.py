"""The worker: the musician as a process, one JSON object a line on stdin and stdout.

Every time in a message is a second on the caller's own line of time; the worker has no clock.

It sends one line by itself when it is ready, and after that only replies:

    <- {"ready": {"engine": "onnxruntime", "weights": "open", "fingerprint": "…", "window": 256, "style": 24,
                  "points": "open"}}                   the weights with whose style encoder style points were made;
                                                       and "note", a sentence for the user, where there is one
    -> {"do": "hear", "at": N, "notes": [NOTE, …]}     from the N-th note of the session on, these are the notes;
                                                       those that were there before are dropped. No reply.
    -> {"do": "style", "z": [float, …] or null, "sampling": {…}}      counts from the next note on. No reply.
    -> {"do": "vamp", "notes": [NOTE, …]}              the style prompt before each answer to come; may be empty. No reply.
    -> {"do": "seed", "seed": 7}                       makes what follows repeatable. No reply.
    -> {"do": "play", "id": I, "earliest": a, "until": b, "close": c, "stop": d, "hush": e, "bar": BAR, "on_beat": f,
        "together": g, "chords": [[second, symbol], …], "another": h}       the last two only over a chart, and
                                                       where another answer to the same call is wanted
    <- {"id": I, "note": NOTE}                         once for each note, as soon as it is known,
    <- {"id": I, "done": "more", "did": {…}}           then why it paused: "more" to come, or the phrase's "end"; how much
                                                       was fed again, and how many candidates were made and used, so far
    -> {"do": "draft", "candidates": N, …}             as `play`: generate N candidates in spare time, or now where
                                                       "at_once" is true; "side_by_side": all of them at the same time (older
                                                       takes: one after another). No reply. A `play` that asks for the same gets the
                                                       best of them, as far as its horizon; the next one, how it goes on
    -> {"do": "spare", "steps": N}                     in a replay: do N steps of spare time, and no more. No reply.
    -> {"do": "encode", "id": I, "notes": [NOTE, …]}
    <- {"id": I, "z": [float, …], "habits": {…}}       the style of these notes: a point, and settings that belong to it
    -> {"do": "measure", "id": I, "notes": N}          forgets the session and times itself: see `models.decoding.latency`
    <- {"id": I, "seconds": {"note": [float, …], …}}
    <- {"error": "one sentence", "id": I}              `id` where there was one

The first reply to a request has "spared": [N, …], too, where there was spare time: see `models.decoding.counted_spare_steps`.
`play` generates the next notes of the answer: see `models.music.note_records.Span`. `until` is the caller's horizon: it asks again
when it wants more. `close`, `stop` and `hush` may be null (never), BAR may be null (free time) or a list of the fields of
`models.music.note_records.Bar`. Notes that were played follow those that were sent; `hear` with an earlier `at` takes them back.
The end of the input ends the process. A NOTE is a list: see `models.music.note_records.to_wire`.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import itertools
import json
import os
import queue
import sys
import threading
from collections.abc import Callable, Generator, Iterator
from typing import Any, BinaryIO, Protocol

from .decoding.counted_spare_steps import SpareTime, SpareTimeWorker
from .decoding.echo_test_musician import Echo
from .music.note_records import Note, Span, from_wire, span_from_wire, to_wire

LINE_LIMIT = 1 << 20  # bytes, more than 8,000 notes; a longer line is refused before it is parsed
QUEUE_LINES = 1000  # lines that are read before they are handled
MOST_MAGNITUDE = 10_000.0  # of a number of a style; a key is a set of twelve bits, so below 4,096
MOST_CANDIDATES = 16  # that one request may ask for
ERROR_CHARACTERS = 240  # of an error message
GARBAGE_REQUESTS = 100  # requests between two garbage collections


class Musician(SpareTimeWorker, Protocol):
    """What the worker drives: `models.decoding.engine.Engine`, or its fake, `models.decoding.echo_test_musician.Echo`."""

    def about(self) -> dict[str, Any]:
        """What the `ready` line says."""

    def hear(self, at: int, notes: list[Note]) -> None:
        """Replace everything from the `at`-th note on by `notes`."""

    def style(self, z: list[float] | None, sampling: dict[str, float]) -> None:
        """Style and sampling of all notes to come."""

    def vamp(self, notes: list[Note]) -> None:
        """The style prompt before each answer to come."""

    def seed(self, seed: int) -> None:
        """Make what follows repeatable."""

    def play(self, span: Span) -> Generator[Note, None, str]:
        """Generate notes, as `play` above; the generator returns "more" or "end"."""

    def counts(self) -> dict[str, int]:
        """The numbers that end a reply to `play`."""

    def draft(self, span: Span, count: int, side_by_side: bool) -> None:
        """Generate `count` candidates for that answer in spare time, one after another or side by side."""

    def encode(self, notes: list[Note]) -> list[float]:
        """The style of `notes`, a point in the latent space."""

    def habits(self, notes: list[Note]) -> dict[str, float]:
        """The habits of these notes, as settings: see `models.steering.style_habits`."""


def serve(musician: Musician, lines: Iterator[str], say: Any, has_time: Callable[[], bool] = lambda: False) -> None:
    """Answer requests until the lines end. `say` takes one reply, a dict. Never raises on bad input: it says so.

    Between requests, as long as it `has_time`, the musician works ahead.
    """
    say({"ready": musician.about()})
    spare_time = SpareTime(musician, has_time)
    while True:
        spare_time.use()
        line = next(lines, None)
        if line is None:
            return
        ident: Any = None
        try:
            if len(line) > LINE_LIMIT:
                raise ValueError("line too long")
            request = json.loads(line, parse_constant=_refuse_constant)
            if not isinstance(request, dict):
                raise ValueError("a request is a JSON object")
            ident = request.get("id")
            if request.get("do") == "spare":
                spare_time.do_steps(int(request["steps"]))
            else:
                _handle(musician, request, ident, lambda reply: say(spare_time.report(reply)))
        except (ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
            message = str(error) if isinstance(error, ValueError) else f"{type(error).__name__}: {error}"
            reply = {"error": message[:ERROR_CHARACTERS]}
            say(reply if ident is None else {**reply, "id": ident})


def _refuse_constant(text: str) -> float:
    raise ValueError(f"{text} is no JSON number")


def _bounded(value: Any) -> float:
    """A finite number of moderate size. Raises ValueError."""
    number = float(value)
    if not abs(number) <= MOST_MAGNITUDE:  # also where it is not a number
        raise ValueError(f"{str(value)[:40]} is out of all bounds")
    return number


def _handle(musician: Musician, request: dict[str, Any], ident: Any, say: Any) -> None:
    match request.get("do"):
        case "hear":
            musician.hear(int(request["at"]), [from_wire(row) for row in request["notes"]])
        case "style":
            z = request.get("z")
            settings = request.get("sampling", {})
            if not isinstance(settings, dict):
                raise ValueError("sampling is a JSON object")
            sampling = {str(k): _bounded(v) for k, v in settings.items()}
            musician.style(None if z is None else [_bounded(x) for x in z], sampling)
        case "draft":
            count = min(max(int(request["candidates"]), 0), MOST_CANDIDATES)
            musician.draft(span_from_wire(request), count, bool(request.get("side_by_side")))
            while request.get("at_once") and musician.spare():
                pass
        case "vamp":
            musician.vamp([from_wire(row) for row in request["notes"]])
        case "seed":
            musician.seed(int(request["seed"]))
        case "play":
            playing = musician.play(span_from_wire(request))
            while True:
                try:
                    note = next(playing)
                except StopIteration as end:
                    done = {"id": ident, "done": end.value or "end"}
                    counts = musician.counts()
                    say({**done, "did": counts} if counts else done)
                    break
                say({"id": ident, "note": to_wire(note)})
        case "encode":
            notes = [from_wire(row) for row in request["notes"]]
            say({"id": ident, "z": musician.encode(notes), "habits": musician.habits(notes)})
        case "measure":
            from .decoding import latency
            from .decoding.engine import Engine

            if not isinstance(musician, Engine):
                raise ValueError("there is nothing to measure")
            count = min(max(int(request["notes"]), 8), 20_000)
            say({"id": ident, "seconds": latency.measure(musician, count)})
        case other:
            raise ValueError(f"unknown request {str(other)[:40]!r}")


def _next_lines(lines: queue.Queue[str | None]) -> Iterator[str]:
    """Line after line. Garbage is collected only now and then, while there is no line."""
    for count in itertools.count():
        if count % GARBAGE_REQUESTS == 0 and lines.empty():
            gc.collect()
        line = lines.get()
        if line is None:
            return
        yield line


def _read(lines: queue.Queue[str | None], stream: BinaryIO) -> None:
    """Put each line into the queue, and None at the end. Of a line that is too long, only enough is kept to show that it is."""
    with contextlib.suppress(ValueError, OSError):
        while line := stream.readline(LINE_LIMIT + 2):
            rest = line
            while len(rest) > LINE_LIMIT and not rest.endswith(b"\n"):
                rest = stream.readline(LINE_LIMIT + 2)
            lines.put(line.decode(errors="replace"))
    lines.put(None)


def main(argv: list[str] | None = None) -> int:
    """Run the worker on stdin and stdout."""
    parser = argparse.ArgumentParser(prog="python -m models.worker", description=__doc__.splitlines()[0])
    parser.add_argument("--weights", default="open", help="a name in models/weights, or a .safetensors file")
    parser.add_argument("--engine", default="live", choices=("live", "plain", "torch"), help="what runs the network")
    parser.add_argument("--echo", action="store_true", help="play the call back instead (no network, no torch)")
    args = parser.parse_args(argv)

    def say(reply: dict[str, Any]) -> None:
        # Bytes, as the system's encoding may be one without ASCII.
        sys.stdout.buffer.write(json.dumps(reply, allow_nan=False).encode() + b"\n")
        sys.stdout.buffer.flush()

    musician: Musician
    if args.echo:
        musician = Echo()
    else:
        for threads in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):  # read when numpy is imported
            os.environ.setdefault(threads, "1")
        with contextlib.suppress(AttributeError, OSError):
            os.nice(5)  # the process that keeps time comes first
        from .decoding import backend_choice  # a runtime is loaded only where it is needed
        from .runtime.weights_file import CheckpointError

        try:
            musician = backend_choice.load(args.weights, args.engine)
        except CheckpointError as error:
            say({"error": str(error)})
            return 2
        gc.collect()
        gc.freeze()  # what is there now stays, so the collector need not look at it again
        gc.disable()  # the rest is collected between requests: see `_next_lines`
    lines: queue.Queue[str | None] = queue.Queue(QUEUE_LINES)
    threading.Thread(target=_read, args=(lines, sys.stdin.buffer), name="reader", daemon=True).start()
    serve(musician, _next_lines(lines), say, lines.empty)
    return 0


if __name__ == "__main__":
    sys.exit(main())
