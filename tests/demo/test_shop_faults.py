"""Each fault of the shop does what its description says, where it says, and ends."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
import pytest

from demo.shop.exporters.node import SIZE, VAR
from demo.shop.faults import COURSES, FAULTS, HOUR_SECONDS, Fault, level
from demo.shop.past import Page, make
from demo.shop.rhythm import Floats
from tests.demo.test_shop import NOW

STEP = 60
HOURS = 15.0
BEGIN = NOW - 13.5 * HOUR_SECONDS


@cache
def past(*faults: Fault) -> tuple[Page, ...]:
    return tuple(make(NOW, days=HOURS / 24, faults=faults, step=STEP))


@dataclass(frozen=True)
class Seen:
    """What a query sees: the sum over the series of a name whose labels contain these, rates for counters."""

    name: str
    labels: dict[str, str]

    def at(self, pages: tuple[Page, ...]) -> Floats:
        found: list[Floats] = []
        for page in pages:
            for series, values in page.rows.items():
                own = {**page.labels, **dict(series.labels)}
                if series.family.name + series.suffix == self.name and self.labels.items() <= own.items():
                    rate = np.diff(values, prepend=values[0]) / STEP
                    found.append(rate if series.family.adds and series.family.kind != "gauge" else values)
        assert found, self
        total: Floats = np.sum(found, axis=0)
        return total


def seen(name: str, **labels: str) -> Seen:
    return Seen(name, labels)


Measure = Callable[[tuple[Page, ...]], Floats]


def value(name: str, **labels: str) -> Measure:
    return seen(name, **labels).at


def ratio(part: Seen, whole: Seen) -> Measure:
    return lambda pages: part.at(pages) / np.maximum(whole.at(pages), 1e-9)


def errors(service: str) -> Measure:
    mine = {"job": "shop", "service": service}
    return ratio(Seen("http_requests_total", {**mine, "code": "500"}), Seen("http_requests_total", mine))


def latency(service: str, **labels: str) -> Measure:
    """The mean duration of a request."""
    mine = {"job": "shop", "service": service, **labels}
    return ratio(Seen("http_request_duration_seconds_sum", mine), Seen("http_request_duration_seconds_count", mine))


def misses() -> Measure:
    hits, missed = seen("redis_keyspace_hits_total"), seen("redis_keyspace_misses_total")
    return lambda pages: missed.at(pages) / np.maximum(missed.at(pages) + hits.at(pages), 1e-9)


# What changes: the fault, what is measured, after how many minutes it has changed, and to what range it then belongs,
# in multiples of what it was without the fault (or absolutely).
TIMES = [
    ("latency-creep", latency("player", region="eu"), 25, 2.2, 3.0),
    ("latency-creep", latency("player", region="eu"), 5, 1.2, 1.7),
    ("latency-creep", latency("player", region="us"), 25, 0.95, 1.05),
    ("traffic-flood", value("http_requests_total", service="gateway"), 3, 7, 9),
    ("traffic-flood", value("nginx_ingress_controller_requests"), 3, 7, 9),
    ("traffic-flood", latency("gateway"), 3, 1.8, 4),
    ("traffic-flood", value("node_cpu_seconds_total", instance="node-1", mode="idle"), 3, 0.05, 0.6),
    ("login-brute-force", value("waf_requests_blocked_total"), 2, 30, 1e4),
    ("codec-regression", value("audio_codec_errors_total", region="us", codec="opus"), 2, 17, 23),
    ("codec-regression", value("audio_codec_errors_total", region="eu"), 2, 0.8, 1.2),
    ("codec-regression", value("audio_codec_fallbacks_total", region="us", codec="opus"), 2, 20, 1e4),
    ("cascading-failure", latency("catalogue"), 6, 4, 9),
    ("cascading-failure", latency("gateway"), 6, 2.5, 5),
    ("cascading-failure", misses(), 6, 3, 6),
    ("memory-leak", value("container_memory_working_set_bytes", container="gateway"), 11 * 60, 0.95, 1.05),
    ("silent-death", value("up", service="recommender"), 5, 1, 1),
    ("silent-death", errors("gateway"), 5, 0, 20),
]
RANGES = [
    ("error-burst", errors("catalogue"), 1, 0.2, 0.4),
    ("error-burst", errors("gateway"), 1, 0.01, 0.08),
    ("login-brute-force", value("auth_logins_total", result="failure"), 2, 35, 45),
    ("login-brute-force", value("auth_lockouts_total"), 2, 0.2, 2),
    ("login-brute-force", value("http_requests_total", service="gateway", code="401"), 2, 35, 50),
    ("disk-filling", value("node_filesystem_avail_bytes", instance="node-2", mountpoint="/var"), 8 * 60 + 1, 0, 1e9),
    ("disk-filling", value("node_filesystem_avail_bytes", instance="node-1", mountpoint="/var"), 8 * 60, 9e10, 2e11),
    ("memory-leak", value("container_memory_working_set_bytes", container="payments"), 12 * 60 + 1, 1.04e9, 2**30),
    ("memory-leak", value("jvm_memory_pool_used_bytes", pool="G1 Old Gen"), 12 * 60 + 1, 7.5e8, 8.1e8),
    ("codec-regression", value("audio_quality_mos", region="us", codec="opus", client="web"), 2, 3.6, 3.8),
    ("model-drift", value("ml_data_drift", feature="listening_history"), 6 * 60 + 1, 0.3, 0.4),
    ("model-drift", value("ml_data_drift", feature="listening_history"), 60, 0.08, 0.12),
    ("model-drift", value("ml_model_quality", metric="ndcg"), 6 * 60 + 1, 0.74, 0.77),
    ("cascading-failure", value("pg_stat_activity_count"), 4, 94, 97),
    ("cascading-failure", errors("catalogue"), 6, 0.25, 0.45),
    ("cascading-failure", errors("gateway"), 6, 0.1, 0.3),
    ("cascading-failure", value("kafka_consumergroup_lag", topic="plays"), 10, 5_000, 40_000),
]


def _around(values: Floats, minute: float) -> float:
    """Over the three samples that follow a minute after the fault's begin."""
    first = round((BEGIN - (NOW - HOURS * HOUR_SECONDS)) / STEP + minute)
    return float(values[first : first + 3].mean())


