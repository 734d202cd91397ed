"""Voicings of the chords of a form: rootless where a bass plays the root, and each near the one before. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from models.music.harmony.chords import Chord
from models.music.harmony.qualities import number_of
from models.music.harmony.spelling import Key

from ..charts.form import Form

LOWEST, HIGHEST = 50, 74  # D3 to D5, MIDI numbers
CENTRE = 61.0
MOST_VOICES = 4
_MAJOR, _MINOR = (0, 2, 4, 5, 7, 9, 11), (0, 2, 3, 5, 7, 8, 10, 11)

Voicing = tuple[int, ...]


def degrees_of(chord: Chord, key: Key, has_tensions: bool) -> tuple[str, ...]:
    """The degrees of a voicing of four, or three. `has_tensions`: tensions of the key may be added, and the root left out."""
    quality = chord.quality
    if quality.seventh is None or (not has_tensions and len(quality.degrees) <= MOST_VOICES):
        return _plain(chord)
    if quality.family == "dim" and quality.seventh == "bb7":
        return quality.degrees
    own = [d for d in quality.degrees if number_of(d) > 7]
    added = [d for d in quality.tensions if d not in own and has_tensions and _is_in_key(chord, d, key)]
    tensions = [*own, *added]
    ninth = next((d for d in tensions if number_of(d) == 9), None)
    colour = next((d for d in tensions if number_of(d) in (13, 11) and not (d == "11" and quality.third == "3")), None)
    if quality.family in ("hdim", "min7", "min") and colour is not None and colour not in own:
        colour = None  # a minor chord keeps its fifth
    if colour is not None and colour not in own and quality.family != "dom":
        colour = None  # and so does a major one
    body = colour or quality.fifth or "1"
    top = ninth or ("1" if body != "1" else None)
    chosen = [quality.third, body, quality.seventh, top]
    return tuple(dict.fromkeys(d for d in chosen if d is not None))


def _plain(chord: Chord) -> tuple[str, ...]:
    """The tones of a triad or a seventh chord as they are, without a fifth where there are too many."""
    degrees = list(chord.quality.degrees)
    while len(degrees) > MOST_VOICES:
        degrees.remove("5" if "5" in degrees else "1" if "1" in degrees else degrees[-1])
    return tuple(degrees)


def _is_in_key(chord: Chord, degree: str, key: Key) -> bool:
    """Whether a tension belongs to the key; a dominant takes its own."""
    if chord.quality.family == "dom":
        return degree in ("9", "13", "b9", "b13")
    scale = _MINOR if key.is_minor else _MAJOR
    return (chord.pitch_classes((degree,))[0] - key.tonic) % 12 in scale


@lru_cache(maxsize=512)
def candidates(pitch_classes: tuple[int, ...]) -> tuple[Voicing, ...]:
    """All close positions of these pitch classes in the range, lowest first; none with a semitone at the top."""
    found: set[Voicing] = set()
    ordered = sorted(set(pitch_classes))
    for turn in range(len(ordered)):
        classes = ordered[turn:] + ordered[:turn]
        for bottom in range(LOWEST, HIGHEST + 1):
            if bottom % 12 != classes[0]:
                continue
            voicing = [bottom]
            for pitch_class in classes[1:]:
                voicing.append(voicing[-1] + ((pitch_class - voicing[-1]) % 12 or 12))
            if voicing[-1] <= HIGHEST and (len(voicing) < 3 or voicing[-1] - voicing[-2] > 1):
                found.add(tuple(voicing))
    return tuple(sorted(found))


def movement(one: Voicing, other: Voicing) -> float:
    """How far the voices move from one voicing to the next, in semitones a voice; missing voices double the nearest."""
    if not one or not other:
        return 0.0
    longer, shorter = (one, other) if len(one) >= len(other) else (other, one)
    return sum(min(abs(pitch - there) for there in shorter) for pitch in longer) / len(longer)


def voicings_of(chords: Sequence[Chord], key: Key, has_tensions: bool) -> list[Voicing]:
    """A voicing for each chord, so that all voices move as little as can be, the way back to the first included; () for no chord."""
    choices = [_choices(chord, key, has_tensions) for chord in chords]
    first = min(choices[0], key=_own_cost) if choices else ()
    lines: dict[Voicing, tuple[float, list[Voicing]]] = {first: (0.0, [first])}
    for options in choices[1:]:
        following: dict[Voicing, tuple[float, list[Voicing]]] = {}
        for voicing in options:
            cost, line = min(
                ((c + _cost(last, voicing), ln) for last, (c, ln) in lines.items()), key=lambda entry: entry[0]
            )
            following[voicing] = (cost + _own_cost(voicing), [*line, voicing])
        lines = following
    best = min(lines.items(), key=lambda item: item[1][0] + _cost(item[0], first)) if lines else None
    return best[1][1] if best is not None and choices else []


def _choices(chord: Chord, key: Key, has_tensions: bool) -> tuple[Voicing, ...]:
    if chord.root is None:
        return ((),)
    return candidates(chord.pitch_classes(degrees_of(chord, key, has_tensions)))


def _own_cost(voicing: Voicing) -> float:
    return 0.08 * abs(sum(voicing) / len(voicing) - CENTRE) if voicing else 0.0


def _cost(one: Voicing, other: Voicing) -> float:
    """Movement, and more for a top voice that leaps."""
    if not one or not other:
        return 0.0
    leap = max(abs(one[-1] - other[-1]) - 4, 0)
    return movement(one, other) + 0.5 * leap


def of_form(form: Form, key: Key, has_tensions: bool) -> dict[float, Voicing]:
    """The voicing of each change of a chorus, by its beat."""
    changes = form.changes
    found = voicings_of([change.chord for change in changes], key, has_tensions)
    return {change.start: voicing for change, voicing in zip(changes, found, strict=True)}
