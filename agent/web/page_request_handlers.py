"""Request handlers: what is done for each request of a page, which has been checked by then (`agent.web.page_requests`)."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..band.chart_play import trading_form
from ..control.bindings import FORM, KNOB, PRESET
from ..errors import UserError
from ..midi.messages import CONTROL, MOST_DATA, SUSTAIN
from ..session.session import Session
from ..styles import preset_maker, presets
from ..styles.presets import Preset
from ..turns.mode_settings import TRADE
from .page_connections import LEAST_NOTES, Handler, Hub, learnable_notes
from .ready_made_calls import phrase_for
from .server import Page

MOST_NOTES = 64  # of the player's last ones, of which a style is learnt
PHRASE_DELAY = 0.1  # seconds until the written phrase begins

Request = dict[str, Any]


def handle(hub: Hub, session: Session, page: Page, request: Request) -> None:
    """Do what a page asks for. Raises UserError, WorkerLost."""
    HANDLERS[request["do"]](hub, session, page, request)


def _act(hub: Hub, session: Session, page: Page, request: Request) -> None:
    session.act(request["action"], hub.clock.now())


def _choose_preset(hub: Hub, session: Session, page: Page, request: Request) -> None:
    session.act(PRESET + request["name"], hub.clock.now())


def _turn_knob(hub: Hub, session: Session, page: Page, request: Request) -> None:
    session.act(f"{KNOB}{request['name']}={request['value']:.3f}", hub.clock.now())


def _press_key(hub: Hub, session: Session, page: Page, request: Request) -> None:
    hub.keyboard.set_key(page, request["pitch"], request["velocity"], request.get("at"))


def _release_key(hub: Hub, session: Session, page: Page, request: Request) -> None:
    hub.keyboard.set_key(page, request["pitch"], 0)


def _press_pedal(hub: Hub, session: Session, page: Page, request: Request) -> None:
    hub.keyboard.receive(page, bytes((CONTROL, SUSTAIN, MOST_DATA if request["down"] else 0)))


def _receive_midi(hub: Hub, session: Session, page: Page, request: Request) -> None:
    """A message of an instrument in the page's browser."""
    hub.keyboard.receive(page, bytes(request["bytes"]), plugged=True)


def _move_pad(hub: Hub, session: Session, page: Page, request: Request) -> None:
    """A style between four; knobs stay as they are."""
    preset = hub.style_pad.blend(request["x"], request["y"], request["corners"], session.partner.preset)
    session.set_style(preset)
    hub.style_pad.point = [request["x"], request["y"]]


def _learn_style(hub: Hub, session: Session, page: Page, request: Request) -> None:
    hub.run_later(_make_preset_from_playing(hub, session, request["name"]))


async def _make_preset_from_playing(hub: Hub, session: Session, name: str) -> None:
    """A preset from the player's last phrases. Raises UserError, WorkerLost."""
    notes = learnable_notes(session)[-MOST_NOTES:]
    if len(notes) < LEAST_NOTES:
        raise UserError(
            f"Play a little more first: a style is learnt from {LEAST_NOTES} notes, and I have heard {len(notes)}."
        )
    z, habits = await session.worker.encode_aside(notes)
    if not z:
        raise UserError("This musician knows no styles; use one with weights.")
    about = session.worker.ready or {}
    preset = Preset(
        presets.file_name(name),
        title=name.strip(),
        description=f"Learnt from {len(notes)} notes of your playing.",
        z=tuple(z),
        weights=str(about.get("points", about.get("weights", ""))),
        source="your playing",
        musician=session.partner.preset.musician,
        sampling=habits,
        vamp=preset_maker.cut_passage(notes),
    )
    _write_preset(hub, preset)
    session.set_style(preset)


def _save_preset(hub: Hub, session: Session, page: Page, request: Request) -> None:
    preset = session.partner.preset
    about = preset.description or f"From {preset.name}."
    title = request["name"].strip()
    _write_preset(hub, replace(preset, name=presets.file_name(title), title=title, description=about))


def _write_preset(hub: Hub, preset: Preset) -> None:
    """Keep it among the user's own. Raises UserError."""
    _, remark = preset_maker.keep(preset)
    hub.say(f"The style {preset.title} is kept. {remark}".rstrip())
    hub.reload_presets()


def _own_preset(name: str) -> Path:
    """The file of one of the user's own presets. Raises UserError."""
    path = presets.OWN / f"{name}.toml"
    if not path.is_file():
        raise UserError(f"{name} is no style of yours; those that come with the program stay as they are.")
    return path


