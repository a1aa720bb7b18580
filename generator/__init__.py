"""Rulepacks to rules: a compiler for Git and CI; no server."""
