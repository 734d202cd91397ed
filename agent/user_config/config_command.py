"""The command `config`: show the user's own defaults or set lists, say where they are, or open them in an editor."""

from __future__ import annotations

import argparse
import json
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

from ..errors import UserError, hint
from .config_file import config_path, options_of, read_defaults, template
from .set_list_file import TEMPLATE, read_set_lists, set_lists_path

EDITORS = ("nano", "vi")  # where the user has chosen none


def config(args: argparse.Namespace) -> int:
    """Show, print the place, or edit; `args.play` is the parser of `play`. Raises UserError."""
    play: argparse.ArgumentParser = args.play
    path = set_lists_path() if args.set_lists else config_path()
    if args.path:
        print(path)
        return 0
    if args.edit:
        open_in_editor(path, TEMPLATE if args.set_lists else template(play))
    if args.set_lists:
        return show_set_lists(path, play, args.json)
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


def show_set_lists(path: Path, play: argparse.ArgumentParser, as_json: bool) -> int:
    """Print each list with its songs, and what is wrong in the file. Raises UserError."""
    defaults = argparse.Namespace(**{**vars(play.parse_args([])), **read_defaults(config_path(), play), "play": play})
    lists, problems = read_set_lists(path, defaults)
    if as_json:
        rows = {name: [song.row() for song in songs] for name, songs in lists.items()}
        print(json.dumps({"path": str(path), "set_lists": rows, "problems": problems}))
        return 0
    print(
        f"{path}: " + (f"{len(lists)} set lists" if lists else f"none yet; `{hint('config', '--set-lists', '--edit')}`")
    )
    for name, songs in lists.items():
        print(f"  {name}")
        for number, song in enumerate(songs, 1):
            print(f"  {number:3d}  {song.about(song.preset)}")
    for problem in problems:
        print(problem)
    return 0


def open_in_editor(path: Path, template: str) -> None:
    """Open the file, made from the template where it is missing. Raises UserError."""
    try:
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(template, encoding="utf8")
    except OSError as error:
        raise UserError(
            f"{path} cannot be written ({error.strerror}); give yourself the right to write there."
        ) from error
    command = editor_command()
    if command is None:
        raise UserError(f"No editor was found; open {path} with one, or set EDITOR.")
    subprocess.call([*command, str(path)])


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
