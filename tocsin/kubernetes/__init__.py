"""A Kubernetes API server: calls as data, and the one connection that carries them."""
