"""The stage: one session and all the pages that look at it. Wishes become deeds, deeds become news.

Knows nothing of sockets, and decides nothing about the music. All of it runs on the event loop; it is a witness of the session.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections import deque
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from ..audio.fm_patches import TIMBRES
from ..audio.synth import CHOICES, OFF, BuiltInSynth, open_sound
from ..clock import Clock
from ..control.bindings import ACTIONS
from ..control.midi_learn import MidiLearn
from ..control.parameters import PARAMETERS
from ..demo import messages, written_call
from ..errors import UserError
from ..midi import output_merge
from ..midi.messages import Event
from ..midi.output_merge import OutputMerge
from ..midi.ports import PAGE
from ..playing.worker_client import WorkerLost
from ..session.patchbay import Patchbay
from ..session.session import Session
from ..session.snapshot import recent_percentiles, snapshot
from ..styles import presets
from ..takes import library
from ..takes.recorder import MIDI, Take
from .note_view import AGENT, PLAYER, NoteView, ident_of
from .server import Page

LOOK, LOOKS_A_STATE = 0.04, 6  # seconds between looks at what is planned; every so many looks, at everything else
MOMENT = 120.0  # seconds that "save the last two minutes" keeps
OLD = 5.0  # seconds after which nobody cares when a key went down
SHOWN = 40  # takes
THE_PAGE, BROWSER = "page", "browser"  # a sound that the page makes; a port that the browser has found
SEATED = {PLAYER: output_merge.PLAYER, AGENT: output_merge.AGENT}
DEFAULT_CORNERS = ("late-night-ballad", "bebop-line", "baroque", "ragtime")


Handler = Callable[["Hub", Session, Page, dict[str, Any]], None]


class PageInput:
    """An input port: the keys of the pages, or what is plugged into a browser."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.on_event: Callable[[Any], None] | None = None

    def open(self, on_event: Callable[[Any], None]) -> None:
        self.on_event = on_event

    def close(self) -> None:
        self.on_event = None


