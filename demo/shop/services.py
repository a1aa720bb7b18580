"""The shop's own services, as data: who is asked how often, and how long it takes."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Service:
    """One service that answers requests."""

    name: str
    instance: str
    region: str = ""
    requests_per_second: float = 0.0  # when the shop is as busy as on average
    median_seconds: float = 0.0
    spread: float = 0.5  # of the logarithm of a duration
    behind: bool = True  # the gateway asks it


GATEWAY = Service("gateway", "gateway-1", requests_per_second=90, median_seconds=0.06, behind=False)
CATALOGUE = Service("catalogue", "catalogue-1", requests_per_second=45, median_seconds=0.035)
PLAYER_EU = Service(
    "player", "player-eu-1", "eu", requests_per_second=55, median_seconds=0.12, spread=0.42, behind=False
)
PLAYER_US = Service(
    "player", "player-us-1", "us", requests_per_second=35, median_seconds=0.13, spread=0.42, behind=False
)
RECOMMENDER = Service("recommender", "recommender-1", requests_per_second=20, median_seconds=0.09)
PAYMENTS = Service("payments", "payments-1", requests_per_second=4, median_seconds=0.08)
SERVICES = (GATEWAY, CATALOGUE, PLAYER_EU, PLAYER_US, RECOMMENDER, PAYMENTS)
