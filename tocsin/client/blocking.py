"""The client that waits for its answers: the standard library's urllib, nothing else."""

from __future__ import annotations

import http.client
import json
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from tocsin.client.call import Blocking, Call, Json, calendar_path, path
from tocsin.client.calls import Calls
from tocsin.client.run_calls import RunCalls
from tocsin.client.server import TIMEOUT_SECONDS, Server, attempts, key_of


@dataclass(frozen=True, slots=True)
class Client(Server, Calls, RunCalls, Blocking):
    """Speaks to one server. A POST is sent again where it is not known what became of it; it is carried out once."""

    def ask(self, call: Call) -> Any:
        """The answer to a call.

        Raises:
            ApiUnavailable: the server cannot be reached, or cannot answer just now.
            TocsinError: it refuses; the message is its own.
        """
        key = key_of(call)
        if not key:
            return self.json(call, self.content(call.method, call.target, call.body))
        import tenacity

        send = tenacity.Retrying(**attempts()).wraps(self.content)
        return self.json(call, send(call.method, call.target, call.body, key=key))

    def pages(self, call: Call) -> Iterator[Json]:
        """Every item of a list, page by page; raises as `ask` does."""
        cursor = None
        while True:
            page = self.ask(Call(call.method, call.path, {**call.query, "limit": 1000, "cursor": cursor}))
            yield from page["items"]
            cursor = page["next"]
            if cursor is None:
                return

    def graph(self, incident: str, drawn: str = "svg") -> str:
        """The tree of an incident as a picture: `svg` or `mermaid`."""
        call = Call("GET", path("incidents", incident, "graph"), {"format": drawn})
        return self.content(call.method, call.target).decode()

    def calendar(self, schedule: str, weeks: int) -> bytes:
        """A schedule's shifts as iCalendar."""
        call = Call("GET", calendar_path(schedule), {"weeks": weeks})
        return self.content(call.method, call.target)

    def content(
        self,
        method: str,
        target: str,
        body: Mapping[str, Any] | None = None,
        timeout_seconds: float = TIMEOUT_SECONDS,
        *,
        key: str = "",
    ) -> bytes:
        """One request, sent once; what is answered, as it comes.

        Raises:
            ApiUnavailable: the server cannot be reached, or cannot answer just now.
            TocsinError: it refuses; the message is its own.
        """
        with self._open(method, target, body, timeout_seconds, key) as response:
            answer: bytes = response.read()
            return answer

    def lines(self, target: str, timeout_seconds: float = TIMEOUT_SECONDS) -> Iterator[bytes]:
        """The lines of an answer as they come, for as long as the server says something now and then.

        Raises:
            ApiUnavailable: the server cannot be reached, cannot answer just now, or falls silent.
            TocsinError: it refuses; the message is its own.
        """
        with self._open("GET", target, None, timeout_seconds, "") as response:
            yield from response

    @contextmanager
    def _open(
        self, method: str, target: str, body: Mapping[str, Any] | None, timeout_seconds: float, key: str
    ) -> Iterator[Any]:
        data = None if body is None else json.dumps(body).encode()
        headers = self.headers(body, key)
        request = urllib.request.Request(self.url + target, data, headers, method=method)  # noqa: S310 - http(s) only
        try:
            with urllib.request.urlopen(request, timeout=timeout_seconds) as response:  # noqa: S310
                yield response
        except urllib.error.HTTPError as error:
            with error:
                raise self.refusal(error.code, error.read()) from error
        except (OSError, TimeoutError, http.client.HTTPException) as error:
            raise self.unreachable(getattr(error, "reason", error)) from error
