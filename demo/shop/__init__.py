"""A small audio-streaming shop, made up: what its six services would tell Prometheus, for the past and for now."""
