"""Incidents in words, for a terminal and a tired person."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

Json = Mapping[str, Any]


def incident_table(incidents: Sequence[Json]) -> str:
    """One line an incident."""
    if not incidents:
        return "No incidents: all quiet."
    rows = [("ID", "STATUS", "SEVERITY", "OPENED (UTC)", "FIRING", "TITLE")]
    for i in incidents:
        firing = f"{i['firing']} of {i['alerts']}"
        rows.append((i["id"], i["status"], i["severity"], clock(i["opened_at"]), firing, i["title"]))
    widths = [max(len(row[column]) for row in rows) for column in range(5)] + [0]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def incident_story(incident: Json) -> str:
    """All that is known of one incident."""
    lines = [
        f"{incident['title']}",
        f"{incident['id']}  {incident['severity']}, {incident['status']}, "
        f"{incident['firing']} of {incident['alerts']} alerts firing, tenant {incident['tenant']}",
        "",
        "Alerts",
        *(f"  {line}" for alert in incident["alert_list"] for line in _alert(alert)),
    ]
    hidden = incident["alerts"] - len(incident["alert_list"])
    lines += [f"  and {hidden} more"] if hidden > 0 else []
    lines += ["", "What happened (UTC)"]
    lines += [f"  {clock(event['at'])}  {sentence(event)}" for event in incident["timeline"]]
    return "\n".join(lines)


def clock(time: str) -> str:
    """`2026-11-21T03:12:05.123Z` as `2026-11-21 03:12:05`."""
    return time[:19].replace("T", " ")


def _alert(alert: Json) -> list[str]:
    labels = ", ".join(f"{name}={value}" for name, value in sorted(alert["labels"].items()) if name != "alertname")
    ended = f", over at {clock(alert['ends_at'])}" if alert["ends_at"] else ""
    lines = [f"{alert['status']:8}  {alert['labels'].get('alertname', '?')}  since {clock(alert['starts_at'])}{ended}"]
    return lines + ([f"          {labels}"] if labels else [])


SENTENCES: Mapping[str, Callable[[Json], str]] = {
    "opened": lambda e: f"opened: {e['title']} ({e['reason']})",
    "alerts_joined": lambda e: f"{_names(e['alerts'])} joined ({e['reason']})",
    "alerts_resolved": lambda e: f"{_names(e['alerts'])} resolved",
    "alerts_expired": lambda e: f"{_names(e['alerts'])} expired ({e['reason']})",
    "reopened": lambda e: f"reopened ({e['reason']})",
    "acknowledged": lambda e: f"acknowledged by {e['by']}",
    "resolved": lambda e: f"resolved by {e['by']}" + (f": {e['reason']}" if e["reason"] else ""),
    "escalated": lambda e: f"step {e['step'] + 1}: telling {', '.join(e['notify'])} ({e['reason']})",
    "alerts_held": lambda e: f"{_names(e['alerts'])} held back, paging nobody: {e['reason']}",
    "flapping_began": lambda e: f"{e['alert']['name']} flaps: {e['reason']}",
    "flapping_ended": lambda e: f"{e['alert']['name']} flaps no more: {e['reason']}",
    "message_sent": lambda e: f"{_message(e)} sent to {e['channel']}" + _attempts(e),
    "message_skipped": lambda e: f"{_message(e)} to {e['channel']} not sent: {e['reason']}",
    "message_failed": lambda e: f"{_message(e)} to {e['channel']} FAILED: {e['reason']}",
}


def sentence(event: Json) -> str:
    """One event in words."""
    told = SENTENCES.get(event["kind"])
    return told(event) if told else str(event["kind"])


def _message(event: Json) -> str:
    return {"page": "page", "resolved": "all-clear", "reopened": "news that it is back"}[event["message"]]


def _attempts(event: Json) -> str:
    return f" at attempt {event['attempts']}" if event["attempts"] > 1 else ""


def _names(alerts: Sequence[Json]) -> str:
    names = [alert["name"] for alert in alerts[:5]]
    more = f" and {len(alerts) - 5} more" if len(alerts) > 5 else ""
    return ", ".join(names) + more
