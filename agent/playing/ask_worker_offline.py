"""Asks a worker several things at once, without a clock, and reads all of its replies when it has ended."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from typing import Any

from .. import isolated_launcher
from ..errors import UserError


def ask(command: Sequence[str], requests: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """All replies of a worker to some requests. Raises UserError where it does not do its work."""
    lines = "".join(json.dumps(r) + "\n" for r in requests)
    try:
        how: dict[str, Any] = {"encoding": "utf8", "errors": "replace", "timeout": 600}
        done = subprocess.run(isolated_launcher.isolate(list(command)), input=lines, capture_output=True, **how)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise UserError(f"the musician cannot be asked ({error.__class__.__name__}); try again.") from error
    replies = []
    for line in done.stdout.splitlines():
        try:
            if not isinstance(reply := json.loads(line), dict):
                raise ValueError("not an object")
        except (ValueError, RecursionError) as error:
            raise UserError("the musician said something that is not a reply; install the program again.") from error
        replies.append(reply)
        if isinstance(ready := reply.get("ready"), dict) and "note" in ready:  # a licence, say
            print(ready["note"], file=sys.stderr)
    if not any({"done", "error", "z"} & set(r) for r in replies):
        last = done.stderr.strip().rpartition("\n")[2][:120]
        raise UserError(f"the musician stopped before it had answered ({last or done.returncode}); try again.")
    yield from replies
