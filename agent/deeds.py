"""Deeds: how each wish of a page is granted.

Knows nothing of sockets; wishes have been checked by then (`agent.wishes`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from . import takes
from .controls import KNOB, PRESET
from .errors import UserError
from .session import Session
from .stage import Stage, slug
from .web import Page

Deed = Callable[[Stage, Session, Page, dict[str, Any]], None]


def _act(stage: Stage, session: Session, page: Page, wish: dict[str, Any]) -> None:
    if wish["action"] == "hush":  # the agent is silent; the session goes on
        session.partner.improviser.leave()
        session.player.cut()
    else:
        session.act(wish["action"], stage.clock.now())


def _tempo(stage: Stage, session: Session, page: Page, wish: dict[str, Any]) -> None:
    if session.follower is not None:
        raise UserError("The tempo comes from the MIDI clock; change it there.")
    session.transport.set_tempo(stage.clock.now(), float(wish["value"]))


def _volume(stage: Stage, session: Session, page: Page, wish: dict[str, Any]) -> None:
    for part in getattr(getattr(stage.desk.sound, "voices", None), "parts", []):
        part.volume = float(wish["value"])


def _save_preset(stage: Stage, session: Session, page: Page, wish: dict[str, Any]) -> None:
    preset = session.partner.preset
    about = preset.description or f"From {preset.name}."
    stage.keep_preset(replace(preset, name=slug(wish["name"]), title=wish["name"], description=about))


def _learn(stage: Stage, session: Session, page: Page, wish: dict[str, Any]) -> None:
    stage.learning.wanted = wish["action"]


def _delete(stage: Stage, session: Session, page: Page, wish: dict[str, Any]) -> None:
    if wish["name"] == stage.take.folder.name:
        raise UserError("This take is being played just now; it can be deleted when it is over.")
    takes.delete(stage.shelf, wish["name"])
    stage.tell_takes()


DEEDS: dict[str, Deed] = {
    "on": lambda stage, session, page, w: stage.key(page, w["pitch"], w["velocity"]),
    "off": lambda stage, session, page, w: stage.key(page, w["pitch"], 0),
    "pedal": lambda stage, session, page, w: stage.hear(bytes((0xB0, 64, 127 if w["down"] else 0))),
    "act": _act,
    "preset": lambda stage, session, page, w: session.act(PRESET + w["name"], stage.clock.now()),
    "knob": lambda stage, session, page, w: session.act(f"{KNOB}{w['name']}={w['value']:.3f}", stage.clock.now()),
    "pad": lambda stage, session, page, w: stage.morph(w["x"], w["y"], w["corners"]),
    "tempo": _tempo,
    "timbre": lambda stage, session, page, w: stage.timbre(w["who"], w["name"]),
    "volume": _volume,
    "phrase": lambda stage, session, page, w: stage.later(stage.phrase()),
    "save": lambda stage, session, page, w: stage.save_moment(),
    "save preset": _save_preset,
    "sound like that": lambda stage, session, page, w: stage.later(stage.learn_style(w["name"])),
    "learn": _learn,
    "forget": lambda stage, session, page, w: stage.learning.forget(w["trigger"]),
    "takes": lambda stage, session, page, w: stage.tell_takes(),
    "delete take": _delete,
}
