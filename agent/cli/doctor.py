"""The command `doctor`: is all there that playing needs? Each finding comes with what to do about it. Nothing is changed."""

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
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version

from ..audio.soundfont_files import find_soundfont
from ..errors import UserError, hint
from ..midi import ports
from ..midi.rtmidi_backend import ALSA_SEQUENCER
from ..playing.worker_client import WorkerClient, worker_command
from ..playing.worker_client_interface import WorkerLost
from ..silence_stderr import silence_stderr
from ..timing.timing_stats import percentiles
from ..user_folders import check_home
from ..web.server import ADDRESS, USUAL_PORT, has_browser
from .make_virtual_environment import VERSIONS, VERSIONS_TEXT
from .option_groups import TAKES

FINE, POOR, BAD = "fine", "poor", "bad"
MARKS = {FINE: "ok  ", POOR: "poor", BAD: "BAD "}  # as printed
RTMIDI = "python-rtmidi" if sys.version_info < (3, 13) else "supriya-midi"  # as pyproject.toml says
PACKAGES = ("mido", RTMIDI, "numpy", "onnxruntime", "safetensors", "sounddevice", "aiohttp")
LEAST_DISK = 200 << 20  # bytes: what an evening's takes may need
SLEEPS, SLEEP_SECONDS = 200, 0.002  # by which the timer is measured
LATE_MS = 2.0  # p99 of a sleep's lateness; later than that is heard
READY_SECONDS = 60.0  # for the musician to start


@dataclass(frozen=True)
class Finding:
    """One thing that was checked. `fix` is empty where there is nothing to mend."""

    what: str
    state: str  # FINE, POOR or BAD
    text: str
    fix: str = ""


def doctor(args: argparse.Namespace) -> int:
    """Check everything. 0: one can play; 1: not yet."""
    findings = []
    for check in CHECKS:
        for finding in check(args):
            findings.append(finding)
            if not args.json:
                _print_finding(finding)
    can_play = all(f.state != BAD for f in findings)
    sentence = conclusion(findings)
    if args.json:
        rows = [asdict(f) for f in findings]
        print(json.dumps({"can_play": can_play, "sentence": sentence, "findings": rows}, indent=1))
    else:
        print(f"\n{sentence}")
    return 0 if can_play else 1


def conclusion(findings: Sequence[Finding]) -> str:
    """One sentence for a player: whether one can play, on what, and what to do next."""
    bad = [f.what for f in findings if f.state == BAD]
    poor = [f.what for f in findings if f.state == POOR]
    if bad:
        return f"You cannot play yet: do what is said above at {' and at '.join(bad)}, then ask again: {hint('doctor')}"
    better = f"; it gets better if you do what is said above at {' and at '.join(poor)}" if poor else ""
    return f"You can play{better}. Start: {hint('play')}"


def _print_finding(finding: Finding) -> None:
    print(f"{MARKS[finding.state]} {finding.what}: {finding.text}", flush=True)
    if finding.fix:
        print(f"     → {finding.fix}", flush=True)


def _check_versions(args: argparse.Namespace) -> Iterator[Finding]:
    installed = [f"Python {platform.python_version()}"]
    missing = []
    for package in PACKAGES:
        try:
            installed.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            missing.append(package)
    is_right_python = sys.version_info[:2] in VERSIONS
    state = FINE if is_right_python and not missing else BAD
    fix = "" if state == FINE else f"start it with python3 -m agent (Python {VERSIONS_TEXT}): it installs what it needs"
    yield Finding(
        "versions",
        state,
        f"{', '.join(installed)}; {platform.system()} {platform.release()}"
        + (f"; missing: {', '.join(missing)}" if missing else ""),
        fix,
    )


def _check_midi(args: argparse.Namespace) -> Iterator[Finding]:
    if sys.platform == "linux" and os.path.exists(ALSA_SEQUENCER) and not os.access(ALSA_SEQUENCER, os.R_OK | os.W_OK):
        yield Finding(
            "permissions",
            POOR,
            f"{ALSA_SEQUENCER} may not be opened by you",
            "sudo usermod -aG audio $USER, then log in anew",
        )
    try:
        found = ports.list_ports()
    except UserError as error:
        ways = ["the page can be played"] if has_browser() else []
        ways += (
            ["a phone or tablet can show the page (--lan), with this computer's sound"]
            if not ways and _sound_device()[0]
            else []
        )
        yield Finding("MIDI", POOR if ways else BAD, "; ".join(["no MIDI system", *ways]), str(error))
        return
    instruments = ports.instruments(found)
    fix = "" if instruments else "plug a keyboard in, connect a DAW to tradefours:in, or play on the page"
    yield Finding(
        "MIDI",
        FINE,
        f"{found.api}; {len(found.inputs)} inputs, {len(found.outputs)} outputs; instruments: {', '.join(instruments) or 'none'}",
        fix,
    )
    advice = ports.loopback_advice(found.api, [*found.inputs, *found.outputs])
    if advice:
        yield Finding("ports", POOR, "this system lets programs make no ports", advice.removeprefix(". "))


