"""The doorkeeper: who may come in to the page.

Knows nothing of what is behind the door, nor of sockets. Pure: what is known of a caller in, a verdict out; `now` is an argument.

Who sits at this computer may come in, by its own name for itself. Others may only where the door is open to the house (`lan`), and who
shows the token once is given a pass, so that links and reloads work. A name that is not ours is refused whatever is shown: it would be
another site's, that had its own name lead here. So is a page of another origin.
"""

from __future__ import annotations

import ipaddress
import secrets
import socket
from collections import OrderedDict
from dataclasses import dataclass

from .requests import RateLimit

HOME = ("127.0.0.1", "localhost")
LETTERS, LONG = "abcdefghjkmnpqrstuvwxyz23456789", 12  # none that is taken for another: 59 bits, that a hand can type
TRIES, A_SECOND = 5, 0.1  # tokens that one address may show at once, and how many more later
REMEMBERED = 256  # addresses; the one that was silent longest is forgotten

NOT_OURS = "That is not our name here; open the address that the program shows."
OTHER_SITE = "Another site may not come in here."
FIRST_THE_PAGE = "Open the page, and it opens this."
TOKEN_PLEASE = "Open the address that the program shows, with its token."
WRONG = "That is not the token; the program shows it."
TOO_MANY = "Too many tokens were tried; wait a minute."


class AccessDenied(Exception):
    """May not come in; one sentence that says why, and the web's number for it."""

    def __init__(self, why: str, status: int = 403) -> None:
        super().__init__(why)
        self.status = status


@dataclass(frozen=True)
class Caller:
    """What is known of one request. Addresses are what the system says; all else is what the caller says."""

    at: str  # our address that it came to
    of: str  # its own address
    host: str  # whom it asks for, and at which port
    origin: str | None = None  # the site that it was sent by
    token: str | None = None
    pass_: str | None = None
    wants_socket: bool = False


class AccessControl:
    """Stands at one port. `token` is what others must show; empty where nobody else may come in."""

    def __init__(self, port: int, lan: bool = False) -> None:
        self.port, self.lan = port, lan
        self.token = "".join(secrets.choice(LETTERS) for _ in range(LONG)) if lan else ""
        self.pass_ = secrets.token_urlsafe(32)  # longer than what is typed
        self._ours = {name.lower() for name in _names()} if lan else set()
        self._tries: OrderedDict[str, RateLimit] = OrderedDict()

    def admit(self, caller: Caller, now: float) -> bool:
        """Let it in; whether it is to be given the pass. Raises Unwelcome."""
        name, _, port = caller.host.lower().rpartition(":")
        is_home = name in HOME and caller.at == HOME[0] and is_loopback(caller.of)
        if port != str(self.port) or not (is_home or (self.lan and name in {caller.at, *self._ours})):
            raise AccessDenied(NOT_OURS)
        if caller.origin is None and caller.wants_socket:
            raise AccessDenied(FIRST_THE_PAGE)
        if caller.origin is not None and caller.origin.lower() != f"http://{caller.host.lower()}":
            raise AccessDenied(OTHER_SITE)
        return not is_home and self._knows(caller, now)

    def _knows(self, caller: Caller, now: float) -> bool:
        """Whether it has shown the token just now; with the pass, it need not. Raises Unwelcome."""
        if caller.pass_ is not None and _same(caller.pass_, self.pass_):
            return False
        if caller.token is None:
            raise AccessDenied(TOKEN_PLEASE)
        tries = self._tries.setdefault(caller.of, RateLimit(now, A_SECOND, TRIES))
        self._tries.move_to_end(caller.of)
        if len(self._tries) > REMEMBERED:
            self._tries.popitem(last=False)
        if not tries.allows(now):
            raise AccessDenied(TOO_MANY, 429)
        if not _same(caller.token, self.token):
            raise AccessDenied(WRONG)
        return True


def is_loopback(address: str) -> bool:
    """Whether it is this computer's own."""
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


def _same(shown: str, true: str) -> bool:
    """Compared in a time that tells nothing of where they differ."""
    return secrets.compare_digest(shown.encode(errors="replace"), true.encode())


def _names() -> tuple[str, ...]:
    """What this machine is called in its house."""
    name = socket.gethostname()
    return name, f"{name.partition('.')[0]}.local"


def own_address() -> str:
    """This machine's address in its network; its own for itself where it is in none. Nothing is sent to find out."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(
                ("192.0.2.1", 9)
            )  # an address that is nobody's, so that the system says how it would go there
            return str(probe.getsockname()[0])
        except OSError:
            return HOME[0]
