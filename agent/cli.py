"""The command line: words in, a session or a file out.

Knows nothing of music; it finds ports and presets, starts what was asked for, and tells the user in plain sentences.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from . import ports, presets, tailor
from .answer import answer_file
from .clock import SystemClock
from .controls import LETTERS, Controls
from .demo import DemoInput, DemoOutput, written_call
from .errors import UserError
from .grammar import TAKES, parser
from .letters import letters
from .manner import TRADE, Beat, Manner
from .mind import Mind, worker_command
from .ports import InputPort, OutputPort
from .recorder import MIDI, PICTURE, Take
from .session import Report, Session
from .status import Status
from .zone import Zone

OWN_TEMPO = 100.0  # beats a minute, to trade without a clock


def main(argv: list[str] | None = None) -> int:
    """Run one command. 0: done, 2: something the user can mend."""
    arguments = sys.argv[1:] if argv is None else argv
    if arguments and arguments[0] in (
        "train",
        "evaluate",
        "export",
    ):  # theirs is another room, with an interpreter of its own
        return subprocess.call([sys.executable, "-m", f"models.{arguments[0]}", *arguments[1:]])
    args = parser().parse_args(arguments)
    acts = {
        "play": play,
        "demo": demo,
        "answer": answer,
        "bench": measured,
        "ports": list_ports,
        "presets": list_presets,
    }
    try:
        return acts.get(args.command, jam)(args)
    except UserError as error:
        print(f"tradefours: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 0
    except BrokenPipeError:
        sys.stderr.close()
        return 0


def jam(args: argparse.Namespace) -> int:
    """The main thing: play, or the demo where there is nothing to play on."""
    try:
        ports.find_api()
    except ports.NoMidiSystem as error:
        print(f"{error}\nHere is the demo instead.")
        return demo(args)
    return play(args)


def play(args: argparse.Namespace) -> int:
    """Jam on ports."""
    api = ports.find_api(args.api)
    inputs = _inputs(args.input, api)
    output = _output(args.output, api)
    manner = Manner(args.mode, args.bars, args.groove / 100, args.swing / 100, args.part, args.mirror / 100)
    tempo = args.tempo or (OWN_TEMPO if args.mode == TRADE and not args.clock else None)
    beat = Beat(args.clock, tempo, args.beats, args.count_in, args.click, args.send_clock)
    listened = None if args.listen_channel is None else args.listen_channel - 1
    program = None if args.program is None else args.program - 1
    zone = Zone(listened, args.split, args.transpose, args.velocity, program, args.bank)
    more = {"manner": manner, "beat": beat, "zone": zone, "controls": Controls.of(args.control)}
    _run(args, inputs, output, shown=[p.name for p in inputs], **more)
    return 0


def _inputs(name: str | None, api: str) -> list[InputPort]:
    if name is not None:
        return [ports.open_input(name, api)]
    own = [ports.open_input(None, api)] if ports.has_virtual_ports(api) else []
    found = [*own, *(ports.open_input(n, api) for n in ports.hardware(ports.list_ports(api)))]
    if not found:
        raise UserError("No MIDI input is connected: plug a keyboard in, or hear it without one: tradefours demo")
    return list(found)


def _output(name: str | None, api: str) -> OutputPort:
    if name is None and not ports.has_virtual_ports(api):
        there = ports.list_ports(api).outputs
        if not there:
            raise UserError("No MIDI output is there: start a synth, or hear the demo: tradefours demo")
        name = there[0]
    return ports.open_output(name, api)


def demo(args: argparse.Namespace) -> int:
    """One written call, answered."""
    report, take = _run(args, [DemoInput(written_call())], DemoOutput(), shown=["a written call"], rounds=1)
    files = {"take": str(take.folder / MIDI)}
    if report.answers:
        from .picture import piano_roll

        picture = take.folder / PICTURE
        piano_roll(picture, *_notes(report), title=f"tradefours demo · {args.preset or presets.DEFAULT}")
        files["picture"] = str(picture)
    if args.json:
        print(json.dumps({**report.meters, **files}))
    else:
        _tell_figures(report)
        for kind, path in files.items():
            print(f"{kind}: {path}")
    return 0


def _notes(report: Report) -> tuple[list[Any], list[Any]]:
    return [n for p in report.calls for n in p], [n for p in report.answers for n in p]


def _tell_figures(report: Report) -> None:
    first, on, late = (report.meters[f"{key}_ms"] for key in ("first_note", "first_on", "lateness"))
    print(f"answered with {report.meters['notes']} notes, {report.meters['misses']} missed")
    if first:
        print(f"decision to first note ready: p50 {first['p50']:.1f} ms, p99 {first['p99']:.1f}")
    if on:
        print(f"decision to first note played, its own rest included: p50 {on['p50']:.0f} ms, p99 {on['p99']:.0f}")
    if late:
        print(
            f"lateness of notes: p50 {late['p50']:.2f} ms, p95 {late['p95']:.2f}, p99 {late['p99']:.2f}, max {late['max']:.2f}"
        )


def _run(
    args: argparse.Namespace,
    inputs: list[InputPort],
    output: OutputPort,
    *,
    shown: list[str],
    **more: Any,
) -> tuple[Report, Take]:
    """One session from start to end, with its take."""
    preset = _preset(args)
    folder = args.take or TAKES / datetime.now().strftime("%Y-%m-%d_%H-%M-%S")
    take = Take(folder, preset=preset.name, seed=args.seed, weights=args.weights)
    clock = SystemClock()
    with Status(plain=args.json) as status:

        def say(text: str) -> None:
            status.line(text)
            take.said(clock.now(), text)

        say(
            f"Listening to {', '.join(shown)}; playing to {output.name} on channel {args.channel}; style {preset.title}."
        )

        async def session() -> Report:
            made = Session(
                inputs=inputs,
                output=output,
                mind=Mind(_mind(args)),
                preset=preset,
                take=take,
                say=say,
                show=status.show,
                clock=clock,
                channel=args.channel - 1,
                thru=args.thru,
                seconds=args.seconds,
                seed=args.seed,
                **more,
            )
            _on_signals(made.stop)

            def pressed(letter: str) -> None:
                if letter in LETTERS:
                    made.act(LETTERS[letter], clock.now())

            with letters(asyncio.get_running_loop(), pressed) as there:
                if there:
                    say("Letters: c call, t trade, d duet, a answer now, p panic, space tap the tempo, q quit.")
                return await made.run()

        report = asyncio.run(session())
        say(f"Every note is off. The take is kept in {folder}.")
    return report, take


def _preset(args: argparse.Namespace) -> presets.Preset:
    preset = presets.load(args.preset)
    for knob, value in args.knob:
        preset = preset.turned(knob, value)
    return preset


def _mind(args: argparse.Namespace) -> Sequence[str]:
    return shlex.split(args.mind) if args.mind else worker_command(args.weights, args.engine)


def _on_signals(stop: Callable[[], None]) -> None:
    """Ctrl-C and the system's polite request end the session; asked again, they still do."""
    for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), lambda *_: stop())


