"""Traces: one thread from the webhook to the message, through the store."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from receiver.notify.channel import ChannelUnavailable
from tests.receiver.bodies import alert, body
from tests.receiver.harness import HOOK, escalation, receiver
from tocsin.errors import MissingExtra
from tocsin.telemetry import ENDPOINT, NoTraces, OpenTelemetry, TracingSettings, traces

CALLER = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def recorder() -> tuple[OpenTelemetry, InMemorySpanExporter]:
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    return OpenTelemetry(provider), exporter


def parent_of(span: ReadableSpan) -> int | None:
    return span.parent.span_id if span.parent else None


@pytest.mark.parametrize("headers", [{"traceparent": CALLER}, {}, {"traceparent": "nonsense"}])
async def test_from_webhook_to_message(tmp_path: Path, headers: dict[str, str]) -> None:
    """The caller's trace goes on through a restart: webhook, then process and every attempt of a message below it."""
    recorded, exporter = recorder()
    config = escalation(("0s", ("alice",)))
    async with receiver(tmp_path, config) as tocsin:
        tocsin.receiver.trace(recorded)
        assert (await tocsin.client.post(HOOK, data=body(alert()), headers=headers)).status == 200
    async with receiver(tmp_path, config) as tocsin:
        tocsin.receiver.trace(recorded)
        tocsin.phones["alice"].failures.append(ChannelUnavailable("not now"))
        await tocsin.settle()
        await tocsin.advance(minutes=1)
        assert len(tocsin.phones["alice"].told) == 1
    webhook, process, failed, sent = exporter.get_finished_spans()
    assert [span.name for span in (webhook, process, failed, sent)] == ["webhook", "process", "message", "message"]
    assert webhook.context is not None
    assert {parent_of(span) for span in (process, failed, sent)} == {webhook.context.span_id}
    assert parent_of(webhook) == (0xB7AD6B7169203331 if headers.get("traceparent") == CALLER else None)
    assert (failed.status.is_ok, sent.status.is_unset) == (False, True)
    assert webhook.attributes
    assert webhook.attributes["source"] == "alertmanager"


def test_only_when_configured(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is recorded, nor imported, unless it is asked for; asked for without the extra, the message names it."""
    settings = TracingSettings.model_validate({"endpoint": "http://127.0.0.1:4318"})
    assert isinstance(traces("x", None, {}), NoTraces)
    real = traces("x", settings, {})
    assert isinstance(real, OpenTelemetry)
    real.close()
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    assert isinstance(traces("x", None, {ENDPOINT: ""}), NoTraces)
    with pytest.raises(MissingExtra, match=r"tocsin\[otel\]"):
        traces("x", None, {ENDPOINT: "http://127.0.0.1:4318"})


async def test_without_traces(tmp_path: Path) -> None:
    """A receiver that records nothing keeps nothing about traces."""
    async with receiver(tmp_path) as tocsin:
        await tocsin.client.post(HOOK, data=body(alert()), headers={"traceparent": CALLER})
        (kept,) = (await tocsin.receiver.inbox.oldest()).bodies
        assert kept.origin.traceparent == ""
