"""The HTTP client of Tocsin's own API, for the commands and for people's scripts.

client = Client.from_environment()
for incident in client.incidents(status="open"):
    client.acknowledge(incident["id"], by="alice")
"""

from __future__ import annotations

import base64
import getpass
import http.client
import json
import os
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote, unquote, urlencode, urlsplit

from tocsin.errors import ApiUnavailable, TocsinError, UsageError

DEFAULT_URL = "http://127.0.0.1:9095"
TIMEOUT_SECONDS = 30


@dataclass(frozen=True, slots=True)
class Client:
    """Speaks to one receiver, or to the `server` that is named."""

    url: str = DEFAULT_URL
    token_file: Path | None = None
    login: str = field(default="", repr=False)  # name:password
    server: str = "receiver"

    @classmethod
    def from_environment(
        cls, url: str | None = None, environment: Mapping[str, str] = os.environ, *, server: str = "receiver"
    ) -> Self:
        """The server at a URL, or at TOCSIN_URL, with the token in TOCSIN_TOKEN_FILE.

        A name and a password in the URL are a user's of the server's --web.config.file.

        Raises:
            UsageError: the URL is none.
        """
        chosen = (url or environment.get("TOCSIN_URL") or DEFAULT_URL).rstrip("/")
        if urlsplit(chosen).scheme not in ("http", "https") or not urlsplit(chosen).netloc:
            raise UsageError(f"{chosen!r} is not a URL; write it as {DEFAULT_URL}")
        token_file = environment.get("TOCSIN_TOKEN_FILE")
        login, at, _ = urlsplit(chosen).netloc.rpartition("@")
        bare = chosen.replace(f"{login}@", "", 1) if at else chosen
        return cls(bare, Path(token_file) if token_file else None, unquote(login), server)

    def incidents(self, *, status: str | None = None) -> Iterator[dict[str, Any]]:
        """Every incident, newest first, page by page."""
        return self._pages("/api/v1/incidents", {} if status is None else {"status": status})

    def alerts(
        self, *, status: str | None = None, incident: str | None = None, suppressed: bool | None = None
    ) -> Iterator[dict[str, Any]]:
        """Every alert, newest first, page by page; `suppressed` asks for those that are held back, or that are not."""
        held = None if suppressed is None else str(suppressed).lower()
        wanted = {"status": status, "incident": incident, "suppressed": held}
        return self._pages("/api/v1/alerts", {name: value for name, value in wanted.items() if value is not None})

    def incident(self, incident: str) -> dict[str, Any]:
        """One incident with its alerts and its timeline; the beginning of an id is enough."""
        return self._one("GET", incident)

    def acknowledge(self, incident: str, *, by: str) -> dict[str, Any]:
        """Somebody has it: nobody else is told."""
        return self._one("POST", incident, "/acknowledge", {"by": by})

    def resolve(self, incident: str, *, by: str) -> dict[str, Any]:
        """It is over, whatever its alerts say."""
        return self._one("POST", incident, "/resolve", {"by": by})

    def decide(self, incident: str, what: str, said: Mapping[str, Any]) -> dict[str, Any]:
        """What a person decides: `merge`, `split`, `move`, `cause` or `noise`, with the API's JSON."""
        answer: dict[str, Any] = self._call("POST", f"/api/v1/incidents/{quote(incident, safe='')}/{what}", said)
        return answer

    def graph(self, incident: str, drawn: str = "svg") -> str:
        """The tree of an incident as a picture: `svg` or `mermaid`."""
        path = f"/api/v1/incidents/{quote(incident, safe='')}/graph?{urlencode({'format': drawn})}"
        return self.content("GET", path).decode()

    def maintenance(self) -> Iterator[dict[str, Any]]:
        """Every maintenance window, those of the configuration and ended ones included."""
        return self._pages("/api/v1/maintenance", {})

    def add_maintenance(self, window: Mapping[str, Any]) -> dict[str, Any]:
        """Adds a window: the settings of one in the configuration, and `by`."""
        added: dict[str, Any] = self._call("POST", "/api/v1/maintenance", window)
        return added

    def end_maintenance(self, window: str, *, by: str) -> dict[str, Any]:
        """Ends a window now; the beginning of an id is enough."""
        ended: dict[str, Any] = self._call("POST", f"/api/v1/maintenance/{quote(window, safe='')}/end", {"by": by})
        return ended

    def quarantined(self) -> Iterator[dict[str, Any]]:
        """Every body in quarantine, newest first, page by page."""
        return self._pages("/api/v1/quarantine", {})

    def quarantined_body(self, number: int) -> dict[str, Any]:
        """One body in quarantine, with the beginning of its content."""
        found: dict[str, Any] = self._call("GET", f"/api/v1/quarantine/{number}")
        return found

    def retry_quarantined(self, number: int) -> dict[str, Any]:
        """Puts a body back into the inbox."""
        answer: dict[str, Any] = self._call("POST", f"/api/v1/quarantine/{number}/retry", {})
        return answer

    def _one(
        self, method: str, incident: str, action: str = "", body: Mapping[str, str] | None = None
    ) -> dict[str, Any]:
        found: dict[str, Any] = self._call(method, f"/api/v1/incidents/{quote(incident, safe='')}{action}", body)
        return found

    def _pages(self, path: str, query: Mapping[str, str]) -> Iterator[dict[str, Any]]:
        cursor: str | None = None
        while True:
            asked = dict(query) | {"limit": "1000"} | ({"cursor": cursor} if cursor else {})
            page = self._call("GET", f"{path}?{urlencode(asked)}")
            yield from page["items"]
            cursor = page["next"]
            if cursor is None:
                return

    def _call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """One request whose answer is JSON; raises as `content` does."""
        try:
            return json.loads(self.content(method, path, body) or b"null")
        except ValueError as error:
            raise TocsinError(f"{self.url}{path}: the answer is not JSON; is this Tocsin's {self.server}?") from error

    def content(
        self, method: str, path: str, body: Mapping[str, Any] | None = None, timeout_seconds: float = TIMEOUT_SECONDS
    ) -> bytes:
        """One request; what is answered, as it comes.

        Raises:
            ApiUnavailable: the server cannot be reached, or cannot answer just now.
            TocsinError: it refuses; the message is its own.
        """
        with self._open(method, path, body, timeout_seconds) as response:
            answer: bytes = response.read()
            return answer

    def lines(self, path: str, timeout_seconds: float = TIMEOUT_SECONDS) -> Iterator[bytes]:
        """The lines of an answer as they come, for as long as the server says something now and then.

        Raises:
            ApiUnavailable: the server cannot be reached, cannot answer just now, or falls silent.
            TocsinError: it refuses; the message is its own.
        """
        with self._open("GET", path, None, timeout_seconds) as response:
            yield from response

    @contextmanager
    def _open(self, method: str, path: str, body: Mapping[str, Any] | None, timeout_seconds: float) -> Iterator[Any]:
        headers = {"Accept": "application/json"}
        data = None
        if body is not None:
            headers["Content-Type"] = "application/json"
            data = json.dumps(body).encode()
        if self.token_file is not None:
            from tocsin.config import read_secret

            headers["Authorization"] = f"Bearer {read_secret(self.token_file)}"
        elif self.login:
            headers["Authorization"] = "Basic " + base64.b64encode(self.login.encode()).decode()
        request = urllib.request.Request(self.url + path, data, headers, method=method)  # noqa: S310 - http(s) only
        try:
            with urllib.request.urlopen(request, timeout=timeout_seconds) as response:  # noqa: S310
                yield response
        except urllib.error.HTTPError as error:
            with error:
                raise _refusal(self.url, self.server, error.code, error.read()) from error
        except (OSError, TimeoutError, http.client.HTTPException) as error:
            reason = getattr(error, "reason", error)
            raise ApiUnavailable(
                f"{self.url} cannot be reached: {reason}; is the {self.server} running? (--url, TOCSIN_URL)"
            ) from error


def user() -> str:
    """Who asks: the user's name, or its number where it has none, as in many a container."""
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):  # whichever of them the version of Python raises
        return f"uid {os.getuid()}"


def _refusal(url: str, server: str, status: int, content: bytes) -> TocsinError:
    try:
        detail = json.loads(content)["detail"]
    except (ValueError, KeyError, TypeError):
        detail = f"{url} answered {status}; is this Tocsin's {server}?"
        if status == 401:
            detail = f"{url} wants a name and a password: write TOCSIN_URL as https://name:password@host:port"
    return ApiUnavailable(detail) if status >= 500 else TocsinError(detail)
