"""The notes that a page shows or sounds, and the news that keep every page the same. Pure: times are arguments, in monotonic seconds."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from models.music.note_records import Note

from ..midi.messages import (
    CHANNEL,
    CONTROL,
    DRUM_CHANNEL,
    KEYS_UP,
    KIND,
    NOTE_OFF,
    NOTE_ON,
    PEDAL_DOWN,
    RESET_CONTROLS,
    SUSTAIN,
)

PLAYER, AGENT = "player", "agent"
SHOWN_SECONDS = 60.0  # back, that a new page is shown
MOST_NOTES = 4000  # of both players, that are remembered for new pages
Row = dict[str, Any]
PlannedPart = tuple[Sequence[tuple[int, Note]], Collection[int]]
"""Of one part of the band: the notes that have not begun, by number, and the numbers of those that sound."""


class NoteView:
    """Notes of both players as they begin and end, and those that are planned. Each method returns the news for the pages."""

    def __init__(self) -> None:
        self.notes: deque[Row] = deque(maxlen=MOST_NOTES)
        self.planned: dict[str, Row] = {}
        self.pedal = False
        self._down: dict[tuple[str, int, int], Row] = {}
        self._number = 0

    def message(self, who: str, when: float, message: bytes, ident: str = "") -> Row | None:
        """A message that was heard or sent."""
        if len(message) != 3 or message[0] & CHANNEL == DRUM_CHANNEL:
            return None
        kind = message[0] & KIND
        key = (who, message[0] & CHANNEL, message[1])
        if kind == NOTE_ON and message[2]:
            self._end(key, when)
            self.planned.pop(ident, None)  # a page knows by itself that what sounds is planned no more
            self._number += 1
            note = {
                "id": ident or f"p{self._number}",
                "who": who,
                "pitch": message[1],
                "velocity": message[2],
                "at": when,
                "end": None,
            }
            self.notes.append(note)
            self._down[key] = note
            return {"t": "on", **note}
        if kind in (NOTE_OFF, NOTE_ON):
            ended = self._end(key, when)
            return None if ended is None else {"t": "off", "id": ended["id"], "at": when}
        if kind == CONTROL and message[1] in (SUSTAIN, RESET_CONTROLS) and who == PLAYER:
            self.pedal = message[1] == SUSTAIN and message[2] >= PEDAL_DOWN
            return {"t": "pedal", "down": self.pedal}
        if kind == CONTROL and message[1] in KEYS_UP:
            ids = self._end_all([k for k in self._down if k[:2] == key[:2]], when)
            return {"t": "offs", "ids": ids, "at": when} if ids else None
        return None

    def release_all(self, when: float) -> Row:
        """All keys and the pedal of the player are up, whatever was heard: panic. The pages let go of their own, too."""
        self.pedal = False
        return {
            "t": "offs",
            "ids": self._end_all([k for k in self._down if k[0] == PLAYER], when),
            "at": when,
            "panic": True,
        }

    def plan(self, notes: Sequence[tuple[int, Note]]) -> Row | None:
        """What is planned now and was not, and what no more; None where that is nothing."""
        former = self.planned
        self.planned = {}
        for _, n in notes:
            ident = ident_of(n.onset, n.pitch)
            self.planned[ident] = {"id": ident, "pitch": n.pitch, "velocity": n.velocity, "at": n.onset, "end": n.end}
        more = [row for ident, row in self.planned.items() if former.get(ident) != row]
        gone = [ident for ident in former if ident not in self.planned]
        return {"t": "planned", "more": more, "gone": gone} if more or gone else None

    def snapshot(self, now: float) -> Row:
        """All that a page must know that has just come."""
        notes = [n for n in self.notes if (n["end"] or now) > now - SHOWN_SECONDS]
        return {"now": now, "notes": notes, "planned": list(self.planned.values()), "pedal": self.pedal}

    def _end_all(self, keys: list[tuple[str, int, int]], when: float) -> list[str]:
        return [note["id"] for key in keys if (note := self._end(key, when)) is not None]

    def _end(self, key: tuple[str, int, int], when: float) -> Row | None:
        note = self._down.pop(key, None)
        if note is not None:
            note["end"] = when
        return note


class BandView:
    """The notes of the band, which a page sounds and does not show. They are told when they are planned, with their ends."""

    def __init__(self) -> None:
        self._told: dict[str, Row] = {}

    def plan(self, now: float, parts: Mapping[str, PlannedPart]) -> Row | None:
        """What is planned now and was not, and what was taken back or cut; None where that is nothing."""
        former = self._told
        self._told = {}
        for part, (planned, sounding) in parts.items():
            for ident in (f"{part}{number}" for number in sounding):
                if ident in former:
                    self._told[ident] = former[ident]
            for number, n in planned:
                ident = f"{part}{number}"
                row = {"id": ident, "part": part, "pitch": n.pitch, "velocity": n.velocity}
                self._told[ident] = {**row, "at": round(n.onset, 4), "end": round(n.end, 4)}
        more = [row for ident, row in self._told.items() if former.get(ident) != row]
        gone = [ident for ident, row in former.items() if ident not in self._told and row["end"] > now]
        return {"t": "band", "more": more, "gone": gone} if more or gone else None

    def snapshot(self) -> list[Row]:
        """What a page must know that has just come."""
        return list(self._told.values())


def ident_of(onset: float, pitch: int) -> str:
    """The name of a note of the agent's: the same while it is planned and when it sounds."""
    return f"a{pitch}@{onset:.4f}"
