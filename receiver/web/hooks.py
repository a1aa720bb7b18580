"""Intake: authenticate, bound, check the syntax, commit, and only then say yes.

2xx is durable; 503 asks Alertmanager to try again; every 4xx is final for it, so 400 is only for what is not JSON.
Source: prometheus/alertmanager notify/util.go, Retrier.Check.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

import structlog
from aiohttp import ClientError, web

from receiver.engine.counting import count
from receiver.engine.notification import Body
from receiver.engine.origin import Origin
from receiver.metrics import Metrics
from receiver.store.inbox import Inbox
from receiver.web import answers
from receiver.web.authentication import Accepted, Authentication, Given, Refusal, RefusalLog
from receiver.web.declared import Media, operation
from receiver.web.problems import problem
from receiver.web.scopes import proves_itself
from receiver.web.uploads import CutOff, TooLarge, Uploads, ask_later
from tocsin.clock import Clock
from tocsin.errors import StoreUnavailable
from tocsin.guard import certificate_names
from tocsin.telemetry import NoTraces, Traces

log = structlog.get_logger("receiver.web")

PATH = "/api/v2/hooks/alertmanager"
LARGE_BYTES = 256 * 1024  # decoded off the event loop
TOLD_AGAIN = timedelta(minutes=10)
DEFAULT_SOURCE = "alertmanager"
SOURCE = re.compile(r"[A-Za-z0-9_.-]{1,64}")


WEBHOOK = Media(
    "application/json",
    "Alertmanager's webhook (version 4 or 3), or Grafana's variant of it; any JSON is kept.",
    example={
        "version": "4",
        "groupKey": '{}:{alertname="PlayerErrors"}',
        "groupLabels": {"alertname": "PlayerErrors"},
        "alerts": [
            {
                "status": "firing",
                "labels": {"alertname": "PlayerErrors", "severity": "critical", "service": "player"},
                "annotations": {"summary": "Players see errors"},
                "startsAt": "2026-11-21T03:12:05Z",
                "endsAt": "0001-01-01T00:00:00Z",
                "fingerprint": "4a5f0f6f1f3b2c1d",
            }
        ],
    },
)


class Hooks:
    """`POST /api/v2/hooks/alertmanager`, and the same with a source's name behind it."""

    def __init__(
        self, inbox: Inbox, metrics: Metrics, clock: Clock, authentication: Authentication, uploads: Uploads
    ) -> None:
        self._inbox = inbox
        self._metrics = metrics
        self._clock = clock
        self.authentication = authentication
        self._refusals = RefusalLog()
        self._uploads = uploads
        self._one_large_body = asyncio.Lock()
        self.traces: Traces = NoTraces()
        self._unavailable = ""
        self._told: dict[str, datetime] = {}
        self.taken: Callable[[Body], None] = lambda body: None  # called with each body that was committed

    def routes(self) -> list[web.RouteDef]:
        receive = proves_itself(self.receive, guarded=True)
        return [
            web.post(PATH, receive, expect_handler=ask_later),
            web.post(f"{PATH}/{{source}}", receive, expect_handler=ask_later),
        ]

    def asks_for_proof(self, request: web.Request) -> bool:
        """Whether this request proves itself to its source, and so to nobody else: it has one `Authorization`."""
        return self.authentication.configured and self.takes(request)

    def takes(self, request: web.Request) -> bool:
        """Whether it is a webhook: whoever sends one takes an answer below 500 as the last word."""
        return request.path == PATH or request.path.startswith(f"{PATH}/")

    @operation(
        "Take in one of Alertmanager's webhook bodies",
        None,
        {200: answers.TakenInJson},
        documents=WEBHOOK,
        problems=(404,),
        tag="alerts",
    )
    async def receive(self, request: web.Request) -> web.Response:
        """200 means durable. Every 4xx is final for Alertmanager, so 400 is only for what is not JSON; what is JSON
        and cannot be understood goes to quarantine, and people are told."""
        self._metrics.bodies.inc()
        source = request.match_info.get("source", DEFAULT_SOURCE)
        if not SOURCE.fullmatch(source):
            return self._refuse(404, "source", "a source's name has letters, digits, '_', '.' and '-', at most 64")
        given = Given(request.headers.getall("Authorization", ()), certificate_names(request))
        checked = self.authentication.check(source, given)
        if isinstance(checked, Refusal):
            return self._turn_away(source, checked, request.remote)
        self._refusals.accepted(source)
        began = time.perf_counter()
        try:
            async with self._uploads.body(request) as content:
                with self.traces.span(
                    "webhook", "server", request.headers.get("traceparent", ""), source=source, bytes=len(content)
                ) as traceparent:
                    answer = await self._take(source, checked, content, traceparent)
        except TooLarge:
            limit = f"{self._uploads.bounds.max_body_bytes:,} bytes"
            return self._refuse(
                413, "too_large", f"the body is over max_body_bytes ({limit}); raise it or set max_alerts"
            )
        except CutOff as error:
            return self._cut_off(source, error, request.remote)
        except (web.RequestPayloadError, ClientError) as error:
            return self._refuse(400, "broken", f"the body is broken off or not encoded as it says: {error}")
        if answer.status == 200:
            self._metrics.post_seconds.observe(time.perf_counter() - began)
        return answer

    async def _take(self, source: str, sender: Accepted, content: bytes, traceparent: str) -> web.Response:
        try:
            alerts = await self._count(content)
        except (ValueError, RecursionError) as error:
            empty = "the body is empty" if not content else f"the body is not JSON: {error}"
            return self._refuse(400, "not_json", f"{empty}; Alertmanager's webhook sends JSON")
        tenants = None if sender.tenants is None else tuple(sorted(sender.tenants))
        return await self._commit(Body(source, self._clock.now(), content, origin=Origin(tenants, traceparent)), alerts)

    async def _count(self, content: bytes) -> int:
        """Large bodies one at a time: what checking one may cost, several would cost at once."""
        if len(content) < LARGE_BYTES:
            return count(content)
        async with self._one_large_body:
            return await asyncio.to_thread(count, content)

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
        self.taken(body)
        self._metrics.committed.inc()
        self._metrics.received.inc(alerts)
        said = b'{"status": "accepted", "alerts": %d}' % alerts
        return web.Response(body=said, content_type="application/json", charset="utf-8")

    def _cut_off(self, source: str, error: CutOff, remote: str | None) -> web.Response:
        """The sender tries again, on another connection; told now and then, because one sender may do it for ever."""
        now = self._clock.now()
        if error.reason not in self._told or now - self._told[error.reason] >= TOLD_AGAIN:
            self._told[error.reason] = now
            log.warning("a body is cut off", source=source, reason=str(error), remote=remote)
        answer = self._refuse(503, error.reason, f"{error}; nothing was kept, try again")
        answer.force_close()
        return answer

    def _turn_away(self, source: str, refusal: Refusal, remote: str | None) -> web.Response:
        self._refusals.refused(source, refusal, remote)
        return self._refuse(refusal.status, refusal.reason, refusal.detail, refusal.headers)

    def _refuse(self, status: int, reason: str, detail: str, headers: Mapping[str, str] | None = None) -> web.Response:
        self._metrics.refused.labels(reason).inc()
        return problem(status, detail, headers)