def _sound_device() -> tuple[str, str]:
    """The name of the device that plays our own sound, empty where there is none; and why there is none."""
    try:
        import sounddevice

        with silence_stderr():
            return str(sounddevice.query_devices(kind="output")["name"]), ""
    except Exception as error:  # whatever PortAudio says when it is missing or finds nothing
        lines = str(error).strip().splitlines()
        return "", lines[0] if lines else "no device"


def _check_sound(args: argparse.Namespace) -> Iterator[Finding]:
    name, why = _sound_device()
    if name:
        yield Finding("sound", FINE, f"built-in voices on {name}")
    else:
        yield Finding(
            "sound",
            POOR,
            f"no sound of our own ({why})",
            "connect a synth, or hear it on the page; on Linux: apt install libportaudio2",
        )
    program = shutil.which("fluidsynth")
    font = find_soundfont()
    if program and font:
        yield Finding("FluidSynth", FINE, f"{program} with {font}")
    else:
        yield Finding(
            "FluidSynth",
            FINE,
            "not there: the built-in voices play",
            "for more sounds: install fluidsynth and a General MIDI SoundFont",
        )


def _check_musician(args: argparse.Namespace) -> Iterator[Finding]:
    async def start() -> tuple[dict[str, object], float]:
        worker = WorkerClient(worker_command(args.weights, args.engine, args.mind))
        begun = time.perf_counter()
        try:
            await worker.start()
            return await worker.wait_ready(READY_SECONDS), time.perf_counter() - begun
        finally:
            await worker.close()

    try:
        about, seconds = asyncio.run(start())
    except (UserError, WorkerLost) as error:
        yield Finding(
            "musician",
            BAD,
            f"it does not start ({error})",
            f"{hint('doctor', '--engine', 'plain')}; or fetch the project's files anew",
        )
        return
    weights = f"weights {about.get('weights')}, fingerprint {about.get('fingerprint')}"
    text = f"{weights}; engine {about.get('engine')}, ready after {seconds:.1f} s"
    reason = str(about.get("note") or "the quickest that agrees with the reference here")
    yield Finding("musician", FINE, f"{text}: {reason}")


def _check_timer(args: argparse.Namespace) -> Iterator[Finding]:
    lateness = []
    for _ in range(SLEEPS):
        due = time.perf_counter() + SLEEP_SECONDS
        time.sleep(SLEEP_SECONDS)
        lateness.append(time.perf_counter() - due)
    figures = percentiles(lateness)
    is_poor = figures["p99"] > LATE_MS
    fix = "close what keeps the processor busy; mains power, not battery saving" if is_poor else ""
    yield Finding(
        "timer",
        POOR if is_poor else FINE,
        f"naps are late by {figures['p50']:.2f} ms at p50, {figures['p99']:.2f} at p99",
        fix,
    )
    yield Finding("priority", FINE, _try_priority(), "")


def _try_priority() -> str:
    """Whether real-time priority is granted, tried for a moment; the answer in words."""
    if not hasattr(os, "sched_setscheduler"):
        return "as the system gives it"
    former = os.sched_getscheduler(0)
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
        os.sched_setscheduler(0, former, os.sched_param(0))
    except OSError:
        return "real-time priority is not granted here, and not needed"
    return "real-time priority would be granted; it is not needed"


def _check_disk(args: argparse.Namespace) -> Iterator[Finding]:
    try:
        check_home(TAKES, "name a folder with --take DIR")
        folder = next(f for f in (TAKES, *TAKES.parents) if f.exists())
        free = shutil.disk_usage(folder).free
    except UserError as error:
        yield Finding("takes", BAD, "there is no home folder to keep takes in", str(error))
        return
    except OSError as error:
        yield Finding("takes", BAD, f"{TAKES} cannot be read ({error.strerror})", "name another folder with --take")
        return
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


def _check_page(args: argparse.Namespace) -> Iterator[Finding]:
    with socket.socket() as probe:
        try:
            probe.bind((ADDRESS, USUAL_PORT))
            text = f"port {USUAL_PORT} is free"
        except OSError:
            text = f"port {USUAL_PORT} is taken; the page takes another"
    can_show = has_browser()
    yield Finding(
        "page",
        FINE,
        text + ("" if can_show else "; no screen here"),
        "" if can_show else "open its address in a browser of this computer",
    )


CHECKS: tuple[Callable[[argparse.Namespace], Iterator[Finding]], ...] = (
    _check_versions,
    _check_midi,
    _check_sound,
    _check_musician,
    _check_timer,
    _check_disk,
    _check_page,
)
