"""The generic webhook: one JSON object by POST. Idempotent for a receiver that remembers `Idempotency-Key`."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Self

import aiohttp
from pydantic import AnyHttpUrl, model_validator

from receiver.engine.causes.tree import Tree
from receiver.engine.occurrence import Occurrence
from receiver.notify.channel import ChannelRefused, ChannelUnavailable, Envelope
from receiver.notify.text import Writer
from tocsin.config import Duration, Settings, read_secret

WORTH_A_RETRY = {408, 425, 429}


class WebhookSettings(Settings):
    """Where to post. A URL that holds a secret stands in a file of its own."""

    url: AnyHttpUrl | None = None
    url_file: Path | None = None
    bearer_token_file: Path | None = None
    timeout: Duration = timedelta(seconds=10)

    @model_validator(mode="after")
    def _one_url(self) -> Self:
        if (self.url is None) == (self.url_file is None):
            raise ValueError("give either url or url_file")
        return self


class WebhookChannel:
    """Posts messages as JSON."""

    def __init__(self, settings: WebhookSettings, writer: Writer) -> None:
        self._settings = settings
        self._writer = writer

    async def send(self, envelope: Envelope) -> None:
        url = str(self._settings.url) if self._settings.url else read_secret(_set(self._settings.url_file))
        headers = {"Idempotency-Key": envelope.key, "User-Agent": "tocsin"}
        if self._settings.bearer_token_file:
            headers["Authorization"] = f"Bearer {read_secret(self._settings.bearer_token_file)}"
        timeout = aiohttp.ClientTimeout(total=self._settings.timeout.total_seconds())
        try:
            async with (
                aiohttp.ClientSession(timeout=timeout) as session,
                session.post(url, json=self._payload(envelope), headers=headers, allow_redirects=False) as response,
            ):
                _judge(response)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise ChannelUnavailable(
                f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
            ) from error

    def _payload(self, envelope: Envelope) -> dict[str, object]:
        incident = envelope.incident
        text = self._writer.write(envelope)
        return {
            "version": "1",
            "key": envelope.key,
            "message": envelope.message,
            "sent_at": envelope.sent_at.isoformat(),
            "subject": text.subject,
            "text": text.body,
            "incident": {
                "id": incident.id,
                "status": incident.status.value,
                "severity": incident.severity.value,
                "title": incident.title,
                "tenant": incident.tenant,
                "opened_at": incident.opened_at.isoformat(),
                "resolved_at": incident.resolved_at.isoformat() if incident.resolved_at else None,
                "alerts": incident.alerts,
                "firing": incident.firing,
                "storm": incident.storm,
                "cause": _cause(envelope.tree),
                "consequences": dict(envelope.tree.services),
            },
            "alerts": [_alert(occurrence) for occurrence in envelope.alerts],
        }


def _cause(tree: Tree) -> dict[str, object] | None:
    cause = tree.cause
    if cause is None:
        return None
    return {"alert": cause.alert, "name": cause.name, "service": cause.service, "since": cause.began_at.isoformat()}


def _alert(occurrence: Occurrence) -> dict[str, object]:
    return {
        "id": occurrence.id,
        "status": occurrence.status.value,
        "labels": dict(occurrence.labels),
        "annotations": dict(occurrence.annotations),
        "starts_at": occurrence.starts_at.isoformat(),
        "ends_at": occurrence.ends_at.isoformat() if occurrence.ends_at else None,
    }


def _judge(response: aiohttp.ClientResponse) -> None:
    """2xx is delivered, 5xx and a few others come again, everything else is final."""
    if response.ok and response.status < 300:
        return
    said = f"answered {response.status} {response.reason or ''}".rstrip()
    if response.status >= 500 or response.status in WORTH_A_RETRY:
        wait = response.headers.get("Retry-After", "")
        raise ChannelUnavailable(said, float(wait) if wait.isdecimal() else None)
    raise ChannelRefused(said)


def _set(file: Path | None) -> Path:
    assert file is not None  # the model takes one of the two
    return file
