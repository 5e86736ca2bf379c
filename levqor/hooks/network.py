"""Calling an address that somebody else chose, without being led anywhere private.

The name is looked up once, every address that it gives must be public, and the connection goes to the very address that
was checked (a second look-up could answer otherwise). No redirect is followed.
"""

import ipaddress
import socket
import threading
from contextlib import suppress
from dataclasses import dataclass
from typing import Final
from urllib.parse import SplitResult, urlsplit

import urllib3
from django.conf import settings
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

TIMEOUT: Final = urllib3.Timeout(connect=3, read=5)
TOTAL_SECONDS: Final = 8.0
ANSWER_BYTES: Final = 64 * 1024
NAT64: Final = ipaddress.ip_network("64:ff9b::/96")
# All that IANA has given out for the internet; older ways to write an IPv4 address as IPv6 lie outside of it.
IPV6_OF_THE_INTERNET: Final = ipaddress.ip_network("2000::/3")
# Documentation (RFC 9637), and relays that were given up (RFC 7526), which Python takes for public.
REFUSED: Final = (ipaddress.ip_network("3fff::/20"), ipaddress.ip_network("192.88.99.0/24"))

type Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class UnreachableError(Exception):
    """The address may not or cannot be called. The text is fit for its owner."""


@dataclass(frozen=True)
class HookAnswer:
    """What came back: the status, the first bytes as text, and the seconds that Retry-After asks for (0: none)."""

    status: int
    text: str
    retry_after: int = 0


def check_url(url: str) -> SplitResult:
    """The parts of an address that may be called; raises UnreachableError, and looks nothing up."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise UnreachableError("This is no address.") from error
    if parts.scheme != "https" and not (settings.DEBUG and parts.scheme == "http"):
        raise UnreachableError("The address must begin with https://.")
    if not parts.hostname or parts.username or parts.password or parts.fragment or port == 0:
        raise UnreachableError("The address needs a host name, and no user name, password or fragment.")
    if not parts.netloc.isascii():
        raise UnreachableError("Write the host name in its ASCII form, whose parts begin with xn--.")
    with suppress(ValueError):
        _refuse_private(ipaddress.ip_address(parts.hostname))
    return parts


def _refuse_private(address: Address) -> None:
    if not is_public(address) and not (settings.DEBUG and address.is_loopback):
        raise UnreachableError("The host name leads into a private network.")


def is_public(address: Address) -> bool:
    """True for an address that anybody on the internet could have; embedded IPv4 addresses are judged as themselves."""
    if isinstance(address, ipaddress.IPv6Address):
        embedded = address.ipv4_mapped or address.sixtofour
        if address in NAT64:
            embedded = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if embedded:
            return is_public(embedded)
        if address.teredo or address not in IPV6_OF_THE_INTERNET:
            return False
    return address.is_global and not address.is_multicast and not any(address in network for network in REFUSED)


def look_up(host: str, port: int) -> list[Address]:
    """All addresses of the name; raises UnreachableError where it has none."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise UnreachableError("The host name is not known.") from error
    return [ipaddress.ip_address(row[4][0]) for row in found]


def checked_address(parts: SplitResult, port: int) -> Address:
    """The address to connect to; raises UnreachableError where any address of the name is private."""
    addresses = look_up(parts.hostname or "", port)
    for address in addresses:
        _refuse_private(address)
    return addresses[0]


def post(url: str, body: bytes, headers: dict[str, str]) -> HookAnswer:
    """POSTs the body; raises UnreachableError for whatever kept an answer from coming back."""
    parts = check_url(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    address = checked_address(parts, port)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    with _pool(parts, str(address), port) as pool:
        try:
            response = pool.urlopen(
                "POST",
                target,
                body=body,
                headers={**headers, "Host": parts.netloc},
                redirect=False,
                retries=False,
                preload_content=False,
                decode_content=False,
            )
            text = _beginning(response)
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise UnreachableError(f"No answer: {type(error).__name__}.") from error
    wanted = response.headers.get("Retry-After", "")
    return HookAnswer(response.status, text, int(wanted) if wanted.isdigit() and len(wanted) < 8 else 0)


class _Deadline(HTTPConnection):
    """A connection that is cut after so long, however slowly the other side drips its answer: a time-out for each
    reading, which is all that sockets offer, would let it hold a worker for hours."""

    _timer: threading.Timer | None = None

    def connect(self) -> None:
        super().connect()
        self._timer = threading.Timer(TOTAL_SECONDS, self._cut, [self.sock])
        self._timer.daemon = True
        self._timer.start()

    def _cut(self, line: socket.socket) -> None:
        with suppress(OSError):
            line.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        if self._timer:
            self._timer.cancel()
        super().close()


class _SecureDeadline(_Deadline, HTTPSConnection):
    pass


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Deadline


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _SecureDeadline


def _pool(parts: SplitResult, address: str, port: int) -> HTTPConnectionPool:
    if parts.scheme == "http":
        return _Pool(address, port, timeout=TIMEOUT, maxsize=1)
    # The connection goes to the checked address; the certificate must be that of the name.
    return _SecurePool(
        address, port, timeout=TIMEOUT, maxsize=1, server_hostname=parts.hostname, assert_hostname=parts.hostname
    )


def _beginning(response: urllib3.BaseHTTPResponse) -> str:
    """The first bytes of the answer as text; empty where it breaks off."""
    try:
        return response.read(ANSWER_BYTES).decode(errors="replace")
    except (urllib3.exceptions.HTTPError, OSError):
        # The status came, and it alone decides.
        return ""
    finally:
        response.close()
