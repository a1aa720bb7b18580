"""Where a step of kind http may be led: host names, what they resolve to, and which addresses are refused.

A name is resolved once, by us; each address is judged, and the connection goes to one of those that were judged. So
nothing can change between the look and the use (DNS rebinding).

Source: IANA's special-purpose address registries (RFC 6890), by way of Python's `ipaddress`; embedded IPv4 addresses:
RFC 4291 2.5.5, RFC 3056, RFC 4380, RFC 6052.
"""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import Awaitable, Callable, Iterable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from aiohttp.abc import AbstractResolver, ResolveResult

from tocsin.errors import TocsinError

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
Resolve = Callable[[str, int], Awaitable[Sequence[str]]]  # the host, the port
Judge = Callable[[Address, bool, Sequence[Network]], str]  # why not, or an empty text; as `refusal`

# Amazon, Azure, Google and most others; Alibaba; Oracle; Azure's wire server, whose address is a public one.
METADATA = frozenset(
    map(
        ip_address,
        ("169.254.169.254", "fd00:ec2::254", "fd20:ce::254", "100.100.100.200", "192.0.0.192", "168.63.129.16"),
    )
)
PRIVATE = tuple(map(ip_network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7")))
THIS_NETWORK = IPv4Network("0.0.0.0/8")
UNICAST = IPv6Network("2000::/3")  # all that is global of IPv6 so far
COMPATIBLE = IPv6Network("::/96")
NAT64 = IPv6Network("64:ff9b::/96")

_LABEL = "[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_NAME = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
_NUMBER = re.compile(r"(?:.*\.)?(?:[0-9]+|0[xX][0-9A-Fa-f]*)")


class Forbidden(TocsinError):
    """A host must not be asked: what it resolves to is nothing that a step may be led to."""


def host_of(text: str) -> str:
    """The host that a text is as a whole: a name, or an address in its one canonical form, without brackets.

    Raises:
        ValueError: it is none, or is read as an address by some programs only (`127.1`, `0x7f000001`, `2130706433`).
    """
    inner = text[1:-1] if text.startswith("[") and text.endswith("]") else text
    try:
        address = ip_address(inner)
    except ValueError:
        if _NUMBER.fullmatch(text):
            raise ValueError(f"{text!r} is an address to some programs only; write it as 192.0.2.1") from None
        if len(text) > 253 or not _NAME.fullmatch(text):
            raise ValueError(f"{text!r} is no host name") from None
        return text.lower()
    if "%" in inner or (inner != text and address.version == 4):
        raise ValueError(f"{text!r} is no address that can be asked from here")
    return str(address)


def nature(address: Address) -> str:
    """What kind of address it is: public, private, loopback, or a word for what nobody is ever led to.

    One that carries IPv4 addresses is as bad as the worst of them.
    """
    carried = _carried(address) if isinstance(address, IPv6Address) else ()
    if carried:
        kinds = [nature(one) for one in carried]
        return max(kinds, key=lambda kind: {"public": 0, "private": 1, "loopback": 2}.get(kind, 3))
    if address in METADATA:
        return "a metadata service"
    if address.is_unspecified or address in THIS_NETWORK:
        return "unspecified"
    if address.is_loopback:
        return "loopback"
    if address.is_link_local:
        return "link-local"
    if address.is_multicast:
        return "multicast"
    if any(address in network for network in PRIVATE):
        return "private"
    routed = isinstance(address, IPv4Address) or address in UNICAST
    return "public" if routed and address.is_global and not address.is_reserved else "reserved"


def _carried(address: IPv6Address) -> Sequence[IPv4Address]:
    """The IPv4 addresses within: mapped, compatible, 6to4, Teredo, NAT64."""
    if address.teredo is not None:
        return address.teredo
    one = address.ipv4_mapped or address.sixtofour
    last = int(address) & 0xFFFFFFFF
    if one is None and (address in NAT64 or (address in COMPATIBLE and last > 1)):
        one = IPv4Address(last)
    return () if one is None else (one,)


def refusal(address: Address, private: bool, networks: Sequence[Network]) -> str:
    """Why nobody may be led there, or an empty text.

    `private`: loopback and private addresses will do; `networks`: private ones within these will do.
    """
    kind = nature(address)
    within = kind == "private" and any(address in network for network in networks)
    allowed = kind == "public" or (private and kind in ("private", "loopback")) or within
    return "" if allowed else f"{address} is {kind}"


async def by_system(host: str, port: int) -> list[str]:
    """The addresses of a host, as this machine resolves names.

    Raises:
        OSError: there are none, or nobody tells them.
    """
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(where[0]) for _, _, _, _, where in found))


async def addresses(host: str, port: int, resolve: Resolve, refused: Callable[[Address], str]) -> list[Address]:
    """What a host resolves to; all of it may be asked.

    Raises:
        Forbidden: one of its addresses must not be asked, whatever the others are.
        OSError: there are none, or nobody tells them.
    """
    try:
        found: list[Address] = [ip_address(host)]
    except ValueError:
        found = [ip_address(text) for text in await resolve(host, port)]
    if not found:
        raise OSError(f"{host} has no address")
    reasons = [reason for reason in map(refused, found) if reason]
    if reasons:
        raise Forbidden(f"{host} must not be asked: {'; '.join(reasons)}")
    return found


class Pinned(AbstractResolver):
    """Answers with addresses that were judged, and for one host alone."""

    def __init__(self, host: str, addresses: Iterable[Address]) -> None:
        self._host = host
        self._addresses = tuple(addresses)

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        if host != self._host:
            raise OSError(f"{host} was not looked up: only {self._host} may be asked")
        return [
            ResolveResult(
                hostname=host,
                host=str(address),
                port=port,
                family=socket.AF_INET if address.version == 4 else socket.AF_INET6,
                proto=0,
                flags=socket.AI_NUMERICHOST,
            )
            for address in self._addresses
        ]

    async def close(self) -> None:
        """Nothing is kept."""
