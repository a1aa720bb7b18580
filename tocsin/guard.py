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

from tocsin.attempts import Attempts
from tocsin.config import load
from tocsin.errors import InputError
from tocsin.passwords import Passwords, basic_credentials
from tocsin.problem import as_text
from tocsin.webconfig import WebConfig

log = structlog.get_logger("tocsin.web")

LOGIN = web.RequestKey("login", str)  # the name whose password was right
Exempt = Callable[[web.Request], bool]
Stamp = tuple[tuple[int, int, int] | None, ...]


def _none(request: web.Request) -> bool:
    return False


class Guard:
    """Who may call, over which TLS, and which headers stand in every answer."""

    def __init__(self, file: Path | None = None, attempts: Attempts | None = None) -> None:
        """Reads the file; without one everybody may call, over plain HTTP.

        Raises:
            InputError: the file cannot be used.
        """
        self.must_ask = False  # a file that asks nobody any more is not taken then
        self._file = file
        self._config = load(file, WebConfig) if file else WebConfig()
        self._stamp = self._stamped()
        tls = self._config.tls_server_config
        self._context = tls.context() if tls else None
        self._passwords = Passwords()
        self._attempts = attempts or Attempts()

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

    def middleware(self, exempt: Exempt = _none, patient: Exempt = _none) -> Middleware:
        """What stands before every handler; `exempt` names requests that prove themselves otherwise.

        Whoever gave wrong passwords too often is sent away for a while, without a look at the next one; `patient`
        names requests that are looked at all the same, since they would not be made again.
        """

        @web.middleware
        async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
            config = self.config
            if not _san_allowed(request, config):
                answer: web.StreamResponse = web.Response(status=403, text="this certificate may not call here\n")
            elif (refusal := None if exempt(request) else await self._refusal(request, config, patient)) is None:
                try:
                    answer = await handler(request)
                except web.HTTPException as error:
                    error.headers.update(config.http_server_config.headers)
                    raise
            else:
                answer = refusal
            answer.headers.update(config.http_server_config.headers)
            return answer

        return guard

    async def _refusal(self, request: web.Request, config: WebConfig, patient: Exempt) -> web.Response | None:
        """Why a request is turned away; None: it is not, and `login` of the request is the name that was proved."""
        users = config.basic_auth_users
        if not users:
            return None
        given = basic_credentials(request.headers.getall("Authorization", ()))
        if given is not None:
            wait = 0.0 if patient(request) else self._attempts.wait_seconds(request.remote)
            if wait and not self._passwords.known(users, *given):
                text = f"too many wrong passwords; try again in {wait:.0f} s\n"
                return web.Response(status=429, text=text, headers={"Retry-After": f"{wait:.0f}"})
            if await self._passwords.fits(users, *given):
                request[LOGIN] = given[0]
                return None
            if self._attempts.failed(request.remote):
                log.warning("a password is wrong; more from there are not told", remote=request.remote)
        return web.Response(status=401, text="Unauthorized\n", headers={"WWW-Authenticate": "Basic"})

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
        if self.must_ask and not config.asks:
            log.error("a web configuration that asks nobody is not taken while others reach us, the old one stays")
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
