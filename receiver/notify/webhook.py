"""The generic webhook: one JSON object by POST. Idempotent for a receiver that remembers `Idempotency-Key`."""

from __future__ import annotations

import hashlib
import hmac
import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import ClassVar, Self

from pydantic import AnyHttpUrl, model_validator

from receiver.engine.causes.tree import Tree
from receiver.engine.occurrence import Occurrence
from receiver.notify.channel import Envelope, Receipt
from receiver.notify.posting import Poster, judge
from receiver.notify.run_message import ABOUT_RUNS, plan_of
from receiver.notify.runs_told import Manner, run_about, told
from receiver.notify.speech import Speech
from receiver.notify.text import Writer
from tocsin.config import Duration, Settings, read_secret

SIGNATURE = "Tocsin-Signature"


class WebhookSettings(Settings):
    """Where to post. A URL that holds a secret stands in a file of its own."""

    url: AnyHttpUrl | None = None
    url_file: Path | None = None
    bearer_token_file: Path | None = None
    hmac_secret_file: Path | None = None  # one a line: each signs, so that they can be rotated
    timeout: Duration = timedelta(seconds=10)

    @model_validator(mode="after")
    def _one_url(self) -> Self:
        if (self.url is None) == (self.url_file is None):
            raise ValueError("give either url or url_file")
        return self


class WebhookChannel:
    """Posts messages as JSON."""

    contact: ClassVar[str] = ""
    follows: ClassVar[bool] = False
    idempotent: ClassVar[bool] = True

    def __init__(self, settings: WebhookSettings, writer: Writer) -> None:
        self._settings = settings
        self._writer = writer
        self._poster = Poster(settings.timeout)

    async def send(self, envelope: Envelope) -> Receipt:
        settings = self._settings
        url = str(settings.url) if settings.url else read_secret(_set(settings.url_file)).strip()
        body = json.dumps(self._payload(envelope)).encode()
        headers = {"Content-Type": "application/json", "Idempotency-Key": envelope.key, "User-Agent": "tocsin"}
        if settings.bearer_token_file:
            headers["Authorization"] = f"Bearer {read_secret(settings.bearer_token_file)}"
        if settings.hmac_secret_file:
            secrets = read_secret(settings.hmac_secret_file).splitlines()
            headers[SIGNATURE] = signature(body, envelope.sent_at, [one.strip() for one in secrets if one.strip()])
        judge(await self._poster.post(url, body, headers), envelope.sent_at)
        return Receipt()

    def preview(self, envelope: Envelope) -> str:
        """The JSON that would be posted."""
        return json.dumps(self._payload(envelope), indent=2, ensure_ascii=False)

    async def close(self) -> None:
        await self._poster.close()

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
            "to": None if envelope.to is None else envelope.to.user,
            "reason": envelope.reason,
            "url": envelope.links.incident or envelope.url,
            "test": bool(envelope.tested_by),
            "also": [other.id for other in envelope.also],
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
            "runs": told(incident, envelope.story, Manner.plain(Speech.to(envelope.to), envelope.sent_at)),
            "run": _run(envelope),
            "alerts": [_alert(occurrence) for occurrence in envelope.alerts],
        }


def _cause(tree: Tree) -> dict[str, object] | None:
    cause = tree.cause
    if cause is None:
        return None
    return {"alert": cause.alert, "name": cause.name, "service": cause.service, "since": cause.began_at.isoformat()}


def _run(envelope: Envelope) -> dict[str, object] | None:
    """The run that the message is about; of an approval all that is asked."""
    run, _ = run_about(envelope.incident, envelope.about)
    if run is None or envelope.message not in ABOUT_RUNS:
        return None
    plan = plan_of(envelope, run)
    return {
        "id": run.id,
        "runbook": plan.runbook,
        "target": plan.target,
        "state": run.state.value,
        "outcome": run.outcome,
        "reason": run.reason,
        "plan_hash": run.plan_hash,
        "dry_run": plan.dry_run,
        "steps": [step.action.does for step in plan.steps],
        "approvals": None if plan.approval is None else {"role": plan.approval.role, "count": plan.approval.count},
        "approved_by": list(run.approved_by),
        "expires_at": None if run.expires_at is None else run.expires_at.isoformat(),
    }


def _alert(occurrence: Occurrence) -> dict[str, object]:
    return {
        "id": occurrence.id,
        "status": occurrence.status.value,
        "labels": dict(occurrence.labels),
        "annotations": dict(occurrence.annotations),
        "starts_at": occurrence.starts_at.isoformat(),
        "ends_at": occurrence.ends_at.isoformat() if occurrence.ends_at else None,
    }


def signature(body: bytes, at: datetime, secrets: list[str]) -> str:
    """`t=SECONDS,v1=HEX[,v1=HEX]`: by each secret the HMAC-SHA256 of the time, a dot and the body."""
    seconds = int(at.timestamp())
    signed = b"%d.%b" % (seconds, body)
    each = (hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest() for secret in secrets)
    return ",".join([f"t={seconds}", *(f"v1={one}" for one in each)])


def _set(file: Path | None) -> Path:
    assert file is not None  # the model takes one of the two
    return file
