"""`oauth2`: tokens by client credentials (RFC 6749, 4.4; prometheus/common: OAuth2)."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Self
from urllib.parse import quote_plus

import aiohttp
import msgspec
from pydantic import Field, StringConstraints, model_validator

from tocsin.config import Settings, read_secret
from tocsin.errors import ApiUnavailable, TocsinError
from tocsin.tls import Tls, refuse

EARLY_SECONDS = 10.0  # a token is asked for anew before it expires, as golang.org/x/oauth2 does
TIMEOUT_SECONDS = 20.0


class OAuth2(Settings):
    """Who we are to the server that gives tokens."""

    client_id: Annotated[str, StringConstraints(min_length=1)]
    client_secret: str = ""
    client_secret_file: Path | None = None
    token_url: Annotated[str, StringConstraints(pattern=r"^https?://[^/]")]
    scopes: tuple[str, ...] = ()
    endpoint_params: dict[str, str] = Field(default_factory=dict)
    tls_config: Tls | None = None
    proxy_url: str | None = None

    @model_validator(mode="after")
    def _secret_once(self) -> Self:
        if bool(self.client_secret) == bool(self.client_secret_file):
            raise refuse("needs client_secret_file, or client_secret from the environment", "write client_secret_file")
        return self

    def secret(self) -> str:
        return read_secret(self.client_secret_file) if self.client_secret_file else self.client_secret


class _Token(msgspec.Struct, frozen=True):
    access_token: str
    token_type: str = "Bearer"  # noqa: S105 - a kind, no secret
    expires_in: float | None = None


_TOKEN = msgspec.json.Decoder(_Token, strict=False)


class Tokens:
    """A token, asked for when there is none that holds."""

    def __init__(
        self, settings: OAuth2, session: aiohttp.ClientSession, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._settings = settings
        self._session = session
        self._now = now
        self._asking = asyncio.Lock()
        self._header = ""
        self._until = -math.inf

    def drop(self) -> None:
        """The token was refused: the next one is asked for."""
        self._until = -math.inf

    async def header(self) -> str:
        """`Bearer …`.

        Raises:
            ApiUnavailable: nobody gives a token just now.
            TocsinError: we get none; the message says why.
        """
        async with self._asking:
            if self._now() >= self._until:
                token = await self._token()
                self._header = f"{token.token_type.replace('bearer', 'Bearer')} {token.access_token}"
                lasting = math.inf if token.expires_in is None else token.expires_in - EARLY_SECONDS
                self._until = self._now() + lasting
            return self._header

    async def _token(self) -> _Token:
        """Says who we are in the header, and in the form where that is refused: servers want the one or the other."""
        settings, secret = self._settings, self._settings.secret()
        form = {"grant_type": "client_credentials", "scope": " ".join(settings.scopes), **settings.endpoint_params}
        form = {name: value for name, value in form.items() if value}
        login = aiohttp.encode_basic_auth(quote_plus(settings.client_id), quote_plus(secret))
        status, body = await self._ask(form, {"Authorization": login})
        if status in (400, 401):
            status, body = await self._ask(form | {"client_id": settings.client_id, "client_secret": secret}, {})
        if status >= 500:
            raise ApiUnavailable(f"{settings.token_url} answers HTTP {status} when asked for a token")
        try:
            return _TOKEN.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise TocsinError(f"{settings.token_url} gives us no token (HTTP {status}): check oauth2") from error

    async def _ask(self, form: Mapping[str, str], headers: Mapping[str, str]) -> tuple[int, bytes]:
        settings = self._settings
        try:
            async with self._session.post(
                settings.token_url,
                data=dict(form),
                headers=dict(headers),
                ssl=settings.tls_config.context() if settings.tls_config else True,
                proxy=settings.proxy_url,
                timeout=aiohttp.ClientTimeout(total=TIMEOUT_SECONDS),
            ) as answer:
                return answer.status, await answer.read()
        except (aiohttp.ClientError, TimeoutError) as error:
            what = str(error) or type(error).__name__
            raise ApiUnavailable(f"{settings.token_url} cannot be asked for a token: {what}") from error
