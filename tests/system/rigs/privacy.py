"""What leaves this machine, and what is written, while the program runs: every system call is looked at.

The program runs under strace, in a network namespace of its own, whose loopback is its only network, with an empty home.
`python -m tests.system.rigs.privacy` plays a whole session so, and prints what it found; it must be started in such a
namespace: see `alone`.
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

from agent.demo import messages, written_call
from models.music.midifile import write_notes
from models.music.note import Note

from .jack import ROOT, Program, Recorder, jack_server, ons, tool, wait_for

NETWORK = "socket,connect,bind,sendto,sendmsg,sendmmsg"
FILES = (
    "open,openat,openat2,creat,mkdir,mkdirat,rmdir,unlink,unlinkat,"
    "rename,renameat,renameat2,link,linkat,symlink,symlinkat,mknod,mknodat"
)
SOUND_SERVERS = ("jack", "pulse/native", "pipewire-0")  # on this machine, by the names of their sockets
OWN = ("tradefours", ".config/tradefours", ".cache/tradefours")  # folders in the home
SECONDS = 16  # of the session: a name was first asked for after two, in a program that was not private
SMALL = (  # a course of seconds
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


def alone(*command: str) -> list[str]:
    """The command, in a network namespace of its own with nothing but its loopback."""
    whose = [] if os.geteuid() == 0 else ["--map-root-user"]
    up = f'{tool("ip")} link set lo up && exec "$@"'
    return [tool("unshare"), *whose, "--net", "sh", "-c", up, "sh", *command]


def watched(log: Path) -> list[str]:
    """What to put before a command, so that each of its calls that may concern us is written down."""
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
    """The environment of a user whose home is empty; temporary files have a folder in it that is not looked at."""
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


def sent(line: str) -> str:
    """What a call has to do with the network that it should not, or ""."""
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


def written(line: str, home: Path) -> str:
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


def judge(log: Path, home: Path) -> list[str]:
    """All that the program did and should not have done, each once."""
    lines = log.read_text(errors="replace").splitlines()
    assert any("openat(" in line for line in lines), "nothing was watched"
    found = [told for line in lines if (told := sent(line))]
    found += [f"it writes {path}" for line in lines if (path := written(line, home))]
    return list(dict.fromkeys(found))


async def look_at_page(address: str) -> None:
    """Open the page as a browser does, with all that belongs to it, and take its first news."""
    async with aiohttp.ClientSession() as client:
        async with client.get(address) as answer:
            assert answer.status == 200
        async with client.ws_connect(f"{address}socket", headers={"Origin": address.rstrip("/")}) as socket:
            await socket.receive_json(timeout=10)


def play(home: Path, room: Path) -> list[str]:
    """A whole session: a phrase over JACK, its answer, the page, the take and its picture. What it should not have done."""
    log, call = room / "play.log", messages(written_call().notes)
    with jack_server(room / "jackd.log"), Recorder() as recorder:
        before = watched(log)
        with Program(
            "play", "--channel", "2", "--seconds", str(SECONDS), env=environment(home), under=before
        ) as program:
            address = program.wait_to_say(r"The page: ").split()[-1]
            program.wait_to_say("The musician is ready")
            asyncio.run(look_at_page(address))
            recorder.connect("recorder:keys", "tradefours:in")
            recorder.connect("tradefours:out", "recorder:out")
            recorder.play(call, recorder.now() + 0.3)
            wait_for(lambda: ons(recorder.heard["out"], ANSWERING), 30, f"an answer; {program.said}")
            program.end()
    assert list(home.glob("tradefours/takes/*/take.png")), "the take has no picture"
    return judge(log, home)


def run(home: Path, room: Path, *arguments: str) -> list[str]:
    """One command. What it should not have done."""
    log = room / f"{arguments[0]}.log"
    command = [*watched(log), sys.executable, "-m", "agent", *arguments]
    done = subprocess.run(command, cwd=ROOT, env=environment(home), capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr + done.stdout
    return judge(log, home)


def pieces(lesson: Path) -> Path:
    """A folder of music to learn from: scales."""
    folder = lesson / "pieces"
    folder.mkdir(parents=True)
    for number in range(4):
        pitches = [48 + number + (0, 2, 4, 5, 7, 9, 11)[i % 7] + 12 * (i // 7 % 3) for i in range(150)]
        scale = [Note(0.25 * i, 0.2, pitch, 64 + i % 20) for i, pitch in enumerate(pitches)]
        write_notes(folder / f"{number}.mid", {"piano": scale})
    return folder


def main(arguments: Sequence[str]) -> int:
    """Play, and print what was found, for each command; 0 where that is nothing."""
    with tempfile.TemporaryDirectory() as folder:
        home, room = Path(folder) / "home", Path(folder) / "room"
        room.mkdir()
        environment(home)
        call = home.parent / "temporary" / "call.mid"
        found = {"play": play(home, room)}
        found["demo"] = run(home, room, "demo")
        call.write_bytes(next(home.glob("tradefours/takes/*/take.mid")).read_bytes())
        found["answer"] = run(
            home, room, "answer", str(call), "-o", str(call) + ".out.mid", "--picture", str(call) + ".png"
        )
        found["takes"] = run(home, room, "takes")
        lesson = home.parent / "temporary" / "lesson"
        course = ["--corpus", str(pieces(lesson)), "--out", str(lesson), *SMALL.split()]
        found["train"] = run(home, room, "train", *course)
        found["export"] = run(home, room, "export", "--weights", str(lesson / "weights.safetensors"))
        left = sorted(str(p.relative_to(home)) for p in home.rglob("*") if not p.is_dir() or p.is_symlink())
        names = [name for name in left if not name.startswith(tuple(f"{place}/" for place in OWN))]
    print(json.dumps({"found": found, "elsewhere": names, "files": left}, indent=1))
    return int(any(found.values()) or bool(names))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
