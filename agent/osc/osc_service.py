"""The sockets of OSC: one that listens and one that sends, as long as the session lasts. What cannot be opened is said."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from ..clock import Clock
from ..session.session import Session
from ..takes.recorder import SessionRecorder
from .osc_input import OscInput
from .osc_output import OscNews, OscWitness

Endpoint = tuple[str, int]  # host and port
LOOK_SECONDS = 0.1  # between two looks at what the controls are set to


class OscService:
    """OSC of one session: heard at `listen`, sent to `send_to`; None: not at all."""

    def __init__(self, listen: Endpoint | None, send_to: Endpoint | None, clock: Clock) -> None:
        self.listens_at: Endpoint | None = None  # where it listens, once it does
        self._listen = listen
        self._send_to = send_to
        self._clock = clock
        self._sender: asyncio.DatagramTransport | None = None
        self._news = OscNews(self._send, clock.now)

    def witness(self, recorder: SessionRecorder) -> SessionRecorder:
        """A recorder that also tells the notes, where anybody asked for news."""
        return recorder if self._send_to is None else OscWitness(recorder, self._news)

    def show(self, state: str) -> None:
        """What the agent is doing, in a word or two."""
        if self._sender is not None:
            self._news.turn(state)

    async def run(self, session: Session, state: str, say: Callable[[str], None]) -> None:
        """Listen and send until cancelled. `state`: what the agent is doing now; `say` takes lines for the user."""
        receiver = OscInput(session.act, self._clock.now, say)
        transports = [await self._open_input(receiver, say), await self._open_output(say)]
        try:
            self.show(state)
            while True:
                await self._tell(session)
        finally:
            self._sender = None
            for transport in transports:
                if transport is not None:
                    transport.close()
            if summary := receiver.summary():
                say(summary)

    async def _tell(self, session: Session) -> None:
        """Tell the news of the next moments."""
        next_look = self._clock.now() + LOOK_SECONDS
        if self._sender is not None:
            self._news.settings(session)
        while (left := next_look - self._clock.now()) > 0:
            wait = self._news.beat(session) if self._sender is not None else left
            await asyncio.sleep(min(wait, left))

    def _send(self, datagram: bytes) -> None:
        if self._sender is not None:
            self._sender.sendto(datagram)

    async def _open_input(self, receiver: OscInput, say: Callable[[str], None]) -> asyncio.DatagramTransport | None:
        if self._listen is None:
            return None
        try:
            transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
                lambda: _Receiver(receiver.receive), local_addr=self._listen
            )
        except OSError as error:
            say(
                f"OSC is not heard at {_text(self._listen)} ({_reason(error)}); choose another with --osc. All else works."
            )
            return None
        host, port = transport.get_extra_info("sockname")[:2]
        self.listens_at = host, port
        say(f"OSC is heard at {_text((host, port))}.")
        return transport

    async def _open_output(self, say: Callable[[str], None]) -> asyncio.DatagramTransport | None:
        if self._send_to is None:
            return None
        try:
            transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
                asyncio.DatagramProtocol, remote_addr=self._send_to
            )
        except OSError as error:
            say(f"OSC cannot be sent to {_text(self._send_to)} ({_reason(error)}); mend --osc-out. All else works.")
            return None
        self._sender = transport
        say(f"OSC is sent to {_text(self._send_to)}.")
        return transport


class _Receiver(asyncio.DatagramProtocol):
    """Hands datagrams on. That somebody who was written to does not listen is no trouble."""

    def __init__(self, receive: Callable[[bytes], None]) -> None:
        self._receive = receive

    def datagram_received(self, data: bytes, addr: Any) -> None:
        self._receive(data)


def _text(endpoint: Endpoint) -> str:
    host, port = endpoint
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _reason(error: OSError) -> str:
    return error.strerror or str(error)
