"""Quarantine over HTTP: what could not be understood, and the way back into the inbox."""

from __future__ import annotations

from aiohttp import web
from pydantic import Field

from receiver.store.quarantined import Quarantine, Quarantined
from receiver.web import answers
from receiver.web.declared import Asked, operation
from receiver.web.filters import DEFAULT_LIMIT, HIGHEST, Limit, numbered
from receiver.web.problems import problem

BODIES = {200: answers.Page[answers.QuarantinedJson]}


class Bodies(Asked):
    """How many at once, and behind which."""

    limit: Limit = DEFAULT_LIMIT
    cursor: int | None = Field(None, ge=1, le=HIGHEST)


class QuarantineApi:
    """`/api/v1/quarantine`."""

    def __init__(self, quarantine: Quarantine) -> None:
        self._quarantine = quarantine

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/api/v1/quarantine", self.list),
            web.get("/api/v1/quarantine/{number}", self.show),
            web.post("/api/v1/quarantine/{number}/retry", self.retry),
        ]

    @operation("List bodies in quarantine", "admin:all", BODIES, takes=Bodies, tag="quarantine", every_tenant=True)
    async def list(self, request: web.Request, asked: Bodies) -> web.Response:
        """Webhook bodies that could not be understood, newest first."""
        found = await self._quarantine.list(limit=asked.limit + 1, before=asked.cursor)
        more = str(found[asked.limit - 1].id) if len(found) > asked.limit else None
        return web.json_response({"items": [quarantined_json(one) for one in found[: asked.limit]], "next": more})

    @operation(
        "Show a body in quarantine",
        "admin:all",
        {200: answers.QuarantinedBodyJson},
        problems=(404,),
        tag="quarantine",
        every_tenant=True,
    )
    async def show(self, request: web.Request) -> web.Response:
        """With the beginning of its content."""
        number = numbered(request, "a body")
        found = await self._quarantine.one(number)
        if found is None:
            return _not_there(number)
        text = found.content.decode("utf-8", "replace")
        cut = len(found.content) < found.size_bytes
        told: answers.QuarantinedBodyJson = {**quarantined_json(found), "content": text, "truncated": cut}
        return web.json_response(told)

    @operation(
        "Put a body back into the inbox",
        "admin:all",
        {200: answers.RetriedJson},
        problems=(404,),
        tag="quarantine",
        every_tenant=True,
    )
    async def retry(self, request: web.Request) -> web.Response:
        """It is processed as if it had come just now."""
        number = numbered(request, "a body")
        if not await self._quarantine.retry(number):
            return _not_there(number)
        return web.json_response({"id": number, "status": "back in the inbox"})


def quarantined_json(one: Quarantined) -> answers.QuarantinedJson:
    return {
        "id": one.id,
        "source": one.source,
        "received_at": one.received_at.isoformat().replace("+00:00", "Z"),
        "reason": one.reason,
        "size_bytes": one.size_bytes,
    }


def _not_there(number: int) -> web.Response:
    return problem(404, f"no body {number} is in quarantine; it was re-run, or never there")
