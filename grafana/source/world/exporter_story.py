"""What the exporter would have told of itself: its own registry, moved along."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from exporter.metrics import Metrics
from grafana.source.world.samples import Samples

TARGET = {"job": "tocsin-exporter", "instance": "exporter:9096"}
STEP = 60
SERIES = {"http_latency": 5, "http_traffic": 5, "audio_streams": 2, "security_requests": 5}  # by query
RULES = {"": 61, "own": 9, "two_expressions": 4}  # by why they are not forecast; an empty reason: they are

LIKELY = (  # rule, group, severity, service, and how likely it has been before the fault
    ("HttpErrorRatioHigh", "http-errors", "critical", "catalogue", 0.01),
    ("HttpErrorRatioHigh", "http-errors", "critical", "gateway", 0.01),
    ("PostgresqlConnectionsHigh", "postgresql-connections", "warning", "database", 0.06),
    ("RedisMemoryHigh", "redis-memory", "warning", "cache", 0.24),
)


def tell(samples: Samples, start: float, end: float, fault_at: float, series: Mapping[str, int], seed: int = 8) -> None:
    """Every minute from start to end; `series` is how many each query has. Breaches grow likely with the fault."""
    metrics, rng = Metrics(), np.random.default_rng(seed)
    for reason, count in RULES.items():
        metrics.rules.labels(reason).set(count)
    for now in np.arange(start, end, STEP).tolist():
        for query, count in series.items():
            metrics.queries.labels(query).inc()
            metrics.series.labels(query).set(count)
            metrics.left_out.labels(query, "collision").set(0)
            metrics.last_success.labels(query).set(now - 2)
            metrics.read_seconds.labels(query).observe(0.02 * rng.lognormal(0, 0.5))
            metrics.score_seconds.labels(query).observe(0.004 * rng.lognormal(0, 0.4))
            metrics.state_bytes.labels(query).set(60_000 * count)
            metrics.state_saved.labels(query).set(now - 45)
            metrics.state_seconds.labels(query).observe(0.01)
            metrics.accuracy.labels(query).set(0.32 + 0.1 * np.sin(now / 9000 + count))
            metrics.coverage.labels(query, "0s").set(0.97)
            metrics.coverage.labels(query, "1h").set(0.9 + 0.02 * np.sin(now / 7000))
            metrics.alarms.labels(query).set(0.8)
            if rng.random() < STEP / 3600:
                metrics.fits.labels(query, "updated").inc()
        samples.scrape(metrics.registry, TARGET, now)
        _breaches(samples, now, now - fault_at)


def _breaches(samples: Samples, now: float, since: float) -> None:
    """How likely alerts are to fire: `tocsin exporter backfill` does not tell, because it needs what a server knew."""
    for rule, group, severity, service, before in LIKELY:
        likely = before if since < 0 or service == "cache" else min(1.0, before + since / 240)
        labels = {"rule": rule, "rule_group": group, "severity": severity, "horizon": "1h", "service": service}
        samples.add("tocsin_breach_probability", {**labels, "tenant": "listen", "cluster": "demo"}, now, likely)