def answer(args: argparse.Namespace) -> int:
    """Answer a file."""
    preset = _preset(args)
    seed = 0 if args.seed is None else args.seed
    found = answer_file(args.call, args.result, preset, seconds=args.seconds, seed=seed, command=_mind(args))
    span = found.answer[-1].end - found.answer[0].onset
    if args.picture is not None:
        from .picture import piano_roll

        try:
            piano_roll(args.picture, found.call, found.answer, title=f"{args.call.stem} · {preset.title}")
        except (OSError, ValueError) as error:
            raise UserError(f"{args.picture} cannot be drawn ({error}); name a .png file.") from error
    if args.json:
        rows = [[round(n.onset, 4), round(n.duration, 4), n.pitch, n.velocity] for n in found.answer]
        print(json.dumps({"preset": preset.name, "seed": seed, "out": str(args.result), "answer": rows}))
    else:
        print(f"{args.result}: {len(found.answer)} notes in {span:.1f} s, style {preset.title}, seed {seed}")
    return 0


def measured(args: argparse.Namespace) -> int:
    """Measure this machine."""
    from .bench import bench

    return bench(args)


def list_ports(args: argparse.Namespace) -> int:
    """Print the ports."""
    found = ports.list_ports(args.api)
    if args.json:
        print(json.dumps({"api": found.api, "inputs": found.inputs, "outputs": found.outputs}))
        return 0
    print(f"MIDI system: {found.api}")
    for title, names in (("inputs", found.inputs), ("outputs", found.outputs)):
        print(f"{title}:" + ("" if names else " none"))
        for name in names:
            print(f"  {name}")
    return 0


def list_presets(args: argparse.Namespace) -> int:
    """Print the presets, or make one."""
    if args.make is not None:
        return make_preset(args)
    found = presets.all_presets()
    if args.json:
        print(json.dumps([{"name": p.name, "title": p.title, "description": p.description} for p in found]))
        return 0
    for preset in found:
        print(f"{preset.name:20} {preset.description}")
    return 0


def make_preset(args: argparse.Namespace) -> int:
    """Learn or blend a preset, and write it."""
    if args.make == "learn":
        preset = tailor.learn(args.name, args.files, _mind(args))
    else:
        name = args.out.stem if args.out else f"{args.a}-{args.b}"
        preset = tailor.blend(name, presets.load(args.a), presets.load(args.b), args.share)
    path = args.out or presets.OWN / f"{preset.name}.toml"
    if path.suffix != ".toml" or "/" in preset.name or "\\" in preset.name:
        raise UserError(f"{path} is no name for a preset; write a plain name, or -o FILE.toml.")
    tailor.write(preset, path)
    print(f"{path}: {preset.description} Play it: tradefours play --preset {preset.name if not args.out else path}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
