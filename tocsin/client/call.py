"""One call of the API as data, and what both clients make of it: a method each, from one description."""

from __future__ import annotations

import functools
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, ParamSpec, overload
from urllib.parse import quote, urlencode

P = ParamSpec("P")
Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Call:
    """A request: a path that is quoted already, a query and a body without what was left out.

    `key` names what is to be done once, however often it is sent; empty: one is made up.
    """

    method: str
    path: str
    query: Mapping[str, Any] = field(default_factory=dict)
    body: Mapping[str, Any] | None = None
    key: str = ""

    @property
    def target(self) -> str:
        """The path with its query; a list in it is given as often as it has items."""
        said = {name: value for name, value in self.query.items() if value is not None and value != ""}
        return f"{self.path}?{urlencode(said, doseq=True)}" if said else self.path


def path(*parts: object) -> str:
    """`/api/v1/…` with each part quoted."""
    return "/".join(("/api/v1", *(quote(str(part), safe="") for part in parts)))


def calendar_path(schedule: str) -> str:
    """Where a schedule stands as iCalendar."""
    return f"{path('schedules', schedule)}.ics"


def said(**fields: Any) -> Json:
    """A body without what was left out; a name that ends in `_` is one that Python keeps for itself."""
    return {name.rstrip("_"): value for name, value in fields.items() if value is not None}


class Blocking:
    """A client whose calls wait for their answer."""

    __slots__ = ()

    def ask(self, call: Call) -> Any:
        """The answer to a call."""
        raise NotImplementedError

    def pages(self, call: Call) -> Iterator[Json]:
        """Every item of a list, page by page."""
        raise NotImplementedError


class Awaiting:
    """A client whose calls are awaited."""

    __slots__ = ()

    async def ask(self, call: Call) -> Any:
        """The answer to a call."""
        raise NotImplementedError

    def pages(self, call: Call) -> AsyncIterator[Json]:
        """Every item of a list, page by page."""
        raise NotImplementedError


class one(Generic[P]):  # noqa: N801  # reads as what it makes of a call: one answer
    """A method that answers a call, of either client."""

    def __init__(self, call: Callable[P, Call]) -> None:
        self._call = call
        functools.update_wrapper(self, call)  # type: ignore[arg-type]  # its name and documentation

    @overload
    def __get__(self, client: Blocking, owner: type[Any]) -> Callable[P, Json]: ...
    @overload
    def __get__(self, client: Awaiting, owner: type[Any]) -> Callable[P, Awaitable[Json]]: ...
    @overload
    def __get__(self, client: None, owner: type[Any]) -> one[P]: ...
    def __get__(self, client: Any, owner: type[Any]) -> Any:
        if client is None:
            return self

        @functools.wraps(self._call)
        def method(*arguments: P.args, **named: P.kwargs) -> Any:
            return client.ask(self._call(*arguments, **named))

        return method


class each(Generic[P]):  # noqa: N801  # reads as what it makes of a call: each item of a list
    """A method that goes through a list, of either client."""

    def __init__(self, call: Callable[P, Call]) -> None:
        self._call = call
        functools.update_wrapper(self, call)  # type: ignore[arg-type]  # its name and documentation

    @overload
    def __get__(self, client: Blocking, owner: type[Any]) -> Callable[P, Iterator[Json]]: ...
    @overload
    def __get__(self, client: Awaiting, owner: type[Any]) -> Callable[P, AsyncIterator[Json]]: ...
    @overload
    def __get__(self, client: None, owner: type[Any]) -> each[P]: ...
    def __get__(self, client: Any, owner: type[Any]) -> Any:
        if client is None:
            return self

        @functools.wraps(self._call)
        def method(*arguments: P.args, **named: P.kwargs) -> Any:
            return client.pages(self._call(*arguments, **named))

        return method
