"""What the company lives by: sign-ups and payments (plays are counted by the players)."""

from __future__ import annotations

import numpy as np

from demo.shop.series import Made, counter
from demo.shop.services import GATEWAY, PAYMENTS
from demo.shop.simulation import Stretch

DECLINED_SHARE, FAILED_SHARE = 0.03, 0.002


def signups(stretch: Stretch) -> Made:
    """New customers; those whom the gateway fails give up."""
    came = 0.25 * stretch.busy * (1 - stretch.failing_share(GATEWAY))
    yield counter("business_signups_total", "Customers who signed up.")(), stretch.poisson(came)


def payments(stretch: Stretch) -> Made:
    """Payments, by what came of them."""
    tried = stretch.poisson(0.5 * stretch.requests_per_second(PAYMENTS) * (1 - 0.5 * stretch.cascade)).astype(int)
    failed = stretch.rng.binomial(tried, np.clip(FAILED_SHARE + 0.1 * stretch.cascade, 0, 1))
    declined = stretch.rng.binomial(tried - failed, DECLINED_SHARE)
    outcomes = {"succeeded": tried - failed - declined, "declined": declined, "failed": failed}
    for outcome, count in outcomes.items():
        yield counter("business_payments_total", "Payments, by outcome.")(outcome=outcome), count.astype(float)
