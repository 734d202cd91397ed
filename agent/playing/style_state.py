"""What the worker is told of how to play: the style, its knobs and habits, and how far it follows the player's own style."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from models.music.note_records import CALL, HELD, Note
from models.music.style_settings_table import HABIT

from ..errors import UserError
from ..styles.presets import Preset
from .load_shedding import LoadShedding
from .worker_client_interface import Worker

MOST_MIRRORED = 64  # notes: of the player's last ones, at most so many are encoded
LEAST_MIRRORED = 8  # notes
PROMPT_SHARE = 0.5  # mirrored further than this, the style prompt is left out: the player's own call is enough


class StyleState:
    """A preset on its way to a worker, which may not be ready yet."""

    def __init__(self, worker: Worker, preset: Preset, load: LoadShedding) -> None:
        self.preset = preset
        self.size: int | None = None  # numbers in a style of the worker's; None until it has been ready once
        self._worker = worker
        self._load = load
        self._point: tuple[float, ...] | None = None
        self._player_habits: dict[str, float] = {}  # where they are mirrored
        self._share = 0.0  # how far they are
        self._sent_prompt: tuple[Note, ...] = ()
        self._sent_density = math.inf  # notes a second

    def start_worker(self, size: int) -> None:
        """A new worker is ready, whose styles have `size` numbers: tell it. Raises UserError where the preset does not fit it."""
        self.size = size
        self._sent_prompt = ()
        self._reset_point()
        self.send()

    def set_preset(self, preset: Preset) -> None:
        """Another style, from the next note on. Raises UserError where it does not fit the worker."""
        former = self.preset
        self.preset = preset
        try:
            if self.size is not None:
                self._reset_point()
                self.send()
        except UserError:
            self.preset = former
            raise

    def set_knob(self, knob: str, value: float) -> None:
        """Turn a knob, from the next note on. Raises UserError for one that is not there."""
        self.preset = self.preset.turned(knob, value)
        if self.size is not None:
            self.send()

    def settings(self) -> dict[str, float]:
        """The preset's settings; its habits moved towards the player's as far as those are mirrored."""
        settings = dict(self.preset.sampling)
        if not self._player_habits:
            return settings
        for key in {k for k in settings if k.startswith(HABIT)} | set(self._player_habits):
            own = settings.get(key, 0.0)
            settings[key] = own + (self._player_habits.get(key, 0.0) - own) * self._share
        return settings

    def send(self, settings: Mapping[str, float] | None = None) -> None:
        """Tell the worker; these settings where they are given, and never more notes a second than it can generate."""
        message = dict(self.settings() if settings is None else settings)
        self._sent_density = self._load.density
        if math.isfinite(self._sent_density):
            message["density"] = min(message.get("density", self._sent_density), self._sent_density)
        self._worker.style(self._point, message)
        has_prompt = not self._player_habits or self._share <= PROMPT_SHARE
        prompt = self.preset.vamp if has_prompt else ()
        if prompt != self._sent_prompt:
            self._sent_prompt = prompt
            self._worker.vamp(prompt)

    def send_if_load_changed(self) -> None:
        """Tell the worker again where it has become slower, or quicker, since."""
        if self._load.density != self._sent_density:
            self.send()

    async def mirror(self, notes: Sequence[Note], share: float) -> None:
        """Follow the style of the player's last notes so far (0 to 1). Raises UserError, WorkerLost."""
        recent = [n for n in notes if n.role == CALL and n.duration != HELD][-MOST_MIRRORED:]
        if not share or not self.size or len(recent) < LEAST_MIRRORED:
            return
        point, self._player_habits = await self._worker.encode(recent)
        self._share = share
        own = self.preset.z or (0.0,) * len(point)
        self._point = tuple(a + (b - a) * share for a, b in zip(own, point, strict=True))
        self.send()

    def _reset_point(self) -> None:
        z = self.preset.z
        if z and self.size and len(z) != self.size:
            raise UserError(
                f"the preset {self.preset.name} has {len(z)} numbers and these weights want {self.size}; choose another preset."
            )
        self._point = z if z and self.size else None
        self._player_habits = {}
