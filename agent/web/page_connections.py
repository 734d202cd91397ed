"""Connects one session with all the pages that show it: requests of the pages go in, news of the session go out.

All of it runs on the event loop. It decides nothing about the music.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
from collections import deque
from collections.abc import Callable, Coroutine
from dataclasses import asdict
from pathlib import Path
from typing import Any

from models.music.note_records import CALL, HELD, Note

from ..clock import Clock
from ..control.bindings import ACTIONS
from ..control.midi_learn import MidiLearn
from ..control.parameters import PARAMETERS
from ..errors import UserError
from ..midi.messages import KIND, NOTE_ON
from ..midi.output_merge import OutputMerge
from ..midi.ports import PAGE
from ..playing.worker_client_interface import WorkerLost
from ..session.patchbay import Patchbay
from ..session.session import Session
from ..session.snapshot import ChartView, recent_percentiles, snapshot
from ..styles.presets import all_presets, names_of_own_files
from .note_view import AGENT, PLAYER, BandView, NoteView, ident_of
from .page_input_ports import PageKeyboard
from .server import Page
from .sound_choice import SoundChoice
from .style_pad import StylePad
from .take_list import TakeList

PLAN_SECONDS = 0.04  # between two looks at what is planned
PLANS_A_STATE = 6  # so many of these looks between two at everything else
LEAST_NOTES = 12  # of the player's, of which a style is learnt
SEEN_AT_ONCE = ("act", "form")  # requests whose effect the pages are told at once: a count-in begins soon
MOST_LINES, LINES_SHOWN = 30, 5  # for the user: that are remembered, and that a new page shows


Handler = Callable[["Hub", Session, Page, dict[str, Any]], None]


class Hub:
    """What the pages see and do. It is a witness of the session, as a take is; `handle` does what a page asks for."""

    def __init__(
        self,
        *,
        outputs: OutputMerge,
        takes: TakeList,
        clock: Clock,
        midi_learn: MidiLearn,
        patchbay: Patchbay,
        handle: Handler,
        soundfont: Path | None = None,
    ) -> None:
        self._handle = handle
        self.takes = takes
        self.clock = clock
        self.midi_learn = midi_learn
        self.patchbay = patchbay
        self.keyboard = PageKeyboard(outputs, clock)
        self.sound = SoundChoice(outputs, soundfont)
        self.style_pad = StylePad()
        self.session: Session | None = None
        self.broadcast: Callable[[dict[str, Any] | None], None] = lambda news: None
        self.lines: deque[str] = deque(maxlen=MOST_LINES)
        self._view = NoteView()
        self._band_view = BandView()
        self._chart_view = ChartView()
        self._band_revision = -1
        self._activity = "listening"
        self._last_state: dict[str, Any] = {}  # what all pages know
        self._tasks: set[asyncio.Task[None]] = set()

    # -- a witness of the session ------------------------------------------------------------------------------------

    def record_input(self, event: Any, port: str) -> None:
        line = (
            None if port == PAGE else self._learn_control(event.message)
        )  # before the take: it counts for this message
        self.takes.record_input(event, port)
        if line is not None:
            self.say(line)
        self.broadcast(self._view.message(PLAYER, event.when, event.message))

    def _learn_control(self, message: bytes) -> str | None:
        """The line to say where a control was taught by this message."""
        try:
            return self.midi_learn.receive(message)
        except UserError as error:  # it is learnt, and will be forgotten
            return str(error)

    def record_output(self, planned: float, actual: float, message: bytes) -> None:
        self.takes.record_output(planned, actual, message)
        ident = ident_of(planned, message[1]) if message[0] & KIND == NOTE_ON else ""
        self.broadcast(self._view.message(AGENT, actual, message, ident))

    def record_panic(self, when: float) -> None:
        self.takes.record_panic(when)
        self.broadcast(self._view.release_all(when))

    def close(self) -> None:
        self.takes.close()

    def show(self, activity: str) -> None:
        """What the agent is doing, in a word or two."""
        self._activity = activity
        self.broadcast({"t": "showing", "text": activity})

    def say(self, text: str) -> None:
        """A line for the user."""
        self.lines.append(text)
        self.broadcast({"t": "say", "text": text})

    async def watch(self) -> None:
        """Now and then, tell the pages what is planned, and what has changed."""
        former_revision = -1
        for count in itertools.count():
            if self.session is not None:
                player = self.session.player
                revision = player.schedule.revision
                if revision != former_revision:  # the player is not held up to be asked in vain
                    former_revision = revision
                    self.broadcast(self._view.plan(player.planned()))
                self._broadcast_band(self.session)
                if count % PLANS_A_STATE == 0:
                    self._broadcast_changes()
            await asyncio.sleep(PLAN_SECONDS)

    def _broadcast_band(self, session: Session) -> None:
        """Tell the pages what the band is to play next, where they make the sound."""
        band = session.metronome.band
        if band is None:
            return
        players = band.players if self.sound.is_of_page else {}
        revision = sum(player.schedule.revision for player in players.values())
        if revision != self._band_revision:
            self._band_revision = revision
            parts = {
                part: (player.planned(), tuple(player.schedule.sounding.values())) for part, player in players.items()
            }
            self.broadcast(self._band_view.plan(self.clock.now(), parts))

    # -- what the pages see ------------------------------------------------------------------------------------------

    def welcome(self) -> dict[str, Any]:
        self._last_state = {}  # who comes in between two looks must not miss what is taken back by the next
        return {
            "t": "welcome",
            **self._view.snapshot(self.clock.now()),
            "band": self._band_view.snapshot(),
            "presets": _preset_rows(),
            "lines": list(self.lines)[-LINES_SHOWN:],
            "state": self.state(),
            "actions": [a for a in ACTIONS if a != "stop"],
            "parameters": [asdict(p) for p in PARAMETERS.values()],
            **self.sound.choices(),
        }

    def state(self) -> dict[str, Any]:
        """Everything that is neither notes nor lists."""
        if self.session is None:
            return {"ready": False, "showing": self._activity}
        row = snapshot(self.session, self._activity)
        latencies = self.sound.key_latencies()
        if latencies is not None:
            row["figures"]["key to sound"] = recent_percentiles(latencies)
        return {
            **row,
            "chart": self._chart_view.row(self.session),
            "pad": self.style_pad.row(),
            "phrase": self.keyboard.phrase,
            "learnable": min(len(learnable_notes(self.session)), LEAST_NOTES),
            "ports": self.patchbay.rows(),
            "sound": self.sound.row(),
            "controls": self.midi_learn.lines(),
            "waiting": {trigger.name: at for trigger, at in self.midi_learn.bindings.waiting.items()},
            "learning": self.midi_learn.pending,
            "take": self.takes.current,
        }

    def take_file(self, name: str) -> Path | None:
        return self.takes.midi_file(name)

    def take_notes(self, name: str) -> list[list[Any]] | None:
        return self.takes.notes(name)

    def take_sound(self, name: str) -> Path | None:
        return self.takes.sounds.file(name)

    # -- what the pages do -------------------------------------------------------------------------------------------

    def handle_request(self, page: Page, request: dict[str, Any]) -> None:
        if self.session is None:
            return
        try:
            self._handle(self, self.session, page, request)
            if request["do"] in SEEN_AT_ONCE:
                self._broadcast_changes()
        except (UserError, WorkerLost) as error:
            self.say(str(error))

    def remove_page(self, page: Page) -> None:
        self.keyboard.release_all(page)

    def release_keys(self, page: Page) -> None:
        if self.keyboard.release_all(page):
            page.send(json.dumps({"t": "let go"}))  # where it comes back, it must not believe that it holds them

    def run_later(self, work: Coroutine[Any, Any, None]) -> None:
        """Do something that takes a while; what goes wrong is said."""

        async def run() -> None:
            try:
                await work
            except (UserError, WorkerLost) as error:
                self.say(str(error))

        task = asyncio.ensure_future(run())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def reload_presets(self) -> None:
        """Tell the pages which presets there are: there is a new one."""
        self.style_pad.reload()
        self.broadcast({"t": "presets", "presets": _preset_rows()})

    def send_takes(self) -> None:
        """Tell the pages which takes there are. They are read beside the music, not in its way."""

        async def send() -> None:
            rows = await asyncio.to_thread(self.takes.rows)
            about = {"now": self.takes.current, "bounds": self.takes.bounds, "sounds": self.takes.sounds.shares()}
            self.broadcast({"t": "takes", "takes": rows, **about})

        self.run_later(send())

    def save_moment(self) -> None:
        """Keep the last two minutes as a take of their own. Raises UserError."""
        preset = self.session.partner.preset.name if self.session is not None else ""
        moment = self.takes.begin_moment(self.clock.now(), preset)

        async def save() -> None:
            await asyncio.to_thread(moment.write)  # beside the music, not in its way
            self.say(f"The last two minutes are kept as {moment.folder.name}.")
            self.send_takes()

        self.run_later(save())

    def _broadcast_changes(self) -> None:
        """Send what is different from what all pages know of the state."""
        former = self._last_state
        self._last_state = self.state()
        changes = {k: v for k, v in self._last_state.items() if k not in former or former[k] != v}
        if changes:
            self.broadcast({"t": "state", **changes})


def learnable_notes(session: Session) -> list[Note]:
    """The player's finished notes that the session still remembers."""
    return [n for n in session.partner.history.notes if n.role == CALL and n.duration != HELD]


def _preset_rows() -> list[dict[str, Any]]:
    """The presets, ready for JSON; none where those that come with the program cannot be read."""
    with contextlib.suppress(UserError):
        own = names_of_own_files()
        return [
            {"name": p.name, "title": p.title, "description": p.description, "own": f"{p.name}.toml" in own}
            for p in all_presets()
        ]
    return []
