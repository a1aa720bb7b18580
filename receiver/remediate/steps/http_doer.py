"""Does steps of kind `http`: one request, made once; what came of it is never guessed."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit

import aiohttp
from yarl import URL

from receiver.engine.runs_planned import Action
from receiver.remediate.output import bounded
from receiver.remediate.step import About, CannotBegin, Done, NotNow
from receiver.remediate.steps.http import asked
from receiver.remediate.steps.http_addresses import (
    Address,
    Forbidden,
    Judge,
    Resolve,
    addresses,
    by_system,
    refusal,
)
from receiver.remediate.steps.http_answer import Answer, judged
from receiver.remediate.steps.http_asking import Headers, Request, ask
from receiver.remediate.steps.http_edge import HttpEdge
from tocsin.errors import ApiUnavailable, TocsinError
from tocsin.http_client import Identity, session
from tocsin.masking import masked


class HttpDoer:
    """`edges` is replaced when the configuration is read again."""

    def __init__(self, edges: Mapping[str, HttpEdge], *, resolve: Resolve = by_system, judge: Judge = refusal) -> None:
        self.edges = edges
        self._resolve = resolve
        self._judge = judge
        self._identities: dict[str, tuple[HttpEdge, aiohttp.ClientSession, Identity]] = {}

    async def look(self, action: Action, about: About) -> Mapping[str, str]:
        """The addresses that would be asked; credentials can be read, and nothing is sent to the endpoint itself."""
        request = self._request(action)
        try:
            async with asyncio.timeout(action.timeout.total_seconds()):
                found = await self._addresses(request)
                await self._headers(request, about)
        except (ApiUnavailable, OSError) as error:  # TimeoutError is one, and what the resolver raises
            raise NotNow(f"{request.host}: {_words(error, request)}") from error
        except TocsinError as error:
            raise CannotBegin(_words(error, request)) from error
        return {"addresses": ", ".join(map(str, found))} if found else {}

    async def do(self, action: Action, before: Mapping[str, str], about: About) -> Done:
        """Asks once. What was never sent has failed; what was sent and not answered is unknown."""
        try:
            request = self._request(action)
        except CannotBegin as error:
            return Done("failed", reason=f"{error}; nothing was sent")
        seconds = action.timeout.total_seconds()
        until = asyncio.get_running_loop().time() + seconds
        try:
            async with asyncio.timeout_at(until):
                found = await self._addresses(request)
                headers = await self._headers(request, about)
            return await self._told(request, await ask(request, found, headers, until))
        except TimeoutError:
            why = f"{request.host} did not answer within {seconds:g} s"
        except TocsinError as error:
            why = _words(error, request)
        except (aiohttp.ClientError, OSError, ValueError) as error:  # ValueError: what the far side sent is no HTTP
            why = f"{request.host}: {_words(error, request)}"
        if request.sent:
            return Done("unknown", reason=f"{why}; it may have been done")
        return Done("failed", reason=f"{why}; nothing was sent")

    async def close(self) -> None:
        for _, own, _ in self._identities.values():
            await own.close()
        self._identities.clear()

    def _request(self, action: Action) -> Request:
        """Raises:
        CannotBegin: the configuration does not want it so.
        """
        arguments = action.arguments
        name = arguments["endpoint"]
        edge = self.edges.get(name)
        if edge is None:
            raise CannotBegin(f"there is no remediation.http.{name} in the configuration")
        refused = edge.refuses(arguments)
        if refused:
            raise CannotBegin(f"remediation.http.{name}: {refused}")
        host = edge.host(arguments.get("host", ""))
        shown = f"[{host}]" if ":" in host else host
        url = f"{edge.scheme}://{shown}:{edge.port}{edge.path}{arguments['path']}{asked(arguments)}"
        return Request(edge, host, URL(url, encoded=True), arguments)

    async def _addresses(self, request: Request) -> list[Address]:
        """The addresses of the host, judged; none where a proxy looks the host up."""
        edge = request.edge
        if request.proxy:
            return []

        def refused(address: Address) -> str:
            return self._judge(address, edge.private, edge.networks)

        try:
            return await addresses(request.host, edge.port, self._resolve, refused)
        except Forbidden as error:
            hint = "" if edge.chosen else "; write private: true at the endpoint if that is meant"
            raise CannotBegin(f"{error}{hint}") from error

    async def _headers(self, request: Request, about: About) -> Headers:
        """Who we are, what the step adds, and the name of this step of this run.

        Raises:
            ApiUnavailable: nobody gives us a token just now.
            TocsinError: a secret cannot be read, or we get no token.
        """
        edge, arguments = request.edge, request.arguments
        own = await (await self._identity(request)).headers() if edge.oauth2 else list(edge.headers())
        request.secrets |= set(_secrets(edge, own))
        key = arguments.get("idempotency_key")
        named = [(key, about.key)] if key else []
        body = [("Content-Type", "application/json")] if "json" in arguments else []
        usual = [("User-Agent", "tocsin"), ("Accept-Encoding", "identity")]
        return [*usual, *body, *own, *arguments.get("headers", {}).items(), *named]

    async def _identity(self, request: Request) -> Identity:
        """With a session of its own: whoever gives tokens is another host."""
        name = request.arguments["endpoint"]
        known = self._identities.get(name)
        if known is not None and known[0] is request.edge:
            return known[2]
        if known is not None:
            await known[1].close()
        own = session(request.edge)
        self._identities[name] = request.edge, own, Identity(request.edge, own)
        return self._identities[name][2]

    async def _told(self, request: Request, answer: Answer) -> Done:
        """What came of it, without secrets that the far side may have repeated."""
        if answer.status in (401, 403) and request.edge.oauth2:
            (await self._identity(request)).refused()
        body = masked(answer.body, request.secrets)
        if not answer.whole:  # a secret may be cut in two
            body = body[: max(0, len(body) - max(map(len, request.secrets), default=0))] + "\n… the rest was not read …"
        arguments = request.arguments
        outcome, reason = judged(answer, arguments["method"], arguments["expect"], arguments.get("expect_json", {}))
        return Done(outcome, bounded(f"HTTP {answer.status}\n{body}"), masked(reason, request.secrets))


def _secrets(edge: HttpEdge, headers: Headers) -> Iterator[str]:
    """What must not be seen in an answer that repeats what it was sent."""
    plain = {value for header in edge.http_headers.values() for value in header.values}
    for _, value in headers:
        if value in plain:
            continue
        kind, _, credentials = value.partition(" ")
        yield from (value, credentials)
        if kind == "Basic":
            yield base64.b64decode(credentials).decode("utf-8", "replace").partition(":")[2]
    yield urlsplit(edge.proxy_url or "").password or ""


def _words(error: Exception, request: Request) -> str:
    return masked(str(error) or type(error).__name__, request.secrets)
