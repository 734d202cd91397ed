"""Check by its system calls what the program sends to a network and which files it writes.

The program runs under strace, in a network namespace of its own, whose loopback is its only network, with an empty home.
`python -m tests.system.rigs.privacy` plays a whole session so, and prints what it found; it must be started in such a
namespace: see `isolate_network`.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import aiohttp

from agent.demo_call import messages, written_call
from models.music.midifile import write_notes
from models.music.note_records import Note

from .jack import ROOT, Program, Recorder, jack_server, ons, tool, wait_for

NETWORK = "socket,connect,bind,sendto,sendmsg,sendmmsg"
FILES = (
    "open,openat,openat2,creat,mkdir,mkdirat,rmdir,unlink,unlinkat,"
    "rename,renameat,renameat2,link,linkat,symlink,symlinkat,mknod,mknodat"
)
SOUND_SERVERS = ("jack", "pulse/native", "pipewire-0")  # on this machine, by the names of their sockets
OWN = ("tradefours", ".config/tradefours", ".cache/tradefours")  # folders in the home
SECONDS = 16  # of the session: a library that was not private looked up a first name after two
SMALL_TRAINING = (  # a training of seconds
    "--batch 4 --device cpu --notes 256 --width 32 --layers 2 --heads 2 --kv-heads 1 --hidden 48 --window 32"
    " --latent 8 --style-width 16 --style-notes 16"
)
ANSWERING = 1  # the agent's channel, from 0

INTERNET = re.compile(
    r"sa_family=AF_INET6?\b.*?port=htons\((\d+)\).*?(?:inet_addr\(|inet_pton\(AF_INET6, )\"([^\"]+)\""
)
UNIX = re.compile(r"sun_path=(@?\"[^\"]*\")")
FAMILY = re.compile(r"socket\((AF_\w+), (SOCK_\w+)")
OPENED = re.compile(r"(?:O_WRONLY|O_RDWR|O_CREAT|O_TRUNC)")
FAILED = re.compile(r"\) = -1 E[A-Z]+ ")


def isolate_network(*command: str) -> list[str]:
    """The command in a network namespace of its own, which has a loopback alone."""
    whose = [] if os.geteuid() == 0 else ["--map-root-user"]
    up = f'{tool("ip")} link set lo up && exec "$@"'
    return [tool("unshare"), *whose, "--net", "sh", "-c", up, "sh", *command]


def strace_command(log: Path) -> list[str]:
    """The words before a command that log its system calls on network and files."""
    calls = f"trace={NETWORK},{FILES}"
    return [
        tool("strace"),
        "-f",
        "--seccomp-bpf",
        "-y",
        "-qq",
        "-s",
        "400",
        "-e",
        calls,
        "-e",
        "signal=none",
        "-o",
        str(log),
    ]


def environment(home: Path) -> dict[str, str]:
    """The environment of a user with an empty home; temporary files have a folder beside it that is not checked."""
    temporary = home.parent / "temporary"
    runtime = temporary / "runtime"  # a desktop has one; without it, the sound server's library makes one in the home
    for folder in (home, temporary, runtime):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("XDG_", "MPL", "ORT_", "PYTEST")) and name not in ("DISPLAY", "WAYLAND_DISPLAY")
    }
    return {
        **kept,
        "HOME": str(home),
        "TMPDIR": str(temporary),
        "PYTHONDONTWRITEBYTECODE": "1",
        "USER": "player",
        "XDG_RUNTIME_DIR": str(runtime),
    }


def network_violation(line: str) -> str:
    """What a system call does on the network that is not allowed, or ""."""
    if (found := FAMILY.search(line)) and found[1] != "AF_UNIX" and (found[1], found[2]) != ("AF_INET", "SOCK_STREAM"):
        return f"a socket of another kind: {found[1]} {found[2]}"
    if found := INTERNET.search(line):
        port, address = found.groups()
        if "bind(" in line:
            return "" if address == "127.0.0.1" else f"it listens on {address}:{port}"
        return f"it asks a name server: {address}" if port == "53" else f"it speaks to {address}:{port}"
    if "connect(" in line and (found := UNIX.search(line)) and not any(name in found[1] for name in SOUND_SERVERS):
        return f"it speaks to the socket {found[1]}"
    return ""


def file_violation(line: str, home: Path) -> str:
    """The path outside the program's own folders that a call writes to, or ""."""
    call = re.search(r"^\d+ +(\w+)\((.*)", line)
    if call is None or call[1] not in FILES or FAILED.search(line):
        return ""
    if call[1].startswith("open") and not OPENED.search(line):
        return ""
    places = re.findall(r"(?:(?:AT_FDCWD|\d+)<([^>]*)>, )?\"([^\"]*)\"", call[2])
    own = [*(home / name for name in OWN), home.parent / "temporary", Path("/dev"), Path("/proc")]
    for folder, name in places[-1:]:  # of two paths, the new one is the last
        path = Path(os.path.normpath(Path(folder or ROOT) / name))
        leads_there = call[1].startswith("mkdir") and any(path in place.parents for place in own)
        if not leads_there and not any(path.is_relative_to(place) for place in own):
            return str(path)
    return ""


