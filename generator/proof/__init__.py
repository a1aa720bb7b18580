"""Unit tests that write themselves: series that make an alert fire and series that just do not, played by promtool."""
