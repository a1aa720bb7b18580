"""The shop from outside, as blackbox_exporter probes it: one target for each address."""

from __future__ import annotations

import numpy as np

from demo.shop.rhythm import DAY_SECONDS
from demo.shop.series import Made, gauge
from demo.shop.services import GATEWAY
from demo.shop.simulation import Stretch

ADDRESSES = {
    "web": "https://listen.example/",
    "api": "https://api.listen.example/",
    "pay": "https://pay.listen.example/",
}
PHASES = {"resolve": 0.004, "connect": 0.011, "tls": 0.024, "processing": 0.06, "transfer": 0.002}
RENEWED_DAYS, LASTING_DAYS, RENEWED_BEFORE_DAYS = 60, 90, 30


def expires(stretch: Stretch) -> Made:
    """When the certificate ends: it is renewed a month before."""
    age = stretch.times % (RENEWED_DAYS * DAY_SECONDS)
    end = stretch.times - age + LASTING_DAYS * DAY_SECONDS
    yield gauge("probe_ssl_earliest_cert_expiry", "Returns last SSL chain expiry in unixtime")(), end


def probe(stretch: Stretch) -> Made:
    """One probe after the other."""
    slow = stretch.slowness(GATEWAY) * stretch.load(GATEWAY)
    took = {
        phase: stretch.noisy(seconds * (slow if phase == "processing" else 1), 0.06)
        for phase, seconds in PHASES.items()
    }
    about = "Duration of http request by phase, summed over all redirects"
    for phase, seconds in took.items():
        yield gauge("probe_http_duration_seconds", about)(phase=phase), np.round(seconds, 6)
    whole = gauge("probe_duration_seconds", "Returns how long the probe took to complete in seconds")
    yield whole(), np.round(sum(took.values()), 6)
    dns = gauge("probe_dns_lookup_time_seconds", "Returns the time taken for probe dns lookup in seconds")
    yield dns(), np.round(took["resolve"], 6)


def still(stretch: Stretch) -> Made:
    """It answers."""
    yield gauge("probe_success", "Displays whether or not the probe was a success")(), 1
    yield gauge("probe_http_status_code", "Response HTTP status code")(), 200
    yield from expires(stretch)
