"""The doctor: is all there that playing needs? Each finding with what to do about it, in one line.

Knows nothing of a session; it looks, and changes nothing.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import shutil
import socket
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version

from ..audio.synth import find_soundfont
from ..errors import UserError
from ..midi import ports
from ..midi.errors import silence_stderr
from ..playing.timing_stats import percentiles
from ..playing.worker_client import WorkerClient, WorkerLost, worker_command
from ..web.server import ADDRESS, USUAL_PORT, has_browser
from .option_groups import TAKES

FINE, POOR, BAD = "fine", "poor", "bad"
PACKAGES = ("mido", "python-rtmidi", "numpy", "onnxruntime", "safetensors", "sounddevice", "aiohttp")
LEAST_DISK = 200 << 20  # bytes: what an evening's takes may need
SLEEPS, NAP = 200, 0.002  # how the timer is tried: so many naps of so many seconds
LATE_MS = 2.0  # p99 of a nap's lateness; later than that is heard


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at. `fix` is empty where there is nothing to mend."""

    what: str
    state: str
    text: str
    fix: str = ""


def doctor(args: argparse.Namespace) -> int:
    """Look at everything. 0: one can play; 1: not yet."""
    found = []
    for look in LOOKS:
        for finding in look(args):
            found.append(finding)
            if not args.json:
                mark = {FINE: "ok  ", POOR: "poor", BAD: "BAD "}[finding.state]
                print(
                    f"{mark} {finding.what}: {finding.text}" + (f"\n     → {finding.fix}" if finding.fix else ""),
                    flush=True,
                )
    can_play = all(f.state != BAD for f in found)
    if args.json:
        print(json.dumps({"can_play": can_play, "findings": [asdict(f) for f in found]}, indent=1))
    else:
        print("You can play: tradefours play" if can_play else "You cannot play yet: mend what is BAD, and ask again.")
    return 0 if can_play else 1


def _versions(args: argparse.Namespace) -> Iterator[Finding]:
    there, missing = [f"Python {platform.python_version()}"], []
    for package in PACKAGES:
        try:
            there.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            missing.append(package)
    right = (3, 11) <= sys.version_info[:2] < (3, 13)
    state = FINE if right and not missing else BAD
    fix = "" if state == FINE else "start it with python3 -m agent (3.11 or 3.12): it installs what it needs"
    yield Finding(
        "versions",
        state,
        f"{', '.join(there)}; {platform.system()} {platform.release()}"
        + (f"; missing: {', '.join(missing)}" if missing else ""),
        fix,
    )


def _midi(args: argparse.Namespace) -> Iterator[Finding]:
    snd = "/dev/snd/seq"
    if sys.platform == "linux" and os.path.exists(snd) and not os.access(snd, os.R_OK | os.W_OK):
        yield Finding(
            "permissions", POOR, f"{snd} may not be opened by you", "sudo usermod -aG audio $USER, then log in anew"
        )
    try:
        found = ports.list_ports()
    except UserError as error:
        page = has_browser()
        yield Finding(
            "MIDI", POOR if page else BAD, "no MIDI system" + ("; the page can be played" if page else ""), str(error)
        )
        return
    keys = ports.instruments(found)
    fix = "" if keys else "plug a keyboard in, connect a DAW to tradefours:in, or play on the page"
    yield Finding(
        "MIDI",
        FINE,
        f"{found.api}; {len(found.inputs)} inputs, {len(found.outputs)} outputs; instruments: {', '.join(keys) or 'none'}",
        fix,
    )
    if hint := ports.loopback_advice(found.api, [*found.inputs, *found.outputs]):
        yield Finding("ports", POOR, "this system lets programs make no ports", hint.removeprefix(". "))


