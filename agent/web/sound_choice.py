"""The sound that the pages choose: which synth plays, its volume, and an instrument for each player."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

from ..audio.sound_output import CHOICES, OFF, BuiltInSynth, open_sound
from ..audio.synth import INSTRUMENTS, PIANO
from ..midi import output_merge
from ..midi.output_merge import OutputMerge
from .note_view import AGENT, PLAYER

PAGE_SOUND = "page"  # the sound that the page makes
SEATS = {PLAYER: output_merge.PLAYER, AGENT: output_merge.AGENT}


class SoundChoice:
    """The choice, which a new sound takes over. `is_quiet`: the output is connected to another synth."""

    def __init__(self, outputs: OutputMerge) -> None:
        self._outputs = outputs
        self._volume = 0.8  # 0 to 1
        self._timbres = {PLAYER: PIANO, AGENT: PIANO}
        self.is_quiet = False

    def set_timbre(self, who: str, name: str) -> None:
        """Another instrument for one of the two; a name that is not known changes nothing."""
        if name in INSTRUMENTS:
            self._timbres[who] = name
            if self._outputs.sound is not None:
                self._outputs.sound.timbre(SEATS[who], name)

    def set_volume(self, share: float) -> None:
        """How loud it is, 0 to 1."""
        self._volume = share
        if self._outputs.sound is not None:
            self._outputs.sound.volume(share)

    async def switch(self, choice: str) -> None:
        """Play with another sound from now on. Raises UserError, and the former goes on."""
        sound = await asyncio.to_thread(open_sound, OFF if choice == PAGE_SOUND else choice)
        former = self._outputs.sound
        self._outputs.sound = sound
        if former is not None:
            await asyncio.to_thread(former.close)
        if sound is not None:
            sound.quiet(self.is_quiet)
            sound.volume(self._volume)
            for who, name in self._timbres.items():
                sound.timbre(SEATS[who], name)

    def choices(self) -> dict[str, list[str]]:
        """What there is to choose from, ready for JSON."""
        return {"timbres": list(INSTRUMENTS), "sounds": [*CHOICES[1:-1], PAGE_SOUND]}

    def key_latencies(self) -> Iterable[float] | None:
        """Seconds from keys to their sound, where the built-in voices play."""
        sound = self._outputs.sound
        return sound.key_latencies if isinstance(sound, BuiltInSynth) else None

    def row(self) -> dict[str, Any]:
        """The choice, ready for JSON; `buffer` in milliseconds, where the built-in voices play."""
        sound = self._outputs.sound
        return {
            "name": PAGE_SOUND if sound is None else sound.name,
            "quiet": self.is_quiet,
            "timbres": self._timbres,
            "volume": self._volume,
            "buffer": round(1000 * sound.buffer, 2) if isinstance(sound, BuiltInSynth) else None,
        }
