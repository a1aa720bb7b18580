"""What a Prometheus says about the selectors of rules: how many series each finds, and of which type they are."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import aiohttp
import msgspec
from promql_parser import VectorSelector

from generator.context import Server
from generator.online_answers import NO_METADATA, RefusedError, UselessError, problem, reason_of, useful, why
from generator.rule import Pack
from generator.selectors import parts_of, question
from tocsin import promql
from tocsin.errors import TocsinError
from tocsin.http_client import Identity, session
from tocsin.http_config import HttpConfig
from tocsin.problem import Problem

AT_ONCE = 8
TIMEOUT_SECONDS = 20.0
LOOK_BACK = "1h"  # series that were there within it exist


class _Sample(msgspec.Struct, frozen=True):
    value: tuple[float, str]


class _Vector(msgspec.Struct, frozen=True):
    result: list[_Sample]


class _Counted(msgspec.Struct, frozen=True):
    data: _Vector


class _Meaning(msgspec.Struct, frozen=True):
    type: str


class _Metadata(msgspec.Struct, frozen=True):
    data: dict[str, list[_Meaning]]


def ask(
    url: str, packs: Sequence[Pack], http: HttpConfig | None = None, timeout_seconds: float = TIMEOUT_SECONDS
) -> Server:
    """The answers of one server; a server that does not answer is a problem, and its checks stay silent."""
    http = http or HttpConfig()
    return asyncio.run(_ask(url.rstrip("/"), list(_selectors(packs)), http, timeout_seconds))


def _selectors(packs: Iterable[Pack]) -> Iterable[VectorSelector]:
    seen: set[str] = set()
    for pack in packs:
        for rule in pack.rules:
            for node in rule.expr.nodes:
                if isinstance(node, VectorSelector) and question(node) not in seen:
                    seen.add(question(node))
                    yield node


async def _ask(url: str, nodes: Sequence[VectorSelector], http: HttpConfig, timeout_seconds: float) -> Server:
    async with session(http, timeout_seconds) as opened:
        try:
            asking = _Asking(opened, url, http, await Identity(http, opened).headers())
            types = await asking.types()
            await asking.count([question(node) for node in nodes])
            missing = [node for node in nodes if asking.counts.get(question(node)) == 0 and promql.metric(node)]
            await asking.count(list(dict.fromkeys(part.question for node in missing for part in parts_of(node))))
        except (UselessError, TocsinError, aiohttp.ClientError, TimeoutError, ValueError) as error:
            what, hint = why(error, timeout_seconds)
            return Server(problems=(problem(url, what, hint),))
    return Server(asking.counts, types, tuple(asking.told()))


@dataclass(slots=True)
class _Asking:
    """A conversation with one server; `counts` has what each selector finds, `refused` why one has no answer."""

    session: aiohttp.ClientSession
    url: str
    http: HttpConfig
    headers: Sequence[tuple[str, str]]
    counts: dict[str, int] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)

    async def types(self) -> dict[str, str]:
        """Each metric's type, where all that expose it agree; the first thing asked, after whether it is of any use."""
        await self._number("vector(1)")
        status, body = await self._answer("GET", "/api/v1/metadata", {})
        if status in NO_METADATA:
            return {}
        metadata = msgspec.json.decode(useful(status, body, authorizes=self.http.authorizes), type=_Metadata)
        kinds = {name: {meaning.type for meaning in meanings} for name, meanings in metadata.data.items()}
        return {name: next(iter(found)) for name, found in kinds.items() if len(found) == 1}

    async def count(self, selectors: Sequence[str]) -> None:
        """Fills in what each finds, at most AT_ONCE at a time; a selector that is refused stays without an answer."""
        waiting = [text for text in selectors if text not in self.counts]
        waiting.reverse()

        async def work() -> None:
            while waiting:
                await self._one(waiting.pop())

        workers = [asyncio.create_task(work()) for _ in range(min(AT_ONCE, len(waiting)))]
        try:
            await asyncio.gather(*workers)  # the first error ends it: one server, one reason
        finally:
            for worker in workers:
                worker.cancel()
            await asyncio.gather(*workers, return_exceptions=True)

    async def _one(self, selector: str) -> None:
        try:
            found = await self._number(f"count({selector})")
            if found == 0:
                found = await self._number(f"count(present_over_time({selector}[{LOOK_BACK}]))")
        except RefusedError as error:
            self.refused[selector] = str(error)
        else:
            self.counts[selector] = found

    async def _number(self, expr: str) -> int:
        status, body = await self._answer("POST", "/api/v1/query", {"query": expr})
        if status in (400, 422, 503) and (reason := reason_of(body)):
            raise RefusedError(reason)
        result = msgspec.json.decode(useful(status, body, authorizes=self.http.authorizes), type=_Counted).data.result
        return int(float(result[0].value[1])) if result else 0

    async def _answer(self, method: str, path: str, form: dict[str, str]) -> tuple[int, bytes]:
        async with self.session.request(
            method,
            self.url + path,
            data=form or None,
            headers=list(self.headers),
            server_hostname=self.http.tls_config.server_name or None,
            allow_redirects=self.http.follow_redirects,
        ) as answer:
            return answer.status, await answer.read()

    def told(self) -> Iterator[Problem]:
        """What was left out because the server would not say."""
        if self.refused:
            selector, reason = next(iter(self.refused.items()))
            count = f"{len(self.refused)} selector{'' if len(self.refused) == 1 else 's'} of the rules"
            message = f"does not answer for {count}: {reason}"
            yield problem(self.url, message, f"try it there: count({selector})", "warning")
