"""Directed graphs drawn: as SVG, for Mermaid, as a tree for a terminal. Pure: a graph in, text out."""
