"""The topology as people handle it: shown, found out from Prometheus, checked against the alerts that came."""
