"""The stage: one session and all the pages that look at it. Wishes become deeds, deeds become news.

Knows nothing of sockets, and decides nothing about the music. All of it runs on the event loop; it is a witness of the session.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from models.note import CALL, HELD

from . import presets, tailor, takes
from .clock import Clock
from .controls import ACTIONS, KNOB
from .demo import messages, written_call
from .desk import Desk
from .errors import UserError
from .learning import Learning
from .meters import percentiles
from .mind import MindLost
from .ports import Event
from .presets import KNOBS, Preset
from .recorder import MIDI, Take
from .session import Session
from .synth import BuiltIn
from .timbres import TIMBRES
from .view import AGENT, PLAYER, View, ident_of
from .web import Page

LOOK, LOOKS_A_STATE = 0.04, 6  # seconds between looks at what is planned; every so many looks, at everything else
MOMENT = 120.0  # seconds that "save the last two minutes" keeps
PAGE_PORT = "page"
LEAST_LEARNT = 12  # notes of which a style can be learnt
DEFAULT_CORNERS = ("late-night-ballad", "bebop-line", "baroque", "ragtime")


class PageInput:
    """An input port: the keys of the pages."""

    name = PAGE_PORT

    def __init__(self) -> None:
        self.on_event: Callable[[Any], None] | None = None

    def open(self, on_event: Callable[[Any], None]) -> None:
        self.on_event = on_event

    def close(self) -> None:
        self.on_event = None


class Stage:
    """What the pages see and do. `take` is the session's own, and is told everything first."""

    def __init__(self, *, desk: Desk, take: Take, shelf: Path, clock: Clock, learning: Learning) -> None:
        self.desk, self.take, self.shelf, self.clock, self.learning = desk, take, shelf, clock, learning
        self.keys, self.view = PageInput(), View()
        self.session: Session | None = None
        self.broadcast: Callable[[dict[str, Any] | None], None] = lambda news: None
        self.showing, self.quiet, self.inputs = "listening", False, [PAGE_PORT]
        self.corners, self.at = list(DEFAULT_CORNERS), [0.0, 0.0]
        self.timbres = {PLAYER: "electric piano", AGENT: "piano"}
        self.lines: deque[str] = deque(maxlen=30)
        self._moment: deque[tuple[float, str, tuple[Any, ...]]] = deque(maxlen=20_000)
        self._tasks: set[asyncio.Task[None]] = set()

    # -- a witness of the session ------------------------------------------------------------------------------------

    def heard(self, event: Any, port: str) -> None:
        self.take.heard(event, port)
        self._moment.append((event.when, "heard", (event, port)))
        if port != PAGE_PORT and (line := self.learning.hear(event.message)) is not None:
            self.say(line)
        self.broadcast(self.view.message(PLAYER, event.when, event.message))

    def played(self, planned: float, actual: float, message: bytes) -> None:
        self.take.played(planned, actual, message)
        self._moment.append((actual, "played", (planned, actual, message)))
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
        former: dict[str, Any] = {}
        for count in itertools.count():
            if self.session is not None:
                self.broadcast(self.view.plan(self.session.player.planned()))
                if count % LOOKS_A_STATE == 0 and (state := self.state()) != former:
                    self.broadcast({"t": "state", **state})
                    former = state
            await asyncio.sleep(LOOK)

    # -- what the pages see ------------------------------------------------------------------------------------------

    def welcome(self) -> dict[str, Any]:
        return {
            "t": "welcome",
            **self.view.snapshot(self.clock.now()),
            "presets": self._presets(),
            "lines": list(self.lines)[-5:],
            "state": self.state(),
            "actions": [a for a in ACTIONS if a != "stop"] + [KNOB + k for k in KNOBS],
            "timbres": sorted(TIMBRES),
        }

    def state(self) -> dict[str, Any]:
        """Everything that is neither notes nor lists."""
        s = self.session
        if s is None:
            return {"ready": False, "showing": self.showing}
        preset, transport, now = s.partner.preset, s.transport, self.clock.now()
        bar = transport.bar(now)
        knobs = {k: preset.sampling.get(presets.KNOB + k, 0.0) for k in KNOBS}
        figures = {
            name: percentiles(list(itertools.islice(reversed(values), 500)))
            for name, values in (
                ("first note", s.meters.first_note),
                ("lateness", s.meters.lateness),
                ("cut-in", s.meters.cut_in),
            )
        }
        sound = self.desk.sound
        return {
            "ready": s.mind.ready is not None and not s.mind.gone.is_set(),
            "showing": self.showing,
            "mode": s.partner.manner.mode,
            "preset": {"name": preset.name, "title": preset.title or preset.name},
            "knobs": knobs,
            "pad": {"corners": self.corners, "at": self.at},
            "tempo": round(transport.tempo, 1),
            "bar": None if bar is None else {"start": bar.start, "length": bar.length, "beats": bar.beats},
            "figures": figures,
            "misses": s.player.schedule.misses,
            "notes": s.meters.notes,
            "answers": s.meters.answers,
            "inputs": self.inputs,
            "output": self.desk.midi.name if self.desk.midi is not None else None,
            "sound": {
                "name": sound.name if sound is not None else "page",
                "quiet": self.quiet,
                "timbres": self.timbres,
            },
            "controls": self.learning.lines(),
            "learning": self.learning.wanted,
            "take": self.take.folder.name,
        }

    def take_file(self, name: str) -> Path | None:
        try:
            path = takes.find(self.shelf, name) / MIDI if takes.NAME.fullmatch(name) else None
        except UserError:
            return None
        return path if path is not None and path.is_file() else None

    # -- what the pages do -------------------------------------------------------------------------------------------

    def wish(self, page: Page, wish: dict[str, Any]) -> None:
        if self.session is None:
            return
        from . import deeds

        try:
            deeds.DEEDS[wish["do"]](self, self.session, page, wish)
        except (UserError, MindLost) as error:
            self.say(str(error))

    def gone(self, page: Page) -> None:
        for pitch in sorted(page.keys):
            self.key(page, pitch, 0)

    def key(self, page: Page, pitch: int, velocity: int) -> None:
        """A key of a page goes down, or up."""
        (page.keys.add if velocity else page.keys.discard)(pitch)
        self.hear(bytes((0x90 if velocity else 0x80, pitch, velocity)))

    def hear(self, message: bytes) -> None:
        """A message from the pages, as from any port."""
        if self.keys.on_event is not None:
            self.keys.on_event(Event(self.clock.now(), message))

    def later(self, work: Any) -> None:
        """Do something that takes a while; what goes wrong is said."""

        async def safely() -> None:
            try:
                await work
            except (UserError, MindLost) as error:
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
        self.broadcast({"t": "presets", "presets": self._presets()})

    def tell_takes(self) -> None:
        """What is on the shelf."""
        rows = []
        for folder in takes.folders(self.shelf)[:40]:
            with contextlib.suppress(UserError):
                rows.append({**takes.summary(folder).row(), "midi": (folder / MIDI).is_file()})
        self.broadcast({"t": "takes", "takes": rows, "now": self.take.folder.name})

    def save_moment(self) -> None:
        """Keep the last two minutes as a take of their own."""
        since = self.clock.now() - MOMENT
        name = datetime.now().strftime("%Y-%m-%d_%H-%M-%S") + "-moment"
        preset = self.session.partner.preset.name if self.session is not None else ""
        kept = Take(self.shelf / name, preset=preset, of=self.take.folder.name)
        for when, kind, what in self._moment:
            if when >= since:
                getattr(kept, kind)(*what)
        kept.close()
        self.say(f"The last two minutes are kept as {name}.")
        self.tell_takes()

    def use(self, preset: Preset) -> None:
        """Play in this style from the next note on. Raises UserError."""
        assert self.session is not None
        zone = self.session.zone
        self.session.partner.take_preset(replace(preset, sampling=zone.range(preset.sampling)))

    def morph(self, x: float, y: float, corners: list[str]) -> None:
        """A style between four: x from left to right, y from top to bottom; knobs stay as they are. Raises UserError."""
        assert self.session is not None
        a, b, c, d = (presets.load(name) for name in corners)
        preset = tailor.blend("pad", tailor.blend("top", a, b, x), tailor.blend("bottom", c, d, x), y)
        turned = {k: v for k, v in self.session.partner.preset.sampling.items() if k.startswith(presets.KNOB)}
        shares = ((1 - x) * (1 - y), x * (1 - y), (1 - x) * y, x * y)
        title = " · ".join(
            f"{share:.0%} {p.title}" for share, p in zip(shares, (a, b, c, d), strict=True) if share > 0.1
        )
        self.corners, self.at = corners, [x, y]
        self.use(replace(preset, title=title, sampling={**preset.sampling, **turned}))

    def timbre(self, who: str, name: str) -> None:
        """Another sound for one of the two."""
        if name in TIMBRES:
            self.timbres[who] = name
            if isinstance(self.desk.sound, BuiltIn):
                self.desk.sound.voices.parts[0 if who == PLAYER else 1].timbre = name

    async def learn_style(self, name: str) -> None:
        """A preset from the player's last phrases. Raises UserError, MindLost."""
        assert self.session is not None
        s = self.session
        notes = [n for n in s.partner.conversation.notes if n.role == CALL and n.duration != HELD][-64:]
        if len(notes) < LEAST_LEARNT:
            raise UserError(
                f"Play a little more first: a style is learnt from {LEAST_LEARNT} notes, and I have heard {len(notes)}."
            )
        z = tuple(await s.mind.encode(notes))
        if not z:
            raise UserError("This musician knows no styles; use one with weights.")
        weights = str((s.mind.ready or {}).get("weights", ""))
        about = f"Learnt from {len(notes)} notes of your playing."
        preset = Preset(slug(name), title=name, description=about, z=z, weights=weights, source="your playing")
        self.keep_preset(preset)
        self.use(preset)

    def keep_preset(self, preset: Preset) -> None:
        """Among the user's own. Raises UserError."""
        tailor.write(preset, presets.OWN / f"{preset.name}.toml")
        self.say(f"The style {preset.title} is kept.")
        self.new_presets()

    async def phrase(self) -> None:
        """Play the written call on the pages' keys, for those who cannot play."""
        start = self.clock.now() + 0.1
        for when, message in messages(written_call().notes):
            await asyncio.sleep(max(start + when - self.clock.now(), 0.0))
            self.hear(message)


def slug(name: str) -> str:
    """A name as a file has it."""
    return "-".join(name.lower().replace(".", " ").replace("_", " ").split())
