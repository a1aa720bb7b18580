"""Prometheus series -> anomaly scores and forecasts -> /metrics. Not built yet; README says what works today."""
