"""The partner: the musician that a session plays with. It hears the player's messages, and plays in the mode of the moment.

Session, actions and tests talk to it alone: how a solo is played is the answer player's matter, when one begins that of the mode loops.
All of it runs on the event loop.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any, TypedDict

from models.music.note_records import Note, Phrase

from ..clock import Clock
from ..midi.keyboard_zones import KeyboardZones
from ..midi.messages import NOTE_ON, Event
from ..styles.presets import Preset
from ..timing.replayable_clock import stepwise
from ..timing.timing_stats import TimingStats
from ..timing.transport import Transport
from ..turns.mode_settings import DUET, TRADE, ModeSettings
from ..turns.note_history import History
from ..turns.note_tracker import NoteTracker
from ..turns.session_phrases import PhraseLog
from .answer_player import AnswerPlayer
from .interruptible_wait import Wakeup
from .load_shedding import LoadShedding
from .mode_loops import ModeLoops, Over
from .playback_thread import Player
from .style_state import StyleState
from .worker_client_interface import Worker, WorkerLost
from .worker_supervisor import WorkerSupervisor


class _Shared(TypedDict):
    """What answer player and mode loops both need."""

    player: Player
    clock: Clock
    history: History
    transport: Transport
    mode_settings: ModeSettings
    load: LoadShedding
    stats: TimingStats
    wakeup: Wakeup


class Partner:
    """One musician at work. `say` takes lines for the user, `show` the state in a word or two.

    `on_answer` is called after each answer, with how many there have been; `most_candidates` bounds the candidates for one. For
    `keeps_restarting` see `WorkerSupervisor`.
    """

    def __init__(
        self,
        *,
        worker: Worker,
        player: Player,
        clock: Clock,
        preset: Preset,
        stats: TimingStats,
        mode_settings: ModeSettings,
        zones: KeyboardZones,
        transport: Transport,
        say: Callable[[str], None],
        show: Callable[[str], None],
        seed: int | None,
        most_candidates: int,
        on_answer: Callable[[int], None],
        keeps_restarting: bool,
        over: Over = None,
    ) -> None:
        self.history = History()
        self._worker = worker
        self._clock = clock
        self._zones = zones
        self._stats = stats
        self._say = say
        self._show = show
        self._on_answer = on_answer
        self._mode_task: asyncio.Task[None] | None = None
        self._is_switching = False
        self._in_free_time = False  # the clock is lost: in free time until it is back
        self._phrases = PhraseLog(self.history, clock.now())
        self._tracker = NoteTracker(self.history, transport.place)
        self._wakeup = Wakeup(worker, clock)
        load = LoadShedding()
        self._style_state = StyleState(worker, self._within_zones(preset), load)
        shared: _Shared = {
            "player": player,
            "clock": clock,
            "history": self.history,
            "transport": transport,
            "mode_settings": mode_settings,
            "load": load,
            "stats": stats,
            "wakeup": self._wakeup,
        }
        self._answer_player = AnswerPlayer(
            worker=worker, zones=zones, most_candidates=most_candidates, on_finished=self._end_answer, **shared
        )
        self._loops = ModeLoops(
            tracker=self._tracker,
            phrases=self._phrases,
            answer_player=self._answer_player,
            style_state=self._style_state,
            show=show,
            over=over,
            **shared,
        )
        self._supervisor = WorkerSupervisor(
            worker, clock, self.history, self._style_state, say, show, seed, keeps_restarting
        )

    # -- questions ---------------------------------------------------------------------------------------------------

    @property
    def preset(self) -> Preset:
        """The style of the moment."""
        return self._style_state.preset

    @property
    def mode_settings(self) -> ModeSettings:
        """How the two play together at the moment."""
        return self._loops.mode_settings

    @property
    def patience(self) -> float:
        """How many times as long a silence is waited for: see `turn_taking.Patience`."""
        return self._loops.patience.factor

    @property
    def is_playing(self) -> bool:
        """Whether a solo of the agent's is on."""
        return self._answer_player.is_playing

    @property
    def keys_down(self) -> int:
        """How many keys the player holds."""
        return len(set(self._tracker.down.values()))  # on however many channels each

    @property
    def last_onset(self) -> float:
        """When the player last struck a key, in seconds; long ago where there was none."""
        return self._tracker.last_onset

    @property
    def calls(self) -> list[Phrase]:
        """The player's last phrases that were answered, in seconds from the session's start."""
        return self._phrases.calls

    @property
    def answers(self) -> list[Phrase]:
        """The agent's last answers, in seconds from the session's start."""
        return self._phrases.answers

    def is_release(self, message: bytes) -> bool:
        """Whether a message ends a note or a pedal that was played: see `NoteTracker.is_release`."""
        return self._tracker.is_release(message)

    # -- what it is told ---------------------------------------------------------------------------------------------

    def hear(self, event: Event) -> None:
        """A message of the player's that is music."""
        message = event.message
        if message[0] & 0xF0 == NOTE_ON and message[-1] > 0:
            self._answer_player.key_pressed(event.when)
        self._tracker.hear(event)
        self._wakeup.notify()

    def release_all(self, when: float) -> None:
        """Every key and pedal of the player counts as up: see `NoteTracker.release_all`."""
        self._tracker.release_all(when)
        self._wakeup.notify()

    def note_sent(self, number: int, when: float) -> None:
        """A note of the agent's has left."""
        self._answer_player.note_sent(number, when)

    def set_style(self, preset: Preset) -> None:
        """Another style, from the next note on, or as soon as the worker is there that it asks for. Raises UserError."""
        self._style_state.set_preset(self._within_zones(preset))
        weights = preset.player()
        if self._worker.seat(weights):
            self._say(f"The musician with the weights {weights} takes the seat; play on.")

    def set_knob(self, name: str, value: float) -> None:
        """Turn a knob of the style, from the next note on. Raises UserError for one that is not there."""
        self._style_state.set_knob(name, value)

    def set_mode(self, mode: str, bars: int | None = None) -> None:
        """Play together in another way from now on, trade so many `bars` where given; what sounds rings out."""
        self.set_mode_settings(replace(self.mode_settings, mode=mode, bars=bars or self.mode_settings.bars))
        self._restart_mode()

    def set_mode_settings(self, mode_settings: ModeSettings) -> None:
        """Groove, swing and the like, from the next note on; another mode is for `set_mode`."""
        self._loops.mode_settings = mode_settings
        self._answer_player.mode_settings = mode_settings

    @property
    def over(self) -> Over:
        """What is played over."""
        return self._loops.over

    def play_over(self, over: Over) -> None:
        """Another last chorus of the same chart, from the next turn on."""
        self._loops.over = over
        self._wakeup.notify()

    def follow_beat(self, in_free_time: bool) -> None:
        """The beat has stopped, jumped or come back, or there is none any more: leave what is played, and find the place anew."""
        self._in_free_time = in_free_time
        self._restart_mode()

    def update_curfew(self) -> None:
        """The beat has moved a little, perhaps: bars end where they end now."""
        self._loops.update_curfew()

    def answer_now(self) -> None:
        """Do not wait for the phrase to be over."""
        self._loops.answer_now()

    def answer_again(self) -> None:
        """In the mode call: another answer to the last phrase that was answered. There must be one."""
        self._loops.answer_again()

    def leave(self) -> None:
        """End the solo, if there is one: nothing new begins, what sounds rings out."""
        self._answer_player.leave()

    # -- its life ----------------------------------------------------------------------------------------------------

    async def run(self, start: float) -> None:
        """Listen and answer in a session that began at `start`, whatever happens to the worker. Raises UserError."""
        self._phrases.start = start
        while True:
            try:
                await self._supervisor.bring_up(start)
                await self._run_modes()
            except WorkerLost as error:
                if self._answer_player.abort():
                    self._phrases.reopen_call()
                    self._stats.phrases -= 1
                await self._supervisor.recover(error)

    async def _run_modes(self) -> None:
        """In the mode of the moment, until that changes."""
        while True:
            self._mode_task = asyncio.ensure_future(stepwise(self._clock, self._mode_loop(), "manner"))
            try:
                await self._mode_task
            except asyncio.CancelledError:
                if not self._is_switching:
                    raise
                self._is_switching = False
                self._loops.leave()
                self._style_state.send()
                self._show("listening")

    def _mode_loop(self) -> Coroutine[Any, Any, None]:
        if self.mode_settings.mode == DUET:
            return self._loops.play_duet()
        if self.mode_settings.mode == TRADE and not self._in_free_time:  # without a beat there are no bars to trade
            return self._loops.trade_bars()
        return self._loops.answer_calls()

    def _restart_mode(self) -> None:
        if self._mode_task is not None and not self._mode_task.done():
            self._is_switching = True
            self._mode_task.cancel()

    def _end_answer(self, notes: list[Note]) -> None:
        self._phrases.end_answer(notes)
        self._show("listening")
        self._on_answer(self._phrases.answer_count)

    def _within_zones(self, preset: Preset) -> Preset:
        return replace(preset, sampling=self._zones.range(preset.sampling))
