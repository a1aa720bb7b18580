"""What each kind of exporter tells: one module a kind, named after it."""
