"""The worker: the musician as a process, one JSON object a line on stdin and stdout.

Knows nothing of the present: every time in a message is a second on the caller's own line of time, an order and no more.

It says one line by itself when it can play, and after that only answers:

    <- {"ready": {"engine": "onnxruntime", "weights": "open", "fingerprint": "…", "window": 256, "style": 24,
                  "points": "open"}}                   the weights to whose style encoder points mean what they mean to this one;
                                                       "note", too, where something is to be said of engine or weights
    -> {"do": "hear", "at": N, "notes": [NOTE, …]}     from the N-th note of the session on, this is what was heard;
                                                       what stood there before is forgotten. No reply.
    -> {"do": "style", "z": [float, …] or null, "sampling": {…}}      counts from the next note on. No reply.
    -> {"do": "vamp", "notes": [NOTE, …]}              what it has in the ear before each answer to come; may be empty. No reply.
    -> {"do": "seed", "seed": 7}                       makes what follows repeatable. No reply.
    -> {"do": "play", "id": I, "earliest": a, "until": b, "close": c, "stop": d, "hush": e, "bar": BAR, "on_beat": f,
        "together": g}
    <- {"id": I, "note": NOTE}                         once for each note, as soon as it is known,
    <- {"id": I, "done": "more", "did": {…}}           then why it paused: "more" to come, or the phrase's "end"; how often
                                                       it had to hear anew, and how many drafts were made and used, so far
    -> {"do": "draft", "candidates": N, …}             as `play`: think of that answer in spare time, N times, or now where
                                                       "at_once" is true. No reply. A `play` that asks for the same gets the
                                                       best of them, as far as its horizon; the next one, how it goes on
    -> {"do": "spare", "steps": N}                     in a replay: do so much in spare time, and no more. No reply.
    -> {"do": "encode", "id": I, "notes": [NOTE, …]}
    <- {"id": I, "z": [float, …], "habits": {…}}       the style of these notes: a point, and settings that belong to it
    -> {"do": "measure", "id": I, "notes": N}          forgets the session, and measures itself: see `models.decoding.latency`
    <- {"id": I, "seconds": {"note": [float, …], …}}
    <- {"error": "one sentence", "id": I}              `id` where there was one

The first reply to a request has "spared": [N, …], too, where there was spare time: see `models.decoding.spare_time`.
`play` invents the next notes of the answer: see `models.music.note.Span`. `until` is the caller's horizon: it asks again when it
wants more. `close`, `stop` and `hush` may be null (never), BAR may be null (free time) or a list of `models.music.note.Bar`'s
fields. Notes it played count as heard, in order, after those it was told; `hear` with an earlier `at` takes them back.
End of input ends it. A NOTE is a list: see `models.music.note.to_wire`.
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

from .decoding.spare_time import Idler, Spare
from .music.note import ANSWER, Note, Span, from_wire, span_from_wire, to_wire

LINE_LIMIT = 1 << 20  # bytes, more than 8,000 notes; a longer line is refused before it is parsed
AHEAD = 1000  # lines that are read before they are obeyed
MOST = 10_000.0  # either way, of the numbers of a style; a key is a set of twelve bits
COLLECTED = 100  # requests between two looks for garbage


class Musician(Idler, Protocol):
    """What the worker drives: the engine, or the echo below."""

    def about(self) -> dict[str, Any]:
        """What the `ready` line says."""

    def hear(self, at: int, notes: list[Note]) -> None:
        """Replace everything from the `at`-th note on by `notes`."""

    def style(self, z: list[float] | None, sampling: dict[str, float]) -> None:
        """Style and sampling of all notes to come."""

    def vamp(self, notes: list[Note]) -> None:
        """A few bars of the style, to have in the ear before each answer to come."""

    def seed(self, seed: int) -> None:
        """Make what follows repeatable."""

    def play(self, span: Span) -> Generator[Note, None, str]:
        """Invent notes, as `play` above; the generator returns "more" or "end"."""

    def counts(self) -> dict[str, int]:
        """What it counts."""

    def draft(self, span: Span, count: int) -> None:
        """Think of that answer in spare time, `count` times."""

    def encode(self, notes: list[Note]) -> list[float]:
        """The style of `notes`, a point in the latent space."""

    def habits(self, notes: list[Note]) -> dict[str, float]:
        """What else is told of their style, as settings: see `models.steering.style_habits`."""


class Echo:
    """A musician without a network: it plays the call back an octave up. For tests, and to try the wiring."""

    def __init__(self) -> None:
        self.heard: list[Note] = []

    def about(self) -> dict[str, Any]:
        return {"engine": "echo", "weights": "none", "fingerprint": "none", "window": 256, "style": 0}

    def hear(self, at: int, notes: list[Note]) -> None:
        self.heard[at:] = notes

    def style(self, z: list[float] | None, sampling: dict[str, float]) -> None:
        pass

    def vamp(self, notes: list[Note]) -> None:
        pass

    def seed(self, seed: int) -> None:
        pass

    def counts(self) -> dict[str, int]:
        return {}

    def draft(self, span: Span, count: int) -> None:
        pass

    def spare(self) -> bool:
        return False

    def encode(self, notes: list[Note]) -> list[float]:
        return []

    def habits(self, notes: list[Note]) -> dict[str, float]:
        return {}

    def play(self, span: Span) -> Generator[Note, None, str]:
        played = 0  # how much of the call has been answered so far
        while played < len(self.heard) and self.heard[-1 - played].role == ANSWER:
            played += 1
        last = len(self.heard) - played
        first = last
        while first > 0 and self.heard[first - 1].role != ANSWER:
            first -= 1
        call = self.heard[first:last]
        if not call:
            return "end"
        start = self.heard[last].onset if played else max(span.earliest, call[-1].onset + 0.25)
        if span.bar is not None and span.on_beat and not played:
            start = span.bar.beat_from(start)
        for note in call[played:]:
            onset = start + note.onset - call[0].onset
            if onset > min(span.stop, span.hush):
                return "end"
            onset = max(onset, span.earliest)
            up = 12 if note.pitch <= 96 else 0
            place = None if span.bar is None else span.bar.place(onset)
            duration = min(note.duration, 0.5, span.hush - onset)
            echo = Note(onset, duration, note.pitch + up, note.velocity, ANSWER, place)
            self.heard.append(echo)
            yield echo
            if onset >= span.until:
                return "more"
        return "end"


def serve(musician: Musician, lines: Iterator[str], say: Any, has_time: Callable[[], bool] = lambda: False) -> None:
    """Answer requests until the lines end. `say` takes one reply, a dict. Never raises on bad input: it says so.

    Between requests, while it `has_time`, the musician does what nobody waits for.
    """
    say({"ready": musician.about()})
    spare = Spare(musician, has_time)
    while True:
        spare.take()
        if (line := next(lines, None)) is None:
            return
        ident: Any = None
        try:
            if len(line) > LINE_LIMIT:
                raise ValueError("line too long")
            request = json.loads(line, parse_constant=_no_number)
            if not isinstance(request, dict):
                raise ValueError("a request is a JSON object")
            ident = request.get("id")
            if request.get("do") == "spare":
                spare.give(int(request["steps"]))
            else:
                _obey(musician, request, ident, lambda reply: say(spare.mark(reply)))
        except (ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
            told = str(error) if isinstance(error, ValueError) else f"{type(error).__name__}: {error}"
            reply = {"error": told[:240]}
            say(reply if ident is None else {**reply, "id": ident})


def _no_number(text: str) -> float:
    raise ValueError(f"{text} is no JSON number")


def _moderate(value: Any) -> float:
    """A number of a size that can be worked with. Raises ValueError."""
    if not abs(number := float(value)) <= MOST:
        raise ValueError(f"{str(value)[:40]} is out of all bounds")
    return number


def _obey(musician: Musician, request: dict[str, Any], ident: Any, say: Any) -> None:
    match request.get("do"):
        case "hear":
            musician.hear(int(request["at"]), [from_wire(row) for row in request["notes"]])
        case "style":
            z, settings = request.get("z"), request.get("sampling", {})
            if not isinstance(settings, dict):
                raise ValueError("sampling is a JSON object")
            sampling = {str(k): _moderate(v) for k, v in settings.items()}
            musician.style(None if z is None else [_moderate(x) for x in z], sampling)
        case "draft":
            musician.draft(span_from_wire(request), min(max(int(request["candidates"]), 0), 16))
            while request.get("at_once") and musician.spare():
                pass
        case "vamp":
            musician.vamp([from_wire(row) for row in request["notes"]])
        case "seed":
            musician.seed(int(request["seed"]))
        case "play":
            notes = musician.play(span_from_wire(request))
            while True:
                try:
                    note = next(notes)
                except StopIteration as end:
                    done = {"id": ident, "done": end.value or "end"}
                    say({**done, "did": did} if (did := musician.counts()) else done)
                    break
                say({"id": ident, "note": to_wire(note)})
        case "encode":
            heard = [from_wire(row) for row in request["notes"]]
            say({"id": ident, "z": musician.encode(heard), "habits": musician.habits(heard)})
        case "measure":
            if not hasattr(musician, "backend"):
                raise ValueError("there is nothing to measure")
            from .decoding import latency

            say({"id": ident, "seconds": latency.measure(musician, min(max(int(request["notes"]), 8), 20_000))})  # type: ignore[arg-type]
        case other:
            raise ValueError(f"unknown request {str(other)[:40]!r}")


def _awaited(lines: queue.Queue[str | None]) -> Iterator[str]:
    """Line after line; while there is none, and now and then only, the garbage is collected."""
    for count in itertools.count():
        if count % COLLECTED == 0 and lines.empty():
            gc.collect()
        if (line := lines.get()) is None:
            return
        yield line


def _read(lines: queue.Queue[str | None], stream: BinaryIO) -> None:
    """All that comes in, and at its end None. Of a line that is too long, no more is kept than shows that it is."""
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
        sys.stdout.write(json.dumps(reply, allow_nan=False) + "\n")
        sys.stdout.flush()

    musician: Musician
    if args.echo:
        musician = Echo()
    else:
        for threads in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):  # read when numpy is imported
            os.environ.setdefault(threads, "1")
        with contextlib.suppress(AttributeError, OSError):
            os.nice(5)  # who keeps time comes first
        from .decoding import backend_choice  # a runtime is loaded only where it is needed
        from .runtime.weights_file import CheckpointError

        try:
            musician = backend_choice.load(args.weights, args.engine)
        except CheckpointError as error:
            say({"error": str(error)})
            return 2
        gc.collect()
        gc.freeze()  # what is there now stays; the collector need not look at it again
        gc.disable()  # and looks at the rest when nobody waits for us
    lines: queue.Queue[str | None] = queue.Queue(AHEAD)
    threading.Thread(target=_read, args=(lines, sys.stdin.buffer), name="reader", daemon=True).start()
    serve(musician, _awaited(lines), say, lines.empty)
    return 0


if __name__ == "__main__":
    sys.exit(main())