def _rename_preset(hub: Hub, session: Session, page: Page, request: Request) -> None:
    path = _own_preset(request["name"])
    title = request["title"].strip()
    preset = replace(presets.read(path), name=presets.file_name(title), title=title)
    if preset.name.casefold() == path.stem.casefold():  # one file, on some systems
        preset = replace(preset, name=path.stem)
        preset_maker.write(preset, path)
    else:
        preset_maker.keep(preset)
        path.unlink()
    if session.partner.preset.name == path.stem:
        session.set_style(preset)
    hub.say(f"The style is called {title} now.")
    hub.reload_presets()


def _delete_preset(hub: Hub, session: Session, page: Page, request: Request) -> None:
    """What is played goes on, until another style is chosen."""
    path = _own_preset(request["name"])
    path.unlink()
    hub.say(f"The style {path.stem} is deleted.")
    hub.reload_presets()


def _rename_take(hub: Hub, session: Session, page: Page, request: Request) -> None:
    hub.takes.rename(request["name"], request["title"].strip())
    hub.send_takes()


def _learn_control(hub: Hub, session: Session, page: Page, request: Request) -> None:
    hub.midi_learn.pending = request["action"]


def _forget_control(hub: Hub, session: Session, page: Page, request: Request) -> None:
    hub.midi_learn.remove(request["trigger"])


def _set_timbre(hub: Hub, session: Session, page: Page, request: Request) -> None:
    hub.sound.set_timbre(request["who"], request["name"])


def _set_volume(hub: Hub, session: Session, page: Page, request: Request) -> None:
    hub.sound.set_volume(float(request["value"]))


def _switch_sound(hub: Hub, session: Session, page: Page, request: Request) -> None:
    hub.run_later(hub.sound.switch(request["name"]))


def _switch_soundfont(hub: Hub, session: Session, page: Page, request: Request) -> None:
    hub.run_later(hub.sound.switch_soundfont(request["name"]))


def _listen_to_port(hub: Hub, session: Session, page: Page, request: Request) -> None:
    hub.run_later(hub.patchbay.set_input(session, request["port"], request["on"]))


def _switch_output(hub: Hub, session: Session, page: Page, request: Request) -> None:
    hub.run_later(hub.patchbay.set_output(request["port"]))


def _play_phrase(hub: Hub, session: Session, page: Page, request: Request) -> None:
    """A written phrase that suits the style: at once in free time, else on the next bar, in a trade on the player's next bars."""
    phrase = phrase_for(session.partner.preset.name)
    transport = session.transport
    settings = session.partner.mode_settings
    now = hub.clock.now()
    if not transport.running:
        start = now + PHRASE_DELAY
        hub.run_later(
            hub.keyboard.play_phrase(phrase.timed_messages(math.inf), lambda b: start + b * 60.0 / phrase.tempo)
        )
        return
    beat = transport.beat_at(now + PHRASE_DELAY)
    first = float(math.ceil(beat / transport.beats) * transport.beats)
    length = math.inf
    if settings.mode == TRADE:
        form = trading_form(session.config.over, settings.bars, transport.beats)
        first = form.next_players_turn(beat)
        if first == math.inf:
            return  # the last chorus has no turn of the player's left
        length = form.turn_at(first).end - first
    timed = phrase.timed_messages(length)
    hub.run_later(hub.keyboard.play_phrase(timed, lambda b: transport.time_at(first + b)))


def _set_form(hub: Hub, session: Session, page: Page, request: Request) -> None:
    session.act(f"{FORM}{request['name']}={request['value']}", hub.clock.now())


def _save_moment(hub: Hub, session: Session, page: Page, request: Request) -> None:
    hub.save_moment()


def _send_takes(hub: Hub, session: Session, page: Page, request: Request) -> None:
    hub.send_takes()


def _delete_take(hub: Hub, session: Session, page: Page, request: Request) -> None:
    hub.takes.delete(request["name"])
    hub.send_takes()


def _make_take_sound(hub: Hub, session: Session, page: Page, request: Request) -> None:
    hub.run_later(hub.takes.make_sound(request["name"], hub.broadcast))


HANDLERS: dict[str, Handler] = {
    "on": _press_key,
    "off": _release_key,
    "pedal": _press_pedal,
    "act": _act,
    "preset": _choose_preset,
    "midi": _receive_midi,
    "knob": _turn_knob,
    "pad": _move_pad,
    "timbre": _set_timbre,
    "volume": _set_volume,
    "sound": _switch_sound,
    "soundfont": _switch_soundfont,
    "listen": _listen_to_port,
    "output": _switch_output,
    "phrase": _play_phrase,
    "form": _set_form,
    "save": _save_moment,
    "save preset": _save_preset,
    "sound like that": _learn_style,
    "rename preset": _rename_preset,
    "delete preset": _delete_preset,
    "rename take": _rename_take,
    "learn": _learn_control,
    "forget": _forget_control,
    "takes": _send_takes,
    "delete take": _delete_take,
    "take sound": _make_take_sound,
}
"""By the word of a request's `do`."""
