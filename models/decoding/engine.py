"""The engine: a musician with a memory of what was heard, that can play on from there, and take back.

Knows nothing of the present or of ports, nor of what makes the numbers: see `models.runtime.backend`. Seconds are only
distances between notes.

What was heard is fed to the network at once, so that an answer begins from a hidden state that is there already; what was played is told
first and fed afterwards.
Taking back is moving the end of the cache. The style is read at each step as it is fed or played, so it changes at the
next note.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..encoding import codec
from ..encoding.codec import PREDICTED
from ..music.chords import SAME_STROKE_SECONDS
from ..music.note import ANSWER, CALL, HELD, SHORTEST, Note, Span
from ..music.settings import PROMPT_NOTES
from ..runtime.backend import Backend, Floats
from ..steering import constraints, knobs, style_habits, style_offset
from ..steering.pipeline import Pipeline
from ..steering.sampling import Sampling, draw, softmax
from . import style_prompt
from .candidates import CandidatePool
from .context import Context
from .reranker import Reranker

CLOSING_REST = 0.5  # seconds: once it may close, an answer ends before a rest of this length
EVEN = 0.4  # in a duet, the share of notes that is ours whatever the musician thinks
AT_ONCE = 16  # notes that are fed in spare time before one looks up again


class Engine:
    """One musician in one session."""

    def __init__(
        self,
        network: Backend,
        name: str = "unnamed",
        fingerprint: str = "none",
        points: str = "",
        ear: Reranker | None = None,
    ) -> None:
        self.network, self.config, self.cache = network, network.config, network.ring
        self.name, self.fingerprint = name, fingerprint
        self.points = points or name  # the weights whose style encoder this is: to them, points mean the same
        self.ear = ear  # who chooses among drafts
        self.note = ""  # what is to be said of it
        self.steering = Pipeline(self.config.latent)
        self.sampling = Sampling()
        self.generator, self.seeded = np.random.default_rng(0), 0
        self.drafts = CandidatePool(self)
        self.memory = Context(network)
        self._vamp: list[Note] = []
        self._beat: float | None = None  # seconds, of the beat that it was told in
        self._over = False  # whether the answer that it led to is
        self._fed = self._again = 0  # see `heard`
        self.memory.settle()

    def warm_up(self) -> None:
        """Play a little for nobody: what a runtime does only once, it does now, and not before the first answer."""
        for count in (1, 2, 8, 24):
            self.hear(0, [Note(0.25 * i, 0.2, 60 + i % 12, 64) for i in range(count)])
            next(self.play(Span(6.0, 7.0, 8.0, 9.0)), None)
        self.memory.restart(0, [])
        self.seed(0)
        self._fed = self._again = self.memory.anew = 0

    def about(self) -> dict[str, Any]:
        """What one may want to know of it."""
        told = {
            "engine": self.network.runtime,
            "weights": self.name,
            "fingerprint": self.fingerprint,
            "window": self.config.window,
            "style": self.config.latent,
            "points": self.points,
        }
        return {**told, "note": self.note} if self.note else told

    def style(self, z: list[float] | None, sampling: dict[str, float]) -> None:
        """Style and sampling from the next note on. Raises ValueError where they do not fit."""
        point = np.zeros(self.config.latent, np.float32) if z is None else np.array(z, np.float32)
        if point.shape != (self.config.latent,) or not np.isfinite(point).all():
            raise ValueError(f"a style has {self.config.latent} numbers; this one has {len(z or ())}")
        self.sampling = Sampling.of(sampling)
        self.steering.style(point, self.sampling, z is not None)
        self.memory.z = knobs.moved(style_offset.told(point, self.sampling.emphasis), self.sampling.knobs)
        self.drafts.drop()
        self._ask_again()

    def vamp(self, notes: list[Note]) -> None:
        """Have these few bars in the ear before each answer to come: see `models.decoding.style_prompt`. Raises
        ValueError where they are too many."""
        if len(notes) > PROMPT_NOTES:
            raise ValueError(f"a vamp has at most {PROMPT_NOTES} notes; this one has {len(notes)}")
        self._vamp = notes
        self.drafts.drop()
        self._ask_again()

    def seed(self, seed: int) -> None:
        """Make what follows repeatable."""
        self.generator, self.seeded = np.random.default_rng(abs(seed)), abs(seed)
        self.drafts.drop()

    def hear(self, at: int, notes: list[Note]) -> None:
        """From the `at`-th note on, `notes` is what was heard. Only what differs is fed again. Raises ValueError."""
        memory = self.memory
        self.drafts.reconsider()
        heard = memory.length
        if not 0 <= at <= heard:
            raise ValueError(f"hear at {at}: {heard} notes are known")
        if at < memory.forgotten:  # further back than memory goes: begin again with what we are told
            memory.restart(at, [])
        same, old = 0, memory.notes[at - memory.forgotten :]
        while same < min(len(old), len(notes)) and old[same] == notes[same]:
            same += 1
        if [(n.onset, n.pitch, n.role) for n in old[same:]] != [(n.onset, n.pitch, n.role) for n in notes[same:]]:
            self.drafts.drop()  # it is not only that keys were let go
        self._again += at + same < heard and same < len(notes)
        self._fed += len(notes) - same
        answer = notes[max(memory.aside_at - at, 0) :]  # a key is let go, or a note was late: it goes on as it does
        memory.revise(
            at + same, notes[same:], bool(answer) and not self._over and all(n.role == ANSWER for n in answer)
        )
        memory.settle()
        memory.forget()
        self.steering.hear()

    def encode(self, notes: list[Note]) -> list[float]:
        """The style of some notes: the mean of the latent, averaged over stretches of the length it was trained on."""
        if len(notes) < 4:
            raise ValueError(f"a style needs at least 4 notes; there are {len(notes)}")
        span = self.config.style_notes
        means = []
        for start in range(0, max(len(notes) - span // 2, 1), span):
            means.append(self.network.encode_style(codec.encode(notes[start : start + span])))
        return [round(float(v), 4) for v in np.mean(means, axis=0)]

    def habits(self, notes: list[Note]) -> dict[str, float]:
        """The habits of some notes, as settings of a style."""
        return style_habits.learnt(notes)

    def play(self, span: Span) -> Generator[Note, None, str]:
        """The notes of an answer, one by one, of a draft where there is one. Returns "more" where the horizon is reached, or "end"."""
        before = self.length
        end = yield from self.drafts.play(span)
        if end is None:
            end = yield from self.invent(replace(span, on_beat=span.on_beat and self.length == before))
        self._over = end == "end"
        return end

    def did(self) -> dict[str, int]:
        """What was heard, heard again and anew, and drafts that were made and used."""
        drafts = self.drafts
        return {**self.heard, "drafts": drafts.made, "drafted": drafts.used, "chosen_from": drafts.chosen_from}

    def draft(self, span: Span, count: int) -> None:
        """Think of that answer in spare time, `count` times: see `models.decoding.candidates`."""
        self.drafts.wish(span, min(count, 1) if "reranker" in self.sampling.without else count)

    def spare(self) -> bool:
        """Do a little of what nobody waits for; returns whether there is more."""
        if not self.memory.settled:
            self.memory.settle(AT_ONCE)
            return True
        if self._over:
            self.memory.come_back()
            self._over = False
            return True
        return self.drafts.work()

    def invent(self, span: Span) -> Generator[Note, None, str]:
        """`play`, thought of now."""
        self.lead_in(span)
        while True:
            if span.together:
                span = replace(span, earliest=self._room(span))
                if span.earliest >= span.until:
                    return "more"
            note = self._next(span)
            if note is None:
                return "end"
            self.memory.remember([note])
            yield note
            if span.on_beat:
                span = replace(span, on_beat=False)
            if note.onset >= span.until:
                return "more"

    @property
    def state(self) -> Floats:
        """(width,) what it expects to come next, as the heads read it."""
        return self.memory.settle()

    @property
    def heard(self) -> dict[str, int]:
        """Notes that were `fed`, how often the tail was fed `again` from some note on, and how often the whole window was `anew`."""
        return {"fed": self._fed, "again": self._again, "anew": self.memory.anew}

    @property
    def notes(self) -> list[Note]:
        """What was heard and played, as far as it is remembered."""
        return self.memory.notes

    @property
    def length(self) -> int:
        """How many notes there have been."""
        return self.memory.length

    def lead_in(self, span: Span) -> bool:
        """Before an answer begins, tell the network how it goes in that style. Returns whether that is to be fed."""
        memory, notes = self.memory, self.memory.notes
        beat = None if span.bar is None else span.bar.length / span.bar.beats
        if beat != self._beat:
            self._ask_again()
        prompted = bool(self._vamp) and "style-prompt" not in self.sampling.without
        if memory.aside or not prompted or span.together or not notes or notes[-1].role == ANSWER:
            return False
        called = [n for n in notes[-style_prompt.HEARD :] if n.role == CALL]
        memory.tell_aside(style_prompt.fitted(self._vamp, called, self.sampling.dynamics, beat), style_prompt.BREATH)
        self._beat, self._over = beat, False
        return True

    def _ask_again(self) -> None:
        """How the next answer goes has changed: what was told aside for it does not count any more."""
        if self.memory.length == self.memory.aside_at:
            self.memory.come_back()

    # -- invention -------------------------------------------------------------------------------------------------

    def _next(self, span: Span) -> Note | None:
        """The next note of the answer, or None where the answer is over. Fields are chosen in the order of CHOSEN."""
        state, near, network = self.memory.settle(), self.memory.near(), self.network
        self.memory.forget()
        last = self.notes[-1] if self.notes else Note(span.earliest, HELD, 60, 64)
        answering = last.role == ANSWER
        chosen = [ANSWER, 0, 0, 0, 0, codec.FREE, codec.HUMAN]
        if (
            answering
            and last.onset >= span.close
            and self._choose(network.logits(state, codec.ROLE, near), codec.ROLE) == CALL
        ):
            return None
        onset = last.onset
        steer = self.steering.note(self.notes, self.memory.forgotten, span, self.seeded)
        for field in range(len(PREDICTED)):
            if field > codec.ROLE:
                logits = steer(network.logits(state, field, near), field, onset)
                if field == codec.TIME:
                    open_ = constraints.allowed_waits(self.notes, last, span.earliest, self.sampling.density)
                    logits = np.where(open_, logits, -np.inf)
                elif field == codec.PITCH:
                    logits = np.where(constraints.allowed_pitches(self.notes, onset, self.sampling), logits, -np.inf)
                chosen[field] = self._choose(logits, field)
                if field == codec.TIME:
                    wait = float(codec.TIMES[chosen[field]])
                    onset = constraints.onset_after(last.onset, wait, span)
                    since = onset - last.onset
                    chosen[field] = codec.time_bin(since if answering else min(since, codec.MAX_TURN_GAP))
                    if onset > min(span.stop, span.hush - SHORTEST):
                        return None
                    if answering and onset >= span.close and wait >= CLOSING_REST:
                        return None
            if field < codec.DURATION:
                state = network.condition(state, field, chosen[field])
        note = codec.decode(chosen, onset)
        place = None if span.bar is None or span.bar.beats == 1 else span.bar.place(onset)
        duration = min(max(note.duration, SHORTEST), span.hush - onset)
        return Note(onset, duration, note.pitch, note.velocity, ANSWER, place)

    def _room(self, span: Span) -> float:
        """From when on the next note may be ours, if notes of the other one's are expected before it.

        Role and time are drawn together; a note that turns out to be the other's is passed over, and only its time counts.
        Half of the odds of the role are fixed: left to themselves, they make the silent one more silent.
        """
        earliest, network, state, near = span.earliest, self.network, self.memory.settle(), self.memory.near()
        last = self.notes[-1] if self.notes else Note(earliest, HELD, 60, 64)
        ours = EVEN + 0.5 * float(softmax(network.logits(state, codec.ROLE, near))[ANSWER])
        theirs = network.logits(network.condition(state, codec.ROLE, CALL), codec.TIME, near)
        while earliest < span.until and self.generator.random() > ours:
            logits = np.where(
                constraints.allowed_waits(self.notes, last, earliest, self.sampling.density), theirs, -np.inf
            )
            wait = float(codec.TIMES[self._choose(logits, codec.TIME)])
            earliest = max(earliest, last.onset + wait) + SAME_STROKE_SECONDS
        return earliest

    def _choose(self, logits: NDArray[np.floating], field: int) -> int:
        s = self.sampling
        return draw(logits, s.heat(PREDICTED[field]), s.top_p, s.min_p, self.generator)
