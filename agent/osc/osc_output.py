"""OSC that leaves: whose turn it is, the beat, the notes of both, and what the controls are set to. At a bounded rate."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from ..clock import measured
from ..control.parameters import PARAMETERS
from ..midi.messages import CHANNEL, DRUM_CHANNEL, KIND, NOTE_OFF, NOTE_ON
from ..rate_limit import RateLimit
from ..session.session import Session
from ..takes.recorder import SessionRecorder
from .addresses import (
    AGENT,
    BEAT,
    FADER_ADDRESS,
    KNOB_ADDRESS,
    MODE,
    NOTE_ADDRESS,
    PLAYER,
    PRESET_ADDRESS,
    SONG_ADDRESS,
    TURN,
)
from .datagrams import write_message

A_SECOND, AT_ONCE = 500.0, 1000.0  # messages, but for the ends of notes whose beginning was sent
ALMOST = 0.001  # beats, and seconds: a timer may wake so much too early


class OscNews:
    """The news of one session. `send` takes a datagram. `record_...`: it is a witness of the session, as a take is."""

    def __init__(self, send: Callable[[bytes], None], now: Callable[[], float]) -> None:
        self.left_out = 0
        self._send_datagram = send
        self._now = now
        self._limit = RateLimit(now(), A_SECOND, AT_ONCE)
        self._sounding: set[tuple[str, int, int]] = set()  # notes whose beginning was sent: who, channel, pitch
        self._known: dict[str, Any] = {}  # what was sent last, by address
        self._seen: dict[str, Any] = {}  # what was there at the last look, by address
        self._last_beat: int | None = None

    def turn(self, state: str) -> None:
        """What the agent is doing, in a word or two."""
        self._send_changed(TURN, state)

    def note(self, who: str, message: bytes) -> None:
        """A message of either player's: beginnings and ends of notes are told, but for those of drums."""
        kind = message[0] & KIND
        channel = message[0] & CHANNEL
        if len(message) != 3 or kind not in (NOTE_ON, NOTE_OFF) or channel == DRUM_CHANNEL:
            return
        key = (who, channel, message[1])
        if kind == NOTE_ON and message[2]:
            if self._send(f"{NOTE_ADDRESS}{who}", message[1], message[2]):
                self._sounding.add(key)
        elif key in self._sounding:
            self._end(key)

    def release_all(self) -> None:
        """Every key of the player counts as up."""
        for key in sorted(self._sounding):
            if key[0] == PLAYER:
                self._end(key)

    def beat(self, session: Session) -> float:
        """Tell of the beat that has just begun, if one has; returns the seconds until the next, infinite without a beat."""
        transport = session.transport
        now = measured(session.clock)
        if not transport.running:
            self._last_beat = None
            return math.inf
        begins = transport.pieces[0][0]
        if now < begins - ALMOST:  # a count-in is about to begin
            return begins - now
        number = math.floor(transport.beat_at(now) + ALMOST)
        if number != self._last_beat:
            self._last_beat = number
            bar, beat = divmod(number, transport.beats)
            self._send(BEAT, beat + 1, bar + 1, float(transport.tempo))
        return max(transport.time_at(number + 1) - now, 0.0)

    def settings(self, session: Session) -> None:
        """Tell what has changed since it was last told, and has come to rest: a value is sent when two looks find the same.

        So a fader that a finger moves is not moved back under it.
        """
        rows: dict[str, Any] = {
            MODE: session.partner.mode_settings.mode,
            PRESET_ADDRESS: session.partner.preset.name,
        }
        actions = session.actions
        if actions.set_list:
            rows[SONG_ADDRESS] = (actions.song + 1, actions.set_list[actions.song].name)
        for name, parameter in PARAMETERS.items():
            value = actions.parameter(name)
            rows[KNOB_ADDRESS + name] = round(value, 3)
            rows[FADER_ADDRESS + name] = round((value - parameter.low) / (parameter.high - parameter.low), 4)
        for address, value in rows.items():
            if self._seen.get(address) == value:
                self._send_changed(address, value)
        self._seen = rows

    def _send_changed(self, address: str, value: str | float | tuple[int, str]) -> None:
        arguments = value if isinstance(value, tuple) else (value,)
        if self._known.get(address) != value and self._send(address, *arguments):
            self._known[address] = value

    def _end(self, key: tuple[str, int, int]) -> None:
        """The end of a note is never left out: there are no more of them than beginnings."""
        self._sounding.discard(key)
        self._send_datagram(write_message(f"{NOTE_ADDRESS}{key[0]}", key[2], 0))

    def _send(self, address: str, *arguments: int | float | str) -> bool:
        """Send a message; False where too many have been sent."""
        if not self._limit.allows(self._now()):
            self.left_out += 1
            return False
        self._send_datagram(write_message(address, *arguments))
        return True


class OscWitness:
    """Tells the news of what another recorder of the session records."""

    def __init__(self, recorder: SessionRecorder, news: OscNews) -> None:
        self._recorder = recorder
        self._news = news

    def record_input(self, event: Any, port: str) -> None:
        self._recorder.record_input(event, port)
        self._news.note(PLAYER, event.message)

    def record_output(self, planned: float, actual: float, message: bytes) -> None:
        self._recorder.record_output(planned, actual, message)
        self._news.note(AGENT, message)

    def record_panic(self, when: float) -> None:
        self._recorder.record_panic(when)
        self._news.release_all()

    def close(self) -> None:
        self._recorder.close()
