"""The answer player: plays a *solo*, a stretch in which the agent plays, and takes back what has not sounded.

It owns the solo, how notes lie on the output, and the pulse in free time; when a solo begins is the partner's matter. While it plays, the
player may strike a key. Then it either *yields* (silence at once, and only what truly sounded was ever played) or *overlaps* (what has
not sounded yet is taken back and generated anew, the player's note included). All of it runs on the event loop.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace

from models.music.note_records import ANSWER, CALL, Bar, Note, Span
from models.music.pulse import find_pulse
from models.music.simultaneous_notes import SAME_STROKE_SECONDS

from ..clock import Clock, measured
from ..midi.keyboard_zones import KeyboardZones
from ..timing.timing_stats import TimingStats
from ..timing.transport import Transport
from ..turns.answer_window import DELAY, LOOKAHEAD, AnswerWindow
from ..turns.mode_settings import ModeSettings
from ..turns.note_history import History
from ..turns.turn_taking import silence_in_run
from .interruptible_wait import TICK, Wakeup
from .load_shedding import LoadShedding
from .playback_thread import Player
from .worker_client_interface import Worker

AGAIN = 0.6  # of the lookahead left when more is asked for: a new style is heard soon, and a slow worker has time
AFTER_LAST = 0.25  # seconds after its last onset in which an answer can still be cut; after that it rings out
UNHEARD = 0.005  # seconds: nobody hears that a note is so late
SHORTEST_SOUND = 0.02  # seconds
MOST_MARGIN = 0.12  # seconds: the most that is added to the delay of a duet for a slow worker
SPARE = 0.01  # seconds that the margin keeps beyond the last lateness
FORGETTING = 0.995  # of the margin that is left after each note
MORE, END = "more", "end"  # what a worker says after the notes of one request


@dataclass
class Solo:
    """A stretch in which the agent plays."""

    plan: AnswerWindow
    first: int  # the number of the first note of it, whoever plays that
    decision_time: float
    safe: int  # every note of the history below this number has sounded
    opening: int | None = None  # the number of the agent's first note
    version: int = 0  # counts the times that it was generated anew


@dataclass(eq=False)
class AnswerPlayer:
    """Solos over a history. `on_finished` is called with the notes of each when it is over."""

    worker: Worker
    player: Player
    clock: Clock
    history: History
    transport: Transport
    mode_settings: ModeSettings
    zones: KeyboardZones
    load: LoadShedding
    stats: TimingStats
    wakeup: Wakeup
    most_candidates: int
    on_finished: Callable[[list[Note]], None]
    _solo: Solo | None = None
    _pulse: Bar | None = None  # the player's own, in free time
    _margin: float = MOST_MARGIN / 3  # seconds that the worker has lately been behind

    @property
    def is_playing(self) -> bool:
        """Whether there is a solo."""
        return self._solo is not None

    def bar_at(self, time: float) -> Bar | None:
        """The bar lines around a moment; in free time the player's pulse, if there is one."""
        bar = self.transport.bar(time, self.mode_settings.effective_groove, self.mode_settings.swing)
        return bar or self._pulse

    def earliest_start(self, decision_time: float) -> float:
        """When a solo that is decided on at that time can begin."""
        return decision_time + DELAY + self.zones.longest_lead

    def follow_pulse(self, phrase: Sequence[Note]) -> None:
        """In free time, play to the pulse of this phrase, if it has one."""
        self._pulse = find_pulse(phrase, self.mode_settings.effective_groove, self.mode_settings.swing)

    def key_pressed(self, when: float) -> None:
        """The player strikes a key; call it before the history has its note."""
        solo = self._solo
        if solo is None:
            return
        if solo.plan.overlaps(when):
            self._keep_begun(solo, self.player.retract())
            solo.version += 1
        else:
            self._yield(solo, when)
            self.stats.cut_in.append(measured(self.clock) - when)

    def note_sent(self, number: int, when: float) -> None:
        """A note of ours has left."""
        if self._solo is not None and number == self._solo.opening:
            self.stats.first_on.append(when - self._solo.decision_time)

    def share_history(self) -> None:
        """Tell the worker what it does not know yet."""
        changes = self.history.take_changes()
        if changes is not None:
            self.worker.hear(*changes)

    def prepare(self, seconds: float, silence: float, span: Span, phrase: Sequence[Note]) -> float:
        """Have candidates generated in spare time for a solo that is decided on in so many seconds, if nothing happens before.

        `silence`: seconds since the last key of this phrase. Returns for how long there is nothing else to do. Without
        candidates, too, the worker has read the style prompt by then.
        """
        quiet = silence_in_run(phrase)
        if quiet - silence >= TICK:
            return min(seconds, quiet - silence)
        until = span.earliest + (span.stop - span.earliest + LOOKAHEAD)
        whole = replace(span, until=until, bar=self.bar_at(span.earliest))
        self.worker.draft(whole, min(self.most_candidates, self.load.candidates))
        return seconds

    # -- a solo ------------------------------------------------------------------------------------------------------

    async def play(self, plan: AnswerWindow) -> None:
        """Play until the worker closes, the span ends, or the player cuts in. Raises WorkerLost."""
        count = len(self.history)
        solo = Solo(plan, first=count, decision_time=self.clock.now(), safe=count)
        self._solo = solo
        status = MORE
        while status == MORE:
            version = solo.version
            self.share_history()  # keys that were struck or let go meanwhile
            count = len(self.history)
            status = await self._request_notes(solo)
            if self._solo is not solo:
                return  # the player has cut in, and all is tidied up
            if solo.version == version:
                if status != MORE and not self._own_notes(solo):
                    break
                nothing_new = len(self.history) == count
                await self._wait_to_go_on(solo, status == MORE, nothing_new)
            if self._solo is not solo:
                return
            if solo.version != version:
                status = MORE
                await asyncio.sleep(SAME_STROKE_SECONDS)
        if self._solo is solo:
            self._finish(solo)

    async def _wait_to_go_on(self, solo: Solo, has_more: bool, nothing_new: bool) -> None:
        """Let time pass until the worker is asked again, or until the last note has begun to ring out."""
        lookahead = solo.plan.lookahead
        if has_more and nothing_new:  # nothing to play just now
            wait = lookahead / 2
        else:
            last_onset = self._own_notes(solo)[-1].onset
            again = AGAIN * lookahead / LOOKAHEAD
            wait = last_onset - self.clock.now() + (-again if has_more else AFTER_LAST)
        version = solo.version
        await self.wakeup.sleep(wait, until=lambda: self._solo is not solo or solo.version != version)

    async def _request_notes(self, solo: Solo) -> str:
        """Have the next notes generated, and plan them; returns `MORE` where the solo goes on after that."""
        version = solo.version
        now = self.clock.now()
        solo.plan.update()
        span = solo.plan.span()
        span = self._next_request(solo, span, now)
        is_opening = span.on_beat
        is_first = not self._own_notes(solo)
        requested = now
        floor = 0.0
        late = 0.0
        async with aclosing(self.worker.play(span)) as reply:
            async for note in reply:
                if self._solo is not solo or solo.version != version:
                    return MORE
                if isinstance(note, str):
                    self.stats.musician = self.worker.did
                    if is_first:
                        self.stats.add_choice(self.stats.musician.get("chosen_from", 0))
                    return note
                arrived = self.clock.now()
                behind = arrived - note.onset - late
                self._count_note(solo, arrived - requested, note.onset + late, arrived, behind)
                requested = arrived
                number = self.history.add_generated(note)
                onset = max(floor, self._place(note.onset + late, span, is_opening))
                if onset > note.onset:
                    late = 0.0 if span.bar else onset - note.onset  # in free time all that follows waits, too: no burst
                    note = self.history.delay(number, onset)
                floor = note.onset
                is_opening = False
                self.player.add([(number, self._sent_note(note, span))])
        return END

    def _next_request(self, solo: Solo, span: Span, now: float) -> Span:
        """The part of the solo's span that is asked for now."""
        own = self._own_notes(solo)
        delay = solo.plan.delay + (self._margin if span.together else 0.0)
        after = own[-1].onset if own else span.earliest
        earliest = max(now + delay + self.zones.longest_lead, span.earliest, after)
        until = max(now, span.earliest) + solo.plan.lookahead
        on_beat = span.on_beat and not own
        another = span.another and not own
        return replace(
            span, earliest=earliest, until=until, bar=self.bar_at(earliest), on_beat=on_beat, another=another
        )

    def _count_note(self, solo: Solo, seconds: float, onset: float, now: float, behind: float) -> None:
        """A note for `onset` took so many seconds, and is so many behind: count it, and adapt to how quick the worker is."""
        if solo.opening is None:
            solo.opening = len(self.history)
            self.stats.first_note.append(measured(self.clock) - solo.decision_time)
            self.stats.answers += 1
        self.load.add_note(seconds, onset, now)
        self.stats.set_level(self.load.level, self.load.word)
        self.stats.unready += behind > UNHEARD
        self._margin = min(max(FORGETTING * self._margin, self._margin + behind + SPARE), MOST_MARGIN)

    def _sent_note(self, note: Note, span: Span) -> Note:
        """A note as it is sent: where it lies on the output, as much sooner as it takes to sound, and silent where the span says so."""
        return replace(
            note,
            onset=note.onset - self.zones.lead(note.velocity),
            pitch=self.zones.transpose_pitch(note.pitch),
            duration=min(note.duration, max(span.hush - note.onset, SHORTEST_SOUND)),  # of one that was delayed, too
        )

    def _place(self, onset: float, span: Span, is_opening: bool) -> float:
        """When a note sounds: as was meant, or, where that is past, at the next place left: a sixteenth, to open with a beat."""
        now = self.clock.now()
        soonest = now + UNHEARD
        if now - onset <= UNHEARD:
            return onset
        if span.bar is None:
            return soonest
        place = span.bar.next_beat(soonest) if is_opening else span.bar.quantize(now, 1.0, soonest)
        return place if place < min(span.stop, span.hush) else onset

    def _own_notes(self, solo: Solo) -> list[Note]:
        """What the agent has played or planned in this solo."""
        return [n for n in self.history.since(solo.first) if n.role == ANSWER]

    def skip(self) -> None:
        """Sit this solo out."""
        self.on_finished([])

    # -- its end -----------------------------------------------------------------------------------------------------

    def leave(self) -> None:
        """End the solo, if there is one: nothing new begins, what sounds rings out."""
        if self._solo is not None:
            solo = self._solo
            self._keep_begun(solo, self.player.retract())
            self._finish(solo)

    def abort(self) -> bool:
        """The worker is lost: end the solo, if there is one, at once. Returns whether it had not sounded a single note."""
        if self._solo is None:
            return False
        solo = self._solo
        self._yield(solo, self.clock.now())
        return not self._own_notes(solo)

    def _yield(self, solo: Solo, when: float) -> None:
        """Silence at once."""
        self._keep_begun(solo, self.player.cut())
        for number in range(max(solo.first, self.history.first), len(self.history)):
            note = self.history[number]
            if note.role == ANSWER and note.end > when:
                self.history.set_duration(number, max(when - note.onset, SHORTEST_SOUND))
        self._finish(solo)

    def _keep_begun(self, solo: Solo, begun: set[int]) -> None:
        """Take back what was planned and is not among the numbers that have begun."""
        first = max(solo.safe, self.history.first)
        planned = [(number, self.history[number]) for number in range(first, len(self.history))]
        kept = [note for number, note in planned if number in begun or note.role == CALL]
        same = 0
        while same < len(kept) and kept[same] is planned[same][1]:
            same += 1
        if same < len(planned):
            self.history.withdraw(planned[same][0])
            for note in kept[same:]:
                self.history.add(note)
        solo.safe = len(self.history)

    def _finish(self, solo: Solo) -> None:
        """The solo is over; it is the player's turn."""
        self._solo = None
        self.on_finished(self._own_notes(solo))
