"""Simulated storms of alerts whose truth is known here and is told to nobody."""
