"""matplotlib for drawing, with its files in a folder of ours, and with no settings but its own.

Every module that draws takes matplotlib from here: its folder must be named before it is imported.

matplotlib lists the fonts of the machine once, and keeps the list for the next time. On its own it writes it among the user's settings, and
fontconfig, which it asks, writes another one. It also heeds a file `matplotlibrc` in the current folder, which may name programs to run.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

CACHE_HOME = "XDG_CACHE_HOME"  # where fontconfig keeps what it has found


def cache_folder() -> Path:
    """The folder for what can be made anew at any time. It is the system's place for that, and may not exist yet."""
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "tradefours" / "Cache"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "tradefours"
    named = os.environ.get(CACHE_HOME, "")
    return (Path(named) if os.path.isabs(named) else Path.home() / ".cache") / "tradefours"


_is_first = "matplotlib" not in sys.modules
_former = os.environ.get(CACHE_HOME)
os.environ["MPLCONFIGDIR"] = str(cache_folder() / "matplotlib")
os.environ[CACHE_HOME] = str(cache_folder())

import matplotlib  # noqa: E402 (its folder is named first)
import matplotlib.font_manager  # noqa: E402
from matplotlib.collections import PatchCollection  # noqa: E402
from matplotlib.colors import to_rgb, to_rgba  # noqa: E402
from matplotlib.figure import Figure  # noqa: E402
from matplotlib.image import imread  # noqa: E402
from matplotlib.patches import Patch, Rectangle  # noqa: E402

del os.environ[CACHE_HOME]
if _former is not None:
    os.environ[CACHE_HOME] = _former
if _is_first:  # a program that has set it up before keeps its settings
    matplotlib.rcdefaults()

__all__ = ["Figure", "Patch", "PatchCollection", "Rectangle", "imread", "to_rgb", "to_rgba"]
