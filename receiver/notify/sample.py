"""A sample incident: what a template or a channel is tried with."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from receiver.engine.causes.tree import Branch, Role, Tree
from receiver.engine.causes.why import Why
from receiver.engine.events import Acknowledged, AnyEvent, SlaWarned
from receiver.engine.incident import Incident, IncidentStatus
from receiver.engine.occurrence import Occurrence
from receiver.engine.plan import EscalationStep, Message
from receiver.notify import sample_run
from receiver.notify.channel import Envelope, Links, Recipient
from tocsin.model import Severity

BEGAN = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)


def sample(message: Message, language: str = "en") -> Envelope:
    """A message of every part: a cause and what follows, an alert, a runbook's run, somebody it is for, another
    incident beside it."""
    sent = BEGAN + timedelta(minutes=12)
    resolved = message == "resolved"
    incident = Incident(
        id="k3f9x2abcd",
        tenant="acme",
        title="7 % of the player's requests fail",
        severity=Severity.CRITICAL,
        status=IncidentStatus.RESOLVED if resolved else IncidentStatus.OPEN,
        opened_at=BEGAN,
        resolved_at=sent if resolved else None,
        resolved_by="alertmanager" if resolved else "",
        reopened_at=sent if message == "reopened" else None,
        alerts=12,
        firing=0 if resolved else 12,
        step=2,
        escalation=(EscalationStep(timedelta(), ("user:alice",)),) * 3,
    )
    cause = Branch(
        name="DatabaseDown",
        service="db",
        role=Role.CAUSE,
        alert="67f1a2b3c4d5e6f7a8b9",
        rank=1,
        alerts=2,
        firing=2,
        severity=Severity.CRITICAL,
        began_at=BEGAN,
        ended_at=None,
        why=Why(),
        labels={},
    )
    story: dict[Message, AnyEvent] = {
        "sla": SlaWarned("acknowledge", sent + timedelta(minutes=3)),
        "update": Acknowledged("bob", "slack"),
    }
    ran = sample_run.happened(message, BEGAN)
    newest = [(sent, story[message])] if message in story else []
    return Envelope(
        key=f"{incident.id}/{message}/sample",
        message=message,
        incident=sample_run.after(incident, ran),
        alerts=[_alert()],
        sent_at=sent,
        url="https://tocsin.example.org/api/v1/incidents/k3f9x2abcd",
        tree=Tree(branches=(cause,), services={"player": 7, "web": 3}),
        to=Recipient("alice", "Alice", "alice@example.org", language, "Europe/Paris"),
        reason="on call for primary until 2026-11-21 09:00 CET",
        links=Links("https://tocsin.example.org/api/v1/incidents/k3f9x2abcd", "https://tocsin.example.org/answer/abc"),
        story=[*ran, *newest],
        also=(_other(),) if message not in ("resolved", "approval", "remediation") else (),
    )


def _other() -> Incident:
    return Incident(id="17r2sobcde", title="Disk is full", severity=Severity.WARNING, opened_at=BEGAN)


def _alert() -> Occurrence:
    labels: Mapping[str, str] = {"alertname": "DatabaseDown", "service": "db", "severity": "critical"}
    annotations = {
        "summary": "db-1 does not answer",
        "description": "No query has been answered for 2 minutes.",
        "runbook_url": "https://runbooks.example.org/db",
    }
    return Occurrence(
        id="67f1a2b3c4d5e6f7a8b9",
        identity="sample",
        tenant="acme",
        source="alertmanager",
        fingerprint="8b1f0c2d3e4f5a6b",
        labels=dict(labels),
        annotations=annotations,
        generator_url="",
        starts_at=BEGAN,
    )
