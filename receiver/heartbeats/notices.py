"""A heartbeat's silence and return, as webhook bodies: so they go through the inbox and the engine like every alert."""

from __future__ import annotations

from datetime import datetime

import msgspec

from receiver.engine.heartbeat import Heartbeat
from receiver.engine.notification import Body
from tocsin import duration

SOURCE = "tocsin"
ALERT = "TocsinHeartbeatSilent"


def silence(heartbeat: Heartbeat, heard_at: datetime | None, now: datetime) -> Body:
    """Opens an incident: nothing of a heartbeat for too long, or ever since our start (`heard_at` is None)."""
    wanted = ", ".join(f'{name}="{value}"' for name, value in sorted(heartbeat.labels.items()))
    last = f"It was heard last at {heard_at:%Y-%m-%d %H:%M:%S} UTC" if heard_at else "It was not heard since our start"
    annotations = {
        "summary": f"Nothing is heard of {heartbeat.source}: the heartbeat {heartbeat.name} is silent",
        "description": f"The alert {{{wanted}}} fires as long as all is well. {last}; it is expected within "
        f"{duration.show(heartbeat.within)}. Until it is back, nobody may hear of anything that goes wrong: look at "
        "Prometheus, at Alertmanager, and at the way from there to Tocsin.",
    }
    return _body(heartbeat, now, {"status": "firing", "annotations": annotations, "startsAt": now})


def back(heartbeat: Heartbeat, now: datetime) -> Body:
    """Ends what `silence` began."""
    return _body(heartbeat, now, {"status": "resolved", "startsAt": now, "endsAt": now})


def _body(heartbeat: Heartbeat, now: datetime, alert: dict[str, object]) -> Body:
    labels = {"alertname": ALERT, "severity": "critical", "heartbeat": heartbeat.name, "source": heartbeat.source}
    content = {
        "version": "4",
        "groupKey": f"heartbeat:{heartbeat.name}",
        "groupLabels": {"heartbeat": heartbeat.name},
        "alerts": [{"labels": labels} | alert],
    }
    return Body(SOURCE, now, msgspec.json.encode(content))
