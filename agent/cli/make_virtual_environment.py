"""Makes the virtual environment in which everything runs, in a fresh clone. Standard library only.

The environment is `.venv` beside pyproject.toml. A stamp in it, written last, says what it was made for; where the stamp is missing or
different, what is there is brought up to date or made anew.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import subprocess
import sys
import time
import venv
from collections.abc import Iterator, Sequence
from pathlib import Path

from .. import isolated_launcher

ROOT = Path(__file__).resolve().parents[2]
HOME = ROOT / ".venv"
VERSIONS = ((3, 11), (3, 12), (3, 13), (3, 14))  # of CPython, that all our needs have wheels for
VERSIONS_TEXT = f"3.{VERSIONS[0][1]} to 3.{VERSIONS[-1][1]}"  # for people
EXTRA_WORDS = {
    "test": ", and what its tests need",
    "test-without-torch": ", and what most of its tests need",
    "train": ", and torch, to train with",
}
PROGRESS_SECONDS = 15  # between lines, where no terminal shows that time passes


class CannotInstall(Exception):
    """The environment cannot be made; one sentence that says what to do."""


def python_of(home: Path) -> Path:
    """The environment's interpreter."""
    return home / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def stamp_for(extra: str) -> str:
    """What the stamp must say: a hash of the project's needs, and which extra of them."""
    needs = hashlib.sha256((ROOT / "pyproject.toml").read_bytes()).hexdigest()[:16]
    return f"{needs} {extra or 'play'}"


def is_ready(home: Path, extra: str) -> bool:
    """Whether the environment is what is wanted. One for tests is good for everything, one for training for playing, too."""
    try:
        stamp = (home / "stamp").read_text(encoding="utf8").strip()
    except OSError:
        return False
    good = [stamp_for(extra), stamp_for("test")]  # the latter holds all that others hold
    if not extra:
        good += [stamp_for("train"), stamp_for("test-without-torch")]
    return python_of(home).exists() and stamp in good


def extra_for(arguments: Sequence[str]) -> str:
    """Which extra of the project's needs a command wants: training and evaluation want torch, playing does not."""
    return "train" if arguments and arguments[0] in ("train", "evaluate") else ""


def is_installed_here(extra: str = "") -> bool:
    """Whether this very interpreter has the program and needs no environment of ours.

    In a clone, only the environment that was made for it counts; elsewhere the program was installed, needs and all.
    """
    if (ROOT / "pyproject.toml").exists():
        return Path(sys.prefix).resolve() == HOME.resolve() and is_ready(HOME, extra)
    return True


def run(module: str, arguments: Sequence[str], extra: str = "") -> int:
    """Run a module of ours in the environment, which is made first where it is not ready."""
    try:
        ensure(extra)
    except CannotInstall as error:
        print(f"tradefours: {error}", file=sys.stderr)
        return 2
    except OSError as error:  # a copy of another user's, or a full disk
        where = error.filename or ROOT
        what = "copy the project into a folder of yours, and start it there"
        print(f"tradefours: {where} cannot be written ({error.strerror}); {what}.", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("tradefours: stopped; the same command goes on where this one was.", file=sys.stderr)
        return 130
    command = isolated_launcher.command(module, *arguments, python=str(python_of(HOME)))
    sys.stdout.flush()
    if os.name == "nt":
        return subprocess.call(command)
    os.execv(command[0], command)


def ensure(extra: str) -> None:
    """Make the environment, unless it is ready. Raises CannotInstall."""
    if is_ready(HOME, extra):
        return
    python = suitable_python()
    with _lock():
        if is_ready(HOME, extra):  # another process has just made it
            return
        if not _is_suitable(python_of(HOME)):
            shutil.rmtree(HOME, ignore_errors=True)
            _say(f"Making an environment in {HOME.name} (once; a few minutes with a good connection).")
            _make_environment(python)
        what = f"{ROOT}[{extra}]" if extra else str(ROOT)
        pip = [
            str(python_of(HOME)),
            "-P",
            "-m",
            "pip",
            "install",
            "--disable-pip-version-check",
            "--no-input",
            "-e",
            what,
        ]
        _run_with_progress(pip, "Installing what it needs" + EXTRA_WORDS.get(extra, ""))
        (HOME / "stamp").write_text(stamp_for(extra), encoding="utf8")
        _say("Installed.")


def suitable_python() -> str:
    """An interpreter of a version that all our needs have wheels for. Raises CannotInstall."""
    if sys.version_info[:2] in VERSIONS:
        return sys.executable
    for major, minor in reversed(VERSIONS):
        found = shutil.which(f"python{major}.{minor}")
        if found and _is_suitable(Path(found)):
            return found
    raise CannotInstall(
        f"this is Python {sys.version.split()[0]}, and one of {VERSIONS_TEXT} is needed; install one beside it."
    )


def _is_suitable(python: Path) -> bool:
    """Whether an interpreter is there, of a suitable version, with pip or the means to make one."""
    code = f"import sys; sys.exit(sys.version_info[:2] not in {VERSIONS!r})"
    try:
        return subprocess.run([str(python), "-I", "-c", code], capture_output=True, timeout=60).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def _make_environment(python: str) -> None:
    try:
        if python == sys.executable:
            venv.create(HOME, with_pip=True)
        else:
            subprocess.run([python, "-P", "-m", "venv", str(HOME)], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        shutil.rmtree(HOME, ignore_errors=True)
        hint = "install python3-venv" if shutil.which("apt-get") else "install Python's venv module"
        raise CannotInstall(f"an environment cannot be made here ({error.__class__.__name__}); {hint}.") from error


def _run_with_progress(command: list[str], what: str) -> None:
    """Run a long command, saying that time passes; its output goes to a log. Raises CannotInstall."""
    log = HOME / "install.log"
    begun = time.monotonic()
    last_line = begun
    is_live = sys.stderr.isatty()
    _say(f"{what} …", end="" if is_live else "\n")
    with log.open("wb") as file:
        process = subprocess.Popen(command, stdout=file, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
        try:
            while process.poll() is None:
                time.sleep(0.2)
                now = time.monotonic()
                if is_live:
                    _say(f"\r{what} … {now - begun:.0f} s", end="")
                elif now - last_line > PROGRESS_SECONDS:
                    last_line = now
                    _say(f"{what} … {now - begun:.0f} s")
        finally:
            if process.poll() is None:
                process.terminate()
    if is_live:
        _say("")
    if process.returncode != 0:
        errors = [line for line in log.read_text(errors="replace").splitlines() if line.startswith("ERROR")]
        why = errors[-1][6:].strip()[:200] if errors else f"pip ended with {process.returncode}"
        raise CannotInstall(f"installing failed ({why}); check the connection and try again; all of it is in {log}.")


@contextlib.contextmanager
def _lock() -> Iterator[None]:
    """One installer at a time: a second one waits."""
    path = ROOT / ".venv.lock"
    with path.open("w") as file:
        if os.name != "nt":
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _say(text: str, end: str = "\n") -> None:
    """On stderr: stdout belongs to the command that follows, and may be read by a program (`--json`)."""
    print(text, end=end, flush=True, file=sys.stderr)
