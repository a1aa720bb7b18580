"""What Alertmanager sends of alerts that fire: groups that wait, webhook bodies, a second peer's repeats.

Sources: prometheus/alertmanager dispatch/dispatch.go (groups), notify/notify.go `DedupStage.needsUpdate` (what is worth
sending), template/template.go (the body); prometheus/common model/signature.go (fingerprints).
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from bench.storm.faults import Fired

GO_ZERO = "0001-01-01T00:00:00Z"
BEGIN = datetime(2026, 11, 21, tzinfo=UTC)  # the second 0 of every storm
LabelPairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Grouping:
    """A route of Alertmanager, in seconds, and how it reaches us."""

    by: tuple[str, ...]
    wait: float
    interval: float
    repeat: float = 4 * 3600.0
    twice: float = 0.15  # share of bodies that a second peer sends, too
    late: float = 0.02  # share of bodies that arrive late, behind others that were sent after them


@dataclass(frozen=True, slots=True)
class Body:
    """A notification: when it arrives, of which group, what fires and what has ended."""

    at: float
    group: LabelPairs
    firing: tuple[Fired, ...]
    resolved: tuple[Fired, ...]


def bodies(rng: random.Random, alerts: Sequence[Fired], grouping: Grouping) -> list[Body]:
    """Every body, in the order of arrival."""
    groups: dict[LabelPairs, list[Fired]] = {}
    for one in sorted(alerts):
        key = tuple((name, one.labels[name]) for name in grouping.by if name in one.labels)
        groups.setdefault(key, []).append(one)
    arrived = []
    for key, members in groups.items():
        for at, firing, resolved in _flushes(members, grouping):
            delay = rng.uniform(1.0, 20.0) if rng.random() < grouping.late else rng.uniform(0.01, 0.3)
            arrived.append(Body(at + delay, key, firing, resolved))
            if rng.random() < grouping.twice:
                again = rng.choice((0.01, 15.0))  # both peers at once; or the second in its turn
                arrived.append(Body(at + delay + again, key, firing, resolved))
    return sorted(arrived, key=lambda body: (body.at, body.group))


def _flushes(
    members: Sequence[Fired], grouping: Grouping
) -> Iterator[tuple[float, tuple[Fired, ...], tuple[Fired, ...]]]:
    """When a group tells what: the time, what fires then, what ended since it was told last."""
    held: dict[frozenset[tuple[str, str]], Fired] = {}
    told: list[int] = []  # the firing alerts that were told last, by identity
    index, flush, sent = 0, 0.0, -math.inf
    while index < len(members) or held:
        if not held:
            flush = members[index].starts_at + grouping.wait
        else:
            changes = [one.ends_at for one in held.values()] + [one.starts_at for one in members[index : index + 1]]
            flush += grouping.interval * max(
                1, math.ceil((min(*changes, sent + grouping.repeat) - flush) / grouping.interval)
            )
        while index < len(members) and members[index].starts_at <= flush:
            held[frozenset(members[index].labels.items())] = members[index]
            index += 1
        firing = tuple(one for one in held.values() if one.ends_at > flush)
        resolved = tuple(one for one in held.values() if one.ends_at <= flush)
        fresh = any(id(one) not in told for one in firing)
        if fresh or (resolved and sent > -math.inf) or (firing and flush >= sent + grouping.repeat):
            yield flush, firing, resolved
            sent = flush
        told = [id(one) for one in firing]
        held = {key: one for key, one in held.items() if one.ends_at > flush}


def as_json(body: Body) -> dict[str, Any]:
    """The webhook body, version 4."""
    alerts = [_alert(one, ended=False) for one in body.firing] + [_alert(one, ended=True) for one in body.resolved]
    inner = ", ".join(f'{name}="{value}"' for name, value in sorted(body.group))
    return {
        "version": "4",
        "groupKey": f"{{}}:{{{inner}}}",
        "truncatedAlerts": 0,
        "receiver": "tocsin",
        "status": "firing" if body.firing else "resolved",
        "alerts": alerts,
        "groupLabels": dict(body.group),
        "commonLabels": _common([alert["labels"] for alert in alerts]),
        "commonAnnotations": _common([alert["annotations"] for alert in alerts]),
        "externalURL": "http://alertmanager:9093",
    }


def _alert(one: Fired, *, ended: bool) -> dict[str, Any]:
    name = one.labels["alertname"]
    about = next((one.labels[label] for label in one.labels if label not in ("alertname", "severity")), "")
    return {
        "status": "resolved" if ended else "firing",
        "labels": dict(sorted(one.labels.items())),
        "annotations": {"summary": f"{name}: {about}"},
        "startsAt": moment(one.starts_at),
        "endsAt": moment(one.ends_at) if ended else GO_ZERO,
        "generatorURL": "http://prometheus:9090/graph",
        "fingerprint": fingerprint(tuple(sorted(one.labels.items()))),
    }


def _common(sets: Sequence[Mapping[str, str]]) -> dict[str, str]:
    first, *others = sets
    return {name: value for name, value in first.items() if all(other.get(name) == value for other in others)}


def moment(seconds: float) -> str:
    """RFC 3339, to the millisecond as Prometheus has it."""
    at = BEGIN + timedelta(milliseconds=round(seconds * 1000))
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


@lru_cache(maxsize=65536)
def fingerprint(labels: LabelPairs) -> str:
    """The 64-bit FNV-1a of the sorted labels, each name and value ended by a byte 255."""
    total = 14695981039346656037
    for byte in b"".join(name.encode() + b"\xff" + value.encode() + b"\xff" for name, value in labels):
        total = (total ^ byte) * 1099511628211 % 2**64
    return f"{total:016x}"
