"""A thread that sends each message at its time. The schedule decides what is sent; this keeps the time.

Threads: all methods may be called from any; everything that touches the schedule or the port is under one lock, so that an off and the
on after it never change places. The thread sleeps until shortly before something is due, and then waits for it awake, for less than a
millisecond.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterable
from typing import Any

from models.music.note_records import Note

from .. import thread_priority
from ..clock import Clock, measured
from ..errors import UserError
from ..midi.ports import OutputPort
from .note_schedule import Schedule, SentMessage

BUSY_WAIT = 0.0008  # seconds: systems wake a sleeper up to this late
OnSent = Callable[[SentMessage, float], None]
Journal = Callable[[float, dict[str, Any]], None]


class Player:
    """Plays notes on one channel of one port. `on_sent(sent, actual)` is told of every message, on the thread that sent it."""

    def __init__(self, output: OutputPort, clock: Clock, channel: int, on_sent: OnSent) -> None:
        self.schedule = Schedule(channel)
        self.port_error: UserError | None = None  # why the port cannot be played any more
        self.journal: Journal | None = None  # told what was done when, and after how many orders, for a replay
        self.after_cut: Callable[[], None] = lambda: None  # called when notes of ours were cut
        self.orders = 0  # how often the event loop has asked for something
        self._output = output
        self._clock = clock
        self._on_sent = on_sent
        self._wake = threading.Condition()
        self._stopping = False
        self.priority = thread_priority.NORMAL  # of its thread
        self._thread = threading.Thread(target=self._run, name="player", daemon=True)

    def start(self) -> None:
        """Begin to keep time."""
        self._thread.start()

    def add(self, notes: Iterable[tuple[int, Note]]) -> None:
        """Plan numbered notes."""
        with self._wake:
            self._order()
            for number, note in notes:
                self.schedule.add(number, note)
            self._wake.notify()

    def send_at(self, when: float, message: bytes) -> None:
        """Plan a message that is no note; what is due leaves at once."""
        with self._wake:
            self._order()
            if when <= self._clock.now():
                self._send([SentMessage(when, message, -1, False)])
                return
            self.schedule.add_message(when, message)
            self._wake.notify()

    def cut(self) -> set[int]:
        """Be silent at once; returns the numbers of the notes that had begun since the last cut."""
        with self._wake:
            self._order()
            self._send(self.schedule.cut(self._clock.now()))
            begun = self.schedule.begun_numbers
            self.schedule.begun_numbers = set()
        if begun:
            self.after_cut()
        return begun

    def retract(self) -> set[int]:
        """Take back what has not begun; what sounds, sounds on. Returns the numbers of notes that had begun since the last cut."""
        with self._wake:
            self._order()
            self.schedule.retract()
            return set(self.schedule.begun_numbers)

    def set_curfew(self, when: float) -> None:
        """Be silent from then on, whatever is planned; infinity: never."""
        with self._wake:
            self._order()
            self.schedule.curfew = when
            self._wake.notify()

    def planned(self) -> list[tuple[int, Note]]:
        """The notes that are to come, by number."""
        with self._wake:
            return self.schedule.planned()

    def claim_pitch(self, pitch: int) -> None:
        """The player strikes this pitch on our channel; call it before the key's own message is sent."""
        with self._wake:
            now = self._clock.now()
            self._send(self.schedule.claim_pitch(pitch, now))
            self._note(now, taken=pitch)

    def free_pitch(self, pitch: int) -> None:
        """The player lets this pitch go."""
        with self._wake:
            self.schedule.free_pitch(pitch)
            self._note(self._clock.now(), freed=pitch)

    def sounds(self, pitch: int) -> bool:
        """Whether a note of ours sounds there."""
        return pitch in self.schedule.sounding

    def send_if_silent(self, message: bytes, output: OutputPort) -> bool:
        """Send a message of the player's to an output, unless a note of ours sounds; whether it was sent. Raises PortLost."""
        with self._wake:
            if self.schedule.sounding:
                return False
            output.send(message)
            return True

    def panic(self) -> None:
        """Silence, pedal up, all notes off, and go on."""
        with self._wake:
            self._order()
            self._send(self.schedule.silence(self._clock.now()))

    def stop(self) -> None:
        """End every note and the thread. May be called twice."""
        with self._wake:
            self._order()
            self._stopping = True
            self._send(self.schedule.silence(self._clock.now()))
            self._wake.notify()
        if self._thread.is_alive():
            self._thread.join(timeout=1.0)

    def _run(self) -> None:
        self.priority = thread_priority.request()
        while not self._stopping:
            with self._wake:
                due = self.schedule.next_time()
                ahead = None if due is None else due - self._clock.now()
                if ahead is None or ahead > BUSY_WAIT:
                    self._wake.wait(None if ahead is None else ahead - BUSY_WAIT)
                    continue
            while due is not None and self._clock.now() < due:
                pass
            with self._wake:
                if not self._stopping:
                    now = self._clock.now()
                    self._send(self.schedule.due(now))
                    self._note(now, due=True)

    def _order(self) -> None:
        """The event loop asks for something."""
        self.orders += 1

    def _note(self, when: float, **what: Any) -> None:
        """Something was done that the event loop has not asked for."""
        if self.journal is not None:
            self.journal(when, {**what, "after": self.orders})

    def _send(self, messages: list[SentMessage]) -> None:
        for sent in messages:
            try:
                self._output.send(sent.message)
            except UserError as error:  # go on: the rest of the ledger must be closed all the same
                self.port_error = self.port_error or error
                continue
            with contextlib.suppress(RuntimeError):  # the loop that is told may be closed already
                self._on_sent(sent, measured(self._clock))
