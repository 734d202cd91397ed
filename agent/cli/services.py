"""The opening: what there is around a session: its sound, which is quiet where another is heard, its ports, page and terminal.

Knows nothing of what is played.
"""

from __future__ import annotations

import asyncio
import webbrowser
from collections.abc import Callable
from pathlib import Path

from ..audio.synth import BuiltInSynth
from ..clock import Clock
from ..control.midi_learn import MidiLearn
from ..errors import UserError
from ..midi.output_merge import OutputMerge, Sound
from ..midi.port_subscribers import PortSubscribers
from ..midi.ports import InputPort
from ..session.patchbay import Patchbay
from ..session.session import Session
from ..session.snapshot import lines, snapshot
from ..takes.recorder import Take
from ..web.handlers import handle
from ..web.hub import Hub
from ..web.server import Server, has_browser

LOOK = 2.0  # seconds between looks at where our output leads
REDRAW = 0.25  # seconds


class Services:
    """Sound, ports and page. `draw` takes the lines of the terminal's block; None where there is no terminal.

    `whisper` takes a line for the user alone: it is on no page and in no take.
    """

    def __init__(
        self,
        desk: OutputMerge,
        clock: Clock,
        bay: Patchbay,
        draw: Callable[[list[str]], None] | None,
        whisper: Callable[[str], None] = lambda text: None,
    ) -> None:
        self.desk, self.clock, self.bay, self.draw, self.whisper = desk, clock, bay, draw, whisper
        self.witness: Hub | None = None
        self.inputs: list[InputPort] = []
        self.showing = "waking the musician"
        self._port, self._lan = 0, False

    def show_page(self, take: Take, shelf: Path, learning: MidiLearn, port: int, lan: bool) -> None:
        """There is to be a page; with `lan`, for other devices of the house, too."""
        stage = Hub(
            desk=self.desk, take=take, shelf=shelf, clock=self.clock, learning=learning, bay=self.bay, handle=handle
        )
        self.witness, self.inputs, self._port = stage, [stage.keys, stage.browser], port
        self._lan = lan

    def say(self, text: str) -> None:
        """A line for the user, on the page, too."""
        if self.witness is not None:
            self.witness.say(text)

    def show(self, state: str) -> None:
        """What the agent is doing."""
        self.showing = state
        if self.witness is not None:
            self.witness.show(state)

    async def beside(self, session: Session, *, say: Callable[[str], None]) -> None:
        """As long as the session: the page is there, and the sound is as it should be."""
        server = None
        audience = PortSubscribers(self.bay.api)
        try:
            if self.witness is not None:
                server = await self._serve(self.witness, session, say)
            if self.desk.sound is None:
                say(
                    "No sound of our own here: "
                    + ("the page makes it." if server else "connect the output to a synth.")
                )
            more = [self.witness.look()] if self.witness is not None else []
            more += [self._redraw(session, self.draw)] if self.draw is not None else []
            await asyncio.gather(self._listen(audience, say), self.bay.watch(session, say), *more)
        finally:
            await asyncio.to_thread(audience.close)
            self.bay.close()
            if server is not None:
                await server.close()

    async def _redraw(self, session: Session, draw: Callable[[list[str]], None]) -> None:
        """The terminal's block, as long as the session."""
        while True:
            inputs = [*self.bay.inputs, *(["the page"] if self.witness is not None else [])]
            draw(lines(snapshot(session, self.showing), self.clock.now(), inputs, self.desk.name))
            await asyncio.sleep(REDRAW)

    async def _serve(self, stage: Hub, session: Session, say: Callable[[str], None]) -> Server | None:
        server = Server(stage, self.clock, self._port, lan=self._lan)
        try:
            await server.start()
        except OSError as error:
            say(f"The page cannot be shown ({error.strerror}); everything else works.")
            return None
        stage.session, stage.broadcast = session, server.broadcast
        say(f"The page: {server.url}")
        if server.invitation:
            self.whisper(f"For a tablet or a phone of this house: {server.invitation}")
        if has_browser():
            await asyncio.get_running_loop().run_in_executor(None, webbrowser.open, server.url)
        return server

    async def _listen(self, audience: PortSubscribers, say: Callable[[str], None]) -> None:
        """Our sound is quiet as long as the output leads to another."""
        quiet = False
        while True:
            if self.desk.sound is not None and not self.desk.sound.is_alive:
                self.desk.sound.close()
                self.desk.sound = await asyncio.to_thread(_built_in)
                say("FluidSynth has gone; " + ("the built-in sound" if self.desk.sound else "the page") + " plays on.")
                quiet = False
            if self.desk.sound is not None:
                leads = await asyncio.to_thread(audience.is_there, self.desk.midi, self.bay.ours)
                if leads != quiet:
                    quiet = leads
                    self.desk.sound.quiet(quiet)
                    if self.witness is not None:
                        self.witness.quiet = quiet
                    say("The output is connected: our own sound is quiet." if quiet else "Our own sound is back.")
            await asyncio.sleep(LOOK)


def _built_in() -> Sound | None:
    try:
        return BuiltInSynth()
    except UserError:
        return None
