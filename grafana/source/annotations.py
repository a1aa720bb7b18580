"""What is marked on every graph: incidents that opened."""

from __future__ import annotations

from grafana_foundation_sdk.models.dashboard import AnnotationQuery

from grafana.source.look import PROMETHEUS, Colour

OPENED = "tocsin_receiver_incidents_opened_total"


class Marks(AnnotationQuery):
    """An annotation of Prometheus's data source, whose keys the library's model lacks."""

    def to_json(self) -> dict[str, object]:
        """The JSON that Grafana's Prometheus data source reads (its annotations.ts)."""
        target = {"datasource": PROMETHEUS, "expr": self.expr, "interval": "60s", "refId": "Incidents"}
        return {
            "name": self.name,
            "datasource": PROMETHEUS,
            "enable": self.enable,
            "iconColor": self.icon_color,
            "target": target,
            "titleFormat": "Incident: {{severity}}",
            "textFormat": "An incident of tenant {{tenant}} opened.",
            "tagKeys": "severity,tenant",
        }


def incidents(tenant: str = "") -> Marks:
    """Moments at which incidents opened; those of the tenants that match, where `tenant` is a matcher.

    The count differs from what it last was within the hour before, or was not there: a series begins with its first
    incident, and begins anew when the receiver restarts, so `increase` would miss those.
    """
    count = f"{OPENED}{{{tenant}}}" if tenant else OPENED
    before = f"last_over_time({count}[1h] offset $__interval)"
    changed = f"({count} != {before}) or ({count} unless {before})"
    return Marks(name="Incidents", datasource=PROMETHEUS, icon_color=Colour.BAD, expr=changed)
