"""`python -m tests`: every check, from a clone. Makes its environment first, where there is none.

Arguments go to pytest, and then only pytest runs. Without any, the musician's tests run two at a time, as they know no clock; the
performer's have the machine to themselves.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from agent.cli import environment

CHECKS = (["ruff", "check", "."], ["ruff", "format", "--check", "."], ["mypy"])


def main(arguments: list[str]) -> int:
    """Run the checks in this interpreter's environment; 0 where all pass."""
    root = Path(__file__).resolve().parent.parent
    failed = []
    for check in [["pytest", "-q", *arguments]] if arguments else everything(root):
        print(f"== {' '.join(check)}", flush=True)
        # Two of torch's threads for each of two tests would wait for one another.
        threads = {"OMP_NUM_THREADS": "1"} if "--numprocesses=2" in check else {}
        if subprocess.call([sys.executable, "-m", *check], cwd=root, env={**os.environ, **threads}) != 0:
            failed.append(check[0])
    if failed:
        print(f"failed: {', '.join(failed)}")
    return int(bool(failed))


def everything(root: Path) -> list[list[str]]:
    """All checks: of how it is written, of the musician, of the performer."""
    musician = "tests/models"
    two = ["pytest", "-q", "--numprocesses=2", musician]
    return [*CHECKS, two, ["pytest", "-q", f"--ignore={root / musician}"]]


if __name__ == "__main__":
    if Path(sys.prefix).resolve() == environment.HOME.resolve() and environment.is_ready(environment.HOME, "test"):
        sys.exit(main(sys.argv[1:]))
    sys.exit(environment.run("tests", sys.argv[1:], extra="test"))
