"""The memory of a session: the notes that were heard and played, their steps, and what the network expects after each.

Knows nothing of what comes next. What is told is fed to the network once; taking back is moving the end of its cache. Something may be
told *aside*, between two notes: the network hears it, it counts as no note, and is forgotten again (`models.decoding.style_prompt`).
"""

from __future__ import annotations

import numpy as np

from ..encoding import codec, longest_match
from ..music.note import Note
from ..runtime.backend import Backend, Floats


class Context:
    """All that one session's musician has in mind."""

    def __init__(self, network: Backend) -> None:
        self.network, self.window, self.ring = network, network.config.window, network.ring
        self.z: Floats = np.zeros(network.config.latent, np.float32)  # the style in which it is fed from now on
        self.notes: list[Note] = []
        self.forgotten = 0  # notes of the session before notes[0]
        self.anew = 0  # how often the whole window had to be fed again
        self.rows = np.tile(codec.SILENCE, (3, 1))  # two before the first, and the silence that is step 0
        self.hidden: list[Floats] = []  # of step 0 and of each step after it, as far as they were fed
        self.aside = self.aside_at = 0  # steps told aside, and notes of the session before them
        self._told: tuple[list[Note], float] = [], 0.0  # which notes, and after how long
        self._start = 0  # notes of the session before the ring's first

    @property
    def length(self) -> int:
        """How many notes there have been."""
        return self.forgotten + len(self.notes)

    @property
    def settled(self) -> bool:
        """Whether all was fed."""
        return 2 + len(self.hidden) == len(self.rows)

    def near(self) -> codec.Steps:
        """The pitches of the last step and the one before it, (2,)."""
        return self.rows[:-3:-1, codec.PITCH].copy()

    def remember(self, notes: list[Note]) -> None:
        """These notes follow; they are fed when somebody asks what comes next, or in spare time."""
        before = self.notes[-1] if self.notes else None
        self.notes.extend(notes)
        self.rows = np.concatenate([self.rows, codec.encode(notes, before)])

    def tell_aside(self, notes: list[Note], wait: float) -> None:
        """Have the network hear at least one note, so many seconds after the last, that counts as none."""
        rows = codec.encode(notes, notes[0].shift(-wait))
        self.rows = np.concatenate([self.rows, rows])
        self.aside, self.aside_at, self._told = len(rows), self.length, (notes, wait)

    def settle(self, most: int | None = None) -> Floats:
        """Feed what was not fed yet, or the first `most` steps of it. Returns the last hidden state, (width,)."""
        while (done := 2 + len(self.hidden)) < len(self.rows):
            upto = min(done + (most or self.ring.margin), len(self.rows))
            first = max(done - longest_match.lookback(self.window), 0)
            if upto - done == 1:
                steps = longest_match.add_recall_to_last(self.rows[first:upto], self.window)[None]
            else:
                steps = longest_match.add_recall(self.rows[first:upto], self.window, done - first)
            self.hidden.extend(self.network.feed(steps, self.rows[done - 2 : done], self.z))
            if most:
                break
        return self.hidden[-1]

    def forget(self) -> bool:
        """Let go of notes that are out of every window, rewinds included. Returns whether there were any."""
        surplus = len(self.notes) - 2 * self.ring.size
        if surplus <= self.ring.size or not self.settled:
            return False
        del self.notes[:surplus]
        self.rows = self.rows[surplus:]
        del self.hidden[:surplus]
        self.forgotten += surplus
        return True

    def back_to(self, count: int) -> None:
        """Keep the first `count` notes of the session."""
        if count < self.aside_at:
            self.come_back()
        if count < self.length:
            self._cut(count, self.aside)

    def revise(self, at: int, notes: list[Note], aside: bool) -> None:
        """From note `at` of the session on, it was these, and what was told aside stays where it is; or is forgotten, if not `aside`."""
        place, stays = self.aside_at, aside and self.aside > 0
        if not stays:
            self.come_back()
        self.back_to(at)
        if stays and at < place:
            self.remember(notes[: place - at])
            self.tell_aside(*self._told)
            notes = notes[place - at :]
        self.remember(notes)

    def come_back(self) -> None:
        """Forget what was told aside: the notes after it follow those before it."""
        if self.aside:
            after = self.notes[self.aside_at - self.forgotten :]
            self.aside = 0
            self._cut(self.aside_at, 0)
            self.remember(after)

    def restart(self, count: int, recent: list[Note]) -> None:
        """Be where a session of `count` notes is that began with `recent`, its last ones."""
        self.anew += count > 0
        self.ring.clear()
        self.notes, self.hidden, self.rows, self.aside = [], [], np.tile(codec.SILENCE, (3, 1)), 0
        self.forgotten = self._start = count - len(recent)
        self.remember(recent)
        self.settle()

    def _cut(self, count: int, aside: int) -> None:
        """Keep the first `count` notes of the session, and so many steps that were told aside."""
        kept = count - self.forgotten
        notes = self.notes[:kept]
        length = 1 + count - self._start + aside  # silence is a step too
        if length >= self.ring.oldest:
            self.ring.rewind(min(length, self.ring.length))  # the last note may not have been fed
            self.notes = notes
            self.rows = self.rows[: kept + aside + 3]
            del self.hidden[kept + aside + 1 :]
        else:  # further back than the ring can go: hear the last window again
            self.restart(count, notes[-self.window :])
