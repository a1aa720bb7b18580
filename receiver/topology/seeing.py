"""Which values of the topology's label alerts have had: asked of the receiver, or of Prometheus."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from datetime import timedelta
from pathlib import Path

from receiver.topology.asking import Server, asking, server
from receiver.topology.judge import Seen
from tocsin import duration
from tocsin.client import Client
from tocsin.clock import Clock, SystemClock
from tocsin.errors import UsageError
from tocsin.promql import LABEL

BESIDE = ("node", "instance")  # labels of what services run on, which may stand in the graph, too


def alerts_of(
    url: str | None, prometheus_url: str, http_config: Path | None, label: str, since: timedelta
) -> Seen | None:
    """What the server that options name says; None where they name none.

    Raises:
        UsageError: the options do not fit together.
        TocsinError: the server cannot be reached, or refuses.
    """
    if url and prometheus_url:
        raise UsageError("--url and --prometheus.url: ask one of them")
    if http_config and not prometheus_url:
        raise UsageError("--http.config.file says how to ask Prometheus; name it: --prometheus.url")
    if url:
        return from_receiver(url, label)
    return from_prometheus(server(prometheus_url, http_config), label, since) if prometheus_url else None


def from_receiver(url: str, label: str) -> Seen:
    """The labels of every alert that the receiver has.

    Raises:
        TocsinError: it cannot be reached, or refuses.
    """
    client = Client.from_environment(url)
    return seen((alert["labels"] for alert in client.alerts()), label, client.url)


def from_prometheus(where: Server, label: str, since: timedelta, clock: Clock | None = None) -> Seen:
    """The labels of every alert that fired within so long, by the series ALERTS.

    Raises:
        TocsinError: the server does not answer, or refuses.
        UsageError: the label cannot be asked for.
    """
    if not LABEL.fullmatch(label):
        raise UsageError(f"topology.label {label!r} cannot be asked of Prometheus; compare with the receiver: --url")
    return asyncio.run(_fired(where, label, since, clock or SystemClock()))


async def _fired(where: Server, label: str, since: timedelta, clock: Clock) -> Seen:
    by = ", ".join(dict.fromkeys((label, *BESIDE)))
    expr = f'group by ({by}, alertname) (last_over_time(ALERTS{{alertstate="firing"}}[{duration.show(since)}]))'
    async with asking(where, clock) as asked:
        return seen((labels for labels, _ in await asked.vector(expr)), label, where.url)


def seen(alerts: Iterable[Mapping[str, str]], label: str, where: str) -> Seen:
    """What the labels of so many alerts tell."""
    values, beside, without = set(), set(), 0
    for labels in alerts:
        if labels.get(label):
            values.add(labels[label])
        else:
            without += 1
        beside |= {labels[name] for name in BESIDE if labels.get(name)}
    return Seen(frozenset(values), without, where, frozenset(beside - values))
