"""Who logs in: Keycloak (by keycloak-metrics-spi 3 and newer), and the names of one's own."""

from __future__ import annotations

import numpy as np

from demo.shop.rhythm import DAY_SECONDS
from demo.shop.series import Made, counter, gauge
from demo.shop.simulation import ATTACK_PER_SECOND, Stretch

REALM = "listen"
LOGINS_PER_SECOND, FAILURES_PER_SECOND = 4.0, 0.3
SECRETS = {"session-signing-key": 3, "payment-api-key": 11}  # and the day of each month-long turn on which it is new
TURN_DAYS = 30


def moving(stretch: Stretch) -> Made:
    """Logins."""
    attack = stretch.wrong("login-brute-force")
    well = stretch.poisson(LOGINS_PER_SECOND * stretch.busy)
    badly = stretch.poisson(FAILURES_PER_SECOND * stretch.busy + ATTACK_PER_SECOND * attack)
    logins = counter("auth_logins_total", "Attempts to log in, by result.")
    yield logins(realm=REALM, result="success"), well
    yield logins(realm=REALM, result="failure"), badly
    lockouts = counter("auth_lockouts_total", "Accounts that were locked after too many failed attempts.")
    yield lockouts(realm=REALM), stretch.poisson(0.0005 * stretch.busy + 0.6 * attack)
    labels = {"realm": REALM, "provider": "keycloak", "client_id": "web"}
    yield counter("keycloak_logins_total", "Total successful logins")(**labels), well
    yield counter("keycloak_login_attempts_total", "Total number of login attempts")(**labels), well + badly
    failed = counter("keycloak_failed_login_attempts_total", "Total failed login attempts")
    yield failed(**labels, error="invalid_user_credentials"), badly


def still(stretch: Stretch) -> Made:
    """Secrets are changed every month."""
    rotated = gauge("secret_last_rotated_timestamp_seconds", "When a secret was last replaced.")
    turn = TURN_DAYS * DAY_SECONDS
    for secret, day in SECRETS.items():
        at = day * DAY_SECONDS
        yield rotated(secret=secret), np.floor((stretch.times - at) / turn) * turn + at
