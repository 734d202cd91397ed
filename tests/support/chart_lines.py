"""A chart as one line of text, as tests write what they expect: bars parted by `|`, chords after the first with their beat."""

from __future__ import annotations

from agent.charts.chart import Chart
from agent.charts.form import FormBar, form_of
from models.music.harmony.chord_symbols import write_chord


def played(chart: Chart, is_last: bool = False) -> str:
    """The bars as they are played: `F7 | Bb7 2:C7`; a section's name stands in brackets where it begins."""
    bars = form_of(chart, is_last).bars
    return " | ".join(_bar(chart, bar, bars[number - 1] if number else None) for number, bar in enumerate(bars))


def _bar(chart: Chart, bar: FormBar, before: FormBar | None) -> str:
    is_new = bar.section and (before is None or before.section_number != bar.section_number)
    words = [f"[{bar.section}]"] if is_new else []
    for placed in bar.bar.chords:
        beat = f"{placed.beat:g}:" if placed.beat else ""
        words.append(beat + write_chord(placed.chord, chart.key))
    return " ".join(words)


def plain(text: str) -> str:
    """What a test expects, on one line."""
    return " ".join(text.split())
