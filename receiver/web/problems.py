"""Errors as problem+json (RFC 9457): what is wrong and what to do, never a traceback."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus

import structlog
from aiohttp import web

from receiver.decide import NoSuchAlert, NoSuchIncident
from tocsin.errors import StoreUnavailable

log = structlog.get_logger("receiver.web")

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class BadRequest(Exception):
    """A request that cannot be answered; the message says how to mend it."""


class Impossible(Exception):
    """A request that does not fit what is; the message names the way out."""


def problem(status: int, detail: str, headers: Mapping[str, str] | None = None) -> web.Response:
    """A problem as the answer to a request."""
    title = HTTPStatus(status).phrase
    return web.json_response(
        {"title": title, "status": status, "detail": detail},
        status=status,
        headers=headers,
        content_type="application/problem+json",
    )


@web.middleware
async def problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turns what handlers raise into problems."""
    try:
        return await handler(request)
    except BadRequest as error:
        return problem(400, str(error))
    except Impossible as error:
        return problem(409, str(error))
    except (NoSuchIncident, NoSuchAlert) as error:
        return problem(404, str(error))
    except StoreUnavailable as error:
        return problem(503, str(error))
    except web.HTTPException as error:
        if error.status < 400:
            raise
        answer = problem(error.status, _detail(request, error))
        if "Allow" in error.headers:
            answer.headers["Allow"] = error.headers["Allow"]
        return answer
    except Exception:
        log.exception("a request failed", method=request.method, path=request.path)
        return problem(500, "Tocsin failed on this request; its log tells more")


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
