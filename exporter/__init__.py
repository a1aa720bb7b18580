"""Prometheus series -> anomaly scores and forecasts -> /metrics.

The way of a step: `watch.py` schedules it, `reading.py` makes a Frame of what Prometheus answers, `rows.py` brings it
into the model's order, `models/` and `calibration.py` score it, `rendering.py` makes the snapshot that `web.py` hands
out. `score.py` runs a CSV through the same model.
"""
