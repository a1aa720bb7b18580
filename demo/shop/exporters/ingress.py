"""What is in front of the gateway, as the ingress-nginx controller (1.x) tells of it."""

from __future__ import annotations

import numpy as np

from demo.shop.exporters.http import NOT_FOUND_SHARE
from demo.shop.rhythm import DAY_SECONDS
from demo.shop.series import Made, counter, gauge, histogram, lognormal
from demo.shop.services import GATEWAY
from demo.shop.simulation import Stretch

CONTROLLER = {
    "controller_class": "k8s.io/ingress-nginx",
    "controller_namespace": "ingress-nginx",
    "controller_pod": "ingress-nginx-controller-0",
}
ROUTE = {"host": "listen.example", "ingress": "gateway", "namespace": "listen", "service": "gateway", "path": "/"}
RELOADED = 1_790_500_000.0


def moving(stretch: Stretch) -> Made:
    """Requests as they come in: the very ones that the gateway answers."""
    asked = stretch.requests_per_second(GATEWAY)
    total = stretch.poisson(asked)
    failed = stretch.rng.binomial(total.astype(int), np.clip(stretch.failing_share(GATEWAY), 0, 1)).astype(float)
    lost = stretch.rng.binomial((total - failed).astype(int), NOT_FOUND_SHARE).astype(float)
    requests = counter("nginx_ingress_controller_requests", "The total number of client requests")
    for status, count in (("200", total - failed - lost), ("404", lost), ("500", failed)):
        yield requests(**CONTROLLER, **ROUTE, canary="", method="GET", status=status), count
    took = histogram("nginx_ingress_controller_request_duration_seconds", "The request processing time in seconds")
    yield from lognormal(
        took,
        stretch.rng,
        asked * stretch.seconds,
        1.1 * GATEWAY.median_seconds * stretch.load(GATEWAY) * stretch.slowness(GATEWAY),
        spread=GATEWAY.spread,
        edges=(0.05, 0.1, 0.25, 0.5, 1.0, 2.5),
        labels={**ROUTE, "status": "200"},
    )
    open_ = stretch.noisy(140 * asked / GATEWAY.requests_per_second, 0.03)
    current = gauge("nginx_ingress_controller_nginx_process_connections", "current number of client connections")
    for state, share in (("active", 1.0), ("reading", 0.02), ("writing", 0.2), ("waiting", 0.78)):
        yield current(**CONTROLLER, state=state), np.round(open_ * share)
    taken = stretch.poisson(asked / 9)
    total_ = counter("nginx_ingress_controller_nginx_process_connections_total", "total number of connections")
    for state in ("accepted", "handled"):
        yield total_(**CONTROLLER, state=state), taken


def still(stretch: Stretch) -> Made:
    """Its configuration and its certificate."""
    ok = gauge("nginx_ingress_controller_config_last_reload_successful", "Whether the last reload was successful")
    yield ok(**CONTROLLER), 1
    when = "nginx_ingress_controller_config_last_reload_successful_timestamp_seconds"
    yield gauge(when, "Timestamp of the last successful configuration reload.")(**CONTROLLER), RELOADED
    expiry = gauge(
        "nginx_ingress_controller_ssl_expire_time_seconds", "Seconds since 1970 to the SSL certificate's end"
    )
    end = stretch.times - stretch.times % (60 * DAY_SECONDS) + 90 * DAY_SECONDS
    yield expiry(**CONTROLLER, host="listen.example", namespace="listen", secret_name="listen-tls"), end
