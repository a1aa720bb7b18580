"""The demo's own parts: the shop, and docker-compose.yml as programs of this machine."""
