"""Ports that may be pulled out while we play. One that goes is awaited, and opened again by its own name.

What sounds on an output that went, or is held on an input that went, must be ended. An output that is connected anew gets its program
and bank again. Which name a port is to look for among, `agent.midi.hotplug` decides.

Threads: as those of ports. `check` blocks, and is run beside the event loop.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from ..errors import UserError, hint
from .jack.watcher import JACK_WATCH
from .keys_down_ledger import SETTLING, Ledger
from .messages import (
    ALL_NOTES_OFF,
    BANK_COARSE,
    BANK_FINE,
    CHANNEL,
    CONTROL,
    KIND,
    NOTE_ON,
    PROGRAM,
    Event,
    controls,
    is_pedal,
)
from .port_errors import PortLost
from .port_names import stable_name
from .port_subscribers import subscribers
from .ports import InputPort, OutputPort

UNSURE_SECONDS = 4.0  # before a port was found to be gone, in which what was sent may have been lost
TRIES_BEFORE_SAYING = 2  # a port that is just coming may refuse once


class HotplugPort:
    """A port that may go and come. `wanted` is its name or a part of it, None for one of our own making.

    `open_port` opens a port by name. One that `waits` may be missing at first, or in use elsewhere: it is opened when it can be.
    """

    def __init__(
        self, wanted: str | None, api: str, open_port: Callable[[str | None, str], Any], *, waits: bool = False
    ) -> None:
        self.wanted = wanted
        self.api = api
        self.name = wanted or ""
        self._open_port = open_port
        self._shutdowns = JACK_WATCH.shutdowns
        self._port: Any = None
        self._was_open = False
        self._failures = 0  # to open it, since it was found last
        self._has_said_missing = False
        try:
            self._keep(open_port(wanted, api))
        except UserError:
            if not waits:
                raise
        self._closed = False
        self._lock = threading.RLock()
        self.ledger = Ledger()

    @property
    def is_there(self) -> bool:
        """Whether the port is open."""
        return self._port is not None

    @property
    def is_own(self) -> bool:
        """Whether it is a port that we made, for others to connect to."""
        return self.wanted is None

    def check(self, names: list[str] | None) -> str | None:
        """Compare with the names that are there (None: there is no MIDI system any more); a line to say, where something changed."""
        now = self._find(names)
        with self._lock:
            if self._closed:
                return None
            # It was out and in again between two looks.
            has_moved = self.wanted is not None and now != (self.name,)
            is_broken = self._shutdowns != JACK_WATCH.shutdowns or not getattr(self._port, "is_alive", True)
            if self._port is not None and (now is None or has_moved or is_broken):
                self.release()
                return f"{self.name} is gone; play on, it is taken again when it is back."
        if self._port is None:
            return self._say_missing() if now is None else self._reopen(now[0])
        return None

    def _say_missing(self) -> str | None:
        """What to say, once, of a port that has never been there."""
        self._failures = 0
        if self._was_open or self._has_said_missing:
            return None
        self._has_said_missing = True
        return f"{self.wanted} is not there yet: plug it in, and it is heard. If it has another name: {hint('ports')}"

    def _keep(self, port: Any) -> None:
        """This is the open port from now on."""
        self._port = port
        self._was_open = True
        self._failures = 0
        self.name = str(port.name)
        if self.wanted is not None:
            self.wanted = self.name  # in full

    def release(self) -> None:
        """Close the port, and wait for it to come back."""
        port = self._port
        self._port = None
        if port is not None:
            port.close()

    def close(self) -> None:
        with self._lock:
            self._closed = True
            self.release()

    def retire(self) -> None:
        """Close it while the session goes on: what is held on it is ended."""
        with self._lock:
            self.release()
            self._closed = True

    def _find(self, names: list[str] | None) -> tuple[str | None] | None:
        """The name to open, in a tuple; None where it is not there."""
        if names is None:
            return None
        if self.wanted is None:
            return (None,)
        own = stable_name(self.wanted, self.api)
        same = [n for n in names if n == self.name] or [n for n in names if stable_name(n, self.api) == own]
        if not same and not self._was_open:
            same = [n for n in names if self.wanted.lower() in n.lower()]
        return (same[0],) if same else None

    def _reopen(self, name: str | None) -> str | None:
        """Try to open it again; a line to say where that went well, or where it has failed again."""
        shutdowns = JACK_WATCH.shutdowns
        try:
            port = self._open_port(name, self.api)
        except UserError as error:
            self._failures += 1
            return f"{error} It is tried again." if self._failures == TRIES_BEFORE_SAYING else None
        time.sleep(SETTLING)
        with self._lock:
            if self._closed:
                port.close()
                return None
            said = "is back." if self._was_open else "is heard now."
            self._shutdowns = shutdowns
            self._keep(port)
            self._on_reopened()
        return f"{self.name} {said}"

    def _on_reopened(self) -> None:
        """It is open again."""


class HotplugOutput(HotplugPort):
    """An output that may go and come. While it is gone, messages go nowhere; when it is back, all that sounded on it ends."""

    def __init__(self, wanted: str | None, api: str, open_port: Callable[[str | None, str], OutputPort]) -> None:
        super().__init__(wanted, api, open_port)
        self._sounds: dict[
            tuple[int, int], bytes
        ] = {}  # the last bank and program of each channel, by channel and place
        self._subscribers: set[str] = set()  # who is connected to a port of ours
        self.on_send: Callable[[bytes], None] = lambda message: None  # called with every message
        self._pending_ends: list[bytes] = []  # of what sounded when it went
        # Of these, what is to be sent once more: a system that is just back may have passed it over.
        self._repeats: list[bytes] = []

    def send(self, message: bytes) -> None:
        if self._repeats:
            with self._lock:  # so that a repeated end stops nothing that has just begun
                self._send(message)
        else:
            self._send(message)

    def check(self, names: list[str] | None) -> str | None:
        line = super().check(names)
        with self._lock:
            if line is None and self._port is not None:
                for message in self._repeats:
                    if not self.ledger.is_down(message):
                        self._send(message)
                self._repeats = []
            if self._port is not None and self.is_own:
                self._greet(set(subscribers(self.api, self.name)))
        return line

    def take_over(self, former: HotplugOutput) -> None:
        """Play in place of another output from now on, with the same programs and banks."""
        with self._lock:
            self._sounds |= former._sounds
            self._send_sounds()

    def _greet(self, now: set[str]) -> None:
        """Who is connected anew has not heard of the program and the bank."""
        new = now - self._subscribers
        self._subscribers = now
        if new:
            self._send_sounds()

    def _send_sounds(self) -> None:
        for _, message in sorted(self._sounds.items()):
            self._send(message)

    def _send(self, message: bytes) -> None:
        place = _place_of_sound(message)
        if place is not None:
            self._sounds[place] = message
        port = self._port
        if port is None:
            return
        begins = message[-1] > 0 and (message[0] & KIND == NOTE_ON or is_pedal(message))
        if begins:
            self.on_send(message)  # the watchdog must know of it before anybody hears it
        try:
            port.send(message)
        except PortLost:
            with self._lock:
                self._shutdowns = -1  # `check` will say it, and try again
            return
        self.ledger.record(message, time.perf_counter())
        if not begins:
            self.on_send(message)

    def release(self) -> None:
        super().release()
        self._subscribers = set()
        self._pending_ends = self.ledger.ends(time.perf_counter() - UNSURE_SECONDS)

    def targets(self) -> list[str]:
        """The ports at the other end, as far as the system tells."""
        if self.wanted is not None:
            return [self.name]
        return JACK_WATCH.listeners(self.name) if self.api == "jack" else []

    def _on_reopened(self) -> None:
        channels = sorted(self.ledger.channels)
        silence = [message for channel in channels for message in controls(channel, (ALL_NOTES_OFF,))]
        ends = [*self._pending_ends, *self.ledger.ends()]
        for message in dict.fromkeys((*ends, *silence)):
            self.send(message)
        self._send_sounds()
        self._repeats = list(dict.fromkeys(ends))


class HotplugInput(HotplugPort):
    """An input that may go and come. When it goes, its keys and pedals come up."""

    def __init__(
        self, wanted: str | None, api: str, open_port: Callable[[str | None, str], InputPort], *, waits: bool = False
    ) -> None:
        super().__init__(wanted, api, open_port, waits=waits)
        self._on_event: Callable[[Event], None] | None = None

    def open(self, on_event: Callable[[Event], None]) -> None:
        self._on_event = on_event
        if self._port is not None:
            self._port.open(self._on_port_event)

    def release(self) -> None:
        super().release()
        ends = self.ledger.ends()
        self.ledger = Ledger()
        for message in ends:
            if self._on_event is not None and not self._closed:
                self._on_event(Event(time.perf_counter(), message))

    def _on_port_event(self, event: Event) -> None:
        self.ledger.record(event.message)
        if self._on_event is not None:
            self._on_event(event)

    def _on_reopened(self) -> None:
        if self._on_event is not None:
            self._port.open(self._on_port_event)


def _place_of_sound(message: bytes) -> tuple[int, int] | None:
    """Channel and place of a message that chooses a sound, in the order in which a synth wants them: bank, then program. Else None."""
    kind = message[0] & KIND
    if kind == PROGRAM and len(message) == 2:
        return message[0] & CHANNEL, 2
    if kind == CONTROL and len(message) == 3 and message[1] in (BANK_COARSE, BANK_FINE):
        return message[0] & CHANNEL, int(message[1] == BANK_FINE)
    return None
