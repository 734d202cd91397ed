"""Acts: what a control, a letter or a page can have done, by name, and how it is done.

Knows nothing of messages or sockets. All of it runs on the event loop.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from models.music.settings import KNOB as KNOB_SETTING
from models.music.settings import KNOBS

from ..control.bindings import BAR_COUNTS, KNOB, NEXT_MODE, PRESET, PRESET_STEPS
from ..control.parameters import PARAMETERS
from ..errors import UserError
from ..styles import presets
from ..styles.presets import Preset
from ..turns.modes import MODES, TRADE

if TYPE_CHECKING:
    from .session import Session


def act(session: Session, action: str, when: float) -> None:
    """Do what is asked for: see `agent.control.bindings`. What cannot be done is said."""
    try:
        if action in MODES or action in BAR_COUNTS:
            _play_together(session, action, when)
        elif action == NEXT_MODE:
            at = MODES.index(session.partner.manner.mode)
            _play_together(session, MODES[(at + 1) % len(MODES)], when)
        elif action in PRESET_STEPS:
            name, step = session.partner.preset.name, PRESET_STEPS[action]
            _style(session, lambda: presets.load(presets.beside(name, step)))
        elif action.startswith(PRESET):
            _style(session, lambda: presets.load(action.removeprefix(PRESET)))
        elif action.startswith(KNOB):
            name, _, value = action.removeprefix(KNOB).partition("=")
            turn(session, name, float(value))
        else:
            DONE[action](session, when)
    except UserError as error:
        session.say(str(error))


def turn(session: Session, name: str, value: float) -> None:
    """Turn one parameter, from the next note on. Raises UserError for one that is not there, or not ours to turn."""
    partner, parameter = session.partner, PARAMETERS.get(name)
    if parameter is None:
        raise UserError(f"There is no knob {name!r}; there are: {', '.join(PARAMETERS)}.")
    value = parameter.clamp(value)
    if name == "tempo":
        if session.follower is not None:
            raise UserError("The tempo comes from the MIDI clock; change it there.")
        session.transport.set_tempo(session.clock.now(), value)
    elif name in KNOBS:
        partner.taste.turn(name, value)
    else:
        share: dict[str, Any] = {name: value / 100}
        partner.take_manner(replace(partner.manner, **share))


def position(session: Session, name: str) -> float:
    """Where a parameter is now."""
    manner = session.partner.manner
    if name == "tempo":
        return session.transport.tempo
    if name in KNOBS:
        return session.partner.preset.sampling.get(KNOB_SETTING + name, 0.0)
    return 100 * {"groove": manner.pull, "swing": manner.swing, "mirror": manner.mirror}[name]


def _play_together(session: Session, action: str, when: float) -> None:
    mode = TRADE if action in BAR_COUNTS else action
    if mode == TRADE and not session.transport.running and session.follower is None:
        session.metronome.begin(when, session.beat)
    session.partner.take_mode(mode, BAR_COUNTS.get(action))
    session.say(f"Mode: {mode}." if action in MODES else f"Trading {action}.")


def _style(session: Session, find: Callable[[], Preset]) -> None:
    preset = session.load(find)
    session.partner.take_style(replace(preset, sampling=session.zone.range(preset.sampling)))
    session.say(f"Style: {preset.title}.")


def _tap(session: Session, when: float) -> None:
    if (tempo := session.metronome.tap(when)) is not None:
        session.partner.show(f"{tempo:.0f} beats a minute")


def _hush(session: Session, when: float) -> None:
    session.partner.improviser.leave()
    session.player.cut()


def _panic(session: Session, when: float) -> None:
    session.partner.improviser.leave()
    session.player.panic()


def _answer(session: Session, when: float) -> None:
    session.partner.answer_now()


def _stop(session: Session, when: float) -> None:
    session.stop()


DONE: dict[str, Callable[[Session, float], None]] = {
    "tap": _tap,
    "answer": _answer,
    "hush": _hush,
    "panic": _panic,
    "stop": _stop,
}
