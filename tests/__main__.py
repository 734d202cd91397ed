"""`python -m tests`: every check, from a clone. Makes its environment first, where there is none.

Without arguments, ruff, mypy and all tests run. Tests of `models/` run two at a time, because they do not measure time. All others have the
machine to themselves. Arguments go to pytest, and then only pytest runs: `-m` with an expression selects tests by marker, and they run in
the same two parts.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from agent.cli import make_virtual_environment

CHECKS = (["ruff", "check", "."], ["ruff", "format", "--check", "."], ["mypy"])
TWO_AT_A_TIME = "--numprocesses=2"
NO_TESTS = 5  # pytest's exit code where it found no test to run


def main(arguments: list[str]) -> int:
    """Run the checks in this interpreter's environment; 0 where all pass."""
    root = Path(__file__).resolve().parent.parent
    # A shell starts its background jobs with Ctrl-C ignored. What the tests start would ignore it, too, and they send it.
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    failed = []
    codes = []
    allowed = {0, NO_TESTS} if arguments else {0}  # one of the two parts may have no test of a marker
    for check in checks_for(arguments, root):
        print(f"== {' '.join(check)}", flush=True)
        # Two of torch's threads for each of two tests would wait for one another.
        threads = {"OMP_NUM_THREADS": "1"} if TWO_AT_A_TIME in check else {}
        code = subprocess.call([sys.executable, "-m", *check], cwd=root, env={**os.environ, **threads})
        codes.append(code)
        if code not in allowed:
            failed.append(check[0])
    if set(codes) == {NO_TESTS}:
        failed.append("no test was selected")
    if failed:
        print(f"failed: {', '.join(failed)}")
    return int(bool(failed))


def extra_for(arguments: list[str]) -> str:
    """Which extra of the project's needs the tests want: torch is large, and tests of the marker `torch` alone need it."""
    chosen = arguments[arguments.index("-m") + 1 :][:1] if "-m" in arguments else []
    return "test-without-torch" if any("not torch" in expression for expression in chosen) else "test"


def checks_for(arguments: list[str], root: Path) -> list[list[str]]:
    """The commands to run, in order, without the interpreter."""
    if not arguments:
        return [*CHECKS, *pytest_in_two_parts([], root)]
    if len(arguments) == 2 and arguments[0] == "-m":
        return pytest_in_two_parts(arguments, root)
    return [["pytest", "-q", *arguments]]


def pytest_in_two_parts(arguments: list[str], root: Path) -> list[list[str]]:
    """The tests of `models/` two at a time, then all others one after another."""
    models = "tests/models"
    return [
        ["pytest", "-q", TWO_AT_A_TIME, *arguments, models],
        ["pytest", "-q", *arguments, f"--ignore={root / models}"],
    ]


if __name__ == "__main__":
    extra = extra_for(sys.argv[1:])
    if Path(sys.prefix).resolve() == make_virtual_environment.HOME.resolve() and make_virtual_environment.is_ready(
        make_virtual_environment.HOME, extra
    ):
        sys.exit(main(sys.argv[1:]))
    sys.exit(make_virtual_environment.run("tests", sys.argv[1:], extra=extra))
