"""The command `charts`: list, show, add and convert chord charts."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from models.music.harmony.chord_symbols import write_chord

from ..errors import UserError, hint
from ..standard_streams import complain
from . import chart_library
from .chart import Chart, ChartError
from .form import form_of
from .formats.chart_formats import write_chart_file
from .formats.text_form import BARS_A_LINE, write_text

LARGEST_INPUT = 8 << 20  # characters of the standard input


def charts(args: argparse.Namespace) -> int:
    """Run one part of the command. Raises UserError."""
    parts = {"list": list_charts, "show": show_chart, "add": add_charts, "convert": convert_chart}
    return parts[args.what or "list"](args)


def list_charts(args: argparse.Namespace) -> int:
    """Print all charts, a line each."""
    found, problems = chart_library.survey()
    if args.json:
        print(json.dumps([summary(name, chart) for name, chart in found.items()]))
    else:
        for name, chart in found.items():
            row = summary(name, chart)
            own = "" if (chart_library.SHIPPED in chart_library.chart_files()[name].parents) else "  (yours)"
            print(
                f"{name:20} {chart.title}: {row['key']}, {row['metre']}, {chart.tempo:g}, {chart.feel}, {row['bars']} bars{own}"
            )
    sys.stdout.flush()
    for problem in problems:
        complain(f"tradefours: {problem}")
    return 0


def show_chart(args: argparse.Namespace) -> int:
    """Print a chart as text or for programs."""
    found = [transposed(chart, args) for chart in read_source(args.source)]
    if args.json:
        rows = [details(chart) for chart in found]
        print(json.dumps(rows[0] if len(rows) == 1 else rows))
        return 0
    for number, chart in enumerate(found):
        if number:
            print()
        print(form_text(chart) if args.form else write_text(chart), end="")
    return 0


def add_charts(args: argparse.Namespace) -> int:
    """Keep charts among the user's own; a song of a playlist that cannot be read is named and passed over."""
    kept: list[Path] = []
    for source in args.sources:
        for chart in read_source(source, is_lenient=True):
            kept.append(chart_library.keep(chart))
    if args.json:
        print(json.dumps([{"name": path.stem, "path": str(path)} for path in kept]))
        return 0
    for path in kept:
        print(path)
    if kept:
        print(f"See one: {hint('charts', 'show', kept[0].stem)}")
    return 0


def convert_chart(args: argparse.Namespace) -> int:
    """Write a chart as a file of another kind."""
    found = [transposed(chart, args) for chart in read_source(args.source)]
    if len(found) > 1:
        raise ChartError(
            f"There are {len(found)} charts in it; `{hint('charts', 'add')}` keeps them, then name one of them."
        )
    chart_library.write_file(args.out, write_chart_file(found[0], args.out.name))
    print(f"{args.out}: {found[0].title}, {len(found[0].bars)} bars")
    return 0


def read_source(source: str, is_lenient: bool = False) -> list[Chart]:
    """The charts of a name, a file, a link or the standard input. `is_lenient`: pass over songs of a playlist. Raises UserError."""
    if source == "-":
        source = sys.stdin.read(LARGEST_INPUT) + "\n"
    if is_lenient:
        found, problems = chart_library.load_playlist(source)
        for problem in problems:
            complain(f"tradefours: Passed over: {problem}")
        if not found:
            raise ChartError("None of these charts could be read; share them again from iReal Pro.")
        return found
    return chart_library.load_charts(source)


def transposed(chart: Chart, args: argparse.Namespace) -> Chart:
    """The chart in the key that is asked for. Raises UserError."""
    steps = int(args.transpose)
    if not -48 <= steps <= 48:
        raise UserError("A chart is moved by at most 48 semitones; write --transpose 5.")
    return chart_library.chart_in_key(chart.transpose(steps) if steps else chart, args.key)


def summary(name: str, chart: Chart) -> dict[str, Any]:
    """What a list says of a chart, for programs: `bars` and `beats` are of one chorus."""
    form = form_of(chart)
    return {
        "name": name,
        "title": chart.title,
        "composer": chart.composer,
        "key": chart.key.name,
        "metre": str(chart.metre),
        "tempo": chart.tempo,
        "feel": chart.feel,
        "bars": len(form.bars),
        "beats": form.beats,
    }


def details(chart: Chart) -> dict[str, Any]:
    """The same with the bars of one chorus: where each begins, its section, and its chords at their beats."""
    rows = []
    for bar in form_of(chart).bars:
        chords = [[placed.beat, write_chord(placed.chord, chart.key)] for placed in bar.bar.chords]
        rows.append(
            {
                "start": bar.start,
                "beats": bar.bar.metre.beats,
                "section": bar.section,
                "written": bar.index,
                "chords": chords,
            }
        )
    return {**summary(chart_library.file_name(chart.title), chart), "form": rows}


def form_text(chart: Chart) -> str:
    """One chorus as it is played, four bars a line, each section anew."""
    lines = []
    for section in form_of(chart).sections:
        lines += [f"[{section[0].section}]"] if section[0].section else []
        bars = [" ".join(write_chord(placed.chord, chart.key) for placed in bar.bar.chords) for bar in section]
        lines += ["| " + " | ".join(bars[at : at + BARS_A_LINE]) + " |" for at in range(0, len(bars), BARS_A_LINE)]
    return "\n".join(lines) + "\n"
