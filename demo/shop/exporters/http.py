"""Requests of the shop's own services, by the names that most client libraries' examples use."""

from __future__ import annotations

import numpy as np

from demo.shop.rhythm import Floats
from demo.shop.series import Made, counter, histogram, lognormal
from demo.shop.services import GATEWAY, Service
from demo.shop.simulation import ATTACK_PER_SECOND, Stretch

BUCKETS_SECONDS = (0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 2.5)
REQUESTS = counter("http_requests_total", "Requests answered, by status code.")
DURATION = histogram("http_request_duration_seconds", "How long a request took.")
NOT_FOUND_SHARE = 0.02


def requests(service: Service, stretch: Stretch) -> Made:
    """Requests by code, and their durations: log-normal, longer when there is more to do."""
    made = lognormal(
        DURATION,
        stretch.rng,
        stretch.requests_per_second(service) * stretch.seconds,
        service.median_seconds * stretch.load(service) * stretch.slowness(service),
        spread=service.spread,
        edges=BUCKETS_SECONDS,
    )
    total = np.zeros_like(stretch.times)
    for series, values in made:
        yield series, values
        if series.suffix == "_count":
            total = np.asarray(values)
    left = total.astype(int)
    answered = total
    for code, share in _shares(service, stretch).items():
        count = stretch.rng.binomial(left, np.clip(share, 0, 1))
        left, answered = left - count, answered - count
        yield REQUESTS(code=code), count.astype(float)
    yield REQUESTS(code="200"), answered


def _shares(service: Service, stretch: Stretch) -> dict[str, Floats | float]:
    """Of the requests, the share answered with each code other than 200."""
    shares: dict[str, Floats | float] = {"500": stretch.failing_share(service), "404": NOT_FOUND_SHARE}
    if service is GATEWAY:
        refused = ATTACK_PER_SECOND * stretch.wrong("login-brute-force") / stretch.requests_per_second(service)
        shares |= {"401": 0.003 + refused, "403": 0.001}
    return shares
