"""Intake: authenticate, bound, check the syntax, commit, and only then say yes.

2xx is durable; 503 asks Alertmanager to try again; every 4xx is final for it, so 400 is only for what is not JSON.
Source: prometheus/alertmanager notify/util.go, Retrier.Check.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping

import structlog
from aiohttp import web

from receiver.engine.notification import Body, count_alerts
from receiver.metrics import Metrics
from receiver.store.inbox import Inbox
from receiver.web.authentication import Authentication, Refusal, RefusalLog
from receiver.web.problems import problem
from tocsin.clock import Clock
from tocsin.errors import StoreUnavailable

log = structlog.get_logger("receiver.web")

LARGE_BYTES = 256 * 1024  # decoded off the event loop
DEFAULT_SOURCE = "alertmanager"
SOURCE = re.compile(r"[A-Za-z0-9_.-]{1,64}")


class Hooks:
    """`POST /api/v2/hooks/alertmanager`, and the same with a source's name behind it."""

    def __init__(
        self, inbox: Inbox, metrics: Metrics, clock: Clock, authentication: Authentication, *, max_body_bytes: int
    ) -> None:
        self._inbox = inbox
        self._metrics = metrics
        self._clock = clock
        self._authentication = authentication
        self._refusals = RefusalLog()
        self._max_body_bytes = max_body_bytes
        self._unavailable = ""

    def routes(self) -> list[web.RouteDef]:
        path = "/api/v2/hooks/alertmanager"
        return [web.post(path, self.receive), web.post(f"{path}/{{source}}", self.receive)]

    async def receive(self, request: web.Request) -> web.Response:
        """Takes in one webhook body."""
        source = request.match_info.get("source", DEFAULT_SOURCE)
        if not SOURCE.fullmatch(source):
            return self._refuse(404, "source", "a source's name has letters, digits, '_', '.' and '-', at most 64")
        if refusal := self._authentication.refusal(source, request.headers.getall("Authorization", ())):
            return self._turn_away(source, refusal, request.remote)
        self._refusals.accepted(source)
        try:
            content = await request.read()
        except web.HTTPRequestEntityTooLarge:
            limit = f"{self._max_body_bytes:,} bytes"
            return self._refuse(
                413, "too_large", f"the body is over max_body_bytes ({limit}); raise it or set max_alerts"
            )
        try:
            alerts = await _count(content)
        except (ValueError, RecursionError) as error:
            empty = "the body is empty" if not content else f"the body is not JSON: {error}"
            return self._refuse(400, "not_json", f"{empty}; Alertmanager's webhook sends JSON")
        return await self._commit(Body(source, self._clock.now(), content), alerts)

    async def _commit(self, body: Body, alerts: int) -> web.Response:
        try:
            with self._metrics.commit_seconds.time():
                await self._inbox.put(body, alerts)
        except StoreUnavailable as error:
            if str(error) != self._unavailable:
                log.error("bodies are not accepted", reason=str(error))
            self._unavailable = str(error)
            return self._refuse(503, "unavailable", f"{error}; nothing was kept, try again")
        if self._unavailable:
            log.info("bodies are accepted again")
            self._unavailable = ""
        self._metrics.received.inc(alerts)
        return web.json_response({"status": "accepted", "alerts": alerts})

    def _turn_away(self, source: str, refusal: Refusal, remote: str | None) -> web.Response:
        self._refusals.refused(source, refusal, remote)
        return self._refuse(refusal.status, refusal.reason, refusal.detail, refusal.headers)

    def _refuse(self, status: int, reason: str, detail: str, headers: Mapping[str, str] | None = None) -> web.Response:
        self._metrics.refused.labels(reason).inc()
        return problem(status, detail, headers)


async def _count(content: bytes) -> int:
    return count_alerts(content) if len(content) < LARGE_BYTES else await asyncio.to_thread(count_alerts, content)
