"""The rules that a server evaluates, and how often: Prometheus's own words, which Thanos, Mimir and others share.

Source: prometheus web/api/v1/api.go, `/api/v1/rules` (RuleDiscovery) and `/api/v1/status/config`; durations and
intervals are seconds there. An interval is always said, also where the server's own was meant; a group's labels stand
on its rules; its offset is not said.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Generic, TypeVar

import msgspec

from tocsin import duration, yamltree
from tocsin.promapi import NoAnswer, NotLetIn, NotPrometheus, Prometheus, QueryError, QueryRefused

RULES = "/api/v1/rules"
CONFIG = "/api/v1/status/config"
MOST_CONFIG = 10 * 2**20  # bytes of a configuration that is looked into

T = TypeVar("T")
Seconds = Annotated[float, msgspec.Meta(ge=0, le=1e10)]  # Go counts no longer


class ServedAlert(msgspec.Struct, frozen=True):
    """An alert that is pending or firing."""

    active: datetime | None = msgspec.field(name="activeAt", default=None)


class ServedRule(msgspec.Struct, frozen=True):
    """A rule; some servers write null for what there is none of."""

    name: str = ""
    type: str = ""
    query: str = ""
    duration: Seconds = 0.0
    keep_firing_for: Seconds = msgspec.field(name="keepFiringFor", default=0.0)
    labels: dict[str, str] | None = None
    annotations: dict[str, str] | None = None
    alerts: list[ServedAlert] | None = None
    health: str = ""
    last_error: str = msgspec.field(name="lastError", default="")


class ServedGroup(msgspec.Struct, frozen=True):
    """A group of a file, and when it was evaluated last."""

    name: str = ""
    file: str = ""
    rules: list[ServedRule] | None = None
    interval: Seconds = 60.0
    limit: int | None = None
    last: datetime | None = msgspec.field(name="lastEvaluation", default=None)


class _Rules(msgspec.Struct, frozen=True):
    groups: list[ServedGroup] | None = None


class _Yaml(msgspec.Struct, frozen=True):
    yaml: str = ""


class _Answer(msgspec.Struct, Generic[T], frozen=True):
    status: str = ""
    data: T | None = None
    error: str = ""


class ServedConfig(msgspec.Struct, frozen=True):
    """What the configuration says of all groups; None where the server shows nothing of it."""

    interval: timedelta | None = None
    query_offset: timedelta = timedelta()


_RULES = msgspec.json.Decoder(_Answer[_Rules])
_CONFIG = msgspec.json.Decoder(_Answer[_Yaml])


async def rules(server: Prometheus, asking: str = "") -> list[ServedGroup]:
    """The groups that a server evaluates; `asking` narrows it: `type=alert`, `exclude_alerts=true`.

    Raises:
        QueryError: no server answers, or refuses, or what answers is no rules API.
    """
    return await server.get(f"{RULES}?{asking}" if asking else RULES, decode_rules)


async def rules_if_any(server: Prometheus) -> list[ServedGroup]:
    """The same; a server that has no such page evaluates none.

    Raises:
        QueryError: as above.
    """
    return await server.get(RULES, lambda *answer: [] if answer[1] == 404 else decode_rules(*answer))


async def config(server: Prometheus) -> ServedConfig:
    """What the server shows of its configuration; Thanos and Mimir show none."""
    try:
        return await server.get(CONFIG, lambda *answer: ServedConfig() if answer[1] == 404 else decode_config(*answer))
    except QueryError:
        return ServedConfig()


def decode_rules(url: str, status: int, body: bytes) -> list[ServedGroup]:
    """The groups in an answer's body.

    Raises:
        QueryError: there are none in it.
    """
    return _decoded(url, status, body, RULES, _RULES).groups or []


def decode_config(url: str, status: int, body: bytes) -> ServedConfig:
    """What stands in an answer's body.

    Raises:
        QueryError: it is no configuration.
    """
    text = _decoded(url, status, body, CONFIG, _CONFIG).yaml
    documents, _ = yamltree.parse(text if len(text) <= MOST_CONFIG else "", CONFIG)
    data = documents[0].data if documents else None
    part = data.get("global") if isinstance(data, dict) else None
    said = part if isinstance(part, dict) else {}
    offset = _duration(said.get("rule_query_offset"))
    return ServedConfig(_duration(said.get("evaluation_interval")), offset or timedelta())


def _decoded(url: str, status: int, body: bytes, path: str, decoder: msgspec.json.Decoder[_Answer[T]]) -> T:
    if status in (401, 403, 407):
        raise NotLetIn(f"{url} does not let us in (HTTP {status})")
    if status == 404:
        raise NotPrometheus(f"{url} has no {path} (HTTP 404): check the address, which may need a path")
    try:
        answer = decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        kind: type[QueryError] = NoAnswer if status >= 500 else NotPrometheus
        raise kind(f"{url} answered HTTP {status} to {path} with something else") from error
    if answer.status != "success" or answer.data is None:
        kind = NoAnswer if status >= 500 or status == 429 else QueryRefused
        raise kind(f"{url} says: {answer.error or f'HTTP {status}'}")
    return answer.data


def _duration(value: object) -> timedelta | None:
    try:
        return duration.parse(str(value)) if value is not None else None
    except ValueError:
        return None
