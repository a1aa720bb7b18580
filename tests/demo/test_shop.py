"""The made-up shop: what a stranger looking at its metrics would expect of a real one."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from demo.shop.exporters.http import BUCKETS_SECONDS, requests
from demo.shop.faults import FAILING, Fault
from demo.shop.live import Shop
from demo.shop.past import TOTALS, make, write
from demo.shop.rhythm import Floats, listeners
from demo.shop.series import Family, Series
from demo.shop.services import PLAYER_EU, PLAYER_US, SERVICES
from demo.shop.simulation import Stretch
from demo.shop.targets import BESIDE, TARGETS, Target
from demo.shop.text import exposition
from tests.real import ROOT

NOW = datetime(2026, 11, 20, 19, 0, tzinfo=UTC).timestamp()  # a Friday evening: the busiest hour


class Watch:
    """A clock that is put forward by hand."""

    def __init__(self, now: float) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def samples(text: str) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """Every sample of an exposition."""
    families = text_string_to_metric_families(text)
    return {(s.name, tuple(sorted(s.labels.items()))): s.value for family in families for s in family.samples}


def written(series: Series) -> tuple[str, tuple[tuple[str, str], ...]]:
    """A series as `samples` has it: the parser calls each counter `_total`, whatever its page calls it."""
    named = series.family.kind != "counter" or series.family.name.endswith("_total")
    return series.family.name + (series.suffix if named else "_total"), tuple(sorted(series.labels))


def quantile(counts: Mapping[Series, Floats], share: float) -> float:
    """The upper edge of the bucket below which so many of the requests lie, in seconds."""
    buckets = [float(values.sum()) for series, values in counts.items() if series.suffix == "_bucket"]
    reached = next(index for index, count in enumerate(buckets) if count >= share * buckets[-1])
    return [*BUCKETS_SECONDS, float("inf")][reached]


def stretch(*faults: Fault) -> Stretch:
    times = NOW + np.arange(120, dtype=float)
    return Stretch(times, np.ones(120), np.random.default_rng(7), faults)


def asked(*faults: Fault) -> dict[Series, Floats]:
    """What the player in eu answers in two minutes."""
    return {series: np.asarray(values) for series, values in requests(PLAYER_EU, stretch(*faults))}


def test_days_and_weeks() -> None:
    """Evenings are several times as busy as nights, and weekends busier than working days."""
    friday = datetime(2026, 11, 20, 19, 30, tzinfo=UTC)
    evening, night, saturday = listeners(
        np.array(
            [friday.timestamp(), (friday - timedelta(hours=15)).timestamp(), (friday + timedelta(days=1)).timestamp()]
        )
    )
    assert evening > 2 * night
    assert saturday > 1.1 * evening


def test_fault_crosses_no_limit() -> None:
    """The slow player is more than twice as slow as ever, and still below the fixed limit of one second."""
    assert quantile(asked(), 0.9) <= 0.3
    assert 0.5 <= quantile(asked(Fault("slow-player", NOW - 75)), 0.9) < 1.0


def test_fault_creeps() -> None:
    """The slow player gets slower little by little."""
    slowness = stretch(Fault("slow-player", NOW)).slowness(PLAYER_EU)
    assert slowness[0] == 1
    assert (np.diff(slowness) >= 0).all()
    assert np.diff(slowness).max() < 0.03


def test_other_players_stay_quick() -> None:
    """The fault is in one region."""
    assert (stretch(Fault("slow-player", NOW - 100)).slowness(PLAYER_US) == 1).all()


@pytest.mark.parametrize(("fault", "service"), FAILING.items())
def test_services_that_fail(fault: str, service: str) -> None:
    """A fault by which requests fail is that of one service."""
    during = stretch(Fault(fault, NOW))
    failing = [one.name for one in SERVICES if during.failing_share(one).max() > 0.05]
    assert failing == [service]


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.page)
def test_exposition_is_what_prometheus_reads(target: Target) -> None:
    """Each page parses, no series is told twice, its histograms are consistent, and counters do not go back."""
    watch = Watch(NOW)
    shop = Shop(watch, np.random.default_rng(1))
    watch.now += 30
    first = shop.exposition(target)
    found = samples(first)
    assert len(found) == sum(not line.startswith("#") for line in first.splitlines())
    for (name, labels), value in found.items():
        if name.endswith("_bucket") and dict(labels)["le"] == "+Inf":
            without = tuple(pair for pair in labels if pair[0] != "le")
            assert found[name.replace("_bucket", "_count"), without] == value
    watch.now += 5
    later = samples(shop.exposition(target))
    assert later.keys() == found.keys()
    counts = {family.name for family in families(target) if family.kind != "gauge" and family.adds}
    assert [key for key in found if any(key[0].startswith(name) for name in counts) and later[key] < found[key]] == []


def families(target: Target) -> set[Family]:
    return {series.family for part in target.parts for series, _ in part.make(stretch())}


def test_one_name_is_one_metric() -> None:
    """A name has one type and one HELP over all targets."""
    every = {family for target in TARGETS for family in families(target)}
    assert len(every) == len({family.name for family in every})


def test_names_are_as_is_usual() -> None:
    """What is a counter and of one's own ends in `_total`; HELP says something of everything."""
    own = [family for target in TARGETS if target.job == "shop" for family in families(target)]
    assert [family.name for family in own if family.kind == "counter" and not family.name.endswith("_total")] == []
    assert [family.name for target in TARGETS for family in families(target) if len(family.about) < 10] == []


