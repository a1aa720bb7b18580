"""The shop's services, as data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

PORT = 8000
BUCKETS_SECONDS = (0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 2.5)
CODES = ("200", "404", "500")


@dataclass(frozen=True, slots=True)
class Service:
    """One target: who calls whom does not matter here, only how much there is to do and how long it takes."""

    name: str
    instance: str
    path: str
    region: str = ""
    requests_per_second: float = 0.0  # when the shop is as busy as on average
    median_seconds: float = 0.0
    spread: float = 0.5  # of the logarithm of a duration

    @property
    def labels(self) -> dict[str, str]:
        """What Prometheus adds to its series when it scrapes it (demo/config/prometheus.yml)."""
        region = {"region": self.region} if self.region else {}
        return {"job": "shop", "service": self.name, "instance": self.instance, **region}


SERVICES = (
    Service("gateway", "gateway-1", "gateway", requests_per_second=90, median_seconds=0.06),
    Service("catalogue", "catalogue-1", "catalogue", requests_per_second=40, median_seconds=0.035),
    Service("player", "player-eu-1", "player-eu", region="eu", requests_per_second=55, median_seconds=0.12),
    Service("player", "player-us-1", "player-us", region="us", requests_per_second=35, median_seconds=0.13),
    Service("recommender", "recommender-1", "recommender", requests_per_second=20, median_seconds=0.09, spread=0.6),
    Service("database", "database-1", "database"),
    Service("cache", "cache-1", "cache"),
)


@dataclass(frozen=True, slots=True)
class Family:
    """One metric."""

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    help: str


REQUESTS = Family("http_requests", "counter", "Requests answered, by status code.")
DURATION = Family("http_request_duration_seconds", "histogram", "How long a request took.")
LOGINS = Family("shop_logins", "counter", "Attempts to log in, by result.")
PLAYING = Family("player_playing_seconds", "counter", "Time that listeners heard something.")
REBUFFERING = Family(
    "player_rebuffering_seconds", "counter", "Time that listeners waited for data in the middle of it."
)
BITRATE = Family("player_bitrate_bits_per_second", "gauge", "Mean bitrate of the streams.")
STREAMS = Family("player_streams", "gauge", "Streams that are open.")
QUERIES = Family("database_queries", "counter", "Queries answered.")
CONNECTIONS = Family("database_connections", "gauge", "Connections in use.")
CACHE = Family("cache_requests", "counter", "Requests for a key, by result.")
FAMILIES = (
    REQUESTS, DURATION, LOGINS, PLAYING, REBUFFERING, BITRATE, STREAMS, QUERIES, CONNECTIONS, CACHE,
)  # fmt: skip
