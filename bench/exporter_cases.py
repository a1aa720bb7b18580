"""The measurements of bench.exporter_throughput, each in a process of its own; prints JSON."""

from __future__ import annotations

import asyncio
import json
import resource
import statistics
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import aiohttp
import numpy as np
from aiohttp.test_utils import TestServer

from exporter.app import Exporter
from exporter.config import ExporterConfig
from exporter.reading import Reader
from tocsin.clock import ManualClock
from tocsin.promapi import Prometheus

START = datetime(2026, 1, 15, 12, 0, 10, tzinfo=UTC)
HISTORY_COLUMNS = 20  # learned before what is measured
CUT = 100  # series of the history that MetricRangeDataFrame gets
LENGTH = 2016  # a week at 5 minutes, what a foreign model fits
FOREIGN: dict[str, tuple[str, dict[str, Any]]] = {
    "sktime NaiveForecaster": ("sktime.forecasting.naive:NaiveForecaster", {"strategy": "last", "sp": 288}),
    "sktime ExponentialSmoothing": (
        "sktime.forecasting.exp_smoothing:ExponentialSmoothing",
        {"seasonal": "add", "sp": 288},
    ),
    "sktime ThetaForecaster": ("sktime.forecasting.theta:ThetaForecaster", {"sp": 288}),
    "statsforecast AutoETS": ("sktime.forecasting.statsforecast:StatsForecastAutoETS", {"season_length": 24}),
    "Prophet": ("sktime.forecasting.fbprophet:Prophet", {}),
}


class Stopwatch:
    """Processor seconds of calls, all threads together."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def timed(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def called(*arguments: Any) -> Any:
            began = time.process_time()
            try:
                return call(*arguments)
            finally:
                self.seconds += time.process_time() - began

        return called

    def taken(self) -> float:
        seconds, self.seconds = self.seconds, 0.0
        return seconds


async def step(url: str, series: int, horizons: int, steps: int) -> dict[str, Any]:
    """One query of so many series: the best of its steps, by processor time."""
    query = {"name": "q", "expr": str(series), "step": "1m", "history": f"{HISTORY_COLUMNS}m", "delay": "10s"}
    query["max_series"] = series  # type: ignore[assignment]
    if horizons:
        query["horizons"] = ["1h"]  # type: ignore[assignment]
    config = ExporterConfig.model_validate({"prometheus": {"url": url}, "queries": [query]})
    clock, model = ManualClock(START), Stopwatch()
    async with aiohttp.ClientSession(auto_decompress=False) as session:
        exporter = Exporter.build(config, Prometheus(session, [url]), clock)
        (watch,) = exporter.watches
        for name in ("update", "forecast"):
            setattr(watch._scoring.model, name, model.timed(getattr(watch._scoring.model, name)))
        server = TestServer(exporter.application)
        await server.start_server()
        await watch.step()
        assert watch.snapshot.series == series
        found = [await _one(watch, clock, session, str(server.make_url("/metrics")), model) for _ in range(steps)]
        await server.close()
    best = min(found, key=lambda one: one["step"])
    return {**best, "series": series, "published": "score, band, 1h" if horizons else "score", "peak": _peak()}


async def _one(
    watch: Any, clock: ManualClock, session: aiohttp.ClientSession, page: str, model: Stopwatch
) -> dict[str, float]:
    clock.advance(minutes=1)
    model.taken()
    began = time.process_time()
    target = watch._target()
    reading = await watch._reader.read(watch.prometheus, start=target, end=target)
    read = time.process_time()
    watch._learned, watch.snapshot = await asyncio.to_thread(watch._take, watch._learned, reading.frame)
    taken = time.process_time()
    async with session.get(page, headers={"Accept-Encoding": "gzip"}) as answer:
        assert len(await answer.read()) > 0
    ended = time.process_time()
    own = model.taken()
    return {
        "read": read - began,
        "model": own,
        "publish": taken - read - own,
        "scrape": ended - taken,
        "step": ended - began,
    }


async def history(url: str, series: int, days: int) -> dict[str, Any]:
    """Reads a history part by part as the exporter does, then a part of the same bytes as others do."""
    end, span, samples = START.timestamp() // 300 * 300, days * 86_400, 0
    async with aiohttp.ClientSession() as session:
        prometheus = Prometheus(session, [url])
        reader = Reader(str(series), step=300.0, max_series=series)
        await prometheus.query_range(str(series), end - 300 * (150_000 // series - 1), end, 300)  # prepares the bytes
        wall, began = time.perf_counter(), time.process_time()
        async for reading in reader.history(prometheus, start=end - span, end=end, at_once=False):
            samples += reading.points
            assert reading.frame.values.shape[0] == series
        seconds, wall = time.process_time() - began, time.perf_counter() - wall
        peak = _peak()
        form = {"query": str(min(CUT, series)), "start": str(end - span), "end": str(end), "step": "300"}
        async with session.post(f"{url}/api/v1/query_range", data=form) as answer:
            body = await answer.read()
    from prometheus_api_client import MetricRangeDataFrame

    began = time.process_time()
    frame = MetricRangeDataFrame(json.loads(body)["data"]["result"])
    theirs = len(frame) / (time.process_time() - began)
    return {
        "samples": samples,
        "ours": samples / seconds,
        "seconds": wall,
        "theirs": theirs,
        "cut": min(CUT, series),
        "peak": peak,
    }


def foreign() -> dict[str, float | None]:
    """Milliseconds to fit a week of one series and say the next point, the middle of three."""
    import importlib
    import warnings

    import pandas as pd

    warnings.simplefilter("ignore")
    rng = np.random.default_rng(1)
    values = 100 + 40 * np.sin(2 * np.pi * np.arange(LENGTH) / 288) + rng.normal(0, 5, LENGTH)
    series = pd.Series(values, index=pd.date_range("2026-01-01", periods=LENGTH, freq="5min"))
    found: dict[str, float | None] = {}
    for name, (place, parameters) in FOREIGN.items():
        module, kind = place.split(":")
        try:
            make = getattr(importlib.import_module(module), kind)
            times = []
            for _ in range(3):
                began = time.process_time()
                make(**parameters).fit(series, fh=[1]).predict()
                times.append(time.process_time() - began)
            found[name] = statistics.median(times) * 1e3
        except ImportError:
            found[name] = None
    return found


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def main() -> None:
    match sys.argv[1:]:
        case ["step", url, *numbers]:
            found: Any = asyncio.run(step(url, *map(int, numbers)))
        case ["history", url, series, days]:
            found = asyncio.run(history(url, int(series), int(days)))
        case ["foreign"]:
            found = foreign()
        case _:
            return
    print(json.dumps(found))


if __name__ == "__main__":
    main()
