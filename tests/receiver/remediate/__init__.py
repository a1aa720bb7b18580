"""Steps of runbooks, each kind against its far side."""
