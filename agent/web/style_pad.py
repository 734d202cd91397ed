"""The style pad: a square with a preset at each corner, and a style for every point between them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from models.music.style_settings_table import KNOB

from ..styles import preset_maker, presets
from ..styles.presets import Preset

DEFAULT_CORNERS = ("late-night-ballad", "bebop-line", "baroque", "ragtime")
LEAST_NAMED = 0.1  # share of a corner's preset from which on the title names it


class StylePad:
    """The corners (left and right at the top, then at the bottom) and the point that was chosen last."""

    def __init__(self) -> None:
        self._corners = list(DEFAULT_CORNERS)
        self.point = [0.5, 0.5]  # x from left to right, y from top to bottom, 0 to 1
        self._presets: list[Preset] = []  # of the corners, once they are asked for

    def blend(self, x: float, y: float, corners: list[str], current: Preset) -> Preset:
        """The style at a point; knobs and the musician stay those of the current preset. Raises UserError.

        The musician stays, as a hand on its way over the pad would call another one at each turn.
        """
        if corners != self._corners or not self._presets:  # they are not read again for each inch that the hand moves
            self._presets = [presets.load(name) for name in corners]
            self._corners = corners
        a, b, c, d = self._presets
        preset = preset_maker.blend("pad", preset_maker.blend("top", a, b, x), preset_maker.blend("bottom", c, d, x), y)
        knobs = {key: value for key, value in current.sampling.items() if key.startswith(KNOB)}
        return replace(
            preset, title=self._title(x, y), musician=current.musician, sampling={**preset.sampling, **knobs}
        )

    def reload(self) -> None:
        """Read the corners' presets again when they are needed: their files may be others."""
        self._presets = []

    def row(self) -> dict[str, Any]:
        """Corners and point, ready for JSON."""
        return {"corners": self._corners, "at": self.point}

    def _title(self, x: float, y: float) -> str:
        """Such as `60% Ragtime · 40% Baroque`."""
        shares = ((1 - x) * (1 - y), x * (1 - y), (1 - x) * y, x * y)
        named = [(share, p) for share, p in zip(shares, self._presets, strict=True) if share > LEAST_NAMED]
        return " · ".join(f"{share:.0%} {p.title}" for share, p in named)
