"""Make the standard streams usable, whatever they are: closed, full, without a reader, or in an encoding of few characters.

Daemons and launchers close them, logs fill disks, and `| head -1` stops reading. This module needs the standard library alone.
"""

from __future__ import annotations

import codecs
import contextlib
import os
import sys
import unicodedata
from typing import TextIO

ERRORS = "tradefours"  # the name of our handler for characters that an encoding lacks
SUBSTITUTES = {
    "→": "->",
    "●": "*",
    "…": "...",
    "·": "-",
    "─": "-",
    "–": "-",
    "’": "'",
    "“": '"',
    "”": '"',
    "ß": "ss",
    "ø": "o",
    "Ø": "O",
    "ł": "l",
    "Ł": "L",
}
"""What is written for a character that the encoding lacks; others lose their accents, or become a question mark."""
FIRST_BYTE, LAST_BYTE = 0xDC80, 0xDCFF  # code points for bytes of file names that are no text (PEP 383)
CANNOT_WRITE = "the output cannot be written"


def prepare() -> None:
    """Open streams that are closed, and let no character raise an error. May be called twice."""
    codecs.register_error(ERRORS, _substitute)
    for number, (name, mode) in enumerate((("stdin", "r"), ("stdout", "w"), ("stderr", "w"))):
        _open_descriptor(number)
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf8"))  # noqa: SIM115 - it lasts as long as we do
        elif mode == "w" and hasattr(stream, "reconfigure"):
            stream.reconfigure(errors=ERRORS)


def complain(text: str) -> None:
    """Write a line to standard error, where that can be."""
    with contextlib.suppress(OSError, ValueError):
        print(text, file=sys.stderr, flush=True)


def finish(code: int) -> int:
    """Write out what is left on standard output; returns the exit code, which is 2 where that fails.

    A reader that has gone, as `head` does, wanted no more: that is no failure.
    """
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        abandon(sys.stdout)
    except OSError as error:
        abandon(sys.stdout)
        complain(f"tradefours: {CANNOT_WRITE} ({error.strerror}); make room, or write it elsewhere.")
        return code or 2
    except ValueError:  # it is closed
        return code
    return code


def abandon(stream: TextIO) -> None:
    """From now on, what is written to a stream is thrown away; what waits in its buffer, too."""
    with contextlib.suppress(OSError, ValueError):
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, stream.fileno())
        os.close(null)
        stream.flush()


def _open_descriptor(number: int) -> None:
    """Open the null device where this descriptor is closed: else the next file that is opened would get its number."""
    with contextlib.suppress(OSError):
        os.fstat(number)
        return
    null = os.open(os.devnull, os.O_RDWR)
    if null != number:
        os.dup2(null, number)
        os.close(null)
    os.set_inheritable(number, True)


def _substitute(error: UnicodeError) -> tuple[str | bytes, int]:
    """The error handler: what is written for one character, and where to go on."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    character = error.object[error.start]
    end = error.start + 1
    if FIRST_BYTE <= ord(character) <= LAST_BYTE:
        return bytes((ord(character) & 0xFF,)), end
    plain = unicodedata.normalize("NFKD", character).encode("ascii", "ignore").decode()
    return SUBSTITUTES.get(character) or plain or "?", end
