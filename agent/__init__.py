"""agent: the performer. It knows now, and leaves music to the musician in its own process.

Knows nothing of tensors: torch is never imported here.
"""
