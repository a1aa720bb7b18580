"""HTTP in: hooks, the API for people and scripts, probes and metrics. Handlers bound, check and hand on."""
