"""What a Prometheus answers to a dashboard's panels."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import msgspec
import numpy as np
from numpy.typing import NDArray

from grafana.source.preview.window import Window
from grafana.source.queries import substitute
from tocsin.promanswer import decode_instant
from tocsin.promapi import Prometheus

Floats = NDArray[np.float64]
AS_IT_IS_NOW = frozenset({"stat", "table", "bargauge"})


@dataclass(frozen=True, slots=True)
class Curve:
    """One series of an answer: Unix times and values, both of shape (points,)."""

    labels: Mapping[str, str]
    times: Floats
    values: Floats

    @property
    def last(self) -> float:
        """Its newest value."""
        return float(self.values[-1]) if len(self.values) else float("nan")


@dataclass(frozen=True, slots=True)
class Answer:
    """What a target of a panel asked, and what came."""

    target: Mapping[str, Any]
    curves: Sequence[Curve]


async def answers(
    prometheus: Prometheus, panel: Mapping[str, Any], window: Window, values: Mapping[str, str]
) -> list[Answer]:
    """Every target's answer, in order; `values` stand in the place of the dashboard's variables."""
    columns, own = panel["gridPos"]["w"], window.of_panel(panel)
    known = {**values, **own.variables(columns)}
    step = own.step(columns)

    async def one(asked: Mapping[str, Any]) -> Answer:
        target = {**asked, "legendFormat": substitute(asked["legendFormat"], known)}
        expr = substitute(target["expr"], known)
        if target.get("instant"):
            return Answer(target, await ask_now(prometheus, expr, own.end))
        return Answer(target, await ask(prometheus, expr, own.start - own.start % step, own.end, step))

    return list(await asyncio.gather(*(one(target) for target in panel["targets"])))


async def ask(prometheus: Prometheus, expr: str, start: float, end: float, step: float) -> list[Curve]:
    """The series of an expression from start to end, in Unix seconds."""
    return [
        Curve(
            msgspec.json.decode(series.metric, type=dict[str, str]),
            *np.array([(time, float(value)) for time, value in msgspec.json.decode(series.values)]).T,
        )
        for series in await prometheus.query_range(expr, start, end, step)
    ]


async def ask_now(prometheus: Prometheus, expr: str, at: float) -> list[Curve]:
    """What an expression gives at a Unix time, in the order of the answer: `sort` is kept."""
    asked = urlencode({"query": expr, "time": at})
    return [
        Curve(sample.metric, np.array([at]), np.array([sample.value]))
        for sample in await prometheus.get(f"/api/v1/query?{asked}", decode_instant)
        if sample.value is not None
    ]


async def label_values(prometheus: Prometheus, label: str, window: Window, matching: str) -> list[str]:
    """The values of a label that series had in the time shown."""
    asked = urlencode({"match[]": matching, "start": window.start, "end": window.now})
    read = msgspec.json.Decoder(dict[str, Any])
    return await prometheus.get(
        f"/api/v1/label/{label}/values?{asked}", lambda url, status, body: list(read.decode(body)["data"])
    )
