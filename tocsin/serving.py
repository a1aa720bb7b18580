"""How our servers listen and stop, as the Prometheus family's do."""

from __future__ import annotations

import asyncio
import errno
import signal
from dataclasses import dataclass
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
        return self.host in LOOPBACK

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def stop_asked() -> asyncio.Event:
    """An event that SIGTERM and SIGINT set, from now on."""
    asked = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, asked.set)
    return asked


async def serve(server: web.AppRunner, listen: Listen) -> str:
    """Starts to listen; gives the address as a URL.

    Raises:
        TocsinError: the address cannot be had.
    """
    await server.setup()
    try:
        await web.TCPSite(server, listen.host, listen.port).start()
    except OSError as error:
        why = "it is in use; is another one running?" if error.errno == errno.EADDRINUSE else f"{error.strerror}."
        raise TocsinError(f"cannot listen on {listen}: {why} Choose another with --web.listen-address") from error
    host, port = server.addresses[0][:2]
    return f"http://{Listen(host, port)}"
