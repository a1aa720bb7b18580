"""The servers that a configuration names, with the session that it wants."""

from __future__ import annotations

from contextlib import AsyncExitStack

from exporter.config import PrometheusSettings
from tocsin import http_client
from tocsin.promapi import Prometheus


class Servers:
    """One client for as long as the settings stay as they are; sessions live as long as the stack.

    A session that is no longer wanted may still have a request on its way: it is closed at the end.
    """

    def __init__(self, stack: AsyncExitStack) -> None:
        self._stack = stack
        self._known: tuple[PrometheusSettings, Prometheus] | None = None

    def asked(self, settings: PrometheusSettings) -> Prometheus:
        """A client of these servers."""
        if self._known is None or self._known[0] != settings:
            self._known = (settings, self._new(settings))
        return self._known[1]

    def _new(self, settings: PrometheusSettings) -> Prometheus:
        session = http_client.session(settings)
        self._stack.push_async_callback(session.close)
        return Prometheus(
            session,
            settings.url,
            timeout_seconds=settings.timeout.total_seconds(),
            http=settings,
            most_bytes=settings.max_answer_bytes,
            at_once=settings.concurrency,
        )
