"""Which incidents a list, or an action on many, is about."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any

from aiohttp import web
from pydantic import BeforeValidator, ConfigDict, Field, WithJsonSchema

from receiver.access.principal import Tenants
from receiver.engine.incident import Incident, IncidentStatus
from receiver.store.queries import Cursor, IncidentFilter, Page, Queries
from receiver.web.declared import Asked, Moment, Said
from receiver.web.problems import BadRequest
from tocsin.model import Severity

MAX_LIMIT = 1000
DEFAULT_LIMIT = 100
HIGHEST = 2**62  # of what is numbered


def _whole(text: object) -> object:
    if isinstance(text, str) and (not text.isascii() or not text.isdecimal() or not 1 <= int(text[:9]) <= MAX_LIMIT):
        raise ValueError(f"must be a whole number from 1 to {MAX_LIMIT}")
    return text


def _cursor(text: object) -> Cursor | None:
    """An empty one stands at the beginning."""
    try:
        return Cursor.parse(str(text)) if text else None
    except ValueError as error:
        raise ValueError("is none that this server gave out") from error


Limit = Annotated[int, BeforeValidator(_whole), WithJsonSchema({"type": "integer", "minimum": 1, "maximum": MAX_LIMIT})]
After = Annotated[
    Any,
    BeforeValidator(_cursor),
    WithJsonSchema({"type": "string", "description": "The `next` of the page before, as it is."}),
]
Name = Annotated[str, Field(max_length=200)]


class Paged(Asked):
    """How many at once, and behind which."""

    limit: Limit = DEFAULT_LIMIT
    cursor: After = None


class Filter(Said):
    """What must be so of an incident; at least one thing. Without `status`: those that are not resolved."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1})

    status: tuple[IncidentStatus, ...] = ()
    severity: tuple[Severity, ...] = ()
    tenant: Name = ""
    assigned_to: Name = ""
    acknowledged_by: Name = ""
    policy: Name = ""
    opened_after: Moment = None  # type: ignore[assignment]  # absent, never null
    opened_before: Moment = None  # type: ignore[assignment]
    text: Name = ""


class Listing(Paged):
    """Which incidents, newest first. `text` is part of the title; `assigned_to` is a user or another target."""

    status: tuple[IncidentStatus, ...] = ()
    severity: tuple[Severity, ...] = ()
    tenant: Name = ""
    assigned_to: Name = ""
    acknowledged_by: Name = ""
    policy: Name = ""
    opened_after: Moment | None = None
    opened_before: Moment | None = None
    text: Name = ""


def wanted(said: Filter | Listing, tenants: Tenants) -> IncidentFilter:
    """What a list or an action asks for, of these tenants (None: of every one)."""
    return IncidentFilter(
        status=[status.value for status in said.status],
        severity=[severity.value for severity in said.severity],
        tenant=said.tenant,
        assigned_to=said.assigned_to,
        acknowledged_by=said.acknowledged_by,
        policy=said.policy,
        opened_after=said.opened_after,
        opened_before=said.opened_before,
        text=said.text,
        tenants=tenants,
    )


async def filtered(queries: Queries, said: Filter, most: int, tenants: Tenants) -> Page[Incident]:
    """The newest incidents that a filter finds.

    Raises:
        BadRequest: it says nothing, and would find them all.
    """
    if not said.model_fields_set:
        raise BadRequest("the filter is empty; say at least a status", [("filter", "is empty")])
    found = wanted(said, tenants)
    if not found.status:
        open_ones = [status.value for status in IncidentStatus if status is not IncidentStatus.RESOLVED]
        found = replace(found, status=open_ones)
    return await queries.incidents(found, limit=most, after=None)


def numbered(request: web.Request, what: str) -> int:
    """The number in a request's path.

    Raises:
        BadRequest: it is none.
    """
    text = request.match_info["number"]
    if not text.isascii() or not text.isdecimal() or len(text) > 19 or not 1 <= int(text) <= HIGHEST:
        wrong = f"the number of {what} must be a whole number from 1 to {HIGHEST}"
        raise BadRequest(wrong, [("number", wrong)])
    return int(text)
