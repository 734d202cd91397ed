"""Which port the MIDI clock is taken from, where several bring one. Pure: `now` is in monotonic seconds.

A keyboard with two ports sends its clock through both, and many keyboards send one that nobody asked for. Two clocks at once would be
twice as fast.
"""

from __future__ import annotations

from ..midi.messages import CONTINUE, POSITION, START, STOP, TICK

CLOCK_WORDS = (TICK, START, CONTINUE, STOP, POSITION)
SILENCE = 1.0  # seconds without a word, after which another port is followed
TOGETHER = 0.5  # seconds in which a second start is that of the same machine
LONG_AGO = -1e9  # seconds


class ClockSource:
    """Follows one port at a time: the first that is heard, until it is silent or another one is started."""

    def __init__(self) -> None:
        self._port = ""
        self._heard = LONG_AGO
        self._started = LONG_AGO

    def follows(self, message: bytes, now: float, port: str) -> bool:
        """Whether a system message counts. All but those of a clock do."""
        word = message[0]
        if word not in CLOCK_WORDS:
            return True
        is_start = word in (START, CONTINUE)
        is_new_start = is_start and not 0.0 <= now - self._started <= TOGETHER
        if port != self._port and not is_new_start and 0.0 <= now - self._heard <= SILENCE:
            return False
        self._port = port
        self._heard = now
        if is_start:
            self._started = now
        return True
