"""The sound that the pages choose: which synth plays, its volume, and an instrument for each player."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ..audio.sound_output import BUILT_IN, CHOICES, FLUIDSYNTH, OFF, BuiltInSynth, FluidSynth, open_sound
from ..audio.soundfont_files import list_soundfonts
from ..audio.synth import INSTRUMENTS, PIANO
from ..errors import UserError
from ..midi import output_merge
from ..midi.output_merge import OutputMerge
from ..styles.presets import is_plain_name
from .note_view import AGENT, PLAYER
from .page_requests import LONGEST_NAME

PAGE_SOUND = "page"  # the sound that the page makes
SEATS = {PLAYER: output_merge.PLAYER, AGENT: output_merge.AGENT}


class SoundChoice:
    """The choice, which a new sound takes over. `soundfont`: a file that was asked for; others are found, and chosen by their names.

    `is_quiet`: the output is connected to another synth.
    """

    def __init__(self, outputs: OutputMerge, soundfont: Path | None = None) -> None:
        self._outputs = outputs
        self._volume = 0.8  # 0 to 1
        self._timbres = {PLAYER: PIANO, AGENT: PIANO}
        paths = [*([] if soundfont is None else [soundfont]), *list_soundfonts()]
        self._soundfonts = {p.name: p for p in reversed(paths) if is_plain_name(p.name) and len(p.name) <= LONGEST_NAME}
        self._soundfont = soundfont
        self.is_quiet = False

    @property
    def is_of_page(self) -> bool:
        """Whether the pages make the sound."""
        return self._outputs.sound is None and not self.is_quiet

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

    async def switch_soundfont(self, name: str) -> None:
        """Play with a SoundFont of the list, or, without a name, with the built-in sound. Raises UserError, and the former goes on."""
        if not name:
            await self.switch(BUILT_IN)
            return
        if name not in self._soundfonts:
            raise UserError("There is no such SoundFont in the usual folders; start again after you have put it there.")
        former = self._soundfont
        self._soundfont = self._soundfonts[name]
        try:
            await self.switch(FLUIDSYNTH)
        except UserError:
            self._soundfont = former
            raise

    async def switch(self, choice: str) -> None:
        """Play with another sound from now on. Raises UserError, and the former goes on."""
        soundfont = self._soundfont if choice == FLUIDSYNTH else None
        sound = await asyncio.to_thread(open_sound, OFF if choice == PAGE_SOUND else choice, soundfont)
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
        soundfonts = sorted(self._soundfonts) if shutil.which("fluidsynth") else []
        return {"timbres": list(INSTRUMENTS), "sounds": [*CHOICES[1:-1], PAGE_SOUND], "soundfonts": soundfonts}

    def key_latencies(self) -> Iterable[float] | None:
        """Seconds from keys to their sound, where the built-in voices play."""
        sound = self._outputs.sound
        return sound.key_latencies if isinstance(sound, BuiltInSynth) else None

    def row(self) -> dict[str, Any]:
        """The choice, ready for JSON; `buffer` in milliseconds, where the built-in voices play."""
        sound = self._outputs.sound
        return {
            "name": PAGE_SOUND if sound is None else sound.name,
            "soundfont": sound.soundfont.name if isinstance(sound, FluidSynth) else "",
            "quiet": self.is_quiet,
            "timbres": self._timbres,
            "volume": self._volume,
            "buffer": round(1000 * sound.buffer, 2) if isinstance(sound, BuiltInSynth) else None,
        }