@pytest.mark.parametrize(("fault", "measured", "minute", "low", "high"), TIMES)
def test_times_as_much(fault: str, measured: Measure, minute: float, low: float, high: float) -> None:
    """So many minutes after a fault's begin something is so many times what it would have been."""
    well, wrong = _around(measured(past()), minute), _around(measured(past(Fault(fault, BEGIN))), minute)
    assert low <= wrong / max(well, 1e-4) <= high


@pytest.mark.parametrize(("fault", "measured", "minute", "low", "high"), RANGES)
def test_what_it_becomes(fault: str, measured: Measure, minute: float, low: float, high: float) -> None:
    """So many minutes after a fault's begin something is what it is never else."""
    assert low <= _around(measured(past(Fault(fault, BEGIN))), minute) <= high
    assert not low <= _around(measured(past()), minute) <= high or "node-1" in repr(measured)


@pytest.mark.parametrize("fault", FAULTS)
def test_course(fault: str) -> None:
    """A fault is nothing before its begin, at its worst after its rise, and nothing once it is mended and over."""
    course = COURSES[fault]
    end = course.rise + 600
    times = np.array([-1, course.rise, end - 1, end + course.fall, end + course.fall + 1], dtype=float)
    assert level(fault, [Fault(fault, 0.0, end)], times).tolist() == [0, 1, 1, 0, 0]


