"""`python -m tests`: every check, from a clone. Makes its environment first, where there is none.

Arguments go to pytest, and then only pytest runs.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from agent import bootstrap

CHECKS = (["ruff", "check", "."], ["ruff", "format", "--check", "."], ["mypy"])


def main(arguments: list[str]) -> int:
    """Run the checks in this interpreter's environment; 0 where all pass."""
    root = Path(__file__).resolve().parent.parent
    failed = []
    for check in [*([] if arguments else CHECKS), ["pytest", "-q", *arguments]]:
        print(f"== {' '.join(check)}", flush=True)
        if subprocess.call([sys.executable, "-m", *check], cwd=root) != 0:
            failed.append(check[0])
    if failed:
        print(f"failed: {', '.join(failed)}")
    return int(bool(failed))


if __name__ == "__main__":
    if Path(sys.prefix).resolve() == bootstrap.HOME.resolve() and bootstrap.is_ready(bootstrap.HOME, "test"):
        sys.exit(main(sys.argv[1:]))
    sys.exit(bootstrap.run("tests", sys.argv[1:], extra="test"))
