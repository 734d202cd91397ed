"""What runs beside a session: its own sound, which is quiet where another is heard, its ports, its page and the terminal."""

from __future__ import annotations

import asyncio
import webbrowser
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from ..audio.sound_output import BuiltInSynth
from ..clock import Clock
from ..control.midi_learn import MidiLearn
from ..errors import UserError
from ..midi.output_merge import OutputMerge, Sound
from ..midi.port_subscribers import PortSubscribers
from ..midi.ports import InputPort
from ..session.patchbay import Patchbay
from ..session.session import Session
from ..session.snapshot import lines, snapshot
from ..takes.recorder import SessionRecorder, Take
from ..web.page_connections import Hub
from ..web.page_request_handlers import handle
from ..web.server import Server, has_browser
from ..web.take_list import TakeList

if TYPE_CHECKING:
    from ..osc.osc_service import Endpoint, OscService

SOUND_CHECK_SECONDS = 2.0  # between two looks at where our output leads
REDRAW_SECONDS = 0.25  # between two pictures of the terminal's lines


class Services:
    """Sound, ports and page. `draw` takes the lines of the terminal's block; None where there is no terminal.

    `say_privately` takes a line for the user alone: it is on no page and in no take. `silence_advice`: what to do without any sound.
    """

    def __init__(
        self,
        outputs: OutputMerge,
        clock: Clock,
        patchbay: Patchbay,
        draw: Callable[[list[str]], None] | None,
        say_privately: Callable[[str], None] = lambda text: None,
        silence_advice: str = "connect the output to a synth.",
    ) -> None:
        self._outputs = outputs
        self._clock = clock
        self._patchbay = patchbay
        self._draw = draw
        self._say_privately = say_privately
        self._silence_advice = silence_advice
        self.hub: Hub | None = None
        self.inputs: list[InputPort] = []
        self._osc: OscService | None = None
        self._state = "waking the musician"
        self._page_port = 0
        self._lan = False

    def show_page(
        self, take: Take, takes_folder: Path, midi_learn: MidiLearn, port: int, lan: bool, soundfont: Path | None
    ) -> None:
        """Prepare a page; with `lan`, for other devices of the house, too. `soundfont`: a file that was asked for."""
        self.hub = Hub(
            outputs=self._outputs,
            takes=TakeList(take, takes_folder),
            clock=self._clock,
            midi_learn=midi_learn,
            patchbay=self._patchbay,
            handle=handle,
            soundfont=soundfont,
        )
        self.inputs = [*self.hub.keyboard.inputs]
        self._page_port = port
        self._lan = lan

    def open_osc(self, listen: Endpoint | None, send_to: Endpoint | None) -> None:
        """Prepare OSC, heard at `listen` and sent to `send_to`; None: not at all."""
        if listen is not None or send_to is not None:
            from ..osc.osc_service import OscService  # with the library, which is read where it is used

            self._osc = OscService(listen, send_to, self._clock)

    def recorder(self, take: Take) -> SessionRecorder:
        """Who records the session: the take, and with it whoever tells the notes elsewhere."""
        recorder = self.hub or take
        return recorder if self._osc is None else self._osc.witness(recorder)

    def say(self, text: str) -> None:
        """A line for the user, on the page, too."""
        if self.hub is not None:
            self.hub.say(text)

    def show(self, state: str) -> None:
        """What the agent is doing, in a word or two."""
        self._state = state
        if self.hub is not None:
            self.hub.show(state)
        if self._osc is not None:
            self._osc.show(state)

    async def run(self, session: Session, *, say: Callable[[str], None]) -> None:
        """Serve the page, and keep ports and sound as they should be, as long as the session lasts."""
        server = None
        subscribers = PortSubscribers(self._patchbay.api)
        try:
            if self.hub is not None:
                server = await self._serve(self.hub, session, say)
            if self._outputs.sound is None:
                advice = "the page makes it." if server else self._silence_advice
                say(f"No sound of our own here: {advice}")
            tasks = [self._check_sound(subscribers, say), self._patchbay.watch(session, say)]
            if self.hub is not None:
                tasks.append(self.hub.watch())
            if self._osc is not None:
                tasks.append(self._osc.run(session, self._state, say))
            if self._draw is not None:
                tasks.append(self._redraw(session, self._draw))
            await asyncio.gather(*tasks)
        finally:
            await asyncio.to_thread(subscribers.close)
            self._patchbay.close()
            if server is not None:
                await server.close()

    async def _redraw(self, session: Session, draw: Callable[[list[str]], None]) -> None:
        """The terminal's block, as long as the session."""
        while True:
            inputs = list(self._patchbay.inputs)
            if self.hub is not None:
                inputs.append("the page")
            draw(lines(snapshot(session, self._state), self._clock.now(), inputs, self._outputs.name))
            await asyncio.sleep(REDRAW_SECONDS)

    async def _serve(self, hub: Hub, session: Session, say: Callable[[str], None]) -> Server | None:
        """Start the page's server and open a browser; None where no port is free."""
        server = Server(hub, self._clock, self._page_port, lan=self._lan)
        try:
            await server.start()
        except OSError as error:
            say(f"The page cannot be shown ({error.strerror}); everything else works.")
            return None
        hub.session = session
        hub.broadcast = server.broadcast
        say(f"The page: {server.url}")
        if server.invitation:
            self._say_privately(f"For a tablet or a phone of this house: {server.invitation}")
        if has_browser():
            await asyncio.get_running_loop().run_in_executor(None, webbrowser.open, server.url)
        return server

    async def _check_sound(self, subscribers: PortSubscribers, say: Callable[[str], None]) -> None:
        """Keep our sound quiet as long as the output leads to another; replace a synth that has gone."""
        is_quiet = False
        while True:
            if self._outputs.sound is not None and not self._outputs.sound.is_alive:
                self._outputs.sound.close()
                self._outputs.sound = await asyncio.to_thread(_open_built_in)
                successor = "the built-in sound" if self._outputs.sound else "the page"
                say(f"FluidSynth has gone; {successor} plays on.")
                is_quiet = False
            if self._outputs.sound is not None:
                is_heard = await asyncio.to_thread(subscribers.is_there, self._outputs.midi, self._patchbay.ours)
                if is_heard != is_quiet:
                    is_quiet = is_heard
                    self._set_quiet(self._outputs.sound, is_quiet)
                    say("The output is connected: our own sound is quiet." if is_quiet else "Our own sound is back.")
            await asyncio.sleep(SOUND_CHECK_SECONDS)

    def _set_quiet(self, sound: Sound, is_quiet: bool) -> None:
        sound.quiet(is_quiet)
        if self.hub is not None:
            self.hub.sound.is_quiet = is_quiet


def _open_built_in() -> Sound | None:
    """The built-in sound; None where there is no sound system."""
    try:
        return BuiltInSynth()
    except UserError:
        return None
