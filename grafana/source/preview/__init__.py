"""Pictures of the dashboards from their JSON, for people without a Grafana at hand."""