def violations(log: Path, home: Path) -> list[str]:
    """All that the program did and was not allowed to do, each once."""
    lines = log.read_text(errors="replace").splitlines()
    assert any("openat(" in line for line in lines), "nothing was watched"
    found = [told for line in lines if (told := network_violation(line))]
    found += [f"it writes {path}" for line in lines if (path := file_violation(line, home))]
    return list(dict.fromkeys(found))


async def open_page(address: str) -> None:
    """Open the page as a browser does, and receive its first message."""
    async with aiohttp.ClientSession() as client:
        async with client.get(address) as answer:
            assert answer.status == 200
        async with client.ws_connect(f"{address}socket", headers={"Origin": address.rstrip("/")}) as socket:
            await socket.receive_json(timeout=10)


def play(home: Path, folder: Path) -> list[str]:
    """A whole session: a phrase over JACK, its answer, the page, the take and its picture; its violations."""
    log, call = folder / "play.log", messages(written_call().notes)
    with jack_server(folder / "jackd.log"), Recorder() as recorder:
        before = strace_command(log)
        with Program(
            "play", "--channel", "2", "--seconds", str(SECONDS), env=environment(home), under=before
        ) as program:
            address = program.wait_for_line(r"The page: ").split()[-1]
            program.wait_for_line("The musician is ready")
            asyncio.run(open_page(address))
            recorder.connect("recorder:keys", "tradefours:in")
            recorder.connect("tradefours:out", "recorder:out")
            recorder.play(call, recorder.now() + 0.3)
            wait_for(lambda: ons(recorder.heard["out"], ANSWERING), 30, f"an answer; {program.said}")
            program.end()
    assert list(home.glob("tradefours/takes/*/take.png")), "the take has no picture"
    return violations(log, home)


def run(home: Path, folder: Path, *arguments: str) -> list[str]:
    """Run one command; its violations."""
    log = folder / f"{arguments[0]}.log"
    command = [*strace_command(log), sys.executable, "-m", "agent", *arguments]
    done = subprocess.run(command, cwd=ROOT, env=environment(home), capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr + done.stdout
    return violations(log, home)


def write_corpus(training: Path) -> Path:
    """Write a small corpus: scales."""
    folder = training / "pieces"
    folder.mkdir(parents=True)
    for number in range(4):
        pitches = [48 + number + (0, 2, 4, 5, 7, 9, 11)[i % 7] + 12 * (i // 7 % 3) for i in range(150)]
        scale = [Note(0.25 * i, 0.2, pitch, 64 + i % 20) for i, pitch in enumerate(pitches)]
        write_notes(folder / f"{number}.mid", {"piano": scale})
    return folder


def main(arguments: Sequence[str]) -> int:
    """Run each command and print its violations; 0 where there are none."""
    with tempfile.TemporaryDirectory() as parent:
        home, folder = Path(parent) / "home", Path(parent) / "folder"
        folder.mkdir()
        environment(home)
        call = home.parent / "temporary" / "call.mid"
        found = {"play": play(home, folder)}
        found["demo"] = run(home, folder, "demo")
        call.write_bytes(next(home.glob("tradefours/takes/*/take.mid")).read_bytes())
        found["answer"] = run(
            home, folder, "answer", str(call), "-o", str(call) + ".out.mid", "--picture", str(call) + ".png"
        )
        found["takes"] = run(home, folder, "takes")
        training = home.parent / "temporary" / "training"
        course = ["--corpus", str(write_corpus(training)), "--out", str(training), *SMALL_TRAINING.split()]
        found["train"] = run(home, folder, "train", *course)
        found["export"] = run(home, folder, "export", "--weights", str(training / "weights.safetensors"))
        left = sorted(str(p.relative_to(home)) for p in home.rglob("*") if not p.is_dir() or p.is_symlink())
        names = [name for name in left if not name.startswith(tuple(f"{place}/" for place in OWN))]
    print(json.dumps({"found": found, "elsewhere": names, "files": left}, indent=1))
    return int(any(found.values()) or bool(names))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
