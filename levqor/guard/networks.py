"""Where a request comes from: the address behind our own proxies, and the network that limits count."""

import ipaddress

from django.conf import settings
from django.http import HttpRequest

type Address = ipaddress.IPv4Address | ipaddress.IPv6Address

UNKNOWN = "unknown"


def client_address(request: HttpRequest) -> str:
    """The client's IP address; `unknown` where the server names none (a Unix socket).

    Each proxy appends the address that it was called from to `X-Forwarded-For`, so with TRUSTED_PROXIES hops of our own
    the client is the entry that many places from the right. What stands left of it was sent by the client and is never
    believed. A header with fewer entries did not pass all our proxies: then only the connection itself is certain.
    """
    address = _address(_forwarded(request)) or _address(str(request.META.get("REMOTE_ADDR") or ""))
    return str(address) if address else UNKNOWN


def client_network(request: HttpRequest) -> str:
    """What limits count as one sender: the IPv4 address, or the /64 that one IPv6 customer is given."""
    return network_of(client_address(request))


def network_of(address: str) -> str:
    """`203.0.113.7` for an IPv4 address, `2001:db8:1:2::/64` for an IPv6 one, `unknown` for anything else."""
    parsed = _address(address)
    if parsed is None:
        return UNKNOWN
    return str(parsed) if parsed.version == 4 else str(ipaddress.ip_network((parsed.packed, 64), strict=False))


def _forwarded(request: HttpRequest) -> str:
    hops = settings.TRUSTED_PROXIES
    entries = request.headers.get("X-Forwarded-For", "").split(",")
    return entries[-hops].strip() if 0 < hops <= len(entries) else ""


def _address(text: str) -> Address | None:
    """The address in the text, with or without a port; IPv4 written as IPv6 is the IPv4 address."""
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        parsed = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return getattr(parsed, "ipv4_mapped", None) or parsed
