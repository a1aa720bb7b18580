"""How what an SLO becomes is called."""

from __future__ import annotations

from enum import StrEnum


class Naming(StrEnum):
    """Tocsin's own names, or those of sloth, for dashboards and routes that were made for it."""

    TOCSIN = "tocsin"
    SLOTH = "sloth"
