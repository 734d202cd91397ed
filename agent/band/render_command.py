"""The command `charts render`: the band alone over a chart, as a MIDI file or as sound."""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import tempfile
from dataclasses import replace
from pathlib import Path

from models.music.midifile import write_music

from ..audio.soundfont_files import find_soundfont
from ..charts.chart_library import load_chart
from ..charts.charts_command import transposed
from ..errors import UserError, hint
from .band import PARTS, Band, BandSettings, PartSettings
from .band_midi import band_music

MIDI, SOUND = (".mid", ".midi"), ".wav"
RATE = 48000  # frames a second
LONGEST_RENDERING = 600  # seconds that FluidSynth may take
MOST_CHORUSES = 50


def render(args: argparse.Namespace) -> int:
    """Write the file. Raises UserError."""
    chart = transposed(load_chart(args.source), args)
    if args.tempo is not None:
        chart = replace(chart, tempo=args.tempo)
    if not 1 <= args.choruses <= MOST_CHORUSES:
        raise UserError(f"A rendering has 1 to {MOST_CHORUSES} choruses; write --choruses 3.")
    kind = args.out.suffix.lower()
    if kind not in (*MIDI, SOUND):
        raise UserError(f"{args.out} is no name for MIDI or sound; write -o FILE.mid or -o FILE.wav.")
    bass, comping, drums = (PartSettings(is_on=part not in args.without) for part in PARTS)
    settings = BandSettings(bass, comping, drums)
    music = band_music(Band(chart, args.seed), args.choruses, settings)
    if not music.parts:
        raise UserError("All parts are left out; leave out fewer.")
    try:
        args.out.parent.mkdir(parents=True, exist_ok=True)
        if kind == SOUND:
            with tempfile.TemporaryDirectory() as folder:
                write_music(Path(folder) / "band.mid", music)
                write_sound(Path(folder) / "band.mid", args.out)
        else:
            write_music(args.out, music)
    except OSError as error:
        raise UserError(f"{args.out} cannot be written ({error.strerror}); name another file.") from error
    notes = {part.name: len(part.notes) for part in music.parts}
    if args.json:
        print(
            json.dumps(
                {
                    "path": str(args.out),
                    "title": chart.title,
                    "choruses": args.choruses,
                    "seed": args.seed,
                    "notes": notes,
                }
            )
        )
    else:
        print(
            f"{args.out}: {chart.title}, {args.choruses} choruses, {', '.join(f'{name} {count}' for name, count in notes.items())} notes"
        )
    return 0


def write_sound(midi: Path, to: Path) -> None:
    """Render a MIDI file with FluidSynth, which has the sounds of a band. Raises UserError and OSError."""
    program = shutil.which("fluidsynth")
    font = find_soundfont()
    if program is None or font is None:
        instead = hint("charts", "render", "NAME", "-o", "x.mid")
        raise UserError(f"FluidSynth and a SoundFont make the sound of a band; install them, or write MIDI: {instead}.")
    part = to.with_name(f"{to.name}.part.wav")
    command = [
        program,
        "-n",
        "-i",
        "-q",
        "-g",
        "0.6",
        "-r",
        str(RATE),
        "-F",
        str(part.absolute()),
        str(font),
        str(midi),
    ]
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, timeout=LONGEST_RENDERING, check=False
        )
        if done.returncode or not part.is_file():
            raise UserError("FluidSynth could not render it; write MIDI with -o FILE.mid instead.")
        part.replace(to)
    except subprocess.TimeoutExpired as error:
        raise UserError("FluidSynth takes too long; write fewer choruses.") from error
    finally:
        part.unlink(missing_ok=True)
