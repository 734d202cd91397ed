"""MIDI feedback: our own output that comes back as input, through a DAW or a cable, is recognised and not taken for the player.

Pure: `now` is an argument, in monotonic seconds.

Nobody strikes the same key exactly as hard within `LOOP` seconds of the agent's note-on, or releases it so soon after it did; a loop does.
A note-on that was ours is ended by a note-off of ours only: where we have ended nothing there since, the note-off is the player's own.

A system exclusive message that comes again so soon after it was sent is an echo.

What we pass on for the player may come back, too, on the very port on which it is played. There a fast repetition looks the same. It is
the player's own where the key has come up since: a note is usually longer than a loop. It is an echo where this port has lately brought
back a note of the agent's. The echo of a note that is shorter than the loop would go round for ever: so after `MOST_REPEATS` one stroke
is held back. If another follows all the same, the player plays them; else this port is in a loop.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from .messages import CHANNEL, KEYS_UP, KIND, NOTE_OFF, NOTE_ON, Key, is_channel_mode, is_sysex

LOOP = 0.06  # seconds: longer than a loop through a DAW's buffers takes
LOOP_MEMORY = 30.0  # seconds in which a port that brought an echo is thought to be in a loop
MOST_REPEATS = 32  # fast strokes of one key in a row that are passed on unproven: two seconds at most
AGENT = ""  # the source of what we play ourselves
LONG_AGO = -1e9  # seconds
NEVER = (LONG_AGO, 0)  # seconds, and a count
MOST_SYSEX_KEPT = 64  # system exclusive messages that are remembered: more in `LOOP` seconds do not fit through a cable
MOST_NOTE_ONS = 4096  # remembered; channels times pitches are no more than 2048


@dataclass(frozen=True, slots=True)
class SentNote:
    """A note-on that was sent: when, the count of messages then, and the port of the player's from which it was passed on."""

    when: float
    count: int
    source: str


UNSENT = SentNote(LONG_AGO, 0, AGENT)


@dataclass(slots=True)
class InputState:
    """What is known of an input port."""

    down: set[Key] = field(default_factory=set)  # its keys that are down
    echoed: float = LONG_AGO  # when it last brought an echo, in seconds
    repeats: dict[bytes, int] = field(default_factory=dict)  # note-ons that are repeated fast, and how often in a row
    held_back: dict[bytes, float] = field(
        default_factory=dict
    )  # those of which one was held back, and when, in seconds
    ended: dict[Key, int] = field(default_factory=dict)  # the counts of the last note-offs that came back
    is_proven: bool = False  # the player repeats more notes than a loop does


class FeedbackFilter:
    """Remembers what was sent lately, what is held on each port, and which keys our own note-ons hold down."""

    def __init__(self) -> None:
        self.returned = 0  # note-ons of ours that came back so far
        self._count = 0  # of messages that we have sent
        self._note_ons: dict[bytes, SentNote] = {}
        self._note_offs: dict[Key, tuple[float, int]] = {}
        self._modes: dict[bytes, float] = {}  # channel mode messages, and when each was sent
        self._sysex: deque[tuple[bytes, float]] = deque(maxlen=MOST_SYSEX_KEPT)  # and when each was sent
        self._ignored: dict[Key, int] = {}  # counts of the note-ons of ours that came back
        self._inputs: dict[str, InputState] = {}

    def record(self, message: bytes, now: float, source: str = AGENT) -> None:
        """We have sent this message; `source` is the port of the player's that it was passed on from."""
        self._count += 1
        if is_note_on(message):
            if len(self._note_ons) > MOST_NOTE_ONS:
                self._note_ons.clear()
            self._note_ons[message] = SentNote(now, self._count, source)
        elif is_note_off(message):
            self._note_offs[message[0] & CHANNEL, message[1]] = now, self._count
        elif is_channel_mode(message):
            self._modes[message] = now
        elif is_sysex(message):
            self._sysex.append((message, now))

    def is_own(self, message: bytes, now: float, port: str = "in") -> bool:
        """Whether this message, which arrives on that port now, is ours."""
        if is_note_on(message):
            return self._is_own_note_on(message, now, port)
        if is_channel_mode(message):
            return self._is_own_mode(message, now, port)
        if is_sysex(message):
            return any(sent == message and 0.0 <= now - when <= LOOP for sent, when in self._sysex.copy())
        return is_note_off(message) and self._is_own_note_off(message, now, port)

    def _is_own_note_on(self, message: bytes, now: float, port: str) -> bool:
        key = (message[0] & CHANNEL, message[1])
        state = self._inputs.setdefault(port, InputState())
        sent = self._note_ons.get(message, UNSENT)
        is_recent = 0.0 <= now - sent.when <= LOOP
        if now - state.held_back.pop(message, LONG_AGO) <= LOOP:  # no loop brings back what was not sent
            state.is_proven = True
            state.echoed = LONG_AGO
        if is_recent and not (sent.source == port and key not in state.down and _is_repetition(message, now, state)):
            if sent.source == AGENT:
                state.echoed = now
                state.is_proven = False
            self._ignored[key] = sent.count
            self.returned += 1
            return True
        if not is_recent:
            state.repeats.pop(message, None)
        self._ignored.pop(key, None)  # the player's own, and so is its end
        state.down.add(key)
        return False

    def _is_own_note_off(self, message: bytes, now: float, port: str) -> bool:
        key = (message[0] & CHANNEL, message[1])
        state = self._inputs.setdefault(port, InputState())
        when, count = self._note_offs.get(key, NEVER)
        if 0.0 <= now - when <= LOOP and state.ended.get(key) != count:  # each end comes back to a port once
            ends_ignored = count > self._ignored.get(key, count)
            goes_round = key not in state.down and now - state.echoed < LOOP_MEMORY
            if ends_ignored or goes_round:
                self._ignored.pop(key, None)
                state.ended[key] = count
                return True
        state.down.discard(key)
        return False

    def _is_own_mode(self, message: bytes, now: float, port: str) -> bool:
        """All notes off and the like come back on a port that is in a loop; there they would end what is played meanwhile."""
        state = self._inputs.setdefault(port, InputState())
        if now - state.echoed < LOOP_MEMORY and 0.0 <= now - self._modes.get(message, LONG_AGO) <= LOOP:
            return True
        if message[1] in KEYS_UP:
            state.down = {key for key in state.down if key[0] != message[0] & CHANNEL}
        return False


def _is_repetition(message: bytes, now: float, state: InputState) -> bool:
    """Whether the player repeats a note that was passed on from this port just now."""
    state.repeats[message] = state.repeats.get(message, 0) + 1
    if state.repeats[message] > MOST_REPEATS and not state.is_proven:
        state.held_back[message] = now
        state.echoed = now
    return now - state.echoed >= LOOP_MEMORY


def is_note_on(message: bytes) -> bool:
    """Whether a key goes down."""
    return len(message) == 3 and message[0] & KIND == NOTE_ON and message[2] > 0


def is_note_off(message: bytes) -> bool:
    """Whether a key comes up."""
    return len(message) == 3 and message[0] & KIND in (NOTE_OFF, NOTE_ON) and not is_note_on(message)
