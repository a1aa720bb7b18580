"""Certificates in the cluster, as cert-manager (1.5 and newer) tells of them."""

from __future__ import annotations

from demo.shop.rhythm import DAY_SECONDS
from demo.shop.series import Made, counter, gauge
from demo.shop.simulation import Stretch

LASTING_DAYS, RENEWED_DAYS = 90, 60
ISSUER = {"issuer_group": "cert-manager.io", "issuer_kind": "ClusterIssuer", "issuer_name": "letsencrypt"}


def certificates(stretch: Stretch) -> Made:
    """Ready, and renewed a month before its end."""
    own = {"name": "listen-tls", "namespace": "listen", **ISSUER}
    ready = gauge("certmanager_certificate_ready_status", "The ready status of the certificate.")
    for condition in ("True", "False", "Unknown"):
        yield ready(**own, condition=condition), float(condition == "True")
    issued = stretch.times - stretch.times % (RENEWED_DAYS * DAY_SECONDS)
    for name, about, days in (
        ("expiration", "The timestamp after which the certificate expires, in Unix Epoch Time.", LASTING_DAYS),
        ("renewal", "The timestamp after which the certificate should be renewed, in Unix Epoch Time.", RENEWED_DAYS),
    ):
        yield gauge(f"certmanager_certificate_{name}_timestamp_seconds", about)(**own), issued + days * DAY_SECONDS
    calls = counter("certmanager_controller_sync_call_count", "The number of sync() calls made by a controller.")
    yield calls(controller="certificates-readiness"), stretch.poisson(0.002)
    failed = counter("certmanager_controller_sync_error_count", "The number of errors encountered during sync().")
    yield failed(controller="certificates-readiness"), 0
