"""The commands that list and convert: `answer`, `ports`, `takes`, `presets`. None of them plays in real time."""

from __future__ import annotations

import argparse
import json
import os
import sys
from functools import partial
from pathlib import Path

from models.music.midifile import write_notes

from ..errors import UserError, hint
from ..midi import ports
from ..playing.ask_worker_offline import ask
from ..playing.worker_client import worker_command
from ..replay import verify_take
from ..standard_streams import complain
from ..styles import preset_maker, presets
from ..takes import file_export, library
from ..takes.recorder import PICTURE
from ..user_folders import check_home
from .answer_file import answer_file
from .option_groups import TAKES


def answer(args: argparse.Namespace) -> int:
    """Answer a file."""
    preset = presets.load(args.preset, args.knob, args.settings, args.without)
    seed = 0 if args.seed is None else args.seed
    command = worker_command(preset.player(args.weights), args.engine, args.mind)
    result = answer_file(args.call, args.result, preset, seconds=args.seconds, seed=seed, command=command)
    length = result.answer[-1].end - result.answer[0].onset
    if args.picture is not None:
        from ..takes.piano_roll import piano_roll

        try:
            piano_roll(args.picture, result.call, result.answer, title=f"{args.call.stem} · {preset.title}")
        except (OSError, ValueError) as error:
            raise UserError(f"{args.picture} cannot be drawn ({error}); name a .png file.") from error
    if args.json:
        rows = [[round(n.onset, 4), round(n.duration, 4), n.pitch, n.velocity] for n in result.answer]
        print(json.dumps({"preset": preset.name, "seed": seed, "out": str(args.result), "answer": rows}))
    else:
        print(f"{args.result}: {len(result.answer)} notes in {length:.1f} s, style {preset.title}, seed {seed}")
    return 0


def list_ports(args: argparse.Namespace) -> int:
    """Print the ports."""
    found = ports.list_ports(args.api)
    if args.json:
        print(json.dumps({"api": found.api, "inputs": found.inputs, "outputs": found.outputs}))
        return 0
    print(f"MIDI system: {found.api}{ports.loopback_advice(found.api, [*found.inputs, *found.outputs])}")
    for title, names in (("inputs", found.inputs), ("outputs", found.outputs)):
        print(f"{title}:" + ("" if names else " none"))
        for name in names:
            print(f"  {name}")
    return 0


def show_takes(args: argparse.Namespace) -> int:
    """Print which takes there are, export one or replay one."""
    if "/" not in args.name:  # which is a path
        check_home(TAKES, "name a take by its path")
    if args.what == "export":
        for path in file_export.export(library.find_take(TAKES, args.name), args.folder):
            print(path)  # one a line and unquoted, as scripts read them
        return 0
    if args.what == "replay":
        return verify_take.command(args, library.find_take(TAKES, args.name))
    library.repair_all(TAKES)
    folders = library.list_takes(TAKES) if args.what in (None, "list") else [library.find_take(TAKES, args.name)]
    summaries = [library.summarize(folder) for folder in folders]
    if args.json:
        print(json.dumps([s.row() for s in summaries]))
        return 0
    for summary in summaries:
        print(f"{summary.name}: {summary}")
    if args.what == "show" and library.finish(folders[0]) is not None:
        print(f"picture: {folders[0] / PICTURE}")
    if not summaries:
        print(f"Nothing has been kept in {TAKES} yet; play, and it will be.")
    return 0


def list_presets(args: argparse.Namespace) -> int:
    """Print the presets, or make one."""
    if args.make is not None:
        return make_preset(args)
    found, problems = presets.survey()
    if args.json:
        rows = [{"name": p.name, "title": p.title, "description": p.description, "weights": p.player()} for p in found]
        print(json.dumps(rows))
    else:
        for preset in found:
            hides = " (yours; it hides the one that comes with the program)" if presets.hidden(preset.name) else ""
            print(f"{preset.name:20} {preset.description}{hides}")
    sys.stdout.flush()
    for problem in problems:
        complain(f"tradefours: {problem}")
    return 0


def write_vamp(args: argparse.Namespace) -> int:
    """Write the bars that a preset has in the ear as a MIDI file. Raises UserError."""
    preset = presets.load(args.name)
    path = args.out or Path(f"{preset.name}-vamp.mid")
    if not preset.vamp:
        raise UserError(
            f"{preset.name} has no bars in the ear; `{hint('presets', 'vamp', args.name)} FILE.mid` gives it some."
        )
    if path.suffix != ".mid":
        raise UserError(f"{path} is no name for a MIDI file; write -o FILE.mid.")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_notes(path, {"vamp": preset.vamp})
    except OSError as error:
        raise UserError(f"{path} cannot be written ({error.strerror}); name another file.") from error
    print(f"{path}: {len(preset.vamp)} notes, that {preset.title} has in the ear before it answers.")
    return 0


def make_preset(args: argparse.Namespace) -> int:
    """Learn or blend a preset, and write it."""
    if args.make == "vamp" and args.file is None:
        return write_vamp(args)
    if args.make == "vamp":
        preset = preset_maker.with_vamp(presets.load(args.name), args.file)
    elif args.make == "learn":
        musician = worker_command(args.weights or presets.WEIGHTS, args.engine, args.mind)
        named = (
            args.weights if args.weights and presets.NAME.fullmatch(args.weights) else ""
        )  # a file may be elsewhere tomorrow
        preset = preset_maker.learn(args.name, args.files, partial(ask, musician), named)
    else:
        a = presets.load(args.a)
        b = presets.load(args.b)
        name = os.fsencode(args.out.stem).decode("utf8", "replace") if args.out else f"{a.name}-{b.name}"
        preset = preset_maker.blend(name, a, b, args.share)
    path = args.out
    remark = ""
    if path is None:
        path, remark = preset_maker.keep(preset)
    elif path.suffix != ".toml":
        raise UserError(f"{path} is no name for a preset; write -o FILE.toml.")
    else:
        preset_maker.write(preset, path)
    print(f"{path}: {preset.description} {remark}".rstrip())
    print(f"Play it: {hint('play', '--preset', str(args.out or preset.name))}")
    return 0
