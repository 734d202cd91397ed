"""How a session is doing at this moment: a record for the pages, and a few lines for the terminal. Nothing is changed by it."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

from models.music.harmony.chord_symbols import write_chord

from ..band.chart_play import ChartPlay
from ..charts.form import Form
from ..charts.form_trading import turn_bars
from ..clock import measured
from ..control.parameters import PARAMETERS
from ..timing.timing_stats import percentiles
from .session import Session

RECENT = 500  # figures of each kind that count
TURNS = {"listening": "your turn", "answering": "its turn", "your bars": "your bars"}
BOX = 10  # characters of a line's name
Row = dict[str, Any]


def snapshot(session: Session, showing: str) -> Row:
    """Everything but notes, ports and lists. `showing` is what the agent is doing, in a word or two."""
    partner = session.partner
    stats = session.stats
    preset = partner.preset
    transport = session.transport
    bar = transport.bar(max(measured(session.clock), transport.begins))  # the first one, where it is about to begin
    number = 0 if bar is None else round(transport.beat_at(bar.start) / transport.beats)  # below 0 in a count-in
    return {
        "ready": session.worker.ready is not None and not session.worker.gone.is_set(),
        "showing": showing,
        "mode": partner.mode_settings.mode,
        "preset": {"name": preset.name, "title": preset.title or preset.name},
        "parameters": {name: round(session.actions.parameter(name), 3) for name in PARAMETERS},
        "song": {"at": session.actions.song, "names": [song.name for song in session.actions.set_list]},
        "bar": None
        if bar is None
        else {"start": bar.start, "length": bar.length, "beats": bar.beats, "number": number},
        "form": {
            "bars": partner.mode_settings.bars,
            "beats": transport.beats,
            "part": partner.mode_settings.part,
            "click": session.metronome.has_clicks,
            "own": session.actions.has_own_beat,
        },
        "figures": {
            "first note": recent_percentiles(stats.first_note),
            "lateness": recent_percentiles(stats.lateness),
            "cut-in": recent_percentiles(stats.cut_in),
        },
        "level": {"step": stats.level, "word": stats.level_word},
        "misses": session.player.schedule.misses,
        "notes": stats.notes,
        "answers": stats.answers,
        "chosen_from": stats.chosen_from,
    }


class ChartView:
    """The chart of a session for the pages: a row that is made once, and again where the chart, its end or the turns are others."""

    def __init__(self) -> None:
        self._over: ChartPlay | None = None
        self._bars = 0
        self._row: Row | None = None

    def row(self, session: Session) -> Row | None:
        """The present row; None where no chart is played over."""
        over = session.partner.over
        bars = session.partner.mode_settings.bars
        if over is not self._over or bars != self._bars:
            self._over = over
            self._bars = bars
            self._row = None if over is None else chart_row(over, bars)
        return self._row


def chart_row(over: ChartPlay, bars: int) -> Row:
    """A chart with turns of so many bars. A bar tells its section where one begins, its chords by beat, and the number of its turn.

    `last` are the bars of the last chorus, None where they are those of every chorus.
    """
    trading = over.trading(bars)
    has_own_end = over.choruses is not None and trading.last_form != trading.form
    return {
        "title": over.chart.title,
        "choruses": over.choruses,
        "agent_first": over.is_agent_first,
        "bars": _bar_rows(over, trading.form, trading.length),
        "last": _bar_rows(over, trading.last_form, trading.length) if has_own_end else None,
    }


def _bar_rows(over: ChartPlay, form: Form, length: int | str) -> list[Row]:
    turns = [turn for turn, count in enumerate(turn_bars(form, length)) for _ in range(count)]
    section_number = -1
    found = []
    for bar, turn in zip(form.bars, turns, strict=True):
        is_new = bar.section_number != section_number
        section_number = bar.section_number
        chords = [[placed.beat, write_chord(placed.chord, over.chart.key)] for placed in bar.bar.chords]
        found.append({"section": bar.section if is_new else "", "begins": is_new, "chords": chords, "turn": turn})
    return found


def recent_percentiles(seconds: Any) -> dict[str, float]:
    """The percentiles of the last figures, in milliseconds."""
    return percentiles(list(itertools.islice(reversed(seconds), RECENT)))


def lines(row: Row, now: float, inputs: Sequence[str], output: str) -> list[str]:
    """The same for a terminal: four lines."""
    turn = TURNS.get(row["showing"], row["showing"]) if row["ready"] else "play, it is waking up"
    knobs = {name: row["parameters"][name] for name in PARAMETERS}
    turned = [f"{n} {v:+.1f}" for n, v in knobs.items() if n not in ("tempo", "swing", "groove", "mirror") and v]
    turned += [f"{n} {knobs[n]:.0f} %" for n in ("groove", "mirror") if knobs[n]]
    turned += [f"swing {knobs['swing']:.0f} %"] if knobs["swing"] > 50 else []
    beat = "free time"
    at, names = row["song"]["at"], row["song"]["names"]
    song = [f"{at + 1} of {len(names)}: {names[at]}"] if names else []
    bar = row["bar"]
    if bar:
        number = int((now - bar["start"]) / bar["length"] % 1 * bar["beats"]) + 1
        place = f"beat {number} of {bar['beats']}" if now >= bar["start"] else "about to begin"
        beat = f"{knobs['tempo']:.0f} beats a minute, {place}"
    late = row["figures"]["lateness"].get("p99")
    first = row["figures"]["first note"].get("p50")
    health = [f"{row['notes']} notes, {row['misses']} missed"]
    health += [f"late by {late:.1f} ms at p99"] if late is not None else []
    health += [f"first note after {first:.0f} ms"] if first is not None else []
    health += [f"chosen from {row['chosen_from']}"] if row["chosen_from"] > 1 else []
    health += [row["level"]["word"]] if row["level"]["step"] and row["level"]["word"] else []
    return [
        f"● {turn}",
        "style".ljust(BOX) + " · ".join([*song, row["preset"]["title"], row["mode"], beat, *turned]),
        "health".ljust(BOX) + " · ".join(health),
        "ports".ljust(BOX) + f"{', '.join(inputs) or 'none'} → {output}",
    ]
