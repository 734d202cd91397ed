"""OSC datagrams: messages read from bytes, and bytes made of messages. Pure.

The library reads single messages. Bundles are taken apart here: it trusts the sizes in them, and a negative one would keep it busy forever.
"""

from __future__ import annotations

from pythonosc.osc_message import OscMessage
from pythonosc.osc_message import ParseError as MessageError
from pythonosc.osc_message_builder import OscMessageBuilder
from pythonosc.parsing import osc_types

from .addresses import Argument

BUNDLE = b"#bundle\0"
HEADER = 16  # bytes of a bundle before its elements: its name and a time, which is ignored
SIZE = 4  # bytes before each element
LARGEST = 4096  # bytes of a datagram
MOST_MESSAGES = 64  # of a datagram
DEEPEST = 4  # bundles in bundles
TYPES = set("ihfdsTFN")  # of arguments: numbers, text, true, false and nothing
Message = tuple[str, list[Argument]]


class NotOsc(ValueError):
    """A datagram that cannot be read."""


def read_datagram(datagram: bytes) -> list[Message]:
    """The messages in a datagram, in their order. Raises NotOsc for anything that is not OSC, or is larger than we take."""
    if len(datagram) > LARGEST:
        raise NotOsc("too large")
    messages = [_read_message(part) for part in _parts(datagram, DEEPEST)]
    if not 0 < len(messages) <= MOST_MESSAGES:
        raise NotOsc("no message, or too many")
    return messages


def write_message(address: str, *arguments: int | float | str) -> bytes:
    """The datagram of one message."""
    builder = OscMessageBuilder(address)
    for argument in arguments:
        builder.add_arg(argument)
    datagram: bytes = builder.build().dgram
    return datagram


def _parts(datagram: bytes, depth: int) -> list[bytes]:
    """The messages of a datagram, each in bytes. Raises NotOsc."""
    if not datagram.startswith(BUNDLE):
        return [datagram]
    if depth == 0 or len(datagram) < HEADER:
        raise NotOsc("a bundle that is too deep, or cut short")
    found = []
    at = HEADER
    while at < len(datagram):
        size = int.from_bytes(datagram[at : at + SIZE], "big", signed=True)
        at += SIZE
        if not 0 < size <= len(datagram) - at:
            raise NotOsc("an element of a size that cannot be")
        found += _parts(datagram[at : at + size], depth - 1)
        at += size
    return found


def _read_message(part: bytes) -> Message:
    if not part.startswith(b"/"):
        raise NotOsc("no address")
    try:
        _, at = osc_types.get_string(part, 0)
        types = osc_types.get_string(part, at)[0] if part[at:] else ""
        if not set(types[1:]) <= TYPES:  # the library writes a line to the terminal for each that it does not know
            raise NotOsc("arguments of other types")
        message = OscMessage(part)
    except (MessageError, osc_types.ParseError, ValueError, IndexError) as error:  # ValueError: text that is not UTF-8
        raise NotOsc(str(error)) from error
    return message.address, message.params
