"""Errors that are told to the user: each is one sentence that says what to do.

Knows nothing of where they are shown.
"""


class UserError(Exception):
    """Something the user can mend. Its text is one sentence."""
