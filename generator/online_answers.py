"""What comes back from a server, and what it means where it is no answer: one reason, and the way out."""

from __future__ import annotations

import os

import aiohttp
import msgspec

from tocsin.errors import TocsinError
from tocsin.problem import Level, Position, Problem

NO_METADATA = (400, 404, 405, 501)  # not every server that speaks PromQL has it


class _Refusal(msgspec.Struct, frozen=True):
    error: str


class RefusedError(Exception):
    """The server's words for not answering one question."""


class UselessError(Exception):
    """Why the server is of no use, and the way out."""

    def __init__(self, what: str, hint: str) -> None:
        super().__init__(what)
        self.hint = hint


def useful(status: int, body: bytes, *, authorizes: bool) -> bytes:
    """The body of an answer that is one; `authorizes` is whether we said who asks.

    Raises:
        UselessError: it says that we may not ask, or comes from something else.
    """
    if status in (401, 403, 407):
        given = "check what it gives" if authorizes else "add basic_auth or authorization there"
        raise UselessError(f"refuses us ({status})", f"say who asks in --http.config.file; {given}")
    if status == 404:
        raise UselessError("has no Prometheus API there (404)", "add the path, such as /prometheus or /select/0")
    if not 200 <= status < 300:
        said = reason_of(body)
        what = f"answers {status}: {said}" if said else f"answers {status}"
        raise UselessError(what, "look at the server, or try again later")
    if not body.lstrip().startswith(b"{"):
        start = body[:1000].lower()
        page = "a page of HTML" if b"<html" in start or b"<!doctype" in start else "no JSON"
        hint = "a login page or a proxy may stand before it: say who asks in --http.config.file, or fix the address"
        raise UselessError(f"answers {page}, not as a Prometheus", hint)
    return body


def reason_of(body: bytes) -> str:
    """Prometheus's own words for an error; nothing where it did not speak."""
    try:
        return msgspec.json.decode(body, type=_Refusal).error
    except ValueError:
        return ""


def why(error: Exception, timeout_seconds: float, option: str = "--prometheus.url") -> tuple[str, str]:
    """What is wrong with the server that the option names, and the way out."""
    match error:
        case UselessError():
            return str(error), error.hint
        case TocsinError():
            return f"is not asked: {error}", "mend oauth2, or the secret's file, in --http.config.file"
        case TimeoutError():
            return f"does not answer within {timeout_seconds:g} s", "look at its load, or ask one nearer by"
        case aiohttp.ClientConnectorCertificateError():
            hint = "name who signed it: tls_config: {ca_file: …} in --http.config.file"
            return f"shows a certificate that is not trusted: {error.certificate_error}", hint
        case aiohttp.ClientConnectorSSLError():
            hint = "write http:// where it speaks no TLS; see tls_config in --http.config.file where it does"
            return f"speaks another TLS than we, or none: {error.strerror or error}", hint
        case aiohttp.ClientConnectorError():
            number = error.os_error.errno or 0  # below 0 it is of the resolver, whose words are plain
            said = os.strerror(number) if number > 0 else error.os_error.strerror or str(error)
            return f"cannot be reached: {said}", f"check {option}"
        case aiohttp.InvalidURL():
            return "is no address", "write it as http://127.0.0.1:9090"
        case aiohttp.ClientError():
            hint = "it may ask for a client's certificate: tls_config: {cert_file: …, key_file: …}"
            return f"hangs up: {error or type(error).__name__}", hint
        case _:
            return "answers otherwise than a Prometheus does", f"check {option}"


def problem(url: str, what: str, hint: str, level: Level = "error") -> Problem:
    """The problem of a server, at its address."""
    hint = f"{hint}; everything that needs no server was checked" if level == "error" else hint
    return Problem("online", f"the server {what}", Position(url), hint, severity=level)
