"""Access control: who may open the page. Pure: what is known of a caller in, a verdict out; `now` is an argument.

Who sits at this computer may come in, by its own name for itself. Others may only where the door is open to the house (`lan`), and who
shows the token once is given a pass, so that links and reloads work. A name that is not ours is refused whatever is shown: it would be
another site's, that had its own name lead here (DNS rebinding). So is a page of another origin.
"""

from __future__ import annotations

import ipaddress
import secrets
import socket
from collections import OrderedDict
from dataclasses import dataclass

from ..rate_limit import RateLimit

LOOPBACK_NAMES = ("127.0.0.1", "localhost")
TOKEN_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # none that is taken for another
TOKEN_LENGTH = 12  # 59 bits, that a hand can type
TRIES_AT_ONCE, TRIES_A_SECOND = 5, 0.1  # tokens that one address may show
MOST_ADDRESSES = 256  # remembered; the one that was silent longest is forgotten

UNKNOWN_NAME = "That is not our name here; open the address that the program shows."
OTHER_SITE = "Another site may not come in here."
PAGE_FIRST = "Open the page, and it opens this."
TOKEN_NEEDED = "Open the address that the program shows, with its token."
WRONG_TOKEN = "That is not the token; the program shows it."
TOO_MANY = "Too many tokens were tried; wait a minute."


class AccessDenied(Exception):
    """May not come in; one sentence that says why, and its HTTP status."""

    def __init__(self, why: str, status: int = 403) -> None:
        super().__init__(why)
        self.status = status


@dataclass(frozen=True)
class Caller:
    """What is known of one request. Addresses are what the system says; all else is what the caller says."""

    local: str  # our address that it came to
    remote: str  # its own address
    host: str  # whom it asks for, and at which port
    origin: str | None = None  # the site that it was sent by
    token: str | None = None
    pass_: str | None = None
    wants_socket: bool = False


class AccessControl:
    """Guards one port. `token` is what others must show; empty where nobody else may come in."""

    def __init__(self, port: int, lan: bool = False) -> None:
        self.port = port
        self.lan = lan
        self.token = "".join(secrets.choice(TOKEN_LETTERS) for _ in range(TOKEN_LENGTH)) if lan else ""
        self.pass_ = secrets.token_urlsafe(32)  # longer than what is typed
        self._own_names = {name.lower() for name in _host_names()} if lan else set()
        self._tries: OrderedDict[str, RateLimit] = OrderedDict()

    def admit(self, caller: Caller, now: float) -> bool:
        """Let it in; whether it is to be given the pass. Raises AccessDenied."""
        name, _, port = caller.host.lower().rpartition(":")
        is_local = name in LOOPBACK_NAMES and caller.local == LOOPBACK_NAMES[0] and is_loopback(caller.remote)
        if port != str(self.port) or not (is_local or (self.lan and name in {caller.local, *self._own_names})):
            raise AccessDenied(UNKNOWN_NAME)
        if caller.origin is None and caller.wants_socket:
            raise AccessDenied(PAGE_FIRST)
        if caller.origin is not None and caller.origin.lower() != f"http://{caller.host.lower()}":
            raise AccessDenied(OTHER_SITE)
        return not is_local and self._shows_token(caller, now)

    def _shows_token(self, caller: Caller, now: float) -> bool:
        """Whether it has shown the token just now; with the pass, it need not. Raises AccessDenied."""
        if caller.pass_ is not None and _is_equal(caller.pass_, self.pass_):
            return False
        if caller.token is None:
            raise AccessDenied(TOKEN_NEEDED)
        tries = self._tries.setdefault(caller.remote, RateLimit(now, TRIES_A_SECOND, TRIES_AT_ONCE))
        self._tries.move_to_end(caller.remote)
        if len(self._tries) > MOST_ADDRESSES:
            self._tries.popitem(last=False)
        if not tries.allows(now):
            raise AccessDenied(TOO_MANY, 429)
        if not _is_equal(caller.token, self.token):
            raise AccessDenied(WRONG_TOKEN)
        return True


def is_loopback(address: str) -> bool:
    """Whether it is this computer's own."""
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


def _is_equal(shown: str, true: str) -> bool:
    """Compared in a time that tells nothing of where they differ."""
    return secrets.compare_digest(shown.encode(errors="replace"), true.encode())


def _host_names() -> tuple[str, ...]:
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
            return LOOPBACK_NAMES[0]
