"""Absence is not resolution: asks Alertmanager what it knows, and puts the difference into the inbox."""
