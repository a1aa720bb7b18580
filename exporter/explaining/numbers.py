"""Figures as they are told."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

Figures = Mapping[str, Any]


def number(value: float) -> float | None:
    """Six digits; None where there is none."""
    return float(f"{value:.6g}") if math.isfinite(value) else None
