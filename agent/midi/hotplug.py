"""Hot-plugging: ports that may be pulled out while we play. One that goes is announced, awaited, and opened again by its own name.

What sounds on an output that went, or is held on an input that went, must be ended.

Threads: as those of ports. `check` blocks, and is run beside the event loop.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar

from ..errors import UserError
from . import ports
from .jack.watcher import JACK_WATCH
from .ledger import SETTLING, Ledger
from .messages import ALL_NOTES_OFF, CONTROL, KIND, NOTE_OFF, NOTE_ON, Event
from .note_off_watchdog import Watchdog
from .port_errors import PortLost
from .ports import InputPort, OutputPort, PortList

P = TypeVar("P", bound="HotplugPort")
CHECK_SECONDS = 1.0  # between two looks at what is there
UNSURE_SECONDS = 4.0  # before a port was found to be gone, in which what was sent may have been lost
MOVING_NUMBERS = {"alsa": r" \d+:\d+$", "winmm": r" \d+$", "jack": r" \[\d+\]"}
"""What a system adds to a name, and changes when the same thing is plugged in again."""


def stable_name(name: str, api: str) -> str:
    """A port's own name, without the numbers that move."""
    return re.sub(MOVING_NUMBERS.get(api, r"$^"), "", name)


class HotplugPort:
    """A port that may go and come. `wanted` is its name, None for one of our own making; `open_port` opens a port by name."""

    def __init__(self, wanted: str | None, api: str, open_port: Callable[[str | None, str], Any]) -> None:
        self.wanted = wanted
        self.api = api
        self._open_port = open_port
        self._shutdowns = JACK_WATCH.shutdowns
        self._port: Any = open_port(wanted, api)
        self.name = str(self._port.name)
        if wanted is not None:
            self.wanted = self.name  # in full
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
            moved = self.wanted is not None and now != (self.name,)  # it was out and in again between two looks
            if self._port is not None and (now is None or moved or self._shutdowns != JACK_WATCH.shutdowns):
                self.release()
                return f"{self.name} is gone; play on, it is taken again when it is back."
        if self._port is None and now is not None and self._reopen(now[0]):
            return f"{self.name} is back."
        return None

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
        return (same[0],) if same else None

    def _reopen(self, name: str | None) -> bool:
        shutdowns = JACK_WATCH.shutdowns
        try:
            port = self._open_port(name, self.api)
        except UserError:
            return False  # not yet: it may be in the middle of coming
        time.sleep(SETTLING)
        with self._lock:
            if self._closed:
                port.close()
                return False
            self._port = port
            self._shutdowns = shutdowns
            self.name = str(port.name)
            self._on_reopened()
        return True

    def _on_reopened(self) -> None:
        """It is open again."""


class HotplugOutput(HotplugPort):
    """An output that may go and come. While it is gone, messages go nowhere; when it is back, all that sounded on it ends."""

    def __init__(self, wanted: str | None, api: str, open_port: Callable[[str | None, str], OutputPort]) -> None:
        super().__init__(wanted, api, open_port)
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
            sounding = {bytes((NOTE_OFF | c, pitch, 0)) for c, pitch in self.ledger.keys.copy()}
            if line is None and self._port is not None:
                for message in self._repeats:
                    if message not in sounding and message[0] & KIND == NOTE_OFF:
                        self._send(message)
                self._repeats = []
        return line

    def _send(self, message: bytes) -> None:
        port = self._port
        if port is None:
            return
        begins = message[0] & KIND == NOTE_ON and message[-1] > 0
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
        self._pending_ends = self.ledger.ends(time.perf_counter() - UNSURE_SECONDS)

    def targets(self) -> list[str]:
        """The ports at the other end, as far as the system tells."""
        if self.wanted is not None:
            return [self.name]
        return JACK_WATCH.listeners(self.name) if self.api == "jack" else []

    def _on_reopened(self) -> None:
        silence = [bytes((CONTROL | channel, ALL_NOTES_OFF, 0)) for channel in sorted(self.ledger.channels)]
        ends = [*self._pending_ends, *self.ledger.ends()]
        for message in dict.fromkeys((*ends, *silence)):
            self.send(message)
        self._repeats = list(dict.fromkeys(ends))


class HotplugInput(HotplugPort):
    """An input that may go and come. When it goes, its keys and pedals come up."""

    def __init__(self, wanted: str | None, api: str, open_port: Callable[[str | None, str], InputPort]) -> None:
        super().__init__(wanted, api, open_port)
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


class HotplugWatcher:
    """All the ports of one session. `list_ports` lists what is there; None where the MIDI system is gone."""

    def __init__(self, api: str, list_ports: Callable[[], PortList | None] | None = None) -> None:
        self.api = api
        self._list_ports = list_ports or ports.PortScanner(api).ports
        self.ports: list[HotplugPort] = []
        self.available = PortList(api, [], [])  # as of the last check
        self._excluded: set[str] = set()  # instruments that are not to be heard, though they are there
        self.opens_new = False  # whether instruments that are plugged in while we play are heard, too

    def open_input(self, name: str | None) -> HotplugInput:
        """An input by its full name, or one of our own. Raises UserError."""
        return self._add(HotplugInput(name, self.api, ports.open_input))

    def open_output(self, name: str | None) -> HotplugOutput:
        """An output by its full name, or one of our own. Raises UserError."""
        return self._add(HotplugOutput(name, self.api, ports.open_output))

    def close_port(self, port: HotplugPort) -> None:
        """Play with this one no more: what sounds or is held there ends, and it is not opened again by itself."""
        self._excluded.add(stable_name(port.name, self.api))
        self.ports.remove(port)
        port.retire()

    def _add(self, port: P) -> P:
        self.ports.append(port)
        return port

    async def watch(self, say: Callable[[str], None], listen: Callable[[InputPort], None]) -> None:
        """Check now and then, and say what changed; a new instrument is given to `listen`."""
        watchdog: Watchdog | None = None
        while True:
            lines, new = await asyncio.to_thread(self.check)
            outputs = [port for port in self.ports if isinstance(port, HotplugOutput)]
            if outputs and watchdog is None:
                watchdog = await asyncio.to_thread(Watchdog, self.api)
            if watchdog is not None:
                for output in outputs:
                    output.on_send = watchdog.record
                watchdog.set_targets([name for output in outputs for name in output.targets()])
            for line in lines:
                say(line)
            for instrument in new:
                listen(instrument)
                say(f"{instrument.name} is heard, too.")
            await asyncio.sleep(CHECK_SECONDS)

    def check(self) -> tuple[list[str], list[HotplugInput]]:
        """Lines to say, and the instruments that are new."""
        there = self._list_ports()
        self.available = there or PortList(self.api, [], [])
        lines = []
        for port in list(self.ports):
            line = port.check(_names_for(port, there))
            if line is not None:
                lines.append(line)
        new = self._open_new(there) if self.opens_new and there is not None else []
        return lines, new

    def _open_new(self, there: PortList) -> list[HotplugInput]:
        """Open the instruments that are there and neither open nor excluded."""
        opened = {stable_name(p.wanted, self.api) for p in self.ports if p.wanted and isinstance(p, HotplugInput)}
        new = []
        for name in ports.instruments(there):
            if stable_name(name, self.api) in opened | self._excluded:
                continue
            with contextlib.suppress(UserError):
                new.append(self.open_input(name))
        return new


def _names_for(port: HotplugPort, there: PortList | None) -> list[str] | None:
    """The names among which that port is to be found."""
    if there is None:
        return None
    return there.inputs if isinstance(port, HotplugInput) else there.outputs
