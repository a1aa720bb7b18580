"""Sessions and headers as an `HttpConfig` wants them."""

from __future__ import annotations

from collections.abc import Sequence

import aiohttp

from tocsin.http_config import HttpConfig
from tocsin.oauth2 import Tokens


def session(http: HttpConfig, timeout_seconds: float | None = None) -> aiohttp.ClientSession:
    """A session with this configuration's TLS and proxy, to be closed by the caller."""
    return aiohttp.ClientSession(
        timeout=aiohttp.ClientTimeout(total=timeout_seconds),
        connector=aiohttp.TCPConnector(ssl=http.tls_config.context()),
        proxy=http.proxy_url,
        trust_env=http.proxy_from_environment,
    )


class Identity:
    """Who we are to a server: the headers of each request. Secrets are read each time, so that they can be rotated."""

    def __init__(self, http: HttpConfig, session: aiohttp.ClientSession) -> None:
        self._http = http
        self._tokens = Tokens(http.oauth2, session) if http.oauth2 else None

    async def headers(self) -> Sequence[tuple[str, str]]:
        """Raises:
        ApiUnavailable: nobody gives us a token just now.
        TocsinError: a secret cannot be read, or we get no token.
        """
        own = list(self._http.headers())
        return [*own, ("Authorization", await self._tokens.header())] if self._tokens else own

    def refused(self) -> None:
        """The server does not let us in: a token that may be old is not shown again."""
        if self._tokens:
            self._tokens.drop()
