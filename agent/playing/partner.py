"""The partner: listens, decides when to play, and plays: in turn, in bars, or at once.

Knows nothing of ports, threads or the command line. All of it runs on the event loop.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from models.music.note import CALL, Note, Phrase

from ..clock import Clock
from ..errors import UserError
from ..styles.presets import Preset
from ..timing.step_clock import stepwise
from ..timing.transport import Transport
from ..turns import duet, turn_taking
from ..turns.history import History
from ..turns.modes import DUET, TRADE, ModeSettings
from ..turns.note_tracker import NoteTracker
from ..turns.trading import TradingForm, Turn
from .player import Player
from .solo import SOON, TICK, Bounds, Soloist
from .style_state import StyleState
from .timing_stats import TimingStats
from .worker_client import WorkerClient, WorkerLost, WorkerReplaced

BREATH = 0.12  # beats of silence before the player's bars, which a clock that wanders may eat
LEAD_IN = 0.25  # seconds before its bars in which the agent makes up its mind
THOUGHT_OF = 1.5  # seconds before that from which on its bars are thought of
LONGEST_CALL = 200  # notes of it that are looked at: each key looks at them anew
KEPT = 200  # phrases of each, for the report
REMEMBERED = 300  # notes: what a musician who comes in late is told
BACK_OFF = (0.0, 0.5, 1.0, 2.0, 4.0, 8.0, 15.0)  # seconds before a musician who dies again and again is started anew
WELL = 60.0  # seconds of good health, after which former deaths are forgotten
SITTING = 0.5  # seconds between two looks of a partner who rests
STILLBORN = 3  # deaths before it has ever been ready: it will not come


class Partner:
    """One musician at work. `say` takes lines for the user, `show` the state in a word or two; `done` is called after each answer.

    A musician who was well once is started again however often it dies, where we are `hopeful`.
    """

    def __init__(
        self,
        *,
        mind: WorkerClient,
        player: Player,
        clock: Clock,
        preset: Preset,
        meters: TimingStats,
        manner: ModeSettings,
        transport: Transport,
        say: Callable[[str], None],
        show: Callable[[str], None],
        seed: int | None,
        done: Callable[[int], None] = lambda answers: None,
        hopeful: bool = True,
    ) -> None:
        self.mind, self.player, self.clock, self.meters = mind, player, clock, meters
        self.manner, self.transport = manner, transport
        self.say, self.show, self.seed, self.done, self.hopeful = say, show, seed, done, hopeful
        self.conversation = History()
        self.listener = NoteTracker(self.conversation, transport.place)
        self.calls: list[Phrase] = []
        self.answers: list[Phrase] = []
        self._answered = 0
        self.start = clock.now()
        self.improviser = Soloist(
            mind=mind,
            player=player,
            clock=clock,
            conversation=self.conversation,
            transport=transport,
            manner=manner,
            meters=meters,
            finished=self._finished,
        )
        self.taste = StyleState(mind, preset, self.improviser.pace)
        self.temper = turn_taking.Temper()
        self._task: asyncio.Task[None] | None = None
        self._switching = self._now = False
        self.free = False  # the clock is lost: in free time until it is back
        self._phrase_from = self._called_from = 0  # the number of the note with which the player's phrase begins
        self._last_beat = math.inf  # of the agent's bars: from then on it is silent
        self._deaths, self._well_since = 0, self.start  # of the musician, and since when it has been ready

    # -- what the session calls --------------------------------------------------------------------------------------

    async def play(self) -> None:
        """The whole of the playing: come in, listen, answer, and come back from the dead. Raises UserError."""
        while True:
            try:
                await self._come_in()
                await self._conduct()
            except WorkerLost as error:
                self._break_off()
                if isinstance(error, WorkerReplaced):
                    await asyncio.ensure_future(self.mind.close())
                else:
                    await self._mourn(str(error))

    async def _mourn(self, why: str) -> None:
        """Say what has happened, and wait a little longer each time. Raises UserError for a musician who has never been ready."""
        now = self.clock.now()
        self._deaths = self._deaths + 1 if now - self._well_since < WELL or self.taste.size is None else 1
        if self._deaths >= STILLBORN and (self.taste.size is None or not self.hopeful):
            raise UserError(
                f"The musician cannot be kept alive ({why}); what was played is kept. See: tradefours doctor"
            )
        wait = BACK_OFF[min(self._deaths, len(BACK_OFF)) - 1]
        when = f"started again in {wait:g} s" if wait else "started again"
        self.say(f"The musician stopped ({why}); it is {when}, play on.")
        self.show("without a musician")
        await asyncio.ensure_future(self.mind.close())
        await asyncio.sleep(wait)

    def take_style(self, preset: Preset) -> None:
        """Another style, from the next note on, or as soon as the musician is there that it asks for. Raises UserError."""
        self.taste.take(preset)
        if self.mind.seat(weights := preset.player()):
            self.say(f"The musician with the weights {weights} takes the seat; play on.")

    def take_mode(self, mode: str, bars: int | None = None) -> None:
        """Play together in another way from now on, trade so many `bars` where given; what sounds rings out."""
        self.take_manner(replace(self.manner, mode=mode, bars=bars or self.manner.bars))
        self._switch()

    def take_manner(self, manner: ModeSettings) -> None:
        """Groove, swing and the like, from the next note on; another mode is for `take_mode`."""
        self.manner = self.improviser.manner = manner

    def keep_time(self) -> None:
        """The beat has moved a little, perhaps: bars end where they end now."""
        when = self.transport.time_at(self._last_beat - BREATH) if self._last_beat < math.inf else math.inf
        if when != self.player.schedule.curfew:
            self.player.curfew(when)

    def resettle(self, free: bool) -> None:
        """The beat has stopped, jumped or come back: leave what is played, and find the place anew. `free`: there is no beat."""
        self.free = free
        self._switch()

    @property
    def preset(self) -> Preset:
        """The style of the moment."""
        return self.taste.preset

    def answer_now(self) -> None:
        """Do not wait for the phrase to be over."""
        self._now = True
        self.improviser.changed()

    def _switch(self) -> None:
        if self._task is not None and not self._task.done():
            self._switching = True
            self._task.cancel()

    async def _conduct(self) -> None:
        """In the manner of the moment, until that changes."""
        manners = {DUET: self._duet}
        while True:
            manners[TRADE] = self._call if self.free else self._trade  # without a beat there are no bars to trade
            work = manners.get(self.manner.mode, self._call)()
            self._task = asyncio.ensure_future(stepwise(self.clock, work, "manner"))
            try:
                await self._task
            except asyncio.CancelledError:
                if not self._switching:
                    raise
                self._switching = False
                self._last_beat = math.inf
                self.keep_time()
                self.improviser.leave()
                self.taste.tell()
                self.show("listening")

    # -- coming in ---------------------------------------------------------------------------------------------------

    async def _come_in(self) -> None:
        self.show("waking the musician")
        began = self.start if self.taste.size is None else self.clock.now()
        try:
            await asyncio.ensure_future(self.mind.start())  # however many steps it takes, to us it is one
            about = await self.mind.wait_ready()
        except UserError as error:
            if self.taste.size is None:
                raise
            raise WorkerLost(str(error)) from error  # it could play before: what is the matter may pass
        self._well_since = self.clock.now()
        ready_after = self._well_since - began
        self.say(
            f"The musician is ready ({about.get('engine')}, weights {about.get('weights')}) after {ready_after:.1f} s."
        )
        if "note" in about:
            self.say(str(about["note"]))
        self.taste.meet(int(about.get("style") or 0))
        if self.seed is not None:
            self.mind.seed(self.seed)
        self.mind.join(*self.conversation.everything(REMEMBERED))
        self.show("listening")

    # -- the three manners -------------------------------------------------------------------------------------------

    async def _call(self) -> None:
        """Listen until a phrase is over, answer it, and so on."""
        while True:
            self.improviser.rest()
            self.improviser.share()
            phrase = self._phrase()
            hands = turn_taking.Hands(
                len(self.listener.down), self.listener.pedal, self.listener.last_onset, self.listener.last_release
            )
            due, now = turn_taking.over_at(phrase, hands, self.temper.times), self.clock.now()
            asked, self._now = bool(phrase) and self._now, False
            if asked:
                due = now
            if due is None or due - now >= TICK:
                still = now - self.listener.last_onset
                wait = None if due is None else self.improviser.think(due - now, still, *self._answer(phrase, due))
                await self.improviser.change(wait)
                continue
            begin, bounds, on_beat = self._answer(phrase, self.clock.now())
            await self._play(begin, lambda bounds=bounds: bounds, on_beat=on_beat)  # type: ignore[misc]
            if not asked:
                self.temper.learn(now < self.listener.last_onset < begin + self.temper.MEANT)

    def _answer(self, phrase: list[Note], decided: float) -> tuple[float, Bounds, bool]:
        """When an answer that is decided on then begins, how far it may go, and whether it begins on a beat."""
        begin = decided + SOON + self.improviser.zone.longest_lead
        bar = self.improviser.beat(begin, phrase)
        if bar is not None:
            begin = bar.next_beat(begin)
        shape = turn_taking.shape(phrase, begin, self.preset.shortest, self.preset.longest)
        return begin, Bounds(shape.close, shape.stop), bar is not None

    async def _trade(self) -> None:
        """On the transport, so many bars each. Where there is no beat, wait for one."""
        trades, joining = TradingForm(self.manner.bars, self.transport.beats), True
        while True:
            self.improviser.rest()
            self.improviser.share()
            if not self.transport.running:
                self.show("waiting for the clock")
                await self.improviser.change(None)
                continue
            now = self.clock.now()
            turn = trades.agents_turn(self.transport.beat_at(now + LEAD_IN), joining)
            begin = self.transport.time_at(turn.start)

            def bounds(turn: Turn = turn) -> Bounds:
                over, beat = self.transport.time_at(turn.end), 60.0 / self.transport.tempo
                return Bounds(over - 1.5 * beat, over - 0.25 * beat, over - BREATH * beat)

            if (left := begin - LEAD_IN - now) >= TICK:
                self.show("your bars")
                if left > THOUGHT_OF + TICK:
                    left -= THOUGHT_OF
                elif self._phrase():
                    left = self.improviser.think(left, now - self.listener.last_onset, begin, bounds(), True)
                await self.improviser.change(left)
                continue

            def weaves(when: float, turn: Turn = turn) -> bool:
                return trades.may_overlap(turn, self.transport.beat_at(when))

            joining = False
            self._last_beat = turn.end
            self.keep_time()
            await self._play(begin, bounds, weaves=weaves, on_beat=True)
            rest = self.transport.time_at(turn.start + 1.0) - self.clock.now() + TICK
            if self.transport.running and rest > 0:  # yielded at once: this turn is over all the same
                await self.improviser.undisturbed(None, rest)

    async def _duet(self) -> None:
        """Both at once: play along while the player plays, and a little on."""
        while True:
            self.improviser.rest()
            self.improviser.share()
            now = self.clock.now()
            if sum(now - n.onset < duet.SILENCE for n in self._phrase()) < duet.LEAST_NOTES:
                await self.improviser.change(None)
                continue

            def bounds() -> Bounds:
                self._make_room()
                return Bounds(*duet.bounds(self.listener.last_onset, self.clock.now()))

            how: dict[str, Any] = {"ahead": duet.AHEAD, "soon": duet.SOON, "together": True}
            await self._play(now + duet.SOON, bounds, weaves=lambda when: True, **how)

    def _make_room(self) -> None:
        """In a duet, play where the player does not, and less while the player plays more."""
        recent = [n for n in self.conversation.notes[-duet.LOOKED_AT :] if n.role == CALL]
        self.taste.tell(duet.sampling(self.taste.settings(), recent, self.clock.now(), self.manner.part))
        self.improviser.beat(self.clock.now(), recent)

    # -- between the solos -------------------------------------------------------------------------------------------

    async def _play(self, begin: float, bounds: Callable[[], Bounds], **how: Any) -> None:
        """One answer to what was called, or none, where the musician is too slow."""
        phrase, pace = self._phrase(), self.improviser.pace
        resting = pace.rests(self.clock.now())
        self.meters.level, self.meters.level_word = pace.level, pace.word
        if resting:
            self.show("resting")
            self._finished([])
            await self.improviser.undisturbed(None, SITTING)
            return

        def paced() -> Bounds:
            self.taste.keep_pace()
            return bounds()

        self.meters.phrases += 1
        self.calls = [*self.calls[1 - KEPT :], Phrase(tuple(phrase)).shift(-self.start)]
        self.show("answering")
        await self.improviser.improvise(begin, paced, **how)
        await self.taste.mirror(self.conversation.notes, self.manner.mirror)  # when nobody waits for it

    def _finished(self, notes: list[Note]) -> None:
        self._called_from, self._phrase_from = self._phrase_from, len(self.conversation)
        if notes:
            self.answers = [*self.answers[1 - KEPT :], Phrase(tuple(notes)).shift(-self.start)]
            self._answered += 1
        self.show("listening")
        self.done(self._answered)

    def _break_off(self) -> None:
        """The musician is gone. A phrase that has not been answered with a single note still waits for its answer."""
        if self.improviser.break_off():
            self._phrase_from = self._called_from
            self.calls.pop()
            self.meters.phrases -= 1

    def _phrase(self) -> list[Note]:
        """What the player has played since the last answer."""
        first = max(self._phrase_from, self.conversation.first)
        return [n for n in self.conversation.notes[first - self.conversation.first :] if n.role == CALL][-LONGEST_CALL:]
