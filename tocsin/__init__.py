"""The ground floor: what at least two components need, and nothing that knows a component."""

__version__ = "0.1.0"
