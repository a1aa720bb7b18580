"""Rules replayed over stored history: what would have fired, when and for how long."""
