"""The patch bay: the MIDI ports that are there, and which of them are played with; they are chosen, and come, while it all goes on.

Knows nothing of notes, but for those that a keyboard holds when it is taken away.

Threads: all on the event loop; what may take a while (asking the MIDI system) is done beside it.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import Callable, Sequence
from typing import Any

from .desk import Desk
from .errors import UserError
from .listener import CONTROL, NOTE_OFF, NOTE_ON, SUSTAIN
from .ports import Event, InputPort, Lookout, OutputPort, PortList, hardware, open_input, open_output
from .session import Session

LOOK = 2.0  # seconds between looks
RINGS_OUT = 0.03  # seconds in which a message that another thread had in its hand has left
Say = Callable[[str], None]


class Plug:
    """An input port whose keys come up when it is closed, whatever they were doing."""

    def __init__(self, port: InputPort) -> None:
        self._port, self.name = port, port.name
        self._on_event: Callable[[Event], None] | None = None
        self._down: set[tuple[int, int]] = set()
        self._pedals: set[int] = set()
        self._last = 0.0

    def open(self, on_event: Callable[[Event], None]) -> None:
        self._on_event = on_event
        self._port.open(self._arrived)

    def close(self) -> None:
        self._port.close()
        on_event, self._on_event = self._on_event, None
        if on_event is not None:
            for channel, pitch in sorted(self._down):
                on_event(Event(self._last, bytes((NOTE_OFF | channel, pitch, 0))))
            for channel in sorted(self._pedals):
                on_event(Event(self._last, bytes((CONTROL | channel, SUSTAIN, 0))))

    def _arrived(self, event: Event) -> None:
        message, self._last = event.message, event.when
        if len(message) == 3:
            kind, channel = message[0] & 0xF0, message[0] & 0x0F
            if kind in (NOTE_ON, NOTE_OFF):
                is_on = kind == NOTE_ON and message[2] > 0
                (self._down.add if is_on else self._down.discard)((channel, message[1]))
            elif kind == CONTROL and message[1] == SUSTAIN:
                (self._pedals.add if message[2] >= 64 else self._pedals.discard)(channel)
        if self._on_event is not None:
            self._on_event(event)


class Patchbay:
    """The ports of one session. `api` is None where there is no MIDI system; `ours`: the desk's port is one that we made.

    `curious`: an instrument that is plugged in meanwhile is listened to.
    """

    def __init__(self, api: str | None, desk: Desk, inputs: Sequence[str], *, ours: bool, curious: bool) -> None:
        self.api, self.desk, self.ours, self.curious = api, desk, ours, curious
        self.inputs = list(inputs)
        self.there = PortList(api or "", [], [])
        self._own: OutputPort | None = desk.midi if ours else None
        self._seen: set[str] = set()
        self._lookout: Lookout | None = None

    def rows(self) -> dict[str, Any]:
        """What can be chosen, ready for JSON."""
        ins = [*(n for n in self.inputs if n not in self.there.inputs), *self.there.inputs]
        output = self.desk.midi.name if self.desk.midi is not None else None
        outs = [*([self._own.name] if self._own is not None else []), *self.there.outputs]
        return {
            "system": self.api,
            "inputs": [{"name": n, "on": n in self.inputs} for n in ins],
            "outputs": [{"name": n, "on": n == output} for n in outs],
        }

    async def look(self, session: Session, say: Say) -> None:
        """Now and then, see what is there; listen to an instrument that has come."""
        if self.api is None:
            return
        try:
            while True:
                if (found := await asyncio.to_thread(self._list)) is not None:
                    instruments = hardware(found)
                    fresh = [n for n in instruments if numberless(n) not in self._seen]
                    is_first, self.there = not self._seen, found
                    self._seen |= {numberless(n) for n in found.inputs} | {""}
                    for name in fresh if self.curious and not is_first else ():
                        with contextlib.suppress(UserError):
                            await self.listen(session, name, True)
                            say(f"{name} has come, and is listened to.")
                await asyncio.sleep(LOOK)
        finally:
            await asyncio.to_thread(self._close)

    async def listen(self, session: Session, name: str, is_on: bool) -> None:
        """Listen to a port from now on, or no more. Raises UserError."""
        if not is_on:
            session.leave(name)
            self.inputs = [n for n in self.inputs if n != name]
        elif name not in self.inputs and self.api is not None:
            port = await asyncio.to_thread(open_input, name, self.api)
            session.listen(Plug(port))
            self.inputs.append(name)

    async def lead_to(self, name: str) -> None:
        """Play to another output from now on; what sounds on the former ends there. Raises UserError."""
        if self.api is None or (self.desk.midi is not None and self.desk.midi.name == name):
            return
        own = self._own is not None and self._own.name == name
        port = self._own if own else await asyncio.to_thread(open_output, name, self.api)
        former, sounding = self.desk.lead_to(port)
        self.ours = own
        await asyncio.sleep(RINGS_OUT)
        if former is not None:
            with contextlib.suppress(UserError):
                for channel, pitch in sorted(sounding):
                    former.send(bytes((NOTE_OFF | channel, pitch, 0)))
                for channel in range(16):
                    former.send(bytes((CONTROL | channel, SUSTAIN, 0)))
            if former is not self._own:
                await asyncio.to_thread(former.close)

    def close(self) -> None:
        """Let go of our own output where another was led to."""
        if self._own is not None and self._own is not self.desk.midi:
            self._own.close()

    def _list(self) -> PortList | None:
        try:
            if self._lookout is None:
                self._lookout = Lookout(str(self.api))
            return self._lookout.ports()
        except Exception:  # whatever rtmidi raises where its system has gone: it may be back at the next look
            self._close()
            return None

    def _close(self) -> None:
        lookout, self._lookout = self._lookout, None
        if lookout is not None:
            lookout.close()


def numberless(name: str) -> str:
    """A port's name without the numbers that ALSA gives anew each time."""
    return re.sub(r" \d+:\d+$", "", name)
