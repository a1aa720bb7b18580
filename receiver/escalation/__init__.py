"""Policies, routes and whom a step reaches: the configuration's part in an escalation."""
