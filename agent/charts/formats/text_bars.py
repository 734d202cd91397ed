"""One bar of our text form: its chords, where they begin, and the signs in braces. Reads and writes it.

`C7` holds the whole bar, `C7 F7` half of it each. With slashes each chord and each slash is a beat: `C7 / / F7`. `F7@2.5` begins on the
second half of the second beat. `%` is the bar before.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from models.music.harmony.chord_symbols import ChordError, read_chord, write_chord
from models.music.harmony.chords import Chord
from models.music.harmony.spelling import Key

from ..chart import MOST_CHORDS, MOST_TIMES, Bar, ChartError, Jump, Metre, spread

SAME = "%"
_SIGN = re.compile(r"\{([^{}]{0,40})\}")
_METRE = re.compile(r"(\d{1,2})\s*/\s*(\d{1,2})")
_JUMP = re.compile(r"(?i)d\.?\s*([cs])\.?(?:\s*al\s+(coda|fine|(?:\w+\s+)?end(?:ing)?\.?))?")
_ENDING = re.compile(r"(\d{1,2}(?:\s*[,-]\s*\d{1,2})*)\.(?=\s|$)")
_PLACE = re.compile(r"(.+)@(\d{1,2}(?:\.\d{1,3})?)")
_WORDS = re.compile(
    r"(?i)\b(?:d\.\s?[cs]\.(?:\s*al\s+(?:coda|fine|(?:\w+\s+)?end(?:ing)?\.?))?|to\s+coda|fine|segno)(?!\w)|𝄋|𝄌"
)


@dataclass
class BarText:
    """What a bar says. `chords` is None for the bar before once more."""

    chords: list[tuple[float, Chord]] | None
    metre: Metre
    endings: tuple[int, ...] = ()
    marks: dict[str, object] = field(default_factory=dict)  # of the fields of `Bar`
    has_words: bool = False  # or nothing but signs


def read_bar(text: str, metre: Metre) -> BarText:
    """A bar's text without its bar lines; `metre` holds unless the bar says another. Raises ChartError."""
    bar = BarText([], metre)
    text = _WORDS.sub(lambda found: f"{{{found[0]}}}", text) if "{" not in text else text
    for sign in _SIGN.findall(text):
        _read_sign(sign.strip(), bar)
    text = _SIGN.sub(" ", text).strip()
    if (found := _ENDING.match(text)) is not None:
        bar.endings = read_endings(found[1])
        text = text[found.end() :].strip()
    tokens = text.split()
    bar.has_words = bool(tokens or bar.endings)
    if tokens in ([SAME], ["𝄎"], ["·/·"]):
        bar.chords = None
        return bar
    bar.chords = _placed(tokens, bar.metre)
    return bar


def read_endings(text: str) -> tuple[int, ...]:
    """The numbers of `1`, `1,2` or `1-3`. Raises ChartError."""
    found: set[int] = set()
    for part in text.split(","):
        first, _, last = part.partition("-")
        low = int(first)
        high = int(last or first)
        if not 1 <= low <= high <= MOST_TIMES:
            raise ChartError(
                f"An ending has a number from 1 to {MOST_TIMES}, such as 1. or 1-3.; {text[:20]!r} is none."
            )
        found.update(range(low, high + 1))
    return tuple(sorted(found))


def read_jump(text: str) -> Jump | None:
    """`D.C. al Coda`, `D.S. al Fine`, `D.C. al 2nd End.`, `D.C.`; None for anything else."""
    found = _JUMP.fullmatch(text.strip())
    if found is None:
        return None
    until = (found[2] or "").casefold()
    return Jump(found[1].casefold() == "s", until if until in ("coda", "fine", "") else "ending")


def _read_sign(sign: str, bar: BarText) -> None:
    plain = sign.casefold()
    if (found := _METRE.fullmatch(sign)) is not None:
        bar.metre = Metre(int(found[1]), int(found[2]))
    elif (jump := read_jump(sign)) is not None:
        bar.marks["jump"] = jump
    elif plain in ("segno", "𝄋"):
        bar.marks["is_segno"] = True
    elif plain in ("coda", "𝄌"):
        bar.marks["is_coda"] = True
    elif plain == "to coda":
        bar.marks["to_coda"] = True
    elif plain == "fine":
        bar.marks["is_fine"] = True
    else:
        raise ChartError(
            f"There is no sign {{{sign[:30]}}}; write {{segno}}, {{to coda}}, {{coda}}, {{fine}} or {{D.C. al Coda}}."
        )


