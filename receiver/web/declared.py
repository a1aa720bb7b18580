"""What a route takes and answers, said once beside its handler: it is checked there, and documented from there."""

from __future__ import annotations

import functools
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, TypeVar, get_origin, overload

from aiohttp import web
from pydantic import BaseModel, BeforeValidator, ConfigDict, TypeAdapter, ValidationError, WithJsonSchema
from pydantic_core import ErrorDetails

from receiver.access.principal import Scope
from receiver.web.problems import BadRequest
from receiver.web.scopes import NEEDS, Needs

T = TypeVar("T")
S = TypeVar("S")
Answering = Callable[[S, web.Request], Awaitable[web.StreamResponse]]
Taking = Callable[[S, web.Request, T], Awaitable[web.StreamResponse]]
OPERATION = "operation"
RFC_3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(:\d\d(\.\d+)?)?([Zz]|[+-]\d\d:\d\d)")
NOT_AN_OBJECT = ("model_type", "model_attributes_type", "dict_type", "typed_dict_type", "dataclass_type")


def _moment(text: object) -> datetime:
    if not isinstance(text, str) or not RFC_3339.fullmatch(text):
        raise ValueError("must be a time with its offset, such as 2026-11-22T06:00:00+01:00")
    try:
        return datetime.fromisoformat(text.upper()).astimezone(UTC)
    except OverflowError as error:
        raise ValueError("is beyond every calendar") from error


Flag = Literal["true", "false"]
Moment = Annotated[
    datetime,
    BeforeValidator(_moment),
    WithJsonSchema({"type": "string", "format": "date-time", "examples": ["2026-11-22T06:00:00+01:00"]}),
]


class Said(BaseModel):
    """The base of every body: a key that it does not know is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, hide_input_in_errors=True)


class Asked(BaseModel):
    """The base of every query; a tuple is a name that can be given several times. Unknown names are passed over."""

    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True, populate_by_name=True)


@dataclass(frozen=True, slots=True)
class Media:
    """An answer, or a body, that is not JSON, or JSON of whichever shape."""

    content_type: str
    description: str
    schema: Mapping[str, Any] = field(default_factory=dict)
    example: Any = None


@dataclass(frozen=True, slots=True)
class Operation:
    """One route as its users see it. `takes` is the query of a GET, the body of any other method."""

    summary: str
    scope: Scope | Literal[""] | None  # an empty one: whoever is known; None: it asks for a proof of its own
    answers: Mapping[int, Any]  # by status: a type that is answered as JSON, or one or more Media
    takes: Any = None
    problems: tuple[int, ...] = ()  # besides those that every route can have
    tag: str = "incidents"
    details: str = ""


@overload
def operation(
    summary: str,
    scope: Scope | Literal[""] | None,
    answers: Mapping[int, Any],
    *,
    problems: tuple[int, ...] = (),
    tag: str = "incidents",
    every_tenant: bool = False,
    documents: Any = None,
) -> Callable[[Answering[S]], Answering[S]]: ...


@overload
def operation(
    summary: str,
    scope: Scope | Literal[""] | None,
    answers: Mapping[int, Any],
    *,
    takes: type[T] | TypeAdapter[T],
    problems: tuple[int, ...] = (),
    tag: str = "incidents",
    every_tenant: bool = False,
) -> Callable[[Taking[S, T]], Answering[S]]: ...


def operation(
    summary: str,
    scope: Scope | Literal[""] | None,
    answers: Mapping[int, Any],
    *,
    takes: Any = None,
    problems: tuple[int, ...] = (),
    tag: str = "incidents",
    every_tenant: bool = False,
    documents: Any = None,
) -> Callable[[Any], Any]:
    """Declares a handler. What it `takes` is checked and handed to it; what it `documents` it reads by itself.

    `scope` and `every_tenant` are those of `Needs` (scopes.py).
    """

    def declare(handler: Callable[..., Awaitable[web.StreamResponse]]) -> Callable[..., Any]:
        adapter: TypeAdapter[Any] | None = None
        if takes is not None:
            adapter = takes if isinstance(takes, TypeAdapter) else TypeAdapter(takes)

        @functools.wraps(handler)
        async def handle(self: object, request: web.Request) -> web.StreamResponse:
            if adapter is None:
                return await handler(self, request)
            return await handler(self, request, await _taken(request, takes, adapter))

        details = " ".join((handler.__doc__ or "").split())
        told = Operation(summary, scope, answers, takes or documents, problems, tag, details)
        setattr(handle, OPERATION, told)
        setattr(handle, NEEDS, Needs(scope, every_tenant))
        return handle

    return declare


def operation_of(handler: object) -> Operation | None:
    """What a route's handler declares."""
    found: Operation | None = getattr(handler, OPERATION, None)
    return found


def takes_query(method: str) -> bool:
    return method in ("GET", "HEAD")


async def _taken(request: web.Request, takes: Any, adapter: TypeAdapter[T]) -> T:
    if takes_query(request.method):
        return checked(lambda: adapter.validate_python(_query(request, takes)))
    content = await request.read()
    return checked(lambda: adapter.validate_json(content or b"{}"))


def _query(request: web.Request, model: type[BaseModel]) -> dict[str, Any]:
    """The query as its model wants it: a list where a name can be given several times, else what stands first."""
    query: dict[str, Any] = {}
    for name, told in model.model_fields.items():
        key = told.alias or name
        if key in request.query:
            several = get_origin(told.annotation) is tuple
            query[key] = request.query.getall(key) if several else request.query[key]
    return query


def checked(validate: Callable[[], T]) -> T:
    """What came in, as its type.

    Raises:
        BadRequest: with everything that is wrong with it.
    """
    try:
        return validate()
    except ValidationError as error:
        wrong = [_wrong(detail) for detail in error.errors(include_url=False, include_input=False)]
        said = "; ".join(f"{field} {message}" if field else message for field, message in wrong)
        raise BadRequest(said, wrong) from error


def _wrong(detail: ErrorDetails) -> tuple[str, str]:
    """The field and what is wrong with it, in words that read on from the field's name."""
    where = [str(part) for part in detail["loc"] if part not in ("one", "many")]
    kind, told = detail["type"], detail["msg"].removeprefix("Value error, ")
    if kind == "json_invalid":
        return "", f"the body must be a JSON object: {told.removeprefix('Invalid JSON: ')}"
    if kind in NOT_AN_OBJECT and not where:
        return "", 'the body must be a JSON object, such as {"by": "alice"}'
    if kind in ("enum", "literal_error"):
        expected = detail.get("ctx", {}).get("expected", "").replace("'", "").replace(" or ", ", ")
        told = f"must be one of {', '.join(sorted(expected.split(', ')))}"
    elif kind == "missing":
        told = "is missing"
    elif kind == "extra_forbidden":
        told = "is not a key of this body"
    elif kind == "tuple_type":
        told = "must be a list"
    elif told.startswith("Input should"):
        told = f"must {told.removeprefix('Input should ')}"
    elif told.startswith(("String should", "Tuple should", "Dictionary should", "List should")):
        told = f"must {told.partition(' should ')[2]}"
    return ".".join(where), told
