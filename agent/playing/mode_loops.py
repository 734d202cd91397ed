"""The three ways of playing together, each a loop that waits for its moment and plays: call and response, trading bars, duet.

All of it runs on the event loop.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TypeAlias

from models.music.harmony.chords import TimedChord
from models.music.note_records import CALL, Note, Span

from ..band.chart_play import ChartPlay, trading_form
from ..charts.form_trading import FormTrading
from ..clock import Clock
from ..timing.timing_stats import TimingStats
from ..timing.transport import Transport
from ..turns import duet, turn_taking
from ..turns.answer_window import AnswerWindow
from ..turns.mode_settings import ModeSettings
from ..turns.note_history import History
from ..turns.note_tracker import NoteTracker
from ..turns.session_phrases import PhraseLog
from ..turns.trading import TradingForm, Turn
from .answer_player import AnswerPlayer
from .interruptible_wait import TICK, Wakeup
from .load_shedding import LoadShedding
from .playback_thread import Player
from .style_state import StyleState

MARGIN = 0.12  # beats of silence before the player's bars, which a clock that wanders may eat
CLOSE = 1.5  # beats before the player's bars, from which on the agent may close
STOP = 0.25  # beats before the player's bars, from which on it begins no note
LEAD_IN = 0.25  # seconds before its bars in which the agent decides to play
PREPARATION = 1.5  # seconds before that from which on candidates are generated
DUET_CHORDS = 8.0  # seconds of the chart that a part of a duet is told
UNANSWERED_TURNS = 2  # of the agent's in a row, after which it rests until the player plays
REST = 0.5  # seconds between two looks of an agent that rests
Over: TypeAlias = ChartPlay | None  # what is played over


@dataclass(eq=False)
class ModeLoops:
    """The loops, and what they share. Each runs until it is cancelled, or raises WorkerLost; `show` takes the state in a word or two."""

    clock: Clock
    transport: Transport
    player: Player
    history: History
    tracker: NoteTracker
    phrases: PhraseLog
    answer_player: AnswerPlayer
    style_state: StyleState
    load: LoadShedding
    stats: TimingStats
    wakeup: Wakeup
    show: Callable[[str], None]
    mode_settings: ModeSettings
    over: Over = None
    patience: turn_taking.Patience = field(default_factory=turn_taking.Patience)
    _is_asked: bool = False  # to answer now
    _is_asked_again: bool = False  # for another answer to the last call
    _last_beat: float = math.inf  # of the agent's bars: from then on it is silent

    def answer_now(self) -> None:
        """Do not wait for the phrase to be over."""
        self._is_asked = True
        self.wakeup.notify()

    def answer_again(self) -> None:
        """Another answer to the last call; where a phrase has begun since, an answer to that."""
        if self.answer_player.is_playing or not self.phrases.current():
            self._is_asked_again = True
            self.answer_player.leave()
        self.answer_now()

    def leave(self) -> None:
        """The loop was cancelled: nothing new begins, what sounds rings out, and no bar ends any more."""
        self._last_beat = math.inf
        self.update_curfew()
        self.answer_player.leave()

    def update_curfew(self) -> None:
        """The beat has moved a little, perhaps: bars end where they end now."""
        when = math.inf
        if self._last_beat < math.inf:
            when = self.transport.time_at(self._last_beat - MARGIN)
        if when != self.player.schedule.curfew:
            self.player.set_curfew(when)

    # -- call and response -------------------------------------------------------------------------------------------

    async def answer_calls(self) -> None:
        """Listen until a phrase is over, answer it, and so on."""
        while True:
            self._look_again()
            if self._is_asked_again:
                await self._play_another(self.phrases.last_call)
                continue
            phrase = turn_taking.current_phrase(self.phrases.current())
            due = turn_taking.phrase_end(phrase, self._hands(), self.patience.factor)
            now = self.clock.now()
            was_asked = bool(phrase) and self._is_asked
            self._is_asked = False
            if was_asked:
                due = now
            if due is None:
                await self.wakeup.wait(None)
                continue
            self.answer_player.follow_pulse(phrase)
            if due - now >= TICK:
                span = self._answer_span(phrase, due)
                await self.wakeup.wait(
                    self.answer_player.prepare(due - now, now - self.tracker.last_onset, span, phrase)
                )
                continue
            span = self._answer_span(phrase, self.clock.now())
            await self._play(AnswerWindow(partial(_same, span)), phrase)
            if not was_asked:
                self.patience.learn(now < self.tracker.last_onset < span.earliest + self.patience.MEANT)

    async def _play_another(self, call: Sequence[Note]) -> None:
        """Play the next best answer to that call."""
        self._is_asked = self._is_asked_again = False
        self.answer_player.follow_pulse(call)
        span = replace(self._answer_span(call, self.clock.now()), another=True)
        await self._play(AnswerWindow(partial(_same, span)), call)

    def _hands(self) -> turn_taking.Hands:
        tracker = self.tracker
        return turn_taking.Hands(len(tracker.down), tracker.pedal, tracker.last_onset, tracker.last_release)

    def _answer_span(self, phrase: Sequence[Note], decision_time: float) -> Span:
        """The span of an answer that is decided on at that time; it begins on a beat where there is one."""
        begin = self.answer_player.earliest_start(decision_time)
        bar = self.answer_player.bar_at(begin)
        if bar is not None:
            begin = bar.next_beat(begin)
        preset = self.style_state.preset
        span = turn_taking.answer_span(phrase, begin, preset.shortest, preset.longest)
        return replace(span, on_beat=bar is not None, chords=self._chords(begin, span.stop))

    # -- trading bars ------------------------------------------------------------------------------------------------

    async def trade_bars(self) -> None:
        """On the transport, so many bars each. Where there is no beat, wait for one."""
        over = self.over
        form = trading_form(over, self.mode_settings.bars, self.transport.beats)
        joining = True
        unanswered = 0
        last_onset = self.tracker.last_onset
        while True:
            self._look_again()
            if not self.transport.running:
                self.show("waiting for the clock")
                await self.wakeup.wait(None)
                continue
            if self.tracker.last_onset != last_onset:
                last_onset = self.tracker.last_onset
                unanswered = 0
            if unanswered >= UNANSWERED_TURNS:
                self.show("waiting for you")
                await self.wakeup.wait(None)
                continue
            if self.over is not over:
                over = self.over
                form = trading_form(over, self.mode_settings.bars, self.transport.beats)
            now = self.clock.now()
            turn = form.next_agents_turn(self.transport.beat_at(now + LEAD_IN), joining)
            if turn.start == math.inf:
                self.show("the last chorus")
                await self.wakeup.wait(None)
                continue
            begin = self.transport.time_at(turn.start)
            left = begin - LEAD_IN - now
            if left >= TICK:
                await self._await_turn(turn, begin, left)
                continue
            joining = False
            unanswered += 1
            self._last_beat = turn.end
            self.update_curfew()
            await self._play(
                AnswerWindow(partial(self._turn_span, turn, begin), partial(self._may_overlap, form, turn))
            )
            rest = self.transport.time_at(turn.start + 1.0) - self.clock.now() + TICK
            if self.transport.running and rest > 0:  # yielded at once: this turn is over all the same
                await self.wakeup.sleep(rest)

    async def _await_turn(self, turn: Turn, begin: float, left: float) -> None:
        """Listen in the player's bars; shortly before the agent's, which it decides on in `left` seconds, prepare candidates."""
        self.show("your bars")
        if left > PREPARATION + TICK:
            left -= PREPARATION
        elif phrase := self.phrases.current():
            silence = self.clock.now() - self.tracker.last_onset
            left = self.answer_player.prepare(left, silence, self._turn_span(turn, begin), phrase)
        await self.wakeup.wait(left)

    def _turn_span(self, turn: Turn, begin: float) -> Span:
        """The span of the agent's bars, of which the first note begins at `begin` at the earliest."""
        end = self.transport.time_at(turn.end)
        beat = 60.0 / self.transport.tempo
        stop = end - STOP * beat
        chords = self._chords(begin, end)
        return Span(begin, stop, end - CLOSE * beat, stop, end - MARGIN * beat, on_beat=True, chords=chords)

    def _chords(self, begin: float, end: float) -> tuple[TimedChord, ...]:
        """The chart's chords from one moment to another, in seconds; none without a chart or a beat."""
        if self.over is None or not self.transport.running:
            return ()
        first, last = (self.transport.beat_at(time) for time in (begin, end))
        return tuple(
            TimedChord(self.transport.time_at(timed.start), timed.chord)
            for timed in self.over.trading(self.mode_settings.bars).timed_chords(max(first, 0.0), last)
        )

    def _may_overlap(self, form: TradingForm | FormTrading, turn: Turn, when: float) -> bool:
        return form.may_overlap(turn, self.transport.beat_at(when))

    # -- duet --------------------------------------------------------------------------------------------------------

    async def play_duet(self) -> None:
        """Both at once: play along while the player plays, and a little on."""
        while True:
            self._look_again()
            now = self.clock.now()
            if sum(now - n.onset < duet.SILENCE for n in self.phrases.current()) < duet.LEAST_NOTES:
                await self.wakeup.wait(None)
                continue
            span = partial(self._duet_span, now + duet.DELAY)
            await self._play(AnswerWindow(span, _always, self._make_room, duet.LOOKAHEAD, duet.DELAY))

    def _duet_span(self, begin: float) -> Span:
        span = duet.answer_span(begin, self.tracker.last_onset, self.clock.now())
        return replace(span, chords=self._chords(begin, begin + DUET_CHORDS))

    def _make_room(self) -> None:
        """Play where the player does not, and less while the player plays more."""
        recent = [n for n in self.history.notes[-duet.CONTEXT_NOTES :] if n.role == CALL]
        settings = self.style_state.settings()
        part = self.mode_settings.part
        self.style_state.send(duet.accompaniment_settings(settings, recent, self.clock.now(), part))
        self.answer_player.follow_pulse(recent)

    # -- in all of them ----------------------------------------------------------------------------------------------

    def _look_again(self) -> None:
        self.wakeup.clear()
        self.answer_player.share_history()

    async def _play(self, plan: AnswerWindow, call: Sequence[Note] | None = None) -> None:
        """One answer, or none where the worker is too slow. `call`: what is answered; None: all notes since the last answer."""
        self.load.end_rest(self.clock.now())
        self.stats.set_level(self.load.level, self.load.word)
        if self.load.is_resting:
            self.show("resting")
            self.answer_player.skip()
            await self.wakeup.sleep(REST)
            return

        def update() -> None:
            self.style_state.send_if_load_changed()
            plan.update()

        self.stats.phrases += 1
        self.phrases.begin_answer(self.phrases.current() if call is None else call)
        self.show("answering")
        await self.answer_player.play(replace(plan, update=update))
        await self.style_state.mirror(self.history.notes, self.mode_settings.mirror)  # when nobody waits for it


def _always(when: float) -> bool:
    return True


def _same(span: Span) -> Span:
    return span
