"""Quarantine over HTTP: what could not be understood, and the way back into the inbox."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from receiver.store.quarantined import Quarantine, Quarantined
from receiver.web.problems import BadRequest, problem

MAX_LIMIT = 1000
DEFAULT_LIMIT = 100


class QuarantineApi:
    """`/api/v1/quarantine`."""

    def __init__(self, quarantine: Quarantine) -> None:
        self._quarantine = quarantine

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/api/v1/quarantine", self.list),
            web.get("/api/v1/quarantine/{id}", self.show),
            web.post("/api/v1/quarantine/{id}/retry", self.retry),
        ]

    async def list(self, request: web.Request) -> web.Response:
        limit = _number(request.query.get("limit", str(DEFAULT_LIMIT)), "limit", MAX_LIMIT)
        cursor = request.query.get("cursor")
        before = None if cursor is None else _number(cursor, "cursor", 2**62)
        found = await self._quarantine.list(limit=limit + 1, before=before)
        more = str(found[limit - 1].id) if len(found) > limit else None
        return web.json_response({"items": [quarantined_json(one) for one in found[:limit]], "next": more})

    async def show(self, request: web.Request) -> web.Response:
        number = _number(request.match_info["id"], "the number of a body", 2**62)
        found = await self._quarantine.one(number)
        if found is None:
            return _not_there(number)
        text = found.content.decode("utf-8", "replace")
        return web.json_response(
            quarantined_json(found) | {"content": text, "truncated": len(found.content) < found.size_bytes}
        )

    async def retry(self, request: web.Request) -> web.Response:
        number = _number(request.match_info["id"], "the number of a body", 2**62)
        if not await self._quarantine.retry(number):
            return _not_there(number)
        return web.json_response({"id": number, "status": "back in the inbox"})


def quarantined_json(one: Quarantined) -> dict[str, Any]:
    return {
        "id": one.id,
        "source": one.source,
        "received_at": one.received_at.isoformat().replace("+00:00", "Z"),
        "reason": one.reason,
        "size_bytes": one.size_bytes,
    }


def _not_there(number: int) -> web.Response:
    return problem(404, f"no body {number} is in quarantine; it was re-run, or never there")


def _number(text: str, what: str, most: int) -> int:
    if not text.isascii() or not text.isdecimal() or len(text) > 19 or not 1 <= int(text) <= most:
        raise BadRequest(f"{what} must be a whole number from 1 to {most}")
    return int(text)
