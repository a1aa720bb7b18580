"""Numbers with their units, as Grafana writes them: the units that our panels have."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

Format = Callable[[float, int | None], str]

SHORT = (("", 1.0), (" K", 1e3), (" Mil", 1e6), (" Bil", 1e9), (" Tri", 1e12))
SI = (("", 1.0), ("k", 1e3), ("M", 1e6), ("G", 1e9), ("T", 1e12))
BINARY = (("B", 1.0), ("KiB", 2.0**10), ("MiB", 2.0**20), ("GiB", 2.0**30), ("TiB", 2.0**40))
TIMES = (
    ("ns", 1e-9), ("µs", 1e-6), ("ms", 1e-3), ("s", 1.0), ("mins", 60.0), ("hours", 3600.0), ("days", 86_400.0),
    ("weeks", 604_800.0), ("years", 31_557_600.0),
)  # fmt: skip


def written(value: float, unit: str, decimals: int | None = None) -> str:
    """A number as a panel with this unit shows it."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "∞" if value > 0 else "-∞"
    return UNITS[unit](value, decimals)


def _plain(value: float, decimals: int | None) -> str:
    """Three significant digits, unless so many decimals are asked for."""
    if decimals is None:
        size = math.floor(math.log10(abs(value))) if value else 0
        decimals = max(0, 2 - size) if abs(value) < 100 else 0
        return f"{value:.{min(decimals, 6)}f}".rstrip("0").rstrip(".") if decimals else f"{value:.0f}"
    return f"{value:.{decimals}f}"


def _scaled(scales: tuple[tuple[str, float], ...], between: str = "", after: str = "") -> Format:
    def write(value: float, decimals: int | None) -> str:
        sign, scale = next(((s, by) for s, by in reversed(scales) if abs(value) >= by), scales[0])
        return _plain(value / scale, decimals) + (between if sign else "") + sign + after

    return write


def _seconds(value: float, decimals: int | None) -> str:
    if value == 0:
        return "0 s"
    return _scaled(TIMES, " ")(value, decimals)


def _followed(by: str, times: float = 1.0) -> Format:
    return lambda value, decimals: _plain(value * times, decimals) + by


UNITS: Mapping[str, Format] = {
    "none": _followed(""),
    "short": _scaled(SHORT),
    "string": _followed(""),
    "percentunit": _followed("%", 100),
    "percent": _followed("%"),
    "s": _seconds,
    "ms": lambda value, decimals: _seconds(value / 1000, decimals),
    "bytes": _scaled(BINARY, " "),
    "Bps": _scaled((("B/s", 1.0), ("kB/s", 1e3), ("MB/s", 1e6), ("GB/s", 1e9)), " "),
    "bps": _scaled((("b/s", 1.0), ("kb/s", 1e3), ("Mb/s", 1e6), ("Gb/s", 1e9)), " "),
    "cps": _scaled(SHORT, "", " c/s"),
    "ops": _scaled(SHORT, "", " ops/s"),
    "reqps": _scaled(SHORT, "", " req/s"),
    "mps": _scaled(SHORT, "", " msg/s"),
    "rps": _scaled(SHORT, "", " rd/s"),
    "opm": _scaled(SHORT, "", " ops/m"),
    "cpm": _scaled(SHORT, "", " c/m"),
    "rpm": _scaled(SHORT, "", " r/m"),
    "celsius": _followed(" °C"),
    "watt": _scaled(SI, " ", "W"),
    "hertz": _scaled((("Hz", 1.0), ("kHz", 1e3), ("MHz", 1e6), ("GHz", 1e9)), " "),
}
