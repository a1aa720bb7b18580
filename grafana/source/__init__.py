"""Where the dashboards are written: `python -m grafana.source` makes the JSON that Grafana reads."""
