"""Start one of our modules as a process that loads nothing from the user's current folder.

It runs before the virtual environment is made, so it needs the standard library alone.

`python -m models.worker` looks for `models`, and for `queue` or `json`, in the current folder first. It would run a file there of such a
name in place of ours. So this file is started by its path, and with `-P`, which leaves the current folder out. It then loads our packages
from the folder that holds it, in a clone and in an installation alike.
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


def isolate(plain: list[str]) -> list[str]:
    """Turn `python -m MODULE` into the command that `command` gives, where the module is ours; leave other commands as they are.

    Takes keep the plain form, which holds no path of this machine.
    """
    if len(plain) > 2 and plain[:2] == [sys.executable, DASH_M] and plain[2].partition(".")[0] in PACKAGES:
        return command(*plain[2:])
    return list(plain)


def root() -> str:
    """The folder that holds our packages: the first one above this file that is no package."""
    folder = os.path.dirname(os.path.abspath(__file__))
    while os.path.exists(os.path.join(folder, "__init__.py")):
        folder = os.path.dirname(folder)
    return folder


def load_packages(folder: str) -> None:
    """Load our packages from a folder, so that no others of the same names are found later."""
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