# As the exporters' own sources have them, where the name alone does not tell.
TYPES = {
    "kafka_topic_partition_current_offset": "gauge",
    "kafka_consumergroup_current_offset": "gauge",
    "kafka_consumergroup_lag": "gauge",
    "mysql_global_status_queries": "untyped",
    "mysql_global_status_threads_connected": "untyped",
    "mysql_global_variables_max_connections": "gauge",
    "node_vmstat_oom_kill": "untyped",
    "node_filesystem_avail_bytes": "gauge",
    "node_disk_io_time_seconds_total": "counter",
    "pg_stat_database_xact_commit": "counter",
    "pg_stat_activity_count": "gauge",
    "pg_stat_user_tables_n_dead_tup": "gauge",
    "redis_keyspace_hits_total": "counter",
    "rabbitmq_queue_messages_ready": "gauge",
    "jvm_gc_collection_seconds": "summary",
    "jvm_memory_used_bytes": "gauge",
    "kube_pod_container_status_restarts_total": "counter",
    "container_memory_working_set_bytes": "gauge",
    "apiserver_request_total": "counter",
    "kubelet_pleg_relist_duration_seconds": "histogram",
    "nginx_ingress_controller_requests": "counter",
    "probe_ssl_earliest_cert_expiry": "gauge",
    "certmanager_controller_sync_call_count": "counter",
    "vllm:time_to_first_token_seconds": "histogram",
    "vllm:kv_cache_usage_perc": "gauge",
    "DCGM_FI_DEV_XID_ERRORS": "gauge",
    "DCGM_FI_DEV_UNCORRECTABLE_REMAPPED_ROWS": "counter",
    "falcosecurity_falcosidekick_falco_events_total": "counter",
}


def test_types_are_those_of_the_exporters() -> None:
    """A metric has the type that its exporter gives it."""
    found = {family.name: family.kind for target in TARGETS for family in families(target)}
    assert {name: found[name] for name in TYPES} == TYPES


def test_prometheus_scrapes_the_same() -> None:
    """demo/config/prometheus.yml has each target, with the labels that the past has."""
    config = yaml.safe_load((ROOT / "demo/config/prometheus.yml").read_text(encoding="utf-8"))
    scraped = {
        (job["job_name"], one["labels"].get("__metrics_path__", "")): {**one["labels"], "job": job["job_name"]}
        for job in config["scrape_configs"]
        for one in job["static_configs"]
    }
    for target in TARGETS:
        path = f"/metrics/{target.page}"
        assert scraped.pop((target.job, path)) == {**target.labels, "__metrics_path__": path}
    assert {(labels["job"], labels["instance"]) for labels in scraped.values()} == set(BESIDE)


def test_now_goes_on_where_the_past_ended(tmp_path: Path) -> None:
    """No counter goes back between the last sample of the past and the first scrape, and no series is missing."""
    past = make(NOW, days=0.05)
    write(tmp_path, past)
    watch = Watch(NOW)
    shop = Shop(watch, np.random.default_rng(1))
    shop.go_on(tmp_path / TOTALS)
    for target in TARGETS:
        rows = {one: values for page in past if page.target is target for one, values in page.rows.items()}
        after = samples(shop.exposition(target))
        assert after.keys() == {written(series) for series in rows}
        back = [one for one, values in rows.items() if one.family.adds and after[written(one)] < values[-1]]
        assert back == []
        told = {
            metric.name: metric.type for metric in text_string_to_metric_families(exposition(dict.fromkeys(rows, 1)))
        }
        assert told == {metric.name: metric.type for metric in text_string_to_metric_families(shop.exposition(target))}


def test_long_after_the_past(tmp_path: Path) -> None:
    """Totals that have grown since are not told again: a counter may begin at 0, but never a little lower."""
    write(tmp_path, make(NOW, days=0.02))
    watch = Watch(NOW + 3600)
    shop = Shop(watch, np.random.default_rng(1))
    shop.go_on(tmp_path / TOTALS)
    watch.now += 1
    player = next(target for target in TARGETS if target.region == "eu")
    assert 0 < samples(shop.exposition(player))["http_request_duration_seconds_count", ()] < 1000


def test_fault_ends() -> None:
    """A fault begins at the moment when it is asked for, or before it, and ends when it is asked to."""
    watch = Watch(NOW)
    shop = Shop(watch, np.random.default_rng(1))
    shop.begin("slow-player")
    watch.now += 5
    shop.begin("slow-player")
    shop.begin("disk-filling", since=NOW - 3600)
    assert shop.faults == {"slow-player": NOW, "disk-filling": NOW - 3600}
    shop.end("slow-player")
    shop.end("disk-filling")
    assert shop.faults == {}


def test_restarts() -> None:
    """A restart mends what is only stuck in that service, and nothing else; each is counted."""
    shop = Shop(Watch(NOW), np.random.default_rng(1))
    for fault in ("stuck-recommender", "failing-catalogue", "silent-death"):
        shop.begin(fault)
    for service in ("cache", "catalogue"):
        shop.restart(service)
    assert sorted(shop.faults) == ["failing-catalogue", "silent-death", "stuck-recommender"]
    shop.restart("recommender")
    assert sorted(shop.faults) == ["failing-catalogue"]
    assert dict(shop.restarts) == {"cache": 1, "catalogue": 1, "recommender": 1}
