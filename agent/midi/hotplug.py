"""Plugs: ports that may be pulled out while we play. One that goes is said, waited for, and taken again by its own name.

Knows nothing of music but this: what sounds on an output that went, or is held on an input that went, must be let go.

Threads: as those of ports. `look` blocks, and is run beside the event loop.
"""

from __future__ import annotations

import asyncio
import re
import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar

from ..errors import UserError
from . import ports
from .jack import EYE
from .ledger import SETTLING, Ledger
from .messages import ALL_NOTES_OFF, CONTROL, KIND, NOTE_OFF, NOTE_ON, Event
from .note_off_watchdog import Watchdog
from .ports import InputPort, OutputPort, PortList, PortLost

P = TypeVar("P", bound="HotplugPort")
LOOK = 1.0  # seconds between looks
UNSURE = 4.0  # seconds before a port was found to be gone, in which what was sent may have been lost
NUMBERS = {"alsa": r" \d+:\d+$", "winmm": r" \d+$", "jack": r" \[\d+\]"}
"""What a system adds to a name, and changes when the same thing is plugged in again."""


def plain(name: str, api: str) -> str:
    """A port's own name, without the numbers that move."""
    return re.sub(NUMBERS.get(api, r"$^"), "", name)


class HotplugPort:
    """One end of a cable. `wanted` is the port's name, None for one of our own making; `take` opens a port by name."""

    def __init__(self, wanted: str | None, api: str, take: Callable[[str | None, str], Any]) -> None:
        self.wanted, self.api, self._take = wanted, api, take
        self._deaths = EYE.deaths
        self._port: Any = take(wanted, api)
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

    def look(self, there: list[str] | None) -> str | None:
        """Compare with the names that are there (None: there is no MIDI system any more); a line to say, where there is news."""
        now = self._found(there)
        with self._lock:
            if self._closed:
                return None
            moved = self.wanted is not None and now != (self.name,)  # it was out and in again between two looks
            if self._port is not None and (now is None or moved or self._deaths != EYE.deaths):
                self.lose()
                return f"{self.name} is gone; play on, it is taken again when it is back."
        if self._port is None and now is not None and self._retake(now[0]):
            return f"{self.name} is back."
        return None

    def lose(self) -> None:
        """Let go of it."""
        port, self._port = self._port, None
        if port is not None:
            port.close()

    def close(self) -> None:
        with self._lock:
            self._closed = True
            self.lose()

    def leave(self) -> None:
        """Close it while the session goes on: what is held on it is let go."""
        with self._lock:
            self.lose()
            self._closed = True

    def _found(self, there: list[str] | None) -> tuple[str | None] | None:
        """The name to open, in a tuple; None where it is not there."""
        if there is None:
            return None
        if self.wanted is None:
            return (None,)
        own = plain(self.wanted, self.api)
        same = [n for n in there if n == self.name] or [n for n in there if plain(n, self.api) == own]
        return (same[0],) if same else None

    def _retake(self, name: str | None) -> bool:
        deaths = EYE.deaths
        try:
            port = self._take(name, self.api)
        except UserError:
            return False  # not yet: it may be in the middle of coming
        time.sleep(SETTLING)
        with self._lock:
            if self._closed:
                port.close()
                return False
            self._port, self._deaths = port, deaths
            self.name = str(port.name)
            self._taken()
        return True

    def _taken(self) -> None:
        """It is open again."""


class HotplugOutput(HotplugPort):
    """An output that may go and come. While it is gone, messages go nowhere; when it is back, all that it was owed ends."""

    def __init__(self, wanted: str | None, api: str, take: Callable[[str | None, str], OutputPort]) -> None:
        super().__init__(wanted, api, take)
        self.passed: Callable[[bytes], None] = lambda message: None  # told of every message
        self._owed: list[bytes] = []
        # Of that, what is to be said once more: a system that is just back may have passed it over.
        self._again: list[bytes] = []

    def send(self, message: bytes) -> None:
        if self._again:
            with self._lock:  # so that what is said again ends nothing that has just begun
                self._pass(message)
        else:
            self._pass(message)

    def look(self, there: list[str] | None) -> str | None:
        line = super().look(there)
        with self._lock:
            again, sounding = self._again, {bytes((NOTE_OFF | c, pitch, 0)) for c, pitch in self.ledger.keys.copy()}
            if line is None and self._port is not None:
                for message in again:
                    if message not in sounding and message[0] & KIND == NOTE_OFF:
                        self._pass(message)
                self._again = []
        return line

    def _pass(self, message: bytes) -> None:
        port = self._port
        if port is None:
            return
        begins = message[0] & KIND == NOTE_ON and message[-1] > 0
        if begins:
            self.passed(message)  # the guardian must know of it before anybody hears it
        try:
            port.send(message)
        except PortLost:
            with self._lock:
                self._deaths = -1  # `look` will say it, and try again
            return
        self.ledger.note(message, time.perf_counter())
        if not begins:
            self.passed(message)

    def lose(self) -> None:
        super().lose()
        self._owed = self.ledger.ends(time.perf_counter() - UNSURE)

    def leads_to(self) -> list[str]:
        """The ports at the other end, as far as the system tells."""
        if self.wanted is not None:
            return [self.name]
        return EYE.listeners(self.name) if self.api == "jack" else []

    def _taken(self) -> None:
        silence = [bytes((CONTROL | channel, ALL_NOTES_OFF, 0)) for channel in sorted(self.ledger.channels)]
        ends = [*self._owed, *self.ledger.ends()]
        for message in dict.fromkeys((*ends, *silence)):
            self.send(message)
        self._again = list(dict.fromkeys(ends))


