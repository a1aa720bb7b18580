"""A replayed storm in words, for a terminal and a tired person."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from receiver.engine.occurrence import one_line
from receiver.replay.played import Played, Row
from tocsin.words import plural

SHOWN_ALERTS = 10
SHOWN_LABELS = 60  # characters


def story(played: Played) -> str:
    """The incidents in the order in which they opened, each with its alerts, the likeliest cause first."""
    if not played.rows:
        return "No alerts."
    lines = [_summary(played)]
    members = played.members
    for incident in played.incidents:
        rows = members[incident.id]
        pages = sum(sent.message == "page" for sent in played.sent if sent.incident == incident.id)
        lines += [
            "",
            f"{incident.id}  opened {incident.opened_at:%Y-%m-%d %H:%M:%S} UTC, {incident.status.value}, "
            f"{plural(len(rows), 'alert')}, {plural(pages, 'page')}",
            f"  {incident.title}",
            *(f"  {line}" for row in rows[:SHOWN_ALERTS] for line in _alert(row, played)),
        ]
        lines += [f"       and {len(rows) - SHOWN_ALERTS} more"] if len(rows) > SHOWN_ALERTS else []
    return "\n".join([*lines, *_held(played)])


def _summary(played: Played) -> str:
    held = len(played.held)
    told = Counter(sent.channel for sent in played.sent if sent.message == "page")
    pages = ", ".join(f"{channel} {count}" for channel, count in sorted(told.items()))
    return (
        f"{plural(len(played.rows), 'alert')} in {plural(len(played.incidents), 'incident')}"
        + (f", {held} held back" if held else "")
        + (f"; pages: {pages}" if pages else "; nobody is paged")
    )


def _alert(row: Row, played: Played) -> Iterator[str]:
    one = row.occurrence
    rank = played.causes[one.id]
    labels = ", ".join(f"{name}={value}" for name, value in sorted(one.labels.items()) if name != "alertname")
    since = f"{one.starts_at:%H:%M:%S}"
    yield f"{rank:3}. {since}  {one_line(one.name, 60)}  {one_line(labels, SHOWN_LABELS)}".rstrip()
    if rank == 1:
        yield from (f"        {reason}" for reason in row.reasons[-1:])


def _held(played: Played) -> Iterator[str]:
    if not played.held:
        return
    yield from ("", "Held back")
    why: Counter[str] = Counter(f"{hold.kind.value}: {hold.reason}" for hold in played.held.values())
    yield from (f"  {plural(count, 'alert')}  {reason}" for reason, count in why.most_common())
