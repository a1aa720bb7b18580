"""Where it is read how long alerts wait before they fire: rule files, and a Prometheus's rules API."""
