"""Deeds: how each wish of a page is granted.

Knows nothing of sockets; wishes have been checked by then (`agent.web.requests`).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from models.music.note import CALL, HELD
from models.music.settings import KNOB as KNOB_SETTING

from ..control.bindings import KNOB, PRESET
from ..errors import UserError
from ..session.session import Session
from ..styles import maker, presets
from ..styles.presets import Preset
from ..takes import library
from .hub import Handler, Hub
from .server import Page

LEAST_LEARNT = 12  # notes of which a style can be learnt


def _act(stage: Hub, session: Session, page: Page, wish: dict[str, Any]) -> None:
    session.act(wish["action"], stage.clock.now())


def _knob(stage: Hub, session: Session, page: Page, wish: dict[str, Any]) -> None:
    session.act(f"{KNOB}{wish['name']}={wish['value']:.3f}", stage.clock.now())


def _midi(stage: Hub, session: Session, page: Page, wish: dict[str, Any]) -> None:
    message = bytes(wish["bytes"])
    kind, key = message[0] & 0xF0, (message[0] & 0x0F, message[1])
    if kind == 0x90 and message[2]:
        page.plugged.add(key)
    elif kind in (0x80, 0x90):
        if key not in page.plugged:
            return  # it may be another's
        page.plugged.discard(key)
    stage.hear(message, plugged=True)


def use(session: Session, preset: Preset) -> None:
    """Play in this style from the next note on. Raises UserError."""
    session.set_style(preset)


def _pad(stage: Hub, session: Session, page: Page, wish: dict[str, Any]) -> None:
    """A style between four: x from left to right, y from top to bottom; knobs stay as they are."""
    x, y, corners = wish["x"], wish["y"], wish["corners"]
    if corners != stage.corners or not stage.at_corners:  # not for each inch that the hand moves
        stage.at_corners = [presets.load(name) for name in corners]
        stage.corners = corners
    a, b, c, d = stage.at_corners
    preset = maker.blend("pad", maker.blend("top", a, b, x), maker.blend("bottom", c, d, x), y)
    turned = {k: v for k, v in session.partner.preset.sampling.items() if k.startswith(KNOB_SETTING)}
    shares = ((1 - x) * (1 - y), x * (1 - y), (1 - x) * y, x * y)
    title = " · ".join(f"{share:.0%} {p.title}" for share, p in zip(shares, (a, b, c, d), strict=True) if share > 0.1)
    # Who plays stays: a hand on its way over the pad would call another musician at each turn.
    who = session.partner.preset.musician
    use(session, replace(preset, title=title, musician=who, sampling={**preset.sampling, **turned}))
    stage.at = [x, y]


async def _sound_like_that(stage: Hub, session: Session, name: str) -> None:
    """A preset from the player's last phrases. Raises UserError, MindLost."""
    notes = [n for n in session.partner.history.notes if n.role == CALL and n.duration != HELD][-64:]
    if len(notes) < LEAST_LEARNT:
        raise UserError(
            f"Play a little more first: a style is learnt from {LEAST_LEARNT} notes, and I have heard {len(notes)}."
        )
    z, habits = await session.worker.encode_aside(notes)
    if not z:
        raise UserError("This musician knows no styles; use one with weights.")
    about = session.worker.ready or {}
    weights = str(about.get("points", about.get("weights", "")))
    who = session.partner.preset.musician
    preset = Preset(
        slug(name),
        title=name,
        description=f"Learnt from {len(notes)} notes of your playing.",
        z=tuple(z),
        weights=weights,
        source="your playing",
        musician=who,
        sampling=habits,
        vamp=maker.cut_passage(notes),
    )
    _keep(stage, preset)
    use(session, preset)


def _save_preset(stage: Hub, session: Session, page: Page, wish: dict[str, Any]) -> None:
    preset = session.partner.preset
    about = preset.description or f"From {preset.name}."
    _keep(stage, replace(preset, name=slug(wish["name"]), title=wish["name"], description=about))


def _keep(stage: Hub, preset: Preset) -> None:
    """Among the user's own. Raises UserError."""
    maker.write(preset, presets.OWN / f"{preset.name}.toml")
    stage.say(f"The style {preset.title} is kept.")
    stage.new_presets()


def slug(name: str) -> str:
    """A name as a file has it."""
    return "-".join(name.lower().replace(".", " ").replace("_", " ").split())


def _learn(stage: Hub, session: Session, page: Page, wish: dict[str, Any]) -> None:
    stage.learning.pending = wish["action"]


def _delete(stage: Hub, session: Session, page: Page, wish: dict[str, Any]) -> None:
    if wish["name"] == stage.take.folder.name:
        raise UserError("This take is being played just now; it can be deleted when it is over.")
    library.delete(stage.shelf, wish["name"])
    stage.tell_takes()


HANDLERS: dict[str, Handler] = {
    "on": lambda stage, session, page, w: stage.key(page, w["pitch"], w["velocity"], w.get("at")),
    "off": lambda stage, session, page, w: stage.key(page, w["pitch"], 0),
    "pedal": lambda stage, session, page, w: stage.hear(bytes((0xB0, 64, 127 if w["down"] else 0))),
    "act": lambda stage, session, page, w: session.act(w["action"], stage.clock.now()),
    "preset": lambda stage, session, page, w: session.act(PRESET + w["name"], stage.clock.now()),
    "midi": _midi,
    "knob": _knob,
    "pad": _pad,
    "timbre": lambda stage, session, page, w: stage.timbre(w["who"], w["name"]),
    "volume": lambda stage, session, page, w: stage.volume(float(w["value"])),
    "sound": lambda stage, session, page, w: stage.later(stage.sound(w["name"])),
    "listen": lambda stage, session, page, w: stage.later(stage.bay.set_input(session, w["port"], w["on"])),
    "output": lambda stage, session, page, w: stage.later(stage.bay.set_output(w["port"])),
    "phrase": lambda stage, session, page, w: stage.later(stage.phrase()),
    "save": lambda stage, session, page, w: stage.save_moment(),
    "save preset": _save_preset,
    "sound like that": lambda stage, session, page, w: stage.later(_sound_like_that(stage, session, w["name"])),
    "learn": _learn,
    "forget": lambda stage, session, page, w: stage.learning.remove(w["trigger"]),
    "takes": lambda stage, session, page, w: stage.tell_takes(),
    "delete take": _delete,
}


def handle(stage: Hub, session: Session, page: Page, request: dict[str, Any]) -> None:
    """Do what a page asks for. Raises UserError, MindLost."""
    HANDLERS[request["do"]](stage, session, page, request)
