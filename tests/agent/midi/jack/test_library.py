"""The JACK library's messages: said nowhere, and by no function of Python's."""

from __future__ import annotations

import ctypes
import sys
from typing import Any

import pytest

from agent.midi.jack import library


class FakeJack:
    """A library that keeps the functions for its messages."""

    def __init__(self) -> None:
        self.functions: list[Any] = []
        self.jack_set_error_function = self.jack_set_info_function = self.functions.append


@pytest.mark.skipif(sys.platform == "win32", reason="there is no JACK in the bindings for Windows")
def test_a_message_of_a_jack_thread_needs_no_lock_of_the_interpreter() -> None:
    """A binding that closes a client holds that lock, and waits for the thread: a message there must not wait for the lock."""
    jack: Any = FakeJack()
    assert library._declare(jack) is jack
    c = ctypes.PyDLL(None)  # its functions run with the lock held
    thread = ctypes.c_ulong()
    for function in jack.functions:
        assert (
            c.pthread_create(ctypes.byref(thread), None, function, ctypes.c_char_p(b"Cannot use real-time scheduling"))
            == 0
        )
        assert c.pthread_join(thread, None) == 0  # for ever, where the function is one of Python's
    assert len(jack.functions) == 2
