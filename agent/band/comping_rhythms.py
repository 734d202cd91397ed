"""When the comping part strikes: figures of two or four pulses, by feel. Pure data.

A stroke is its place and its length in pulses; a place between pulses is an eighth, which swings.
"""

from __future__ import annotations

from ..charts.chart import BALLAD, BOSSA, SHUFFLE, STRAIGHT, SWING

Figure = tuple[tuple[float, float], ...]

#: For four pulses. The first ones are the most usual.
FOUR: dict[str, tuple[Figure, ...]] = {
    SWING: (
        ((0.0, 1.2), (1.5, 0.4)),
        ((1.5, 0.4), (3.0, 0.7)),
        ((0.5, 0.4), (2.5, 1.2)),
        ((1.0, 0.4), (2.5, 0.4)),
        ((0.0, 2.8),),
        ((1.5, 1.8), (3.5, 0.4)),
        ((0.0, 0.4), (2.5, 0.4), (3.5, 0.4)),
        ((2.5, 1.3),),
    ),
    BALLAD: (
        ((0.0, 1.9), (2.0, 1.9)),
        ((0.0, 3.8),),
        ((0.0, 1.9), (2.5, 1.4)),
        ((0.0, 2.4), (3.0, 0.8)),
    ),
    BOSSA: (
        ((0.0, 0.8), (1.5, 0.8), (3.0, 0.8)),
        ((0.5, 0.4), (1.0, 0.8), (2.5, 0.8)),
        ((0.0, 0.8), (1.5, 1.4), (3.5, 0.4)),
    ),
    STRAIGHT: (
        ((0.0, 1.4), (1.5, 1.4), (3.0, 0.9)),
        ((0.0, 1.8), (2.0, 1.8)),
        ((0.0, 1.4), (1.5, 0.4), (2.5, 1.3)),
        ((0.0, 0.9), (1.0, 0.9), (2.0, 0.9), (3.0, 0.9)),
    ),
    SHUFFLE: (
        ((1.0, 0.5), (3.0, 0.5)),
        ((0.5, 0.4), (1.0, 0.5), (2.5, 0.4), (3.0, 0.5)),
        ((1.0, 0.5), (1.5, 0.4), (3.0, 0.5)),
        ((0.0, 1.8), (2.0, 1.8)),
    ),
}
#: For three pulses, as in a waltz.
THREE: tuple[Figure, ...] = (
    ((0.0, 1.4), (1.5, 0.9)),
    ((1.0, 0.7), (2.0, 0.7)),
    ((0.0, 2.7),),
    ((0.5, 0.9), (2.0, 0.7)),
    ((1.5, 1.3),),
)
TWO: tuple[Figure, ...] = (((0.0, 1.4), (1.5, 0.4)), ((0.0, 1.8),), ((0.5, 1.2),))
ONE: tuple[Figure, ...] = (((0.0, 0.8),),)


def figures(feel: str, pulses: int) -> tuple[Figure, ...]:
    """The figures for so many pulses, 1 to 4."""
    return {1: ONE, 2: TWO, 3: THREE}.get(pulses) or FOUR[feel]


def groups(pulses: int) -> list[int]:
    """How a bar of so many pulses is cut into groups that have figures: five as three and two."""
    found = []
    while pulses > 4:
        found.append(3 if pulses in (5, 6) else 4)
        pulses -= found[-1]
    return [*found, pulses] if pulses else found
