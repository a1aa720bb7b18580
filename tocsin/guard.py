"""The web configuration in force: read again when one of its files changes, asked at each handshake and request.

Source: prometheus/exporter-toolkit web/tls_config.go and web/handler.go. A file that has become wrong is told once,
and what was in force stays.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable
from pathlib import Path

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from tocsin.config import load
from tocsin.errors import InputError
from tocsin.passwords import Passwords, basic_credentials
from tocsin.problem import as_text
from tocsin.webconfig import WebConfig

log = structlog.get_logger("tocsin.web")

Exempt = Callable[[web.Request], bool]
Stamp = tuple[tuple[int, int, int] | None, ...]


class Guard:
    """Who may call, over which TLS, and which headers stand in every answer."""

    def __init__(self, file: Path | None = None) -> None:
        """Reads the file; without one everybody may call, over plain HTTP.

        Raises:
            InputError: the file cannot be used.
        """
        self._file = file
        self._config = load(file, WebConfig) if file else WebConfig()
        self._stamp = self._stamped()
        tls = self._config.tls_server_config
        self._context = tls.context() if tls else None
        self._passwords = Passwords()

    @property
    def config(self) -> WebConfig:
        """The configuration as its files are now, or as they were when they last were right."""
        stamp = self._stamped()
        if stamp != self._stamp:
            self._read_again()
            self._stamp = self._stamped()
        return self._config

    def ssl_context(self) -> ssl.SSLContext | None:
        """The context to listen with; each handshake is given the certificates of that moment. None: plain HTTP."""
        if self._context is not None:
            self._context.sni_callback = self._choose
        return self._context

    def middleware(self, exempt: Exempt = lambda request: False) -> Middleware:
        """What stands before every handler; `exempt` names requests that prove themselves otherwise."""

        @web.middleware
        async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
            config = self.config
            if not _san_allowed(request, config):
                answer: web.StreamResponse = web.Response(status=403, text="this certificate may not call here\n")
            elif exempt(request) or await self._known(request, config):
                try:
                    answer = await handler(request)
                except web.HTTPException as error:
                    error.headers.update(config.http_server_config.headers)
                    raise
            else:
                headers = {"WWW-Authenticate": "Basic"}
                answer = web.Response(status=401, text="Unauthorized\n", headers=headers)
            answer.headers.update(config.http_server_config.headers)
            return answer

        return guard

    async def _known(self, request: web.Request, config: WebConfig) -> bool:
        if not config.basic_auth_users:
            return True
        given = basic_credentials(request.headers.getall("Authorization", ()))
        return given is not None and await self._passwords.fits(config.basic_auth_users, *given)

    def _choose(self, connection: ssl.SSLObject, name: str | None, context: ssl.SSLContext) -> None:
        """Gives a connection that is being made the newest certificates."""
        tls = self.config.tls_server_config
        if tls is not None and self._context is not None and context is not self._context:
            connection.context = self._context

    def _read_again(self) -> None:
        assert self._file is not None
        try:
            config = load(self._file, WebConfig)
        except InputError as error:
            log.error("the web configuration is not taken, the old one stays", problems=as_text(error.problems))
            return
        if (config.tls_server_config is None) != (self._config.tls_server_config is None):
            log.error("TLS is switched on or off by a restart only, the old web configuration stays")
            return
        if config.tls_server_config is not None:
            self._context = config.tls_server_config.context()
        self._config = config
        log.info("the web configuration was read again", file=str(self._file))

    def _stamped(self) -> Stamp:
        tls = self._config.tls_server_config
        files = [] if self._file is None else [self._file, *(tls.files if tls else ())]
        return tuple(_stamp(file) for file in files)


def _stamp(file: Path) -> tuple[int, int, int] | None:
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def _san_allowed(request: web.Request, config: WebConfig) -> bool:
    tls = config.tls_server_config
    if tls is None or not tls.client_allowed_sans:
        return True
    return not certificate_names(request, subject=False).isdisjoint(tls.client_allowed_sans)


def certificate_names(request: web.Request, *, subject: bool = True) -> frozenset[str]:
    """The names that the caller's verified certificate bears: its alternative names, and the subject's common name."""
    certificate = request.get_extra_info("peercert") or {}
    names = [value for _, value in certificate.get("subjectAltName", ())]
    if subject:
        names += [value for part in certificate.get("subject", ()) for key, value in part if key == "commonName"]
    return frozenset(names)
