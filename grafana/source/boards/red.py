"""What people notice of services: how many requests, how many fail, how long they take; by labels that are asked for.

The metrics are those that the pack `http` reads by default: `http_requests_total{code}` and
`http_request_duration_seconds`.
"""

from __future__ import annotations

from grafana.source.promql import SERVICES, WINDOW, of, quantile, share

FAILED = 'code=~"5.."'


def requests(*by: str, within: str = SERVICES, window: str = WINDOW) -> str:
    """Requests a second."""
    return _summed(by, f"rate({of('http_requests_total', within=within)}{window})")


def failed(*by: str, within: str = SERVICES, window: str = WINDOW) -> str:
    """The share of requests that failed."""
    bad = _summed(by, f"rate({of('http_requests_total', FAILED, within=within)}{window})")
    return share(bad, requests(*by, within=within, window=window))


def slow(part: float, *by: str, within: str = SERVICES, window: str = WINDOW) -> str:
    """The duration in seconds that this part of requests keeps."""
    return quantile(part, of("http_request_duration_seconds_bucket", within=within), window, *by)


def _summed(by: tuple[str, ...], rate: str) -> str:
    return f"sum by ({', '.join(by)}) ({rate})" if by else f"sum({rate})"
