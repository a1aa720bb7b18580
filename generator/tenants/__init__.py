"""Packs for tenants: which packs, whose series, what differs (docs/reference/tenants.md)."""
