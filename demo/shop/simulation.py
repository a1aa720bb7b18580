"""What the services count in a stretch of time: the same functions make up two weeks at once and one second of now."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
from scipy.special import ndtr

from demo.shop.rhythm import Floats, listeners, unrest
from demo.shop.services import (
    BITRATE,
    BUCKETS_SECONDS,
    CACHE,
    CODES,
    CONNECTIONS,
    DURATION,
    LOGINS,
    PLAYING,
    QUERIES,
    REBUFFERING,
    REQUESTS,
    SERVICES,
    STREAMS,
    Family,
    Service,
)

# The faults by which a service answers 500 to most requests; a restart mends the second, nothing but people the third.
FAILING = {"failing-gateway": "gateway", "stuck-recommender": "recommender", "failing-catalogue": "catalogue"}
MENDED_BY_RESTART = frozenset({"stuck-recommender"})
FAULTS = ("slow-player", *FAILING)
FAILING_SHARE = 0.6
SLOWDOWN = 2.6  # times as long, when a slow player has become as slow as it will be
CREEP_SECONDS = 75.0
SECONDS_A_PIECE = 30.0  # a player fetches the next piece of its stream so often


@dataclass(frozen=True, slots=True)
class Series:
    """One time series of a service."""

    family: Family
    suffix: str = ""
    labels: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Stretch:
    """Steps of `seconds` each that end at Unix `times`, shape (steps,), and what is wrong since when (Unix time)."""

    times: Floats
    seconds: float
    rng: np.random.Generator
    faults: Mapping[str, float] = field(default_factory=dict)

    @property
    def busy(self) -> Floats:
        return listeners(self.times)

    def poisson(self, per_second: float) -> Floats:
        """How often something happened that happens so often when the shop is as busy as on average."""
        return self.rng.poisson(per_second * self.busy * self.seconds).astype(float)

    def slowness(self, service: Service) -> Floats:
        """How many times as long a request takes: it creeps up, and nothing jumps."""
        begun = self.faults.get("slow-player")
        if begun is None or service.region != "eu":
            return np.ones_like(self.times)
        return 1 + (SLOWDOWN - 1) * np.clip((self.times - begun) / CREEP_SECONDS, 0, 1)

    def failing_share(self, service: Service) -> float:
        """The share of requests that is answered 500."""
        failing = any(FAILING.get(fault) == service.name for fault in self.faults)
        return FAILING_SHARE if failing else 0.001


Made = Iterator[tuple[Series, Floats]]


def happen(service: Service, stretch: Stretch) -> dict[Series, Floats]:
    """What a service's series come to in each step: counters what is added, gauges what they are at its end."""
    makers = ((_requests,) if service.requests_per_second else ()) + _OWN.get(service.name, ())
    return {series: values for maker in makers for series, values in maker(service, stretch)}


def _requests(service: Service, stretch: Stretch) -> Made:
    """Requests by code, and their durations: log-normal, longer when there is more to do."""
    load = 1 + 0.25 * (stretch.busy - 1) + unrest(stretch.times, SERVICES.index(service))
    median = service.median_seconds * load * stretch.slowness(service)
    edges = np.log(np.array(BUCKETS_SECONDS))[:, None]
    below = ndtr((edges - np.log(median)) / service.spread)
    shares = np.diff(below, axis=0, prepend=0, append=1)
    amount = service.requests_per_second * stretch.busy * stretch.seconds
    up_to = np.cumsum(stretch.rng.poisson(shares * amount), axis=0)
    for edge, count in zip((*map(str, BUCKETS_SECONDS), "+Inf"), up_to, strict=True):
        yield Series(DURATION, "_bucket", (("le", edge),)), count.astype(float)
    total = up_to[-1]
    yield Series(DURATION, "_count"), total.astype(float)
    yield Series(DURATION, "_sum"), np.round(total * median * np.exp(service.spread**2 / 2), 3)
    failed = stretch.rng.binomial(total, stretch.failing_share(service))
    lost = stretch.rng.binomial(total - failed, 0.02)
    for code, count in zip(CODES, (total - failed - lost, lost, failed), strict=True):
        yield Series(REQUESTS, "_total", (("code", code),)), count.astype(float)


def _logins(service: Service, stretch: Stretch) -> Made:
    yield Series(LOGINS, "_total", (("result", "success"),)), stretch.poisson(4)
    yield Series(LOGINS, "_total", (("result", "failure"),)), stretch.poisson(0.3)


def _playing(service: Service, stretch: Stretch) -> Made:
    """Listeners who wait for slow pieces hear less, and at a lower bitrate."""
    slowness = stretch.slowness(service)
    streams = np.round(service.requests_per_second * SECONDS_A_PIECE * stretch.busy)
    waiting = stretch.rng.gamma(40, 0.0001, stretch.times.shape) * slowness**2
    yield Series(STREAMS), streams
    yield Series(PLAYING, "_total"), np.round(streams * stretch.seconds * (1 - waiting), 1)
    yield Series(REBUFFERING, "_total"), np.round(streams * stretch.seconds * waiting, 1)
    mean = 196_000 * (1 - 0.04 * (stretch.busy - 1)) * (1 - 0.06 * (slowness - 1))
    yield Series(BITRATE), np.round(mean + stretch.rng.normal(0, 900, stretch.times.shape))


def _queries(service: Service, stretch: Stretch) -> Made:
    yield Series(QUERIES, "_total"), stretch.poisson(70)
    yield Series(CONNECTIONS), stretch.rng.poisson(18 * stretch.busy).astype(float)


def _cached(service: Service, stretch: Stretch) -> Made:
    yield Series(CACHE, "_total", (("result", "hit"),)), stretch.poisson(260)
    yield Series(CACHE, "_total", (("result", "miss"),)), stretch.poisson(30)


_OWN: Mapping[str, tuple[Callable[[Service, Stretch], Made], ...]] = {
    "gateway": (_logins,),
    "player": (_playing,),
    "database": (_queries,),
    "cache": (_cached,),
}
