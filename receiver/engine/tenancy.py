"""For which tenants a body may speak. What a sender says of others' tenants is neither believed nor lost.

The alerts of its own tenants go on as ever: they are pages, and must not wait for somebody's slip. The body as a whole
goes to quarantine with the reason, and people are told; from there it can be processed once the sender is allowed to.
A refusal with 403 would be final for Alertmanager and lose the other alerts of the body with these.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from receiver.engine.ingest import tenant_of
from receiver.engine.notification import Body, Notification
from receiver.engine.pipeline import Read
from tocsin.model import Alert

SHOWN_TENANTS = 5


def confine(read: Read, tenant_label: str) -> list[Read]:
    """What remains of a body: its alerts of allowed tenants, and a notice about the others, if there are any."""
    allowed = read.body.origin.tenants
    if allowed is None or read.error:
        return [read]
    tenants = [tenant_of(alert, tenant_label) for alert in read.notification.alerts]
    foreign = Counter(tenant for tenant in tenants if tenant not in allowed)
    if not foreign:
        return [read]
    own = tuple(a for a, tenant in zip(read.notification.alerts, tenants, strict=True) if tenant in allowed)
    kept = Read(read.body, replace(read.notification, alerts=own))
    reason = _reason(foreign, allowed)
    return [kept, Read(read.body, _notice(read.body, reason), reason)]


def _notice(body: Body, reason: str) -> Notification:
    """Tells people about alerts that nobody would see otherwise."""
    alert = Alert(
        labels={"alertname": "TocsinTenantRefused", "severity": "critical", "source": body.source},
        annotations={
            "summary": f"{body.source} sends alerts of tenants that it may not speak for",
            "description": f"The body is kept in quarantine as number {body.position}: {reason}.",
        },
        starts_at=body.received_at,
        ends_at=None,
        fingerprint="",
        generator_url="",
    )
    return Notification(
        source="tocsin",
        position=body.position,
        received_at=body.received_at,
        group_key=f"tenants/{body.source}",
        group_labels={"source": body.source},
        alerts=(alert,),
    )


def _reason(foreign: Counter[str], allowed: tuple[str, ...]) -> str:
    named = [repr(tenant[:64]) for tenant in sorted(foreign)[:SHOWN_TENANTS]]
    more = f" and {len(foreign) - SHOWN_TENANTS} more" if len(foreign) > SHOWN_TENANTS else ""
    own = ", ".join(repr(tenant) for tenant in allowed)
    return (
        f"{foreign.total()} of its alerts name tenants that the sender may not speak for: {', '.join(named)}{more} "
        f"(it may for {own}); the other alerts were processed"
    )
