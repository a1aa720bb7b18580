"""What can go wrong in the shop: how each fault comes, how it goes, as pure functions of the time since it began."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from demo.shop.rhythm import Floats

HOUR_SECONDS = 3600.0


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault from a Unix time on, until another (or for good)."""

    name: str
    begin: float
    end: float = math.inf


@dataclass(frozen=True, slots=True)
class Course:
    """How many seconds a fault takes until it is as bad as it gets, and until it is over once it is mended."""

    doc: str
    rise: float = 0.0
    fall: float = 0.0


COURSES = {
    # What the stories of `make demo` play.
    "slow-player": Course("the player in eu takes 3 times as long, within 75 s", rise=75),
    "failing-gateway": Course("the gateway answers 500 to most requests"),
    "stuck-recommender": Course("the recommender answers 500 to most requests until it is restarted"),
    "failing-catalogue": Course("the catalogue answers 500 to most requests"),
    # What the packs are measured by (docs/guide/faults.md).
    "latency-creep": Course(
        "the player in eu takes 2.6 times as long, within 20 minutes; listeners there wait more often",
        rise=1200,
        fall=120,
    ),
    "error-burst": Course("the catalogue answers 500 to 30 % of requests at once, the gateway to a few"),
    "memory-leak": Course(
        "the heap of payments grows for 12 hours, and its container's memory with it, up to its limit",
        rise=12 * HOUR_SECONDS,
        fall=30,
    ),
    "disk-filling": Course("/var of node-2 fills up within 8 hours", rise=8 * HOUR_SECONDS, fall=60),
    "codec-regression": Course(
        "opus in us: 20 times the codec errors, fall-backs to another codec, and it sounds worse", rise=30, fall=60
    ),
    "login-brute-force": Course(
        "40 failed logins a second instead of 0.3, accounts locked, scanners at the firewall", rise=20
    ),
    "traffic-flood": Course(
        "8 times the requests at ingress and gateway within 2 minutes, which slows them down", rise=120, fall=60
    ),
    "model-drift": Course(
        "what the recommender's model sees drifts away from what it learned within 6 hours, and it gets worse",
        rise=6 * HOUR_SECONDS,
        fall=900,
    ),
    "silent-death": Course("the recommender hangs: it can be scraped, but tells nothing; nobody counts an error"),
    "cascading-failure": Course(
        "the database's connections run out within 3 minutes; then catalogue and gateway get slow and fail, "
        "events wait in Kafka, and the cache hits less",
        rise=180,
        fall=60,
    ),
}
FAULTS = tuple(COURSES)
LONGEST_FALL_SECONDS = max(course.fall for course in COURSES.values())

# The faults by which a service answers 500 to most requests.
FAILING = {"failing-gateway": "gateway", "stuck-recommender": "recommender", "failing-catalogue": "catalogue"}
# What a restart of a service mends; everything else takes people.
MENDED_BY_RESTART = {"stuck-recommender": "recommender", "silent-death": "recommender"}


def level(
    name: str, faults: Iterable[Fault], times: Floats, *, after: float = 0.0, rise: float | None = None
) -> Floats:
    """How bad a fault is at Unix times, from 0 (well) to 1 (as bad as it gets): shape (steps,).

    Args:
        after: seconds since the fault's begin before this part of it begins, for what follows from something else.
        rise: seconds that this part of it takes to be at its worst, if not those of the whole.
    """
    course = COURSES[name]
    worst = np.zeros_like(times)
    for fault in faults:
        if fault.name == name:
            reached = _risen(np.minimum(times, fault.end) - fault.begin - after, course.rise if rise is None else rise)
            worst = np.maximum(worst, reached * _left(times - fault.end, course.fall))
    return worst


def _risen(elapsed: Floats, rise: float) -> Floats:
    return np.clip(elapsed / rise, 0, 1) if rise else (elapsed >= 0).astype(float)


def _left(since_end: Floats, fall: float) -> Floats:
    return np.clip(1 - since_end / fall, 0, 1) if fall else (since_end < 0).astype(float)
