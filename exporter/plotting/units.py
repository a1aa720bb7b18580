"""What an axis shows: the unit by the names in an expression, as Prometheus's naming practice has it."""

from __future__ import annotations

import re
from dataclasses import dataclass

UNIT = re.compile(r"\b[a-zA-Z_:]\w*?_(seconds|bytes|ratio|percent|celsius|volts|amperes|joules|watts|meters)"
                  r"(?:_(?:total|bucket|sum|count))?\b")  # fmt: skip
RATE = re.compile(r"\b(?:rate|irate|deriv)\s*\(")
COUNT = re.compile(r"_count\b")
SIGNS = {
    "ratio": "",
    "percent": "%",
    "celsius": "°C",
    "volts": "V",
    "amperes": "A",
    "joules": "J",
    "watts": "W",
    "meters": "m",
}
SCALES = {
    "seconds": ((86_400.0, "d"), (3_600.0, "h"), (60.0, "min"), (1.0, "s"), (1e-3, "ms"), (1e-6, "µs")),
    "bytes": ((2.0**40, "TiB"), (2.0**30, "GiB"), (2.0**20, "MiB"), (2.0**10, "KiB"), (1.0, "B")),
    "": ((1e9, "G"), (1e6, "M"), (1e3, "k"), (1.0, "")),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Unit:
    """Values are divided by `scale` and bear `sign`."""

    scale: float = 1.0
    sign: str = ""


def unit_of(expr: str) -> str:
    """The unit of an expression's values: `seconds`, `bytes`, `bytes/s`, …; `/s` for a rate; empty where unknown."""
    found = {match[1] for match in UNIT.finditer(expr)}
    quotient = "/" in re.sub(r'"[^"]*"', "", expr)
    rate = bool(RATE.search(expr))
    if rate and "histogram_quantile" in expr:
        return found.pop() if len(found) == 1 else ""
    if quotient or len(found) > 1:
        return ""
    base = found.pop() if found and not COUNT.search(expr) else ""
    if rate:
        return "" if base == "seconds" else f"{base}/s"  # seconds per second are a share
    return base


def scaled(unit: str, largest: float) -> Unit:
    """How values up to `largest` of a unit are written."""
    base, rate, _ = unit.partition("/s")
    steps = SCALES.get(base)
    if steps is None:
        return Unit(1.0, f"{SIGNS.get(base, base)}{rate}")
    fitting = [(scale, sign) for scale, sign in steps if largest >= scale]
    if not fitting:
        fitting = [steps[-1]] if largest > 0 else [(1.0, {"seconds": "s", "bytes": "B"}.get(base, ""))]
    scale, sign = fitting[0]
    if not base and scale < 1e6:
        scale, sign = 1.0, ""  # thousands are read as they are
    return Unit(scale, f"{sign}{rate}")
