"""Where the user's own files are. A user may have no home folder, or one that is another's."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from .errors import UserError

NOWHERE = Path(os.devnull) / "no home folder"
"""Stands for the home folder of a user who has none: nothing is there, and nothing can be written there."""


def home() -> Path:
    """The user's home folder, or `NOWHERE`. A relative or empty HOME counts as none, so that nothing is left in odd places."""
    if sys.platform == "win32":
        try:
            return Path.home()
        except RuntimeError:
            return NOWHERE
    named = os.environ.get("HOME", "")
    if os.path.isabs(named):
        return Path(named)
    import pwd

    try:
        entry = pwd.getpwuid(os.getuid()).pw_dir
    except KeyError:  # as in a container that was started for a number
        return NOWHERE
    return Path(entry) if os.path.isabs(entry) else NOWHERE


def own_folder(name: str) -> Path:
    """Our folder of that name in the user's home folder. It need not be there."""
    return home() / "tradefours" / name


def settings_folder() -> Path:
    """The platform's own folder for a program's settings."""
    if sys.platform == "win32":
        base = Path(os.environ.get("APPDATA") or home() / "AppData" / "Roaming")
    elif sys.platform == "darwin":
        base = home() / "Library" / "Application Support"
    else:
        named = os.environ.get("XDG_CONFIG_HOME", "")
        base = Path(named) if os.path.isabs(named) else home() / ".config"
    return base / "tradefours"


def check_home(folder: Path, otherwise: str) -> None:
    """Raises UserError where a folder lies in the home of a user who has none. `otherwise` says what else can be done."""
    if NOWHERE in folder.parents:
        raise UserError(f"You have no home folder on this computer: set HOME to a folder of yours, or {otherwise}.")