def _placed(tokens: Sequence[str], metre: Metre) -> list[tuple[float, Chord]]:
    """The chords of a bar and their beats. Raises ChartError."""
    slots: list[Chord | None] = []  # None is a slash
    own: dict[int, float] = {}  # the beat that is said, by slot
    for token in tokens:
        if set(token) == {"/"}:
            slots += [None] * min(len(token), 2 * MOST_CHORDS)
            continue
        if _ENDING.fullmatch(token) is not None:
            raise ChartError(f"An ending begins a bar; write | {token} C7 | with a bar line before it.")
        if (found := _PLACE.fullmatch(token)) is not None:
            token = found[1]
            own[len(slots)] = float(found[2]) - 1.0
        try:
            slots.append(read_chord(token))
        except ChordError as error:
            raise ChartError(str(error)) from error
    if sum(chord is not None for chord in slots) > MOST_CHORDS or len(slots) > 4 * MOST_CHORDS:
        raise ChartError(f"A bar holds at most {MOST_CHORDS} chords; write more bars.")
    if own:
        return _said(slots, own, metre)
    if None not in slots:
        starts = spread(len(slots), metre.beats)
        return [(start, chord) for start, chord in zip(starts, slots, strict=True) if chord is not None]
    return _beats(slots, metre)


def _said(slots: Sequence[Chord | None], own: dict[int, float], metre: Metre) -> list[tuple[float, Chord]]:
    """Chords of which some say their beat; the first may leave it out."""
    found = []
    for number, chord in enumerate(slots):
        if chord is None or (number and number not in own):
            raise ChartError("Where one chord of a bar says its beat, all do: write | C7 F7@2.5 |.")
        beat = own.get(number, 0.0)
        if not 0 <= beat < metre.beats:
            raise ChartError(
                f"A beat of a bar of {metre} is 1 or more and below {metre.beats + 1}; {beat + 1:g} is not in it."
            )
        found.append((beat, chord))
    return found


def _beats(slots: Sequence[Chord | None], metre: Metre) -> list[tuple[float, Chord]]:
    """Chords with slashes: each is a beat. Where the slashes alone fill the bar, they are the beats of the chord before them."""
    slashes = sum(chord is None for chord in slots)
    is_under = len(slots) != metre.beats and slashes == metre.beats and slots[0] is not None
    if not is_under and metre.beats % len(slots):
        raise ChartError(
            f"A bar of {metre} has {metre.beats} beats, and its chords and slashes are {len(slots)}; write a slash for each beat."
        )
    length = metre.beats if is_under else len(slots)
    at = 0
    found = []
    for chord in slots:
        if chord is not None:
            found.append((at * metre.beats / length, chord))
        at += not is_under or chord is None
    return found


def write_bar(bar: Bar, before: Metre, key: Key) -> str:
    """The text of a bar without bar lines; `before` is the metre that holds."""
    signs = [f"{{{bar.metre}}}"] if bar.metre != before else []
    signs += ["{segno}"] * bar.is_segno + ["{coda}"] * bar.is_coda
    after = ["{to coda}"] * bar.to_coda + ["{fine}"] * bar.is_fine + ([f"{{{bar.jump}}}"] if bar.jump else [])
    return " ".join([*signs, *_chord_texts(bar, key), *after])


def _chord_texts(bar: Bar, key: Key) -> list[str]:
    symbols = [write_chord(placed.chord, key) for placed in bar.chords]
    starts = [placed.beat for placed in bar.chords]
    if starts == spread(len(starts), bar.metre.beats):
        return symbols
    if any(start != int(start) for start in starts):
        return [
            symbol if not start else f"{symbol}@{_decimal(start + 1)}"
            for symbol, start in zip(symbols, starts, strict=True)
        ]
    found = []
    for symbol, start, end in zip(symbols, starts, [*starts[1:], bar.metre.beats], strict=True):
        found += [symbol, *["/"] * int(end - start - 1)]
    return found


def _decimal(number: float) -> str:
    return f"{number:.3f}".rstrip("0").rstrip(".")
