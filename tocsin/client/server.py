"""Which server is called, who calls, and what its answers mean: what both clients share."""

from __future__ import annotations

import base64
import getpass
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote, unquote, urlsplit
from uuid import uuid4

from tocsin.client.call import Call
from tocsin.errors import ApiUnavailable, TocsinError, UsageError

DEFAULT_URL = "http://127.0.0.1:9095"
TIMEOUT_SECONDS = 30
TOKEN_PREFIX = "tocsin_"  # noqa: S105  # what tokens of a receiver begin with
KEY = "Idempotency-Key"
ATTEMPTS = 4  # of a request that has a key
FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS = 0.25, 4.0
IN_PROGRESS = "urn:tocsin:problem:in-progress"


@dataclass(frozen=True, slots=True)
class Server:
    """A receiver, or the `server` that is named."""

    url: str = DEFAULT_URL
    token_file: Path | None = None
    login: str = field(default="", repr=False)  # name:password
    server: str = "receiver"

    @classmethod
    def from_environment(
        cls, url: str | None = None, environment: Mapping[str, str] = os.environ, *, server: str = "receiver"
    ) -> Self:
        """The server at a URL, or at TOCSIN_URL, with the token in TOCSIN_TOKEN_FILE.

        A name and a password in the URL are a user's of the server's --web.config.file; the password may stand in
        TOCSIN_PASSWORD_FILE instead.

        Raises:
            UsageError: the URL is none.
        """
        chosen = (url or environment.get("TOCSIN_URL") or DEFAULT_URL).rstrip("/")
        if urlsplit(chosen).scheme not in ("http", "https") or not urlsplit(chosen).netloc:
            raise UsageError(f"{chosen!r} is not a URL; write it as {DEFAULT_URL}")
        token_file = environment.get("TOCSIN_TOKEN_FILE")
        login, at, _ = urlsplit(chosen).netloc.rpartition("@")
        bare = chosen.replace(f"{login}@", "", 1) if at else chosen
        password_file = environment.get("TOCSIN_PASSWORD_FILE")
        if at and ":" not in login and password_file:
            from tocsin.config import read_secret

            login = f"{login}:{quote(read_secret(Path(password_file)), safe='')}"
        return cls(bare, Path(token_file) if token_file else None, unquote(login), server)

    def asks_as(self) -> str:
        """Who is told to have asked: the login's name, or the user's; empty where a token of the server's tells."""
        if self.token_file is not None and self._token().startswith(TOKEN_PREFIX):
            return ""
        return self.login.partition(":")[0] or user()

    def headers(self, body: Mapping[str, Any] | None, key: str = "") -> dict[str, str]:
        """What stands in the head of a request."""
        headers = {"Accept": "application/json"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        if key:
            headers[KEY] = key
        if self.token_file is not None:
            headers["Authorization"] = f"Bearer {self._token()}"
        elif self.login:
            headers["Authorization"] = "Basic " + base64.b64encode(self.login.encode()).decode()
        return headers

    def _token(self) -> str:
        from tocsin.config import read_secret

        assert self.token_file is not None
        return read_secret(self.token_file).strip()

    def json(self, call: Call, content: bytes) -> Any:
        """What an answer says.

        Raises:
            TocsinError: it is no JSON.
        """
        try:
            return json.loads(content or b"null")
        except ValueError as error:
            where = f"{self.url}{call.path}"
            raise TocsinError(f"{where}: the answer is not JSON; is this Tocsin's {self.server}?") from error

    def unreachable(self, reason: object) -> ApiUnavailable:
        """Why nobody answers."""
        told = str(reason) or type(reason).__name__
        return ApiUnavailable(
            f"{self.url} cannot be reached: {told}; is the {self.server} running? (--url, TOCSIN_URL)"
        )

    def refusal(self, status: int, content: bytes) -> TocsinError:
        """Why it refuses, in its own words."""
        kind = ""
        try:
            said = json.loads(content)
            detail, kind = said["detail"], said.get("type", "")
        except (ValueError, KeyError, TypeError, AttributeError):
            detail = f"{self.url} answered {status}; is this Tocsin's {self.server}?"
            if status == 401:
                detail = (
                    f"{self.url} wants to know who asks: name the file of a token in TOCSIN_TOKEN_FILE (`tocsin tokens "
                    "create` makes one), or write TOCSIN_URL as https://name:password@host:port"
                )
            elif status in (403, 429) and content.isascii():
                detail = f"{self.url} answered {status}: {content.decode('ascii').strip()[:200]}"
        return ApiUnavailable(detail) if status >= 500 or kind == IN_PROGRESS else TocsinError(detail)


def key_of(call: Call) -> str:
    """What a POST is named by, so that it can be sent again; nothing for what changes nothing."""
    return call.key or uuid4().hex if call.method == "POST" else ""


def attempts() -> Any:
    """How a request with a key is sent again: after ever longer waits, with jitter."""
    import tenacity

    return {
        "retry": tenacity.retry_if_exception_type(ApiUnavailable),
        "stop": tenacity.stop_after_attempt(ATTEMPTS),
        "wait": tenacity.wait_random_exponential(FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS),
        "reraise": True,
    }


def user() -> str:
    """Who asks: the user's name, or its number where it has none, as in many a container."""
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):  # whichever of them the version of Python raises
        return f"uid {os.getuid()}"