class HotplugInput(HotplugPort):
    """An input that may go and come. When it goes, its keys and pedals come up."""

    def __init__(self, wanted: str | None, api: str, take: Callable[[str | None, str], InputPort]) -> None:
        super().__init__(wanted, api, take)
        self._on_event: Callable[[Event], None] | None = None

    def open(self, on_event: Callable[[Event], None]) -> None:
        self._on_event = on_event
        if self._port is not None:
            self._port.open(self._heard)

    def lose(self) -> None:
        super().lose()
        ends, self.ledger = self.ledger.ends(), Ledger()
        for message in ends:
            if self._on_event is not None and not self._closed:
                self._on_event(Event(time.perf_counter(), message))

    def _heard(self, event: Event) -> None:
        self.ledger.note(event.message)
        if self._on_event is not None:
            self._on_event(event)

    def _taken(self) -> None:
        if self._on_event is not None:
            self._port.open(self._heard)


class HotplugWatcher:
    """All the ports of one session. `names` lists what is there; None where the MIDI system is gone."""

    def __init__(self, api: str, names: Callable[[], PortList | None] | None = None) -> None:
        self.api = api
        self._names = names or ports.Looker(api).ports
        self.plugs: list[HotplugPort] = []
        self.there = PortList(api, [], [])  # what the last look has seen
        self._left: set[str] = set()  # instruments that are not to be heard, though they are there
        self.takes_new = False  # instruments that are plugged in while we play are heard, too

    def input(self, name: str | None) -> HotplugInput:
        """An input by its full name, or one of our own. Raises UserError."""
        return self._keep(HotplugInput(name, self.api, ports.open_input))

    def output(self, name: str | None) -> HotplugOutput:
        """An output by its full name, or one of our own. Raises UserError."""
        return self._keep(HotplugOutput(name, self.api, ports.open_output))

    def leave(self, plug: HotplugPort) -> None:
        """Play with this one no more: what sounds or is held there ends, and it is not taken again by itself."""
        self._left |= {plain(plug.name, self.api)}
        self.plugs.remove(plug)
        plug.leave()

    def _keep(self, plug: P) -> P:
        self.plugs.append(plug)
        return plug

    async def watch(self, say: Callable[[str], None], listen: Callable[[InputPort], None]) -> None:
        """Look now and then, and say what is new; a new instrument is given to `listen`."""
        guardian: Watchdog | None = None
        while True:
            lines, new = await asyncio.to_thread(self.look)
            outputs = [plug for plug in self.plugs if isinstance(plug, HotplugOutput)]
            if outputs and guardian is None:
                guardian = await asyncio.to_thread(Watchdog, self.api)
            if guardian is not None:
                for plug in outputs:
                    plug.passed = guardian.passed
                guardian.leads_to([name for plug in outputs for name in plug.leads_to()])
            for line in lines:
                say(line)
            for keys in new:
                listen(keys)
                say(f"{keys.name} is heard, too.")
            await asyncio.sleep(LOOK)

    def look(self) -> tuple[list[str], list[HotplugInput]]:
        """What is to be said, and the instruments that are new."""
        there = self._names()
        self.there = there or PortList(self.api, [], [])
        lines, new = [], []
        for plug in list(self.plugs):
            names = None if there is None else there.inputs if isinstance(plug, HotplugInput) else there.outputs
            if (line := plug.look(names)) is not None:
                lines.append(line)
        if self.takes_new and there is not None:
            known = self._left | {
                plain(p.wanted, self.api) for p in self.plugs if p.wanted and isinstance(p, HotplugInput)
            }
            for name in ports.hardware(there):
                if plain(name, self.api) not in known:
                    try:
                        new.append(self.input(name))
                    except UserError:
                        continue
        return lines, new
