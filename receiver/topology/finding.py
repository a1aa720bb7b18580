"""One discovery from the options of a command to the edges."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from datetime import timedelta

from receiver.topology.asking import Server, asking
from receiver.topology.discover import Wanted, kubernetes, label_pair, service_graph
from receiver.topology.edge import Found
from tocsin import duration, promql
from tocsin.clock import Clock, SystemClock
from tocsin.errors import UsageError


@dataclass(frozen=True, slots=True)
class Request:
    """What to look for; `match` is a selector with a metric for `labels`, else only matchers."""

    origin: str
    match: str = ""
    caller: str = ""
    dependency: str = ""
    since: timedelta = timedelta(hours=1)


def duration_of(since: str) -> timedelta:
    """How far back to look.

    Raises:
        UsageError: the text is no duration, or nothing.
    """
    try:
        found = duration.parse(since)
    except ValueError as error:
        raise UsageError(f"--since: {error}") from error
    if not found:
        raise UsageError("--since: nothing happens within no time; write 1h")
    return found


def parsed(request: Request) -> Request:
    """The request with its matchers bare.

    Raises:
        UsageError: the options do not fit together, or the selector is none.
    """
    if request.origin != "labels":
        if request.caller or request.dependency:
            raise UsageError("--caller and --dependency belong to --from labels; without it they do nothing")
        bare = request.match.strip().removeprefix("{").removesuffix("}").strip().removesuffix(",")
        if bare:
            _parse(f"up{{{bare}}}", request.match, 'write matchers alone, as {cluster="eu"}; the metric is known')
        return replace(request, match=bare)
    for option, value in (
        ("--match", request.match),
        ("--caller", request.caller),
        ("--dependency", request.dependency),
    ):
        if not value:
            example = "--match http_client_requests_total --caller app --dependency target"
            raise UsageError(f"--from labels needs {option}, as in {example}")
    for option, value in (("--caller", request.caller), ("--dependency", request.dependency)):
        if not promql.LABEL.fullmatch(value):
            raise UsageError(f"{option}: {value!r} is no label's name; write it as app")
    _parse(request.match, request.match, 'write it as http_client_requests_total{cluster="eu"}')
    return request


def _parse(selector: str, given: str, hint: str) -> None:
    from promql_parser import VectorSelector

    try:
        tree = promql.parse(selector).tree
    except promql.PromQLError as error:
        raise UsageError(f"--match: {given!r} is no selector: {error}; {hint}") from error
    if not isinstance(tree, VectorSelector):
        raise UsageError(f"--match: {given!r} is an expression, not a selector; {hint}")


def find(where: Server, request: Request, clock: Clock | None = None) -> list[Found]:
    """The edges that the server's series tell of.

    Raises:
        TocsinError: the server does not answer, or has nothing of the kind; the message says what to do.
    """
    return asyncio.run(_find(where, request, clock or SystemClock()))


async def _find(where: Server, request: Request, clock: Clock) -> list[Found]:
    async with asking(where, clock) as asked:
        match request.origin:
            case "labels":
                return await label_pair(
                    asked, Wanted(since=request.since), request.match, request.caller, request.dependency
                )
            case "kubernetes":
                return await kubernetes(asked, Wanted(request.match, request.since))
            case _:
                return await service_graph(asked, Wanted(request.match, request.since))
