"""The improviser: plays a *solo*, a stretch in which the agent plays, and takes back what was not sounded.

Knows nothing of when a solo should begin. All of it runs on the event loop.

While it plays, the player may strike a key. Then it either *yields* (silence at once, and only what truly sounded was ever played) or
*weaves* (what has not sounded yet is taken back and thought of anew, the player's note included).
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace

from models.music.chords import SAME_STROKE_SECONDS
from models.music.note import ANSWER, CALL, Bar, Note, Span
from models.music.pulse import find_pulse

from ..clock import Clock, measured
from ..midi.keyboard_zones import KeyboardZones
from ..timing.transport import Transport
from ..turns.history import History
from ..turns.modes import ModeSettings
from .load_shedding import CANDIDATES, LoadShedding
from .player import Player
from .timing_stats import TimingStats
from .worker_client import WorkerClient

TICK = 0.0005  # seconds: nearer than this is now; the event loop tells no finer
AHEAD = 1.0  # seconds of music that are asked for at a time
AGAIN = 0.6  # seconds of music left when more is asked for: a new style is heard soon, and a slow musician has time
SOON = 0.01  # seconds: the first note of an answer, at the earliest
AFTER_LAST = 0.25  # seconds after its last onset in which an answer can still be cut; after that it rings out
QUIET = 0.12  # seconds without a key, after which an answer is thought of: in the middle of a run it is no use
UNHEARD = 0.005  # seconds: nobody hears that a note is so late
MARGIN, SPARE = 0.12, 0.01  # seconds: what is added to `soon`, at most, for a slow musician; and beyond what was missed


@dataclass(frozen=True)
class Bounds:
    """How far a solo may go, in seconds: see `models.music.note.Span`."""

    close: float
    stop: float
    hush: float = math.inf


@dataclass
class Solo:
    """A stretch in which the agent plays."""

    first: int  # the number of the first note of it, whoever plays that
    decided: float
    bounds: Callable[[], Bounds]  # asked anew for each span, as tempo and player change
    weaves: Callable[[float], bool]  # whether a key at that time is woven in rather than yielded to
    safe: int  # every note of the conversation below this number has sounded
    opening: int | None = None  # the number of the first note of ours
    version: int = 0  # counts the times that it was thought of anew


class Soloist:
    """Solos over a conversation. `finished` is called with the notes of each when it is over."""

    def __init__(
        self,
        *,
        mind: WorkerClient,
        player: Player,
        clock: Clock,
        conversation: History,
        transport: Transport,
        manner: ModeSettings,
        meters: TimingStats,
        finished: Callable[[list[Note]], None],
    ) -> None:
        self.mind, self.player, self.clock, self.conversation = mind, player, clock, conversation
        self.transport, self.manner, self.meters, self.finished = transport, manner, meters, finished
        self.zone = KeyboardZones()  # how a note is sent
        self.pace = LoadShedding()
        self.candidates = CANDIDATES[0]  # drafts of a solo, at most
        self.solo: Solo | None = None
        self._changed = asyncio.Event()
        self._pulse: Bar | None = None  # the player's own, in free time
        self._margin = MARGIN / 3  # seconds that the musician has lately been behind

    def key(self, when: float) -> None:
        """The player is about to strike a key; call it before the listener hears it."""
        solo = self.solo
        if solo is None:
            return
        if solo.weaves(when):
            self._settle(solo, self.player.retract())
            solo.version += 1
        else:
            self._yield(solo, when)
            self.meters.cut_in.append(measured(self.clock) - when)

    def changed(self) -> None:
        """Something has happened: look again."""
        self._changed.set()

    def rest(self) -> None:
        """What has happened so far is known; `change` waits for what comes."""
        self._changed.clear()

    def sounded(self, number: int, when: float) -> None:
        """A note of ours has left."""
        if self.solo is not None and number == self.solo.opening:
            self.meters.first_on.append(when - self.solo.decided)

    def share(self) -> None:
        """Tell the musician what it does not know yet."""
        if (news := self.conversation.news()) is not None:
            self.mind.hear(*news)

    async def change(self, seconds: float | None) -> None:
        """Wait until something happens, or for so long. Raises MindLost."""
        if self.mind.gone.is_set():
            raise self.mind.loss()
        waits = [asyncio.ensure_future(e.wait()) for e in (self._changed, self.mind.gone)]
        try:
            await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()

    async def undisturbed(self, solo: Solo | None, seconds: float) -> None:
        """Let so long pass, or less where the player disturbs the solo."""
        end, version = self.clock.now() + seconds, solo.version if solo else 0
        while self.solo is solo and (solo is None or solo.version == version):
            left = end - self.clock.now()
            if left < TICK:
                return
            self._changed.clear()
            await self.change(left)

    # -- a solo ------------------------------------------------------------------------------------------------------

    async def improvise(
        self,
        begin: float,
        bounds: Callable[[], Bounds],
        *,
        weaves: Callable[[float], bool] = lambda when: False,
        on_beat: bool = False,
        ahead: float = AHEAD,
        soon: float = SOON,
        together: bool = False,
    ) -> None:
        """Play from `begin` on until the musician closes, the bounds are reached, or the player cuts in."""
        count = len(self.conversation)
        solo = self.solo = Solo(count, self.clock.now(), bounds, weaves, safe=count)
        more = "more"
        while more == "more":
            version = solo.version
            self.share()  # keys that were struck or let go meanwhile
            count = len(self.conversation)
            more = await self._ask(solo, begin, on_beat, ahead, soon, together)
            if self.solo is not solo:
                return  # the player has cut in, and all is tidied up
            if solo.version == version:
                mine = self._mine(solo)
                if not mine and more != "more":
                    break
                if len(self.conversation) == count and more == "more":  # nothing to play just now
                    wait = ahead / 2
                else:
                    again = AGAIN * ahead / AHEAD
                    wait = mine[-1].onset - self.clock.now() + (-again if more == "more" else AFTER_LAST)
                await self.undisturbed(solo, wait)
            if self.solo is not solo:
                return
            if solo.version != version:
                more = "more"
                await asyncio.sleep(SAME_STROKE_SECONDS)
        if self.solo is solo:
            self._finish(solo)

    def think(self, left: float, still: float, begin: float, bounds: Bounds, on_beat: bool) -> float:
        """Have a solo thought of in spare time that will be asked for in so long, if nothing happens before, and begins then.

        `still`: for how long the keys have been. Returns for how long there is nothing else to do. Without a draft, too, the musician
        has the style in the ear by then.
        """
        if QUIET - still >= TICK:
            return min(left, QUIET - still)
        span = self._span(begin, begin, bounds, on_beat, bounds.stop - begin + AHEAD)
        self.mind.draft(span, min(self.candidates, self.pace.candidates))
        return left

    def _span(self, now: float, earliest: float, bounds: Bounds, on_beat: bool, ahead: float = AHEAD) -> Span:
        """What is asked of the musician: see `models.music.note.Span`."""
        return Span(earliest, now + ahead, bounds.close, bounds.stop, bounds.hush, self.beat(earliest), on_beat)

    async def _ask(self, solo: Solo, begin: float, on_beat: bool, ahead: float, soon: float, together: bool) -> str:
        """Have the next stretch invented and planned; "more" where it goes on after that."""
        version, now, mine = solo.version, self.clock.now(), self._mine(solo)
        bounds = solo.bounds()
        soon += self._margin if together else 0.0
        earliest = max(now + soon + self.zone.longest_lead, begin, mine[-1].onset if mine else begin)
        opening, floor = on_beat and not mine, 0.0
        span = replace(self._span(max(now, begin), earliest, bounds, opening, ahead), together=together)
        bar, asked, late = span.bar, now, 0.0
        async with aclosing(self.mind.play(span)) as playing:
            async for item in playing:
                if self.solo is not solo or solo.version != version:
                    return "more"
                if isinstance(item, str):
                    self.meters.musician = self.mind.did
                    return item
                if solo.opening is None:
                    solo.opening = len(self.conversation)
                    self.meters.first_note.append(measured(self.clock) - solo.decided)
                    self.meters.answers += 1
                arrived = self.clock.now()
                behind = arrived - item.onset - late
                self._paced(arrived - asked, item.onset + late, arrived)
                asked = arrived
                self.meters.unready += behind > UNHEARD
                self._margin = min(max(0.995 * self._margin, self._margin + behind + SPARE), MARGIN)
                number = self.conversation.answered(item)
                if (onset := max(floor, self._place(item.onset + late, bar, bounds, opening))) > item.onset:
                    late = 0.0 if bar else onset - item.onset  # in free time all that follows waits, too: no burst
                    item = self.conversation.delayed(number, onset)
                floor, opening = item.onset, False
                sounding = min(item.duration, max(bounds.hush - item.onset, 0.02))  # one that was moved, too
                self.player.add([(number, self._sent(item, sounding))])
        return "end"

    def _sent(self, note: Note, duration: float) -> Note:
        """A note as it is sent: where it lies on the output, and as much sooner as it takes to sound."""
        onset = note.onset - self.zone.lead(note.velocity)
        return replace(note, onset=onset, pitch=self.zone.moved(note.pitch), duration=duration)

    def _paced(self, took: float, onset: float, now: float) -> None:
        """A note has been invented."""
        self.pace.note(took, onset, now)
        self.meters.level, self.meters.level_word = self.pace.level, self.pace.word
        self.meters.worst_level = max(self.meters.worst_level, self.pace.level)

    def _place(self, onset: float, bar: Bar | None, bounds: Bounds, opening: bool) -> float:
        """When a note sounds: as was meant, or, where that is past, at the next place left: a sixteenth, to open with a beat."""
        now = self.clock.now()
        if now - onset <= UNHEARD:
            return onset
        if bar is None:
            return now + UNHEARD
        place = bar.next_beat(now + UNHEARD) if opening else bar.quantize(now, 1.0, now + UNHEARD)
        return place if place < min(bounds.stop, bounds.hush) else onset

    def beat(self, time: float, phrase: Sequence[Note] | None = None) -> Bar | None:
        """The bar lines around a moment; in free time the pulse of what was called (`phrase`, where that is new), if any."""
        groove, swing = self.manner.pull, self.manner.swing
        if phrase is not None:
            self._pulse = find_pulse(phrase, groove, swing)
        return self.transport.bar(time, groove, swing) or self._pulse

    def _mine(self, solo: Solo) -> list[Note]:
        """What we have played or planned in this solo."""
        first = max(solo.first - self.conversation.first, 0)
        return [n for n in self.conversation.notes[first:] if n.role == ANSWER]

    def _settle(self, solo: Solo, begun: set[int]) -> None:
        """Of what was planned, keep only what has begun."""
        tail = [
            (n, self.conversation[n]) for n in range(max(solo.safe, self.conversation.first), len(self.conversation))
        ]
        kept = [note for n, note in tail if n in begun or note.role == CALL]
        same = 0
        while same < len(kept) and kept[same] is tail[same][1]:
            same += 1
        if same < len(tail):
            self.conversation.withdraw(tail[same][0])
            for note in kept[same:]:
                self.conversation.struck(note)
        solo.safe = len(self.conversation)

    def _yield(self, solo: Solo, when: float) -> None:
        """Silence at once."""
        self._settle(solo, self.player.cut())
        for number in range(max(solo.first, self.conversation.first), len(self.conversation)):
            note = self.conversation[number]
            if note.role == ANSWER and note.end > when:
                self.conversation.ended(number, max(when - note.onset, 0.02))
        self._finish(solo)

    def _finish(self, solo: Solo) -> None:
        """The solo is over; the floor is the player's."""
        self.solo = None
        self.finished(self._mine(solo))

    def leave(self) -> None:
        """End the solo, if there is one, without an edge: nothing new begins, what sounds rings out."""
        if self.solo is not None:
            solo = self.solo
            self._settle(solo, self.player.retract())
            self._finish(solo)

    def break_off(self) -> bool:
        """The musician is gone: end the solo, if there is one. Returns whether it had not sounded a single note."""
        if self.solo is None:
            return False
        solo = self.solo
        self._yield(solo, self.clock.now())
        return not self._mine(solo)
