"""Hot-plugging: which ports of a session are there, which one is taken again, and which instruments are new.

A port that goes is announced, awaited, and opened again; see `agent.midi.hotplug_ports`.

Threads: as those of ports. `check` blocks, and is run beside the event loop.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

from . import ports
from .hotplug_ports import HotplugInput, HotplugOutput, HotplugPort
from .note_off_watchdog import Watchdog
from .port_names import leads_back, stable_name
from .ports import InputPort, PortList

P = TypeVar("P", bound=HotplugPort)
CHECK_SECONDS = 1.0  # between two looks at what is there


class HotplugWatcher:
    """All the ports of one session. `list_ports` lists what is there; None where the MIDI system is gone."""

    def __init__(self, api: str, list_ports: Callable[[], PortList | None] | None = None) -> None:
        self.api = api
        self._list_ports = list_ports or ports.PortScanner(api).ports
        self.ports: list[HotplugPort] = []
        self.available = PortList(api, [], [])  # as of the last check
        self._excluded: set[str] = set()  # instruments that are not to be heard, though they are there
        self.opens_new = False  # whether instruments that are plugged in while we play are heard, too

    def open_input(self, name: str | None, *, waits: bool = False) -> HotplugInput:
        """An input by its full name, or one of our own. One that `waits` may come later; else raises UserError."""
        if name is not None:
            self._excluded.discard(name)
        return self._add(HotplugInput(name, self.api, ports.open_input, waits=waits))

    def open_output(self, name: str | None) -> HotplugOutput:
        """An output by its full name, or one of our own. Raises UserError."""
        return self._add(HotplugOutput(name, self.api, ports.open_output))

    def close_port(self, port: HotplugPort) -> None:
        """Play with this one no more: what sounds or is held there ends, and it is not opened again by itself."""
        self._excluded.add(port.name)
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
                if instrument.is_there:
                    say(f"{instrument.name} is heard, too.")
            await asyncio.sleep(CHECK_SECONDS)

    def instruments(self, there: PortList) -> list[str]:
        """The instruments that are there and not open yet, without those that what we play leads to."""
        inputs = [port for port in self.ports if isinstance(port, HotplugInput)]
        outputs = [port.name for port in self.ports if isinstance(port, HotplugOutput)]
        # A port that waits takes its own thing again, and is the first to do so.
        awaited = {stable_name(port.name, self.api) for port in inputs if not port.is_there}
        return [
            name
            for name in ports.instruments(there)
            if name not in {port.name for port in inputs}
            and stable_name(name, self.api) not in awaited
            and not self._is_excluded(name, there)
            and not any(leads_back(name, output, self.api) for output in outputs)
        ]

    def check(self) -> tuple[list[str], list[HotplugInput]]:
        """Lines to say, and the instruments that are new."""
        there = self._list_ports()
        self.available = there or PortList(self.api, [], [])
        self._release_shifted(there)
        lines = []
        for port in list(self.ports):
            line = port.check(self._names_for(port, there))
            if line is not None:
                lines.append(line)
        new = []
        if self.opens_new and there is not None:
            new = [self.open_input(name, waits=True) for name in self.instruments(there)]
        return lines, new

    def _names_for(self, port: HotplugPort, there: PortList | None) -> list[str] | None:
        """The names among which that port is to be found: without the places of others of its kind."""
        if there is None:
            return None
        is_input = isinstance(port, HotplugInput)
        others = {p.name for p in self.ports if p is not port and isinstance(p, HotplugInput) == is_input}
        return [name for name in (there.inputs if is_input else there.outputs) if name not in others]

    def _is_excluded(self, name: str, there: PortList) -> bool:
        """Whether the user wants not to hear it. One that was plugged in again under other numbers is still the same."""
        gone = {stable_name(n, self.api) for n in self._excluded if n not in there.inputs}
        return name in self._excluded or stable_name(name, self.api) in gone

    def _release_shifted(self, there: PortList | None) -> None:
        """Windows numbers its ports anew when one goes. Of several things of the same name, nobody knows then which one went.

        So all of these are let go of, and those that are left are opened again.
        """
        if self.api != "winmm" or there is None:
            return
        for port in self.ports:
            is_input = isinstance(port, HotplugInput)
            names = there.inputs if is_input else there.outputs
            own = stable_name(port.name, self.api)
            twins = sum(
                p.is_there and stable_name(p.name, self.api) == own and isinstance(p, HotplugInput) == is_input
                for p in self.ports
            )
            left = sum(stable_name(name, self.api) == own for name in names)
            if port.is_there and 0 < left < twins:
                self._let_go(own, is_input)

    def _let_go(self, own: str, is_input: bool) -> None:
        for port in self.ports:
            if isinstance(port, HotplugInput) == is_input and stable_name(port.name, self.api) == own:
                port.release()
