"""The table of parameters with their ranges, for the page, the controllers and the command line alike. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from models.music.style_settings_table import KNOBS


@dataclass(frozen=True)
class Parameter:
    """A parameter from `low` to `high`, in `unit`; at `rest` it does nothing."""

    name: str
    low: float
    high: float
    rest: float
    unit: str = ""
    about: str = ""

    def clamp(self, value: float) -> float:
        """The nearest value in its range."""
        return min(max(value, self.low), self.high)

    def from_controller(self, position: int, most: int = 127) -> float:
        """The value at a controller's position, 0 to `most`. A range around 0 has its 0 exactly at the middle position."""
        if self.low == -self.high:
            middle = (most + 1) // 2
            return max((position - middle) / (most - middle), -1.0) * self.high
        return self.low + (self.high - self.low) * position / most

    def distance(self, one: float, other: float) -> float:
        """The distance between two values, as a share of the range."""
        return abs(one - other) / (self.high - self.low)


KNOB_ABOUT = {
    "density": "left: fewer notes; right: more notes",
    "register": "left: lower on the keyboard; right: higher",
    "polyphony": "left: single notes; right: full chords",
    "loudness": "left: softer; right: louder",
    "articulation": "left: short, detached notes; right: long, connected notes",
    "freedom": "left: even rhythm; right: loose rhythm",
    "chromaticism": "left: stays in the key; right: more notes from outside the key",
}
"""What each knob of a style does, for players."""
PARAMETERS = {
    p.name: p
    for p in (
        *(
            Parameter(name, -1.0, 1.0, 0.0, about=KNOB_ABOUT.get(name, setting.about))
            for name, setting in KNOBS.items()
        ),
        Parameter("tempo", 20.0, 400.0, 120.0, "beats a minute", "how fast its own beat is"),
        Parameter("groove", 0.0, 100.0, 0.0, "%", "left: free timing; right: every note on the beat"),
        Parameter("swing", 50.0, 75.0, 50.0, "%", "50 is straight, 67 is triplets; heard where there is a beat"),
        Parameter(
            "mirror", 0.0, 100.0, 0.0, "%", "left: the style that you chose; right: the style of your own playing"
        ),
    )
}
