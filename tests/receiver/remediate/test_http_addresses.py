"""Where a step of kind http may be led, and where never."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from ipaddress import ip_address, ip_network

import pytest

from receiver.remediate.steps.http_addresses import (
    Address,
    Forbidden,
    Pinned,
    addresses,
    by_system,
    host_of,
    nature,
    refusal,
)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("8.8.8.8", "public"),
        ("2606:4700::1111", "public"),
        ("::ffff:8.8.8.8", "public"),
        ("64:ff9b::808:808", "public"),
        ("2002:808:808::", "public"),
        ("10.0.0.1", "private"),
        ("172.16.0.1", "private"),
        ("172.31.255.255", "private"),
        ("192.168.1.1", "private"),
        ("100.64.0.1", "private"),
        ("fd12::1", "private"),
        ("::ffff:10.0.0.1", "private"),
        ("127.0.0.1", "loopback"),
        ("127.255.255.254", "loopback"),
        ("::1", "loopback"),
        ("::ffff:127.0.0.1", "loopback"),
        ("::127.0.0.1", "loopback"),
        ("64:ff9b::7f00:1", "loopback"),
        ("2002:7f00:1::", "loopback"),
        ("169.254.169.254", "a metadata service"),
        ("::ffff:169.254.169.254", "a metadata service"),
        ("64:ff9b::a9fe:a9fe", "a metadata service"),
        ("2002:a9fe:a9fe::1", "a metadata service"),
        ("fd00:ec2::254", "a metadata service"),
        ("168.63.129.16", "a metadata service"),
        ("100.100.100.200", "a metadata service"),
        ("169.254.0.1", "link-local"),
        ("fe80::1", "link-local"),
        ("fe80::1%eth0", "link-local"),
        ("0.0.0.0", "unspecified"),
        ("0.1.2.3", "unspecified"),
        ("::", "unspecified"),
        ("224.0.0.1", "multicast"),
        ("ff02::1", "multicast"),
        ("255.255.255.255", "reserved"),
        ("192.0.2.1", "reserved"),
        ("fec0::1", "reserved"),
        ("64:ff9b:1::1", "reserved"),
        ("2001:0:808:808:0:0:80ff:fffe", "loopback"),  # Teredo: 127.0.0.1, turned over
    ],
)
def test_nature(text: str, kind: str) -> None:
    """An address is what it is, and one that carries an IPv4 address is no better than that."""
    assert nature(ip_address(text)) == kind


@pytest.mark.parametrize(
    ("text", "private", "network", "allowed"),
    [
        ("8.8.8.8", False, "", True),
        ("10.1.2.3", False, "", False),
        ("127.0.0.1", False, "", False),
        ("10.1.2.3", True, "", True),
        ("127.0.0.1", True, "", True),
        ("169.254.169.254", True, "", False),
        ("fd00:ec2::254", True, "", False),
        ("169.254.1.1", True, "", False),
        ("0.0.0.0", True, "", False),
        ("10.1.2.3", False, "10.1.0.0/16", True),
        ("10.2.2.3", False, "10.1.0.0/16", False),
        ("fd00:ec2::254", False, "fd00::/8", False),
        ("127.0.0.1", False, "127.0.0.0/8", False),
        ("::ffff:127.0.0.1", False, "::/0", False),
    ],
)
def test_refusal(text: str, private: bool, network: str, allowed: bool) -> None:
    """What an operator says opens private addresses; link-local and metadata ones stay shut whatever is said."""
    networks = [ip_network(network)] if network else []
    assert (refusal(ip_address(text), private, networks) == "") is allowed


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("LB.example", "lb.example"),
        ("a_b-c.d", "a_b-c.d"),
        ("192.0.2.1", "192.0.2.1"),
        ("[2001:DB8::1]", "2001:db8::1"),
        ("::1", "::1"),
        ("[::ffff:127.0.0.1]", "::ffff:7f00:1"),
        ("2130706433", None),
        ("017700000001", None),
        ("0177.0.0.1", None),
        ("0x7f000001", None),
        ("0x7f.0.0.1", None),
        ("127.1", None),
        ("127.0.0.01", None),
        ("localhost.", None),
        ("user@lb.example", None),
        ("lb.example@169.254.169.254", None),
        ("lb.example:80", None),
        ("lb.example/", None),
        ("lb.example#", None),
        ("lb.example\\", None),
        ("lb%2eexample", None),
        ("lb.example\n", None),
        ("lb example", None),
        ("[127.0.0.1]", None),
        ("fe80::1%eth0", None),
        ("１２７.0.0.1", None),
        ("ⓛocalhost", None),
        ("", None),
        (".", None),
        ("-x", None),
        ("a" * 64, None),
        (".".join(["a" * 60] * 5), None),
    ],
)
def test_host(text: str, host: str | None) -> None:
    """A host is a plain name or an address in the one form that every program reads alike."""
    if host is None:
        with pytest.raises(ValueError, match=r"is no|to some programs only"):
            host_of(text)
    else:
        assert host_of(text) == host


def judge(address: Address) -> str:
    return refusal(address, False, ())


@pytest.mark.parametrize(
    ("host", "told"),
    [
        ("lb.example", ["127.0.0.1"]),
        ("lb.example", ["8.8.8.8", "10.0.0.1"]),
        ("lb.example", ["8.8.8.8", "::ffff:169.254.169.254"]),
        ("lb.example", ["fe80::1%eth0"]),
        ("127.0.0.1", []),
        ("::ffff:7f00:1", []),
    ],
)
async def test_one_bad_address_is_enough(host: str, told: Sequence[str]) -> None:
    """A host is refused for any of its addresses, also where it is an address itself."""

    async def resolve(host: str, port: int) -> Sequence[str]:
        return told

    with pytest.raises(Forbidden, match="must not be asked"):
        await addresses(host, 80, resolve, judge)


async def test_without_addresses() -> None:
    """A name that means nothing is no address."""

    async def resolve(host: str, port: int) -> Sequence[str]:
        return []

    with pytest.raises(OSError, match="has no address"):
        await addresses("lb.example", 80, resolve, judge)


async def test_the_system_reads_numbers_as_addresses() -> None:
    """Which is why they are no host names here; whatever the system makes of them would be judged, too."""
    with pytest.raises(Forbidden):
        await addresses("localhost", 80, by_system, judge)
    for text in ("2130706433", "0x7f.1", "127.1"):
        assert await by_system(text, 80) == ["127.0.0.1"]
        with pytest.raises(Forbidden):
            await addresses(text, 80, by_system, judge)


async def test_pinned() -> None:
    """What was judged is what is asked, and nothing else can be looked up on the way."""
    pinned = Pinned("lb.example", [ip_address("8.8.8.8"), ip_address("2606:4700::1111")])
    found = await pinned.resolve("lb.example", 443)
    assert [(one["host"], one["port"], one["family"]) for one in found] == [
        ("8.8.8.8", 443, socket.AF_INET),
        ("2606:4700::1111", 443, socket.AF_INET6),
    ]
    with pytest.raises(OSError, match=r"only lb\.example"):
        await pinned.resolve("other.example", 443)
