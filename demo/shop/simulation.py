"""A stretch of the shop's time: how much there is to do, how long it takes, and what is wrong in it.

The same functions make up two weeks at once and one second of now.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from demo.shop.faults import FAILING, Fault, level
from demo.shop.rhythm import Floats, listeners, unrest
from demo.shop.services import SERVICES, Service

FAILING_SHARE = 0.6
USUAL_SHARE = 0.0002
SLOWDOWN = {"slow-player": 3.0, "latency-creep": 2.6}  # times as long, when the player is as slow as it will be
FLOOD = 8.0  # times the usual requests
ATTACK_PER_SECOND = 39.7  # more failed logins, which all come through the gateway
CASCADE_AFTER_SECONDS = 120.0  # the database is nearly full; what calls it begins to wait


@dataclass(frozen=True)
class Stretch:
    """Steps that end at Unix `times` and take so many `seconds`, both of shape (steps,), and the faults in them."""

    times: Floats
    seconds: Floats
    rng: np.random.Generator
    faults: Sequence[Fault] = ()

    @cached_property
    def busy(self) -> Floats:
        return listeners(self.times)

    def wrong(self, fault: str, *, after: float = 0.0, rise: float | None = None) -> Floats:
        """How bad a fault is, 0 to 1 (see faults.level)."""
        return level(fault, self.faults, self.times, after=after, rise=rise)

    @cached_property
    def flood(self) -> Floats:
        return self.wrong("traffic-flood")

    @cached_property
    def cascade(self) -> Floats:
        """How much those who wait for the database suffer."""
        return self.wrong("cascading-failure", after=CASCADE_AFTER_SECONDS, rise=90)

    def before(self) -> Stretch:
        """The same steps, each one step earlier: what gauges were when this stretch's steps began."""
        return Stretch(self.times - self.seconds, self.seconds, self.rng, self.faults)

    def poisson(self, per_second: Floats | float) -> Floats:
        """How often something happened in each step that happens so often a second."""
        return self.rng.poisson(np.broadcast_to(per_second * self.seconds, self.times.shape)).astype(float)

    def noisy(self, values: Floats | float, share: float = 0.02) -> Floats:
        """Values as they are measured: each a little off, by a share of it."""
        off: Floats = values * (1 + share * self.rng.standard_normal(self.times.shape))
        return off

    def requests_per_second(self, service: Service) -> Floats:
        """How many requests a service is sent."""
        usual = service.requests_per_second * self.busy
        match service.name:
            case "gateway":
                return usual * (1 + (FLOOD - 1) * self.flood) + ATTACK_PER_SECOND * self.wrong("login-brute-force")
            case "recommender":
                return np.where(self.wrong("silent-death") > 0, 0.0, usual)
        return usual * (1 + 0.4 * self.flood * service.behind)

    def slowness(self, service: Service) -> Floats:
        """How many times as long as usual a request takes: it creeps up, and nothing jumps."""
        match service.name:
            case "player" if service.region == "eu":
                worse: Floats = np.max([(most - 1) * self.wrong(fault) for fault, most in SLOWDOWN.items()], axis=0)
                return 1 + worse
            case "gateway":
                return 1 + 1.4 * self.flood + 3 * self.cascade
            case "catalogue":
                return 1 + 0.3 * self.flood + 6 * self.cascade
        return np.ones_like(self.times)

    def load(self, service: Service) -> Floats:
        """How many times as long a request takes because others are under way."""
        return 1 + 0.25 * (self.busy - 1) + unrest(self.times, SERVICES.index(service))

    def failing_share(self, service: Service) -> Floats:
        """The share of requests that is answered 500."""
        share = np.full_like(self.times, USUAL_SHARE)
        for fault, whose in FAILING.items():
            if whose == service.name:
                share = np.maximum(share, FAILING_SHARE * self.wrong(fault))
        match service.name:
            case "catalogue":
                return np.maximum(share, np.maximum(0.3 * self.wrong("error-burst"), 0.35 * self.cascade))
            case "gateway":
                return np.maximum(share, 0.04 * self.wrong("error-burst") + 0.2 * self.cascade + 0.01 * self.flood)
        return share
