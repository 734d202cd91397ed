"""What a control, a hotkey or a page can have done, by name, and how it is done. All of it runs on the event loop."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from models.music.style_settings_table import KNOB as KNOB_SETTING
from models.music.style_settings_table import KNOBS

from ..control.bindings import (
    ANOTHER,
    BAR_COUNTS,
    CLICK,
    FORM,
    FREE,
    KNOB,
    LAST_CHORUS,
    NEXT_MODE,
    PRESET,
    PRESET_STEPS,
    SONG_STEPS,
    song_number,
)
from ..control.parameters import PARAMETERS
from ..control.set_list import Song
from ..errors import UserError
from ..playing.metronome import Metronome
from ..playing.partner import Partner
from ..playing.playback_thread import Player
from ..playing.thru import Thru
from ..styles import presets
from ..styles.presets import Preset
from ..timing.transport import Transport
from ..turns.mode_settings import CALL, MODES, MOST_BARS, MOST_BEATS, PARTS, TRADE, BeatSettings
from .config import SessionIO

COMPLAINT_SECONDS = 2.0  # of quiet, after which the same is said again


@dataclass
class Actions:
    """The actions of one session. `stop` ends it. `load` calls what loads a preset, and tells the take which it was. Raises UserError."""

    partner: Partner
    player: Player
    transport: Transport
    metronome: Metronome
    thru: Thru | None
    beat: BeatSettings
    io: SessionIO
    stop: Callable[[], None]
    load: Callable[[Callable[[], Preset]], Preset]
    set_list: Sequence[Song] = ()
    has_chart: bool = False  # whose metre is the chart's
    song: int = 0  # the place in the set list, from 0 on
    _complaint: str = ""
    _complained: float = -math.inf

    def act(self, action: str, when: float) -> None:
        """Do what is asked for: see `agent.control.bindings`. What cannot be done is said."""
        try:
            if action in MODES or action in BAR_COUNTS:
                self._set_mode(action, when)
            elif action == NEXT_MODE:
                mode = MODES.index(self.partner.mode_settings.mode)
                self._set_mode(MODES[(mode + 1) % len(MODES)], when)
            elif action in PRESET_STEPS:
                name = self.partner.preset.name
                step = PRESET_STEPS[action]
                self._set_style(lambda: presets.load_beside(name, step))
            elif action in SONG_STEPS:
                self._set_song(self.song + SONG_STEPS[action], when)
            elif (number := song_number(action)) is not None:
                self._set_song(number - 1, when)
            elif action.startswith(PRESET):
                self._set_style(lambda: presets.load(action.removeprefix(PRESET)))
            elif action.startswith(KNOB):
                name, _, value = action.removeprefix(KNOB).partition("=")
                self.set_parameter(name, float(value))
            elif action.startswith(FORM):
                name, _, value = action.removeprefix(FORM).partition("=")
                self._set_form(name, value, when)
            else:
                self._simple_action(action)(when)
        except UserError as error:
            self._complain(str(error), when)

    def _complain(self, line: str, when: float) -> None:
        """Say what cannot be done; not again at once, as a fader asks for it a hundred times a second."""
        if line != self._complaint or when - self._complained > COMPLAINT_SECONDS:
            self.io.say(line)
        self._complaint = line
        self._complained = when

    def set_parameter(self, name: str, value: float) -> None:
        """Turn one parameter, from the next note on. Raises UserError for one that is not there, or not ours to turn."""
        parameter = PARAMETERS.get(name)
        if parameter is None:
            raise UserError(f"There is no knob {name!r}; there are: {', '.join(PARAMETERS)}.")
        value = parameter.clamp(value)
        if name == "tempo":
            if self.beat.follow:
                raise UserError("The tempo comes from the MIDI clock; change it there.")
            self.transport.set_tempo(self.io.clock.now(), value)
            self.metronome.follow_tempo(self.io.clock.now())
        elif name in KNOBS:
            self.partner.set_knob(name, value)
        else:
            share: dict[str, Any] = {name: value / 100}
            self.partner.set_mode_settings(replace(self.partner.mode_settings, **share))

    def parameter(self, name: str) -> float:
        """The value of a parameter now."""
        if name == "tempo":
            return self.transport.tempo
        if name in KNOBS:
            return self.partner.preset.sampling.get(KNOB_SETTING + name, 0.0)
        settings = self.partner.mode_settings
        return 100 * {"groove": settings.effective_groove, "swing": settings.swing, "mirror": settings.mirror}[name]

    @property
    def has_own_beat(self) -> bool:
        """Whether the beat is ours to begin, change and end."""
        return not self.beat.follow and not self.beat.link

    def _simple_action(self, action: str) -> Callable[[float], None]:
        return {
            "tap": self._tap,
            "answer": self._answer,
            ANOTHER: self._answer_again,
            LAST_CHORUS: self._set_last_chorus,
            "hush": self._hush,
            "panic": self._panic,
            CLICK: self._switch_clicks,
            FREE: self._leave_beat,
            "stop": self._stop,
        }[action]

    def _set_mode(self, action: str, when: float) -> None:
        mode = TRADE if action in BAR_COUNTS else action
        if mode == TRADE and not self.transport.running and not self.beat.follow:
            self.metronome.begin(when, self.beat)
        self.partner.set_mode(mode, BAR_COUNTS.get(action))
        self.io.say(f"Mode: {mode}." if action in MODES else f"Trading {action}.")

    def _set_form(self, name: str, value: str, when: float) -> None:
        """Bars of a trade, beats of a bar, or the part in a duet. Raises UserError for a value that cannot be."""
        settings = self.partner.mode_settings
        if name == "part" and value in PARTS:
            self.partner.set_mode_settings(replace(settings, part=value))
        elif name == "bars" and value.isdecimal() and 1 <= int(value) <= MOST_BARS:
            self.partner.set_mode(settings.mode, int(value))
        elif name == "beats" and self.has_chart:
            raise UserError("The chart has a metre of its own; play without --chart for another.")
        elif name == "beats" and value.isdecimal() and 1 <= int(value) <= MOST_BEATS:
            self._set_beats(int(value), when)
        else:
            raise UserError(f"There is no {name} {value!r}; write bars=4, beats=3 or part=bass.")

    def _set_beats(self, beats: int, when: float) -> None:
        """So many beats in a bar: a beat of our own begins anew, with its count-in."""
        self.beat = replace(self.beat, beats=beats, click=self.metronome.has_clicks)
        self.transport.beats = beats
        if self.transport.running and self.has_own_beat:
            self.metronome.begin(when, self.beat)
        self.partner.follow_beat(in_free_time=False)

    def _switch_clicks(self, when: float) -> None:
        """The metronome on or off; without a beat, one begins."""
        if not self.transport.running and self.has_own_beat:
            self.metronome.begin(when, replace(self.beat, click=True, count_in=0))
            self.partner.follow_beat(in_free_time=False)
        else:
            self.metronome.switch_clicks(when, not self.metronome.has_clicks)

    def _leave_beat(self, when: float) -> None:
        """Back to free time; without a beat there are no bars to trade. Raises UserError where the beat is another's."""
        if not self.has_own_beat:
            raise UserError("The beat comes from another program; stop it there.")
        self.metronome.stop(when)
        if self.partner.mode_settings.mode == TRADE:
            self.partner.set_mode(CALL)
        else:
            self.partner.follow_beat(in_free_time=False)

    def _set_style(self, find: Callable[[], Preset]) -> None:
        preset = self.load(find)
        self.partner.set_style(preset)
        self.io.say(f"Style: {preset.title}.")

    def _set_song(self, index: int, when: float) -> None:
        """Play this song of the set list from now on: its style, its beat and its mode. Raises UserError where there is none."""
        count = len(self.set_list)
        if not count:
            raise UserError("There is no set list here; start with --set-list NAME.")
        if not 0 <= index < count:
            raise UserError(f"The set list has songs 1 to {count}, and this is song {self.song + 1}.")
        song = self.set_list[index]
        preset = self.load(lambda: presets.load(song.preset))
        self.partner.set_style(preset)
        self.song = index
        if self.has_own_beat:
            self._set_own_beat(song.tempo, when)
        self.partner.set_mode(song.mode, song.bars)
        self.io.say(f"Song {index + 1} of {count}: {song.about(preset.title)}.")

    def _set_own_beat(self, tempo: float | None, when: float) -> None:
        """A beat of that tempo, with its count-in; None: free time."""
        if tempo is None:
            self.metronome.stop(when)
            return
        if self.transport.running:
            self.beat = replace(self.beat, click=self.metronome.has_clicks)
        self.transport.set_tempo(self.io.clock.now(), tempo)
        self.metronome.begin(when, self.beat)

    def _set_last_chorus(self, when: float) -> None:
        """After this chorus of the chart comes the end; asked again, the music goes on. Raises UserError without a chart."""
        over = self.partner.over
        if over is None:
            raise UserError("There is no chart here; start with --chart NAME.")
        over = over.with_last_chorus(self.transport.beat_at(when))
        self.partner.play_over(over)
        if self.metronome.band is not None:
            self.metronome.band.play_over(over)
        self.io.say("On and on." if over.choruses is None else f"Chorus {over.choruses} is the last one.")

    def _tap(self, when: float) -> None:
        """The tempo is shown beside whose turn it is, not in its place."""
        if self.beat.follow:
            raise UserError("The tempo comes from the MIDI clock; change it there.")
        self.metronome.tap(when)

    def _hush(self, when: float) -> None:
        self.partner.leave()
        self.player.cut()

    def _panic(self, when: float) -> None:
        """All is silent, and every key and pedal counts as up, whatever was heard of it."""
        self.partner.leave()
        self.partner.release_all(when)
        if self.io.take is not None:
            self.io.take.record_panic(when)
        try:
            if self.thru is not None:
                self.thru.silence()
        finally:
            self.player.panic()
            if self.metronome.band is not None:
                self.metronome.band.panic()

    def _answer(self, when: float) -> None:
        self.partner.answer_now()

    def _answer_again(self, when: float) -> None:
        if self.partner.mode_settings.mode != CALL:
            raise UserError("Another answer is there in the mode call only; choose call first.")
        if not self.partner.calls:
            raise UserError("There is no answer yet; play a phrase first.")
        self.partner.answer_again()

    def _stop(self, when: float) -> None:
        self.stop()
