"""models: what music is. The musician, and how it is taught.

Knows nothing of now: no ports, no clocks, no event loop.
"""
