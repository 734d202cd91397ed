"""The taste: all that the musician is told of how to play: the style, its knobs and habits, how far the player's own is followed.

Knows nothing of when anything is played.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from models.music.note import CALL, HELD, Note
from models.music.settings import HABIT

from ..errors import UserError
from ..styles.presets import Preset
from .load_shedding import LoadShedding
from .worker_client import WorkerClient

MIRRORED, LEAST_MIRRORED = 64, 8  # notes of the player's that are mirrored
OURS = 0.5  # followed so far, the player's own call is all that it has in the ear


class StyleState:
    """A preset on its way to a musician, who may not be there yet."""

    def __init__(self, mind: WorkerClient, preset: Preset, pace: LoadShedding) -> None:
        self.mind, self.preset, self.pace = mind, preset, pace
        self.size: int | None = None  # of the musician's styles, once it is there
        self._point: tuple[float, ...] | None = None
        self._theirs: dict[str, float] = {}  # the player's habits, where they are mirrored
        self._share = 0.0  # how far they are
        self._vamp: tuple[Note, ...] = ()  # that it was told last
        self._density = math.inf  # notes a second, at most, that were last asked for

    def meet(self, size: int) -> None:
        """A musician is there whose styles have `size` numbers. Raises UserError where the preset does not fit it."""
        self.size, self._vamp = size, ()
        self._fit()
        self.tell()

    def take(self, preset: Preset) -> None:
        """Another style, from the next note on. Raises UserError where it does not fit the musician."""
        former, self.preset = self.preset, preset
        try:
            if self.size is not None:
                self._fit()
                self.tell()
        except UserError:
            self.preset = former
            raise

    def turn(self, knob: str, value: float) -> None:
        """Turn a knob, from the next note on. Raises UserError for one that is not there."""
        self.preset = self.preset.turned(knob, value)
        if self.size is not None:
            self.tell()

    def settings(self) -> dict[str, float]:
        """The preset's, its habits on their way to the player's as far as those are mirrored."""
        settings = dict(self.preset.sampling)
        for key in {k for k in settings if k.startswith(HABIT)} | set(self._theirs) if self._theirs else ():
            ours = settings.get(key, 0.0)
            settings[key] = ours + (self._theirs.get(key, 0.0) - ours) * self._share
        return settings

    def tell(self, settings: Mapping[str, float] | None = None) -> None:
        """Tell the musician; these settings where they are given, and never more notes than it is quick enough for."""
        told = dict(self.settings() if settings is None else settings)
        self._density = self.pace.density
        if math.isfinite(self._density):
            told["density"] = min(told.get("density", self._density), self._density)
        self.mind.style(self._point, told)
        vamp = self.preset.vamp if not self._theirs or self._share <= OURS else ()
        if vamp != self._vamp:
            self._vamp = vamp
            self.mind.vamp(vamp)

    def keep_pace(self) -> None:
        """Tell it again where it has become slower, or quicker, since."""
        if self.pace.density != self._density:
            self.tell()

    async def mirror(self, notes: Sequence[Note], share: float) -> None:
        """Follow the style of the player's last notes so far (0 to 1). Raises UserError, MindLost."""
        heard = [n for n in notes if n.role == CALL and n.duration != HELD][-MIRRORED:]
        if not share or not self.size or len(heard) < LEAST_MIRRORED:
            return
        theirs, self._theirs = await self.mind.encode(heard)
        self._share = share
        ours = self.preset.z or (0.0,) * len(theirs)
        self._point = tuple(a + (b - a) * share for a, b in zip(ours, theirs, strict=True))
        self.tell()

    def _fit(self) -> None:
        z = self.preset.z
        if z and self.size and len(z) != self.size:
            raise UserError(
                f"the preset {self.preset.name} has {len(z)} numbers and these weights want {self.size}; choose another preset."
            )
        self._point, self._theirs = z if z and self.size else None, {}