def _sound(args: argparse.Namespace) -> Iterator[Finding]:
    try:
        import sounddevice

        with silence_stderr():
            name = str(sounddevice.query_devices(kind="output")["name"])
        yield Finding("sound", FINE, f"built-in voices on {name}")
    except Exception as error:  # whatever PortAudio says when it is missing or finds nothing
        brief = str(error).strip().splitlines()
        yield Finding(
            "sound",
            POOR,
            f"no sound of our own ({brief[0] if brief else 'no device'})",
            "connect a synth, or hear it on the page; on Linux: apt install libportaudio2",
        )
    fluid, font = shutil.which("fluidsynth"), find_soundfont()
    if fluid and font:
        yield Finding("FluidSynth", FINE, f"{fluid} with {font}")
    else:
        yield Finding(
            "FluidSynth",
            FINE,
            "not there: the built-in voices play",
            "for more sounds: install fluidsynth and a General MIDI SoundFont",
        )


def _musician(args: argparse.Namespace) -> Iterator[Finding]:
    async def ask() -> tuple[dict[str, object], float]:
        mind, began = WorkerClient(worker_command(args.weights, args.engine, args.mind)), time.perf_counter()
        try:
            await mind.start()
            return await mind.wait_ready(60.0), time.perf_counter() - began
        finally:
            await mind.close()

    try:
        about, seconds = asyncio.run(ask())
    except (UserError, WorkerLost) as error:
        yield Finding(
            "musician",
            BAD,
            f"it does not start ({error})",
            "tradefours doctor --engine plain; or fetch the project's files anew",
        )
        return
    weights = f"weights {about.get('weights')}, fingerprint {about.get('fingerprint')}"
    text = f"{weights}; engine {about.get('engine')}, ready after {seconds:.1f} s"
    why = str(about.get("note") or "the quickest that agrees with the reference here")
    yield Finding("musician", FINE, f"{text}: {why}")


def _timer(args: argparse.Namespace) -> Iterator[Finding]:
    late = []
    for _ in range(SLEEPS):
        due = time.perf_counter() + NAP
        time.sleep(NAP)
        late.append(time.perf_counter() - due)
    figures = percentiles(late)
    poor = figures["p99"] > LATE_MS
    fix = "close what keeps the processor busy; mains power, not battery saving" if poor else ""
    yield Finding(
        "timer",
        POOR if poor else FINE,
        f"naps are late by {figures['p50']:.2f} ms at p50, {figures['p99']:.2f} at p99",
        fix,
    )
    yield Finding("priority", FINE, _priority(), "")


def _priority() -> str:
    if not hasattr(os, "sched_setscheduler"):
        return "as the system gives it"
    former = os.sched_getscheduler(0)
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
        os.sched_setscheduler(0, former, os.sched_param(0))
    except OSError:
        return "real-time priority is not granted here, and not needed"
    return "real-time priority would be granted; it is not needed"


def _disk(args: argparse.Namespace) -> Iterator[Finding]:
    folder = TAKES
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    if not os.access(folder, os.W_OK):
        yield Finding("takes", BAD, f"{TAKES} cannot be written", "name another folder with --take")
    elif free < LEAST_DISK:
        yield Finding(
            "takes",
            POOR,
            f"{free >> 20} MB are free for takes",
            "make room: takes are lost when the disk is full, the music is not",
        )
    else:
        yield Finding("takes", FINE, f"{TAKES}, {free >> 30} GB free")


def _page(args: argparse.Namespace) -> Iterator[Finding]:
    with socket.socket() as trial:
        try:
            trial.bind((ADDRESS, USUAL_PORT))
            text = f"port {USUAL_PORT} is free"
        except OSError:
            text = f"port {USUAL_PORT} is taken; the page takes another"
    browser = has_browser()
    yield Finding(
        "page",
        FINE,
        text + ("" if browser else "; no screen here"),
        "" if browser else "open its address in a browser of this computer",
    )


LOOKS: tuple[Callable[[argparse.Namespace], Iterator[Finding]], ...] = (
    _versions,
    _midi,
    _sound,
    _musician,
    _timer,
    _disk,
    _page,
)
