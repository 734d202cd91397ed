"""Which ports a session plays with, as far as that is chosen while it goes on. Ports that come and go: see `agent.midi.hotplug`.

All of it runs on the event loop; what may take a while is done on another thread.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from ..midi.hotplug import HotplugWatcher
from ..midi.hotplug_ports import HotplugInput, HotplugOutput
from ..midi.output_merge import OutputMerge
from .session import Session

SENDING = 0.03  # seconds in which a message that another thread is just sending has left


class Patchbay:
    """The ports of one session. `watcher` is None where there is no MIDI system; `ours`: the output port is one that we made."""

    def __init__(self, watcher: HotplugWatcher | None, outputs: OutputMerge, *, ours: bool) -> None:
        self.ours = ours
        self._watcher = watcher
        self._outputs = outputs
        self._own = outputs.midi if ours and isinstance(outputs.midi, HotplugOutput) else None

    @property
    def api(self) -> str | None:
        """The MIDI system."""
        return None if self._watcher is None else self._watcher.api

    @property
    def inputs(self) -> list[str]:
        """The names of the ports that are listened to."""
        return [p.name for p in self._inputs()]

    def _inputs(self) -> list[HotplugInput]:
        return [] if self._watcher is None else [p for p in self._watcher.ports if isinstance(p, HotplugInput)]

    def rows(self) -> dict[str, Any]:
        """What there is to choose from, ready for JSON."""
        if self._watcher is None:
            return {"system": None, "inputs": [], "outputs": []}
        there = self._watcher.available
        inputs = {p.name: p for p in self._inputs()}
        output = self._outputs.midi.name if self._outputs.midi is not None else None
        ins = [*inputs, *(n for n in there.inputs if n not in inputs)]
        own = [self._own.name] if self._own is not None else []
        outs = [*own, *(n for n in there.outputs if n not in own)]
        outs += [output] if output is not None and output not in outs else []
        return {
            "system": self._watcher.api,
            "inputs": [
                {
                    "name": n,
                    "on": n in inputs,
                    "there": n not in inputs or inputs[n].is_there,
                    "own": n in inputs and inputs[n].is_own,
                }
                for n in ins
            ],
            "outputs": [{"name": n, "on": n == output, "there": n in (*own, *there.outputs)} for n in outs],
        }

    async def watch(self, session: Session, say: Callable[[str], None]) -> None:
        """Watch ports come and go, as long as the session."""
        if self._watcher is not None:
            await self._watcher.watch(say, session.listen)

    async def set_input(self, session: Session, name: str, is_on: bool) -> None:
        """Listen to a port from now on, or no more. Raises UserError."""
        if self._watcher is None:
            return
        port = next((p for p in self._inputs() if p.name == name), None)
        if is_on and port is None:
            session.listen(await asyncio.to_thread(self._watcher.open_input, name))
        elif port is not None and not is_on and not port.is_own:
            await asyncio.to_thread(self._watcher.close_port, port)
            session.leave(port)

    async def set_output(self, name: str) -> None:
        """Play to another output from now on; what sounds on the former ends there. Raises UserError."""
        if self._watcher is None or (self._outputs.midi is not None and self._outputs.midi.name == name):
            return
        own = self._own is not None and self._own.name == name
        former = self._outputs.switch_port(
            self._own if own else await asyncio.to_thread(self._watcher.open_output, name)
        )
        self.ours = own
        if isinstance(former, HotplugOutput) and isinstance(self._outputs.midi, HotplugOutput):
            await asyncio.to_thread(self._outputs.midi.take_over, former)
        await asyncio.sleep(SENDING)
        if isinstance(former, HotplugOutput):
            for message in former.ledger.ends():
                former.send(message)
            if former is not self._own:
                await asyncio.to_thread(self._watcher.close_port, former)

    def close(self) -> None:
        """Let go of our own output where another was led to."""
        if self._own is not None and self._own is not self._outputs.midi:
            self._own.close()
