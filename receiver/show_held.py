"""Alerts, maintenance windows and quarantine in words, for a terminal and a tired person."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from receiver.show import Json, clock


def alert_table(alerts: Sequence[Json], *, suppressed: bool) -> str:
    """One line an alert; below it, why it is held back."""
    if not alerts:
        return "No alerts are held back." if suppressed else "No alerts."
    rows = [("STATUS", "SINCE (UTC)", "INCIDENT", "ALERT")]
    rows += [(a["status"], clock(a["starts_at"]), a["incident"] or "-", _named(a["labels"])) for a in alerts]
    header, *lines = _table(rows)
    told = [header]
    for alert, line in zip(alerts, lines, strict=True):
        told.append(line)
        if alert["suppressed"]:
            told.append(f"  held back ({alert['suppressed']['kind']}): {alert['suppressed']['reason']}")
    return "\n".join(told)


def maintenance_table(windows: Sequence[Json]) -> str:
    """One line a window."""
    if not windows:
        return "No maintenance is on or planned."
    rows = [("ID", "STATUS", "FROM (UTC)", "UNTIL (UTC)", "BY", "NAME", "ALERTS")]
    for w in windows:
        by = w["created_by"] or "configuration"
        start, end = (clock(w[key]) if w[key] else "-" for key in ("starts_at", "ends_at"))
        rows.append((w["id"], w["status"], start, end, by, w["name"], ", ".join(w["matchers"])))
    return "\n".join(_table(rows))


def quarantine_table(bodies: Sequence[Json]) -> str:
    """One line a body."""
    if not bodies:
        return "Quarantine is empty: every body was understood."
    rows = [("NUMBER", "RECEIVED (UTC)", "SOURCE", "BYTES", "WHAT IS WRONG")]
    rows += [(str(b["id"]), clock(b["received_at"]), b["source"], f"{b['size_bytes']:,}", b["reason"]) for b in bodies]
    return "\n".join(_table(rows))


def quarantined_body(body: Json) -> str:
    """One body with its reason and content."""
    cut = "\n… and more" if body["truncated"] else ""
    head = (
        f"{body['id']}  from {body['source']}, received {clock(body['received_at'])} UTC, {body['size_bytes']:,} bytes"
    )
    return f"{head}\n{body['reason']}\n\n{body['content']}{cut}"


def token_table(tokens: Sequence[Json]) -> str:
    """One line a token."""
    if not tokens:
        return "No tokens."
    rows = [("ID", "USER", "STATUS", "UNTIL (UTC)", "LAST USED", "SCOPES", "TENANTS", "NOTE")]
    for one in tokens:
        used = clock(one["used_at"]) if one["used_at"] else "never"
        tenants = "the user's" if one["tenants"] is None else ",".join(one["tenants"])
        scopes = ",".join(one["scopes"])
        rows.append((one["id"], one["user"], one["status"], one["expires_at"][:10], used, scopes, tenants, one["note"]))
    return "\n".join(_table(rows))


def dead_table(messages: Sequence[Json]) -> str:
    """One line a message."""
    if not messages:
        return "No message was given up."
    rows = [("ID", "GIVEN UP (UTC)", "INCIDENT", "MESSAGE", "TO", "ATTEMPTS", "WHY")]
    for m in messages:
        to = f"{m['person']} by {m['channel']}" if m["person"] else m["channel"]
        rows.append((str(m["id"]), clock(m["at"]), m["incident"], m["message"], to, str(m["attempts"]), m["reason"]))
    return "\n".join(_table(rows))


def _named(labels: Json) -> str:
    rest = ", ".join(f"{name}={value}" for name, value in sorted(labels.items()) if name != "alertname")
    return f"{labels.get('alertname', '?')}  {rest}"


def _table(rows: Sequence[tuple[Any, ...]]) -> list[str]:
    last = len(rows[0]) - 1
    widths = [max(len(row[column]) for row in rows) for column in range(last)] + [0]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
