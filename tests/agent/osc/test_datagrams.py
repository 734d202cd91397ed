"""Datagrams: messages are read as they were written, and nothing that arrives does harm or is said by the library."""

from __future__ import annotations

import logging
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pythonosc.osc_bundle_builder import IMMEDIATELY, OscBundleBuilder
from pythonosc.osc_message_builder import OscMessageBuilder

from agent.osc.datagrams import BUNDLE, DEEPEST, LARGEST, MOST_MESSAGES, NotOsc, read_datagram, write_message

ADDRESS = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=40).map(lambda t: f"/{t}")
TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=30)
ARGUMENTS = st.lists(st.integers(-(1 << 31), (1 << 31) - 1) | st.floats(width=32, allow_nan=False) | TEXT, max_size=5)


def bundle(*elements: bytes, time: bytes = b"\0\0\0\0\0\0\0\1") -> bytes:
    return BUNDLE + time + b"".join(struct.pack(">i", len(e)) + e for e in elements)


@given(ADDRESS, ARGUMENTS)
def test_what_is_written_is_read_again(address: str, arguments: list[int | float | str]) -> None:
    assert read_datagram(write_message(address, *arguments)) == [(address, arguments)]


def test_numbers_text_truths_and_nothing_are_read() -> None:
    builder = OscMessageBuilder("/x")
    for value, kind in ((True, "T"), (False, "F"), (None, "N"), (1 << 40, "h"), (0.1, "d"), ("é", "s")):
        builder.add_arg(value, kind)
    assert read_datagram(builder.build().dgram) == [("/x", [True, False, None, 1 << 40, 0.1, "é"])]
    assert read_datagram(b"/x\0\0") == [("/x", [])]  # without types, as some programs send a button


def test_a_bundle_is_its_messages_in_their_order() -> None:
    built = OscBundleBuilder(IMMEDIATELY)
    for name in ("/a", "/b"):
        message = OscMessageBuilder(name)
        message.add_arg(1.0)
        built.add_content(message.build())
    assert read_datagram(built.build().dgram) == [("/a", [1.0]), ("/b", [1.0])]
    inner = bundle(write_message("/c", 2), time=b"\xff" * 8)  # a time far from now is no reason to wait
    assert read_datagram(bundle(write_message("/a"), inner)) == [("/a", []), ("/c", [2])]


def deep(levels: int) -> bytes:
    datagram = write_message("/x")
    for _ in range(levels):
        datagram = bundle(datagram)
    return datagram


@pytest.mark.parametrize(
    "datagram",
    [
        b"",
        b"/",
        b"/x",
        b"hello",
        b"\0" * 8,
        BUNDLE,
        bundle(),
        BUNDLE + b"\0" * 8 + struct.pack(">i", -4),  # the library would read this forever
        BUNDLE + b"\0" * 8 + struct.pack(">i", 0),
        BUNDLE + b"\0" * 8 + struct.pack(">i", 400) + b"/x\0\0",
        BUNDLE + b"\0" * 8 + b"\0\0",
        bundle(write_message("/x"), b"junk"),
        bundle(*[write_message("/x")] * (MOST_MESSAGES + 1)),
        deep(DEEPEST + 1),
        b"/x\0\0,zzz\0\0\0\0",
        b"/x\0\0,f",
        b"/x\0\0,,\0\0",
        b"/x\0\0,b\0\0\x7f\xff\xff\xff",
        b"/x\0\0,b\0\0\x80\0\0\0",
        b"/x\0\0,[[[\0\0\0\0",
        b"/\xff\xfe\0,\0\0\0",
        b"/x\0\0,s\0\0\xff\xff\0\0",
        b"/x\0\0nope",
        b"/" + b"x" * LARGEST,
    ],
)
def test_what_is_no_message_is_refused(datagram: bytes) -> None:
    with pytest.raises(NotOsc):
        read_datagram(datagram)


def test_bundles_may_be_as_deep_as_is_promised() -> None:
    assert read_datagram(deep(DEEPEST)) == [("/x", [])]
    assert len(read_datagram(bundle(*[write_message("/x")] * MOST_MESSAGES))) == MOST_MESSAGES


HEADS = st.sampled_from(
    [b"", b"/", b"/tradefours/panic\0\0\0,", b"/x\0\0,", b"/x\0\0,s\0\0", BUNDLE, BUNDLE + b"\0" * 8]
)


@given(HEADS, st.binary(max_size=200))
def test_random_bytes_are_messages_or_refused_and_nothing_is_said(head: bytes, rest: bytes) -> None:
    said: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: said.append(record.getMessage())  # type: ignore[method-assign]
    logging.getLogger().addHandler(handler)
    try:
        messages = read_datagram(head + rest)
    except NotOsc:
        messages = []
    finally:
        logging.getLogger().removeHandler(handler)
    assert all(address.startswith("/") for address, _ in messages)
    assert said == []
