"""agent: the performer. It knows now, and leaves music to the musician in its own process.

Knows nothing of tensors: torch is never imported here.
"""

__version__ = "0.4.0"  # the only place; pyproject.toml reads it
