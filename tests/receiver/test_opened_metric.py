"""What `/metrics` tells of incidents that open: how many, whose, how severe."""

from __future__ import annotations

from datetime import UTC, datetime

from receiver.engine.events import Opened
from receiver.engine.incident import Incident
from receiver.engine.policy import step
from receiver.engine.working_set import Outcome
from receiver.metrics import Metrics
from tocsin.model import Severity

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)


def opened(metrics: Metrics, name: str, tenant: str, severity: Severity) -> None:
    """Commits an incident that somebody opened."""
    before, outcome = Incident(name), Outcome()
    event = Opened(tenant, "hand", name, "It burns", (), "new", severity=severity)
    outcome.record(before, step(before, event, NOW), NOW)
    metrics.observe(outcome)


def test_incidents_that_open_are_counted_by_tenant_and_severity() -> None:
    """One for each, under the severity that it had when it opened; a tenant that had none has no series."""
    metrics = Metrics()
    for name, tenant, severity in (
        ("i1", "acme", Severity.CRITICAL), ("i2", "acme", Severity.CRITICAL), ("i3", "zeta", Severity.INFO),
    ):  # fmt: skip
        opened(metrics, name, tenant, severity)
    told = {
        (sample.labels["tenant"], sample.labels["severity"]): sample.value
        for family in metrics.registry.collect()
        for sample in family.samples
        if sample.name == "tocsin_receiver_incidents_opened_total"
    }
    assert told == {("acme", "critical"): 2, ("zeta", "info"): 1}
