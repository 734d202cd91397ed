"""The launcher: starts a module of ours as a process of its own, and nothing that lies in the user's current folder.

Knows nothing of what the module does. It runs before the environment is made, so it needs the standard library alone.

`python -m models.worker` looks for `models`, and for `queue` or `json`, in the current folder first. A file there with such a name would be
run in place of ours. So this file is started by its path, and with `-P`, which leaves the current folder out. It then loads our packages
from the folder in which it lies itself, a clone or an installation alike.
"""

from __future__ import annotations

import importlib.machinery
import importlib.util
import os
import runpy
import sys

PACKAGES = ("agent", "models", "presets", "tests")
DASH_M = "-m"


def command(module: str, *arguments: str, python: str = sys.executable) -> list[str]:
    """The command that runs a module of ours, isolated. `python` is an interpreter of version 3.11 or later."""
    return [python, "-P", os.path.abspath(__file__), module, *arguments]


def isolated(plain: list[str]) -> list[str]:
    """The same command, isolated where it is this interpreter's `-m` with a module of ours; any other one as it is.

    Takes keep the plain form, which holds no path of one machine.
    """
    if len(plain) > 2 and plain[:2] == [sys.executable, DASH_M] and plain[2].partition(".")[0] in PACKAGES:
        return command(*plain[2:])
    return list(plain)


def root() -> str:
    """The folder that holds our packages: the first one above this file that is no package itself."""
    folder = os.path.dirname(os.path.abspath(__file__))
    while os.path.exists(os.path.join(folder, "__init__.py")):
        folder = os.path.dirname(folder)
    return folder


def load_packages(folder: str) -> None:
    """Load our packages from a folder, so that others of the same names cannot take their places."""
    for name in PACKAGES:
        spec = importlib.machinery.PathFinder.find_spec(name, [folder])
        if spec is None or spec.loader is None:
            continue  # an installation has no tests
        package = importlib.util.module_from_spec(spec)
        sys.modules[name] = package
        spec.loader.exec_module(package)
    if folder not in sys.path:
        sys.path.append(folder)  # for processes that a library starts from this one


def main() -> None:
    """Run the module that the command line names, with the arguments after it."""
    del sys.argv[0]
    load_packages(root())
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
