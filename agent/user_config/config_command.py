"""The command `config`: show the user's own defaults, say where they are, or open them in an editor."""

from __future__ import annotations

import argparse
import json
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

from ..errors import UserError
from .config_file import config_path, options_of, read_defaults, template

EDITORS = ("nano", "vi")  # where the user has chosen none


def config(args: argparse.Namespace) -> int:
    """Show, print the place, or edit; `args.play` is the parser of `play`. Raises UserError."""
    play: argparse.ArgumentParser = args.play
    path = config_path()
    if args.path:
        print(path)
        return 0
    if args.edit:
        return edit(path, play)
    defaults = read_defaults(path, play)
    names = {action.dest: key for key, action in options_of(play).items()}
    entries = {names[dest]: value for dest, value in defaults.items()}
    if args.json:
        print(json.dumps({"path": str(path), "options": entries}, default=str))
        return 0
    print(
        f"{path}: " + (f"{len(entries)} options" if entries else "no options of your own; `tradefours config --edit`")
    )
    for key, value in entries.items():
        print(f"  {key} = {value}")
    return 0


def edit(path: Path, play: argparse.ArgumentParser) -> int:
    """Open the file, made with every option as a comment where it is missing, and check it afterwards. Raises UserError."""
    try:
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(template(play), encoding="utf8")
    except OSError as error:
        raise UserError(
            f"{path} cannot be written ({error.strerror}); give yourself the right to write there."
        ) from error
    command = editor_command()
    if command is None:
        raise UserError(f"No editor was found; open {path} with one, or set EDITOR.")
    subprocess.call([*command, str(path)])
    read_defaults(path, play)
    return 0


def editor_command() -> list[str] | None:
    """The user's editor, or the system's; None where there is none."""
    for name in ("VISUAL", "EDITOR"):
        if chosen := os.environ.get(name):
            return shlex.split(chosen, posix=os.name != "nt")
    if sys.platform == "win32":
        return ["notepad"]
    if sys.platform == "darwin":
        return ["open", "-W", "-t"]
    return next(([found] for name in EDITORS if (found := shutil.which(name))), None)
