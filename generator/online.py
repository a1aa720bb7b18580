"""What a Prometheus says about the selectors of rules: how many series each finds, and of which type they are."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence

import aiohttp
import msgspec
from promql_parser import VectorSelector

from generator import promql
from generator.context import Server
from generator.rule import Pack
from generator.selectors import parts_of, question
from tocsin.problem import Position, Problem

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


def ask(url: str, packs: Sequence[Pack]) -> Server:
    """The answers of one server; a server that does not answer is a problem, and its checks stay silent."""
    return asyncio.run(_ask(url.rstrip("/"), list(_selectors(packs))))


def _selectors(packs: Iterable[Pack]) -> Iterable[VectorSelector]:
    seen: set[str] = set()
    for pack in packs:
        for rule in pack.rules:
            for node in rule.expr.nodes:
                if isinstance(node, VectorSelector) and question(node) not in seen:
                    seen.add(question(node))
                    yield node


async def _ask(url: str, nodes: Sequence[VectorSelector]) -> Server:
    counts: dict[str, int] = {}
    try:
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=TIMEOUT_SECONDS)) as session:
            types = await _types(session, url)
            await _count(session, url, [question(node) for node in nodes], counts)
            missing = [node for node in nodes if counts.get(question(node)) == 0 and promql.metric(node)]
            asked = dict.fromkeys(part.question for node in missing for part in parts_of(node))
            await _count(session, url, [text for text in asked if text not in counts], counts)
    except (aiohttp.ClientError, TimeoutError, ValueError) as error:
        what = str(error) or "no answer in time"
        hint = "check --prometheus.url; everything that needs no server was checked"
        problem = Problem("online", f"{url} does not answer as a Prometheus: {what}", Position(url), hint)
        return Server(problems=(problem,))
    return Server(counts, types)


async def _types(session: aiohttp.ClientSession, url: str) -> dict[str, str]:
    """Each metric's type, where all that expose it agree. What answers otherwise than Prometheus raises."""
    async with session.get(f"{url}/api/v1/metadata") as answer:
        metadata = msgspec.json.decode(await answer.read(), type=_Metadata)
    kinds = {name: {meaning.type for meaning in meanings} for name, meanings in metadata.data.items()}
    return {name: next(iter(found)) for name, found in kinds.items() if len(found) == 1}


async def _count(session: aiohttp.ClientSession, url: str, selectors: Sequence[str], counts: dict[str, int]) -> None:
    """Fills in what each finds, at most AT_ONCE at a time; a selector that is refused stays without an answer."""
    limit = asyncio.Semaphore(AT_ONCE)

    async def one(selector: str) -> None:
        async with limit:
            found = await _number(session, url, f"count({selector})")
            if found == 0:
                found = await _number(session, url, f"count(present_over_time({selector}[{LOOK_BACK}]))")
            if found is not None:
                counts[selector] = found

    async with asyncio.TaskGroup() as tasks:
        for selector in selectors:
            tasks.create_task(one(selector))


async def _number(session: aiohttp.ClientSession, url: str, expr: str) -> int | None:
    async with session.post(f"{url}/api/v1/query", data={"query": expr}) as answer:
        if answer.status != 200:
            return None
        result = msgspec.json.decode(await answer.read(), type=_Counted).data.result
    return int(float(result[0].value[1])) if result else 0
