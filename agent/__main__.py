"""`python -m agent`: the program from a clone. Makes its environment first, where there is none.

Knows nothing beyond that; with only a standard library at hand, it must not.
"""

from __future__ import annotations

import sys

from . import bootstrap

if __name__ == "__main__":
    extra = bootstrap.extra_for(sys.argv[1:])
    if bootstrap.is_installed_here(extra):
        from .cli import main

        sys.exit(main())
    sys.exit(bootstrap.run("agent", sys.argv[1:], extra))
