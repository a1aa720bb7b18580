"""Errors as problem+json (RFC 9457): what is wrong and what to do, never a traceback."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any, NotRequired

import structlog
from aiohttp import web
from typing_extensions import TypedDict  # pydantic reads these before Python 3.12

from receiver.decide import NoSuchAlert, NoSuchIncident
from receiver.oncall.current import NoSuchSchedule
from receiver.respond import Forbidden, NotPossible
from tocsin.errors import StoreUnavailable

log = structlog.get_logger("receiver.web")

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

TYPE = "urn:tocsin:problem:"
TYPES: Mapping[int, str] = {  # what a script can tell problems apart by
    400: "invalid",
    401: "unauthenticated",
    403: "forbidden",
    404: "not-found",
    405: "method",
    409: "impossible",
    413: "too-large",
    422: "key-reused",
    429: "too-many",
    500: "failed",
    503: "unavailable",
}
IN_PROGRESS = "in-progress"  # another 409: a request with the same Idempotency-Key is being worked on


class FieldProblem(TypedDict):
    """What is wrong with one field, by its path (`items.0.title`); an empty one: with the body as a whole."""

    field: str
    message: str


class Problem(TypedDict):
    """Why a request was not carried out (RFC 9457); `detail` names the way out."""

    type: str
    title: str
    status: int
    detail: str
    errors: NotRequired[list[FieldProblem]]


class BadRequest(Exception):
    """A request that cannot be answered; the message says how to mend it, `errors` which fields are wrong and how."""

    def __init__(self, detail: str, errors: Sequence[tuple[str, str]] = ()) -> None:
        super().__init__(detail)
        self.errors = tuple(errors)


class Impossible(Exception):
    """A request that does not fit what is; the message names the way out."""


class KeyReused(Exception):
    """Another request came with this Idempotency-Key before."""


class InProgress(Exception):
    """The request with this Idempotency-Key is still being worked on."""


def problem(
    status: int,
    detail: str,
    headers: Mapping[str, str] | None = None,
    *,
    kind: str = "",
    errors: Sequence[tuple[str, str]] = (),
) -> web.Response:
    """A problem as the answer to a request."""
    told: dict[str, Any] = {
        "type": TYPE + (kind or TYPES[status]) if kind or status in TYPES else "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
    }
    if errors:
        told["errors"] = [{"field": field, "message": message} for field, message in errors]
    return web.json_response(told, status=status, headers=headers, content_type="application/problem+json")


@web.middleware
async def problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turns what handlers raise into problems."""
    try:
        return await handler(request)
    except web.HTTPException as error:
        if error.status < 400:
            raise
        answer = problem(error.status, _detail(request, error))
        if "Allow" in error.headers:
            answer.headers["Allow"] = error.headers["Allow"]
        return answer
    except Exception as error:
        found = problem_of(error)
        if found is None:
            log.exception("a request failed", method=request.method, path=request.path)
            return problem(500, "Tocsin failed on this request; its log tells more")
        return found


def problem_of(error: Exception) -> web.Response | None:
    """The problem that an error means to whoever asked; None: it is a fault of ours."""
    match error:
        case BadRequest(errors=errors):
            return problem(400, str(error), errors=errors)
        case Forbidden():
            return problem(403, str(error))
        case NoSuchIncident() | NoSuchAlert() | NoSuchSchedule():
            return problem(404, str(error))
        case Impossible() | NotPossible():
            return problem(409, str(error))
        case InProgress():
            return problem(409, str(error), {"Retry-After": "1"}, kind=IN_PROGRESS)
        case KeyReused():
            return problem(422, str(error))
        case StoreUnavailable():
            return problem(503, str(error))
        case _:
            return None


def _detail(request: web.Request, error: web.HTTPException) -> str:
    if error.status == 404:
        return f"nothing is at {request.path}; alerts go to POST /api/v2/hooks/alertmanager"
    if error.status == 405:
        return f"{request.path} does not take {request.method}, only {error.headers.get('Allow', '')}"
    return error.text or error.reason


@web.middleware
async def same_site(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuses changes that a browser makes on behalf of another site's page; no script or Alertmanager sends this."""
    if request.method not in ("GET", "HEAD") and request.headers.get("Sec-Fetch-Site") in (
        "cross-site",
        "same-site",
    ):
        return problem(403, "a page of another site may not change anything here")
    return await handler(request)
