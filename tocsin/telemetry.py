"""Traces by OpenTelemetry, where somebody has configured them; else nothing of it is imported.

A span is named to others by its `traceparent` (https://www.w3.org/TR/trace-context), a text that can lie in a store.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import datetime
from typing import TYPE_CHECKING, Literal, Protocol

from pydantic import AnyHttpUrl, Field

from tocsin.config import Settings
from tocsin.errors import MissingExtra

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.sdk.trace import TracerProvider

ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"

Kind = Literal["server", "consumer", "producer"]
Attribute = str | int


class TracingSettings(Settings):
    """Where traces go. What else there is to say, OpenTelemetry's own environment variables say (OTEL_…)."""

    endpoint: AnyHttpUrl = Field(description="An OTLP collector's address over HTTP; /v1/traces is added.")


class Traces(Protocol):
    """Records what took how long, and what it belongs to."""

    def span(self, name: str, kind: Kind, parent: str, **attributes: Attribute) -> AbstractContextManager[str]:
        """A span as long as the block, below `parent`; gives its traceparent. An error marks it."""
        ...

    def past(self, name: str, kind: Kind, parent: str, since: datetime, **attributes: Attribute) -> None:
        """A span that began then and ends now."""
        ...

    def close(self) -> None:
        """Sends what was not sent yet; may take seconds."""
        ...


class NoTraces:
    """Records nothing, and hands a parent on as it is."""

    def span(self, name: str, kind: Kind, parent: str, **attributes: Attribute) -> AbstractContextManager[str]:
        return nullcontext("")

    def past(self, name: str, kind: Kind, parent: str, since: datetime, **attributes: Attribute) -> None: ...

    def close(self) -> None: ...


class OpenTelemetry:
    """Records spans by a provider of OpenTelemetry's SDK."""

    def __init__(self, provider: TracerProvider) -> None:
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        self._provider = provider
        self._tracer = provider.get_tracer("tocsin")
        self._propagator = TraceContextTextMapPropagator()

    @contextmanager
    def span(self, name: str, kind: Kind, parent: str, **attributes: Attribute) -> Iterator[str]:
        from opentelemetry.trace import SpanKind, set_span_in_context

        context = self._below(parent)
        with self._tracer.start_as_current_span(name, context, SpanKind[kind.upper()], attributes) as span:
            carrier: dict[str, str] = {}
            self._propagator.inject(carrier, set_span_in_context(span))
            yield carrier.get("traceparent", "")

    def past(self, name: str, kind: Kind, parent: str, since: datetime, **attributes: Attribute) -> None:
        from opentelemetry.trace import SpanKind

        began = round(since.timestamp() * 1e9)
        self._tracer.start_span(name, self._below(parent), SpanKind[kind.upper()], attributes, start_time=began).end()

    def close(self) -> None:
        self._provider.shutdown()

    def _below(self, parent: str) -> Context:
        from opentelemetry.context import Context

        return self._propagator.extract({"traceparent": parent}, Context())


def traces(service: str, settings: TracingSettings | None, environment: Mapping[str, str]) -> Traces:
    """The traces that the configuration, or OpenTelemetry's environment, asks for.

    Raises:
        MissingExtra: they are asked for, and OpenTelemetry is not installed.
    """
    if settings is None and not environment.get(ENDPOINT):
        return NoTraces()
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError as error:
        raise MissingExtra("opentelemetry", "otel") from error
    endpoint = f"{str(settings.endpoint).rstrip('/')}/v1/traces" if settings else None
    provider = TracerProvider(
        resource=Resource.create({"service.name": environment.get("OTEL_SERVICE_NAME") or service})
    )
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=endpoint)))
    return OpenTelemetry(provider)
