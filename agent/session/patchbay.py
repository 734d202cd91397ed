"""The patch bay: which ports are played with, as far as that is chosen while it all goes on.

Knows nothing of notes, nor of ports that come and go by themselves (see `agent.midi.hotplug`).

Threads: all on the event loop; what may take a while is done beside it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from ..midi.hotplug import HotplugInput, HotplugOutput, HotplugWatcher
from ..midi.output_merge import OutputMerge
from .session import Session

RINGS_OUT = 0.03  # seconds in which a message that another thread had in its hand has left


class Patchbay:
    """The ports of one session. `plugs` is None where there is no MIDI system; `ours`: the desk's port is one that we made."""

    def __init__(self, plugs: HotplugWatcher | None, desk: OutputMerge, *, ours: bool) -> None:
        self.plugs, self.desk, self.ours = plugs, desk, ours
        self._own = desk.midi if ours and isinstance(desk.midi, HotplugOutput) else None

    @property
    def api(self) -> str | None:
        """The MIDI system."""
        return None if self.plugs is None else self.plugs.api

    @property
    def inputs(self) -> list[str]:
        """The names of the ports that are listened to."""
        return [p.name for p in self._inputs()]

    def _inputs(self) -> list[HotplugInput]:
        return [] if self.plugs is None else [p for p in self.plugs.ports if isinstance(p, HotplugInput)]

    def rows(self) -> dict[str, Any]:
        """What there is to choose from, ready for JSON."""
        if self.plugs is None:
            return {"system": None, "inputs": [], "outputs": []}
        there, heard = self.plugs.available, {p.name: p for p in self._inputs()}
        output = self.desk.midi.name if self.desk.midi is not None else None
        ins = [*heard, *(n for n in there.inputs if n not in heard)]
        own = [self._own.name] if self._own is not None else []
        outs = [*own, *(n for n in there.outputs if n not in own)]
        outs += [output] if output is not None and output not in outs else []
        return {
            "system": self.plugs.api,
            "inputs": [
                {
                    "name": n,
                    "on": n in heard,
                    "there": n not in heard or heard[n].is_there,
                    "own": n in heard and heard[n].is_own,
                }
                for n in ins
            ],
            "outputs": [{"name": n, "on": n == output, "there": n in (*own, *there.outputs)} for n in outs],
        }

    async def look(self, session: Session, say: Callable[[str], None]) -> None:
        """See what comes and goes, as long as the session."""
        if self.plugs is not None:
            await self.plugs.watch(say, session.listen)

    async def listen(self, session: Session, name: str, is_on: bool) -> None:
        """Listen to a port from now on, or no more. Raises UserError."""
        if self.plugs is None:
            return
        heard = next((p for p in self._inputs() if p.name == name), None)
        if is_on and heard is None:
            session.listen(await asyncio.to_thread(self.plugs.open_input, name))
        elif heard is not None and not is_on and not heard.is_own:
            await asyncio.to_thread(self.plugs.close_port, heard)
            session.leave(heard)

    async def lead_to(self, name: str) -> None:
        """Play to another output from now on; what sounds on the former ends there. Raises UserError."""
        if self.plugs is None or (self.desk.midi is not None and self.desk.midi.name == name):
            return
        own = self._own is not None and self._own.name == name
        former = self.desk.switch_port(self._own if own else await asyncio.to_thread(self.plugs.open_output, name))
        self.ours = own
        await asyncio.sleep(RINGS_OUT)
        if isinstance(former, HotplugOutput):
            for message in former.ledger.ends():
                former.send(message)
            if former is not self._own:
                await asyncio.to_thread(self.plugs.close_port, former)

    def close(self) -> None:
        """Let go of our own output where another was led to."""
        if self._own is not None and self._own is not self.desk.midi:
            self._own.close()
