"""Leadsheets of Impro-Visor (.ls): lists in round brackets, and chords between bar lines. Melodies are passed over."""

from __future__ import annotations

import re
from collections.abc import Iterator

from models.music.harmony.chord_symbols import ChordError, read_chord
from models.music.harmony.chords import Chord
from models.music.harmony.spelling import Key, key_of_fifths

from ..chart import MOST_CHORDS, Chart, ChartError, Metre
from .bar_builder import BarBuilder, feel_of

LONGEST = 1_000_000  # characters of a leadsheet
DEEPEST = 30  # brackets within one another
_TOKEN = re.compile(r"\(|\)|\||[^\s()|]+")
_NOTE = re.compile(r"[a-gr](?:b|#)?[-+]*\d.*|[-+]\d.*")  # a note or a rest of a melody


class _Reader:
    """Reads the words of a leadsheet one after another."""

    def __init__(self) -> None:
        self.said: dict[str, list[str]] = {}  # what was said for the whole sheet
        self.builder = BarBuilder()
        self.is_melody = False
        self._sections = 0
        self._slots: list[Chord | None] = []  # of the bar, None for a slash

    def read(self, text: str) -> None:
        """All of it. Raises ChartError."""
        words = iter(_TOKEN.findall(text))
        for word in words:
            if word == "(":
                self._read_list(_list_after(words))
            elif word == "|":
                self._end_bar()
            elif word == ")":
                raise ChartError("The leadsheet closes a bracket that it has not opened; save it again in Impro-Visor.")
            elif not self.is_melody and not _NOTE.fullmatch(word):
                self._read_slot(word)
        self._end_bar(is_last=True)

    def _read_list(self, words: list[str]) -> None:
        name = words[0].casefold() if words else ""
        if name == "part":
            self.is_melody = "melody" in [word.casefold() for word in words]
        elif name in ("section", "phrase"):
            self._end_bar(is_last=True)
            style = feel_of(" ".join(words[1:]).replace("style", " "))
            if style is not None:
                self.said.setdefault("style", [style])
            if name == "section":
                self._sections += 1
                self.builder.section = _letter(self._sections)
        elif name == "meter" and len(words) == 3:
            self.builder.metre = Metre(_whole(words[1]), _whole(words[2]))
        elif name in ("title", "composer", "key", "tempo", "style") and len(words) > 1:
            self.said.setdefault(name, words[1:])

    def _read_slot(self, word: str) -> None:
        if set(word) == {"/"}:
            self._slots += [None] * len(word)
        else:
            try:
                self._slots.append(read_chord(word))
            except ChordError as error:
                raise ChartError(f"Bar {len(self.builder.bars) + 1}: {error}") from error
        if len(self._slots) > 4 * MOST_CHORDS:
            raise ChartError(
                f"Bar {len(self.builder.bars) + 1} has more chords than a bar holds; save it again in Impro-Visor."
            )

    def _end_bar(self, is_last: bool = False) -> None:
        """Chords and slashes share the bar evenly; an empty bar goes on with the last chord."""
        if self.is_melody or (not self._slots and (is_last or not self.builder.bars)):
            return
        length = len(self._slots)
        beats = self.builder.metre.beats
        self.builder.add([(n * beats / length, chord) for n, chord in enumerate(self._slots) if chord is not None])
        self._slots = []


def _list_after(words: Iterator[str]) -> list[str]:
    """The words of a list whose bracket was just opened; those of lists within it are among them. Raises ChartError."""
    found: list[str] = []
    depth = 1
    for word in words:
        depth += (word == "(") - (word == ")")
        if depth == 0:
            return found
        if depth > DEEPEST:
            break
        if word not in ("(", ")"):
            found.append(word)
    raise ChartError("The leadsheet opens a bracket that it does not close; save it again in Impro-Visor.")


def _letter(number: int) -> str:
    return chr(ord("A") + (number - 1) % 26)


def _whole(text: str) -> int:
    return int(text) if re.fullmatch(r"-?\d{1,3}", text) else 0


def read_improvisor(text: str, title: str = "") -> Chart:
    """The chart in a leadsheet; `title` counts where it has none. Raises ChartError."""
    if len(text) > LONGEST:
        raise ChartError(
            f"The leadsheet is longer than {LONGEST:,} characters, which is no chart; choose another file."
        )
    reader = _Reader()
    reader.read(text)
    said = reader.said
    fifths = _whole((said.get("key") or ["0"])[0])
    if not -7 <= fifths <= 7:
        raise ChartError("The leadsheet has a key with more than seven accidentals; choose another key.")
    tempo = re.fullmatch(r"\d{1,3}(?:\.\d{1,3})?", (said.get("tempo") or [""])[0])
    return reader.builder.chart(
        " ".join(said.get("title", [])) or title,
        " ".join(said.get("composer", [])),
        _minor_or_major(fifths, reader.builder),
        float(tempo[0]) if tempo else None,
        feel_of(" ".join(said.get("style", []))),
    )


def _minor_or_major(fifths: int, builder: BarBuilder) -> Key:
    """The key of a signature: minor where the piece ends on the minor tonic, as the file does not tell."""
    minor = key_of_fifths(fifths, is_minor=True)
    last = builder.last_chord
    roots = {bar.chords[0].chord.root for bar in builder.bars[:1]}
    is_minor = last.root is not None and last.quality.third == "b3" and minor.tonic in {last.root, *roots}
    return minor if is_minor and last.root == minor.tonic else key_of_fifths(fifths)
