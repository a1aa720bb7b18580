"""How our servers listen and stop, as the Prometheus family's do."""

from __future__ import annotations

import asyncio
import errno
import signal
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Self

from aiohttp import web

from tocsin.errors import TocsinError, UsageError

LOOPBACK = {"127.0.0.1", "::1", "localhost"}


@dataclass(frozen=True, slots=True)
class Listen:
    """Where to listen; port 0 takes a free one."""

    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """`127.0.0.1:9095`, `[::1]:9095` or `:9095` (every address).

        Raises:
            UsageError: it is none of these.
        """
        host, colon, port = text.rpartition(":")
        if not colon or not port.isdecimal() or int(port) > 65535:
            raise UsageError(f"--web.listen-address {text!r} is no address; write it as 127.0.0.1:9095")
        return cls(host.strip("[]") or "0.0.0.0", int(port))

    @property
    def loopback(self) -> bool:
        """Whether nobody but this machine reaches it."""
        try:
            return self.host in LOOPBACK or ip_address(self.host).is_loopback
        except ValueError:
            return False

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def only_known(listen: Listen, *, asks: bool, way_out: str, whom: str = "who calls") -> None:
    """Nothing is reached from other machines that asks nobody who they are.

    Raises:
        UsageError: it would be.
    """
    if not listen.loopback and not asks:
        raise UsageError(
            f"--web.listen-address {listen}: other machines reach it, and nothing asks {whom}: {way_out}; "
            f"or listen on 127.0.0.1:{listen.port}"
        )


STOPPING = (signal.SIGTERM, signal.SIGINT)


def stop_asked() -> asyncio.Event:
    """An event that the first SIGTERM or SIGINT sets; the second one ends the process at once."""
    asked, loop = asyncio.Event(), asyncio.get_running_loop()

    def ask() -> None:
        asked.set()
        for number in STOPPING:
            loop.remove_signal_handler(number)
            signal.signal(number, signal.SIG_DFL)

    for number in STOPPING:
        loop.add_signal_handler(number, ask)
    return asked


def on_hangup(act: Callable[[], object]) -> None:
    """Calls `act` at each SIGHUP, from now on."""
    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, act)


async def stop_listening(server: web.AppRunner) -> None:
    """No new connection is taken; those that are there go on. (`cleanup` would pass over what they still send.)"""
    for site in list(server.sites):
        await site.stop()


async def serve(server: web.AppRunner, listen: Listen, tls: ssl.SSLContext | None = None) -> str:
    """Starts to listen; gives the address as a URL.

    Raises:
        TocsinError: the address cannot be had.
    """
    await server.setup()
    try:
        await web.TCPSite(server, listen.host, listen.port, ssl_context=tls).start()
    except OSError as error:
        why = "it is in use; is another one running?" if error.errno == errno.EADDRINUSE else f"{error.strerror}."
        raise TocsinError(f"cannot listen on {listen}: {why} Choose another with --web.listen-address") from error
    host, port = server.addresses[0][:2]
    return f"{'https' if tls else 'http'}://{Listen(host, port)}"
