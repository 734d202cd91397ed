"""`python -m agent`: the program from a clone. Makes its environment first, where there is none.

Knows nothing beyond that; with only a standard library at hand, it must not.
"""

from __future__ import annotations

import sys

from . import __version__, standard_streams
from .cli import make_virtual_environment

if __name__ == "__main__":
    standard_streams.prepare()
    if sys.argv[1:] == ["--version"]:  # answered before anything is installed
        print(f"tradefours {__version__}")
        sys.exit(0)
    extra = make_virtual_environment.extra_for(sys.argv[1:])
    if make_virtual_environment.is_installed_here(extra):
        from .cli.main import main

        sys.exit(main())
    sys.exit(make_virtual_environment.run("agent", sys.argv[1:], extra))
