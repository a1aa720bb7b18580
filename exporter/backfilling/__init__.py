"""What the exporter would have published over stored time, as OpenMetrics: for alerts and dashboards of the past."""
