"""Alert rules from Prometheus's rules API.

Source: prometheus: web/api/v1/api.go, `/api/v1/rules`; durations and intervals are seconds there.
"""

from __future__ import annotations

from datetime import timedelta

import msgspec

from exporter.rules.alertrule import AlertRule, Rules
from tocsin.promapi import NoAnswer, NotPrometheus, Prometheus, QueryError, QueryRefused

PATH = "/api/v1/rules"


class _Rule(msgspec.Struct, frozen=True):
    name: str = ""
    type: str = ""
    query: str = ""
    duration: float = 0.0
    labels: dict[str, str] | None = None


class _Group(msgspec.Struct, frozen=True):
    name: str = ""
    interval: float = 60.0
    rules: list[_Rule] = []


class _Data(msgspec.Struct, frozen=True):
    groups: list[_Group] | None = None


class _Answer(msgspec.Struct, frozen=True):
    status: str = ""
    data: _Data = _Data()
    error: str = ""


_ANSWER = msgspec.json.Decoder(_Answer)


async def read(prometheus: Prometheus) -> Rules:
    """The rules that a server evaluates; recording rules too, for what rests on Tocsin's own series.

    Raises:
        QueryError: no server answers, or refuses, or what answers is no rules API.
    """
    return await prometheus.get(PATH, decode)


def decode(url: str, status: int, body: bytes) -> Rules:
    """The rules in an answer's body.

    Raises:
        QueryError: there are none in it.
    """
    if status in (401, 403):
        raise QueryRefused(f"{url} does not let us in (HTTP {status})")
    try:
        answer = _ANSWER.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        kind: type[QueryError] = NoAnswer if status >= 500 else NotPrometheus
        raise kind(f"{url} answered HTTP {status} to {PATH} with something else than rules") from error
    if answer.status != "success":
        kind = NoAnswer if status >= 500 else QueryRefused
        raise kind(f"{url} says: {answer.error or f'HTTP {status}'}")
    return Rules.together(map(_of_group, answer.data.groups or ()))


def _of_group(group: _Group) -> Rules:
    interval = timedelta(seconds=group.interval)
    alerts = [
        AlertRule(
            rule.name,
            group.name,
            rule.query,
            timedelta(seconds=rule.duration),
            interval,
            (rule.labels or {}).get("severity", ""),
        )
        for rule in group.rules
        if rule.type == "alerting"
    ]
    return Rules(tuple(alerts), tuple((rule.name, rule.query) for rule in group.rules if rule.type == "recording"))