@pytest.mark.parametrize(("fault", "measured"), [(fault, measured) for fault, measured, *_ in TIMES + RANGES])
def test_mended(fault: str, measured: Measure) -> None:
    """A quarter of an hour after a fault was mended everything is as it would have been, but for chance."""
    mended = past(Fault(fault, BEGIN, BEGIN + 1800))
    later = round((BEGIN - (NOW - HOURS * HOUR_SECONDS)) / STEP + 30 + (COURSES[fault].fall + 900) / 60)
    well, now = (measured(pages)[later:].mean() for pages in (past(), mended))
    assert now == pytest.approx(well, rel=0.25, abs=0.01)


@pytest.mark.parametrize("fault", FAULTS)
def test_counters_never_go_back(fault: str) -> None:
    """Whatever goes wrong, counters only grow."""
    for one in past(Fault(fault, BEGIN, BEGIN + 1800)):
        for series, values in one.rows.items():
            if series.family.adds:
                assert (np.diff(values[~np.isnan(values)]) >= 0).all(), series


def test_silence() -> None:
    """A dead recommender has no samples while it is dead, though it can be scraped."""
    end = BEGIN + 1800
    pages = past(Fault("silent-death", BEGIN, end))
    for page in pages:
        dead = (page.times >= BEGIN) & (page.times < end)
        gone = page.target is not None and page.target.service == "recommender"
        for values in page.rows.values():
            assert (np.isnan(values) == (dead & gone)).all()


def test_several_at_once() -> None:
    """Faults that overlap do not undo one another."""
    both = past(Fault("error-burst", BEGIN), Fault("disk-filling", BEGIN))
    assert _around(errors("catalogue")(both), 1) > 0.2
    left = value("node_filesystem_avail_bytes", instance="node-2", mountpoint="/var")(both)
    assert _around(left, 8 * 60 + 1) < 0.01 * SIZE[VAR]


NORMAL = [
    (errors("gateway"), 0, 0.002),
    (errors("payments"), 0, 0.02),
    (value("up"), 34, 34),
    (value("pg_stat_activity_count"), 10, 60),
    (value("auth_logins_total", result="failure"), 0, 1.5),
    (value("ml_data_drift", feature="listening_history"), 0, 0.1),
    (value("kafka_consumergroup_lag", topic="plays"), 0, 200),
    (ratio(seen("audio_rebuffering_seconds_total"), seen("audio_playing_seconds_total")), 0.001, 0.008),
    (ratio(seen("audio_packets_lost_total"), seen("audio_packets_received_total")), 0, 0.01),
    (ratio(seen("redis_memory_used_bytes"), seen("redis_memory_max_bytes")), 0.3, 0.7),
    (ratio(seen("node_filesystem_avail_bytes"), seen("node_filesystem_size_bytes")), 0.4, 0.8),
    (ratio(seen("jvm_memory_used_bytes", area="heap"), seen("jvm_memory_max_bytes", area="heap")), 0.1, 0.7),
    (ratio(seen("node_cpu_seconds_total", mode="idle"), seen("node_cpu_seconds_total")), 0.4, 0.95),
    (ratio(seen("node_memory_MemAvailable_bytes"), seen("node_memory_MemTotal_bytes")), 0.2, 0.8),
]


@pytest.mark.parametrize(("measured", "low", "high"), NORMAL)
def test_normal(measured: Measure, low: float, high: float) -> None:
    """With nothing wrong everything is well within what is usually thought normal."""
    values = measured(past())[1:]
    assert low <= values.min()
    assert values.max() <= high


def test_what_comes_in_is_what_is_answered() -> None:
    """The ingress counts the requests that the gateway answers."""
    outside, inside = value("nginx_ingress_controller_requests"), value("http_requests_total", service="gateway")
    assert outside(past())[1:].sum() == pytest.approx(inside(past())[1:].sum(), rel=0.01)


def test_cpus_do_nothing_twice() -> None:
    """The modes of a processor make up its time."""
    spent = value("node_cpu_seconds_total", instance="node-3", cpu="1")(past())[1:]
    assert spent == pytest.approx(np.ones_like(spent), abs=0.01)