class Hub:
    """What the pages see and do. `take` is the session's own, and is told everything first; `handle` does what a page asks for."""

    def __init__(
        self,
        *,
        desk: OutputMerge,
        take: Take,
        shelf: Path,
        clock: Clock,
        learning: MidiLearn,
        bay: Patchbay,
        handle: Handler,
    ) -> None:
        self._handle = handle
        self.desk, self.take, self.shelf, self.clock, self.learning, self.bay = desk, take, shelf, clock, learning, bay
        self.keys, self.browser, self.view = PageInput(PAGE), PageInput(BROWSER), NoteView()
        self.session: Session | None = None
        self.broadcast: Callable[[dict[str, Any] | None], None] = lambda news: None
        self.showing, self.quiet, self.loudness = "listening", False, 0.8
        self.corners, self.at = list(DEFAULT_CORNERS), [0.5, 0.5]
        self.at_corners: list[presets.Preset] = []  # once they are asked for
        self.timbres = {PLAYER: "electric piano", AGENT: "piano"}
        self.lines: deque[str] = deque(maxlen=30)
        self._moment: deque[tuple[float, str, tuple[Any, ...]]] = deque(maxlen=20_000)
        self._playing = False  # the written call
        self._saved: Path | None = None  # the last moment that was kept
        self._told: dict[str, Any] = {}  # what all pages know of the state
        self._tasks: set[asyncio.Task[None]] = set()

    # -- a witness of the session ------------------------------------------------------------------------------------

    def record_input(self, event: Any, port: str) -> None:
        line = (
            self._learnt(event.message) if port != PAGE else None
        )  # before the take is told: it counts for this message
        self.take.record_input(event, port)
        self._moment.append((event.when, "record_input", (event, port)))
        if line is not None:
            self.say(line)
        self.broadcast(self.view.message(PLAYER, event.when, event.message))

    def _learnt(self, message: bytes) -> str | None:
        """The line to say where a control was taught by this message."""
        try:
            return self.learning.receive(message)
        except UserError as error:  # it is learnt, and will be forgotten
            return str(error)

    def record_output(self, planned: float, actual: float, message: bytes) -> None:
        self.take.record_output(planned, actual, message)
        self._moment.append((actual, "record_output", (planned, actual, message)))
        ident = ident_of(planned, message[1]) if message[0] & 0xF0 == 0x90 else ""
        self.broadcast(self.view.message(AGENT, actual, message, ident))

    def close(self) -> None:
        self.take.close()

    def show(self, state: str) -> None:
        """What the agent is doing, in a word or two."""
        self.showing = state
        self.broadcast({"t": "showing", "text": state})

    def say(self, text: str) -> None:
        """A line for the user."""
        self.lines.append(text)
        self.broadcast({"t": "say", "text": text})

    async def look(self) -> None:
        """Now and then, tell the pages what is planned, and what is different."""
        planned = -1
        for count in itertools.count():
            if self.session is not None:
                player = self.session.player
                if (revision := player.schedule.revision) != planned:  # the player is not held up to be asked in vain
                    planned = revision
                    self.broadcast(self.view.plan(player.planned()))
                if count % LOOKS_A_STATE == 0:
                    former, self._told = self._told, self.state()
                    if news := {k: v for k, v in self._told.items() if k not in former or former[k] != v}:
                        self.broadcast({"t": "state", **news})
            await asyncio.sleep(LOOK)

    # -- what the pages see ------------------------------------------------------------------------------------------

    def welcome(self) -> dict[str, Any]:
        self._told = {}  # who comes in between two looks must not miss what is taken back by the next
        return {
            "t": "welcome",
            **self.view.snapshot(self.clock.now()),
            "presets": self._presets(),
            "lines": list(self.lines)[-5:],
            "state": self.state(),
            "actions": [a for a in ACTIONS if a != "stop"],
            "parameters": [asdict(p) for p in PARAMETERS.values()],
            "timbres": sorted(TIMBRES),
            "sounds": [*CHOICES[1:-1], THE_PAGE],
        }

    def state(self) -> dict[str, Any]:
        """Everything that is neither notes nor lists."""
        if self.session is None:
            return {"ready": False, "showing": self.showing}
        sound, row = self.desk.sound, snapshot(self.session, self.showing)
        if isinstance(sound, BuiltInSynth):
            row["figures"]["key to sound"] = recent_percentiles(sound.key_latencies)
        return {
            **row,
            "pad": {"corners": self.corners, "at": self.at},
            "ports": self.bay.rows(),
            "sound": {
                "name": sound.name if sound is not None else THE_PAGE,
                "quiet": self.quiet,
                "timbres": self.timbres,
                "volume": self.loudness,
                "buffer": round(1000 * sound.buffer, 2) if isinstance(sound, BuiltInSynth) else None,
            },
            "controls": self.learning.lines(),
            "waiting": {f"{kind}{number}": at for (kind, number), at in self.learning.bindings.waiting.items()},
            "learning": self.learning.pending,
            "take": self.take.folder.name,
        }

    def take_file(self, name: str) -> Path | None:
        try:
            path = library.find_take(self.shelf, name) / MIDI if library.NAME.fullmatch(name) else None
        except UserError:
            return None
        return path if path is not None and path.is_file() else None

    def take_notes(self, name: str) -> list[list[Any]] | None:
        try:
            return library.note_rows(library.find_take(self.shelf, name)) if library.NAME.fullmatch(name) else None
        except UserError:
            return None

    # -- what the pages do -------------------------------------------------------------------------------------------

    def wish(self, page: Page, wish: dict[str, Any]) -> None:
        if self.session is None:
            return
        try:
            self._handle(self, self.session, page, wish)
        except (UserError, WorkerLost) as error:
            self.say(str(error))

    def gone(self, page: Page) -> None:
        for pitch in sorted(page.keys):
            self.key(page, pitch, 0)
        for channel, pitch in sorted(page.plugged):
            self.hear(bytes((0x80 | channel, pitch, 0)), plugged=True)
        page.plugged.clear()

    def key(self, page: Page, pitch: int, velocity: int, at: float | None = None) -> None:
        """A key of a page goes down, or up; `at` that time, by the page's account."""
        if not velocity and pitch not in page.keys:
            return  # it may be another's
        (page.keys.add if velocity else page.keys.discard)(pitch)
        self.hear(bytes((0x90 if velocity else 0x80, pitch, velocity)))
        if at is not None and isinstance(self.desk.sound, BuiltInSynth) and abs(self.clock.now() - at) < OLD:
            self.desk.sound.measure_key(at)

    def hear(self, message: bytes, *, plugged: bool = False) -> None:
        """A message from the pages, as from any port; `plugged`: from an instrument that the browser has found."""
        port = self.browser if plugged else self.keys
        if port.on_event is not None:
            port.on_event(Event(self.clock.now(), message))

    def later(self, work: Any) -> None:
        """Do something that takes a while; what goes wrong is said."""

        async def safely() -> None:
            try:
                await work
            except (UserError, WorkerLost) as error:
                self.say(str(error))

        task = asyncio.ensure_future(safely())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _presets(self) -> list[dict[str, str]]:
        with contextlib.suppress(UserError):
            return [{"name": p.name, "title": p.title, "description": p.description} for p in presets.all_presets()]
        return []

    def new_presets(self) -> None:
        """There is a new one on the shelf."""
        self.at_corners = []
        self.broadcast({"t": "presets", "presets": self._presets()})

    def tell_takes(self) -> None:
        """Tell the pages what is on the shelf. Takes are read beside the music, not in its way."""

        def look() -> list[dict[str, Any]]:
            rows = []
            for folder in library.list_takes(self.shelf)[:SHOWN]:
                with contextlib.suppress(UserError):
                    rows.append({**library.summarize(folder).row(), "midi": (folder / MIDI).is_file()})
            return rows

        async def tell() -> None:
            rows = await asyncio.to_thread(look)
            self.broadcast({"t": "takes", "takes": rows, "now": self.take.folder.name, "bounds": library.BOUNDS})

        self.later(tell())

    def save_moment(self) -> None:
        """Keep the last two minutes as a take of their own."""
        since = self.clock.now() - MOMENT
        folder = self.shelf / (datetime.now().strftime(library.DATE) + "-moment")
        preset = self.session.partner.preset.name if self.session is not None else ""
        moment = [(kind, what) for when, kind, what in self._moment if when >= since]

        def write() -> None:
            kept = Take(folder, preset=preset, of=self.take.folder.name)
            for kind, what in moment:
                getattr(kept, kind)(*what)
            kept.close()

        async def keep() -> None:
            await asyncio.to_thread(write)  # beside the music, not in its way
            self.say(f"The last two minutes are kept as {folder.name}.")
            self.tell_takes()

        if folder == self._saved:
            raise UserError("The last two minutes were kept just now.")
        self._saved = folder
        self.later(keep())

    def timbre(self, who: str, name: str) -> None:
        """Another instrument for one of the two."""
        if name in TIMBRES:
            self.timbres[who] = name
            if self.desk.sound is not None:
                self.desk.sound.timbre(SEATED[who], name)

    def volume(self, share: float) -> None:
        """How loud it is, 0 to 1."""
        self.loudness = share
        if self.desk.sound is not None:
            self.desk.sound.volume(share)

    async def sound(self, choice: str) -> None:
        """Be heard in another way from now on. Raises UserError, and the former goes on."""
        made = await asyncio.to_thread(open_sound, OFF if choice == THE_PAGE else choice)
        former, self.desk.sound = self.desk.sound, made
        if former is not None:
            await asyncio.to_thread(former.close)
        if made is not None:
            made.quiet(self.quiet)
            made.volume(self.loudness)
            for who, name in self.timbres.items():
                made.timbre(SEATED[who], name)

    async def phrase(self) -> None:
        """Play the written call on the pages' keys, for those who cannot play."""
        if self._playing:
            return
        self._playing, start = True, self.clock.now() + 0.1
        try:
            for when, message in messages(written_call().notes):
                await asyncio.sleep(max(start + when - self.clock.now(), 0.0))
                self.hear(message)
        finally:
            self._playing = False
