"""Functions of instant vectors: of each value by itself, of its time, of its labels.

Source: prometheus/prometheus promql/functions.go.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import re2

from generator.proof.vectors import Numbers, UnprovableError, Vector
from tocsin.model import Labels

Elementwise = Callable[..., Any]

DAY = 86400
UNIX_WEEKDAY = 4  # 1970-01-01 was a Thursday


def _month(days: Numbers) -> Any:
    return _dates(days).astype("datetime64[M]").astype(np.int64)


def _dates(days: Numbers) -> Any:
    return np.floor(days).astype(np.int64).astype("datetime64[D]")


def _day_of_month(days: Numbers) -> Any:
    return (_dates(days) - _dates(days).astype("datetime64[M]").astype("datetime64[D]")).astype(np.int64) + 1


def _day_of_year(days: Numbers) -> Any:
    return (_dates(days) - _dates(days).astype("datetime64[Y]").astype("datetime64[D]")).astype(np.int64) + 1


def _days_in_month(days: Numbers) -> Any:
    first = _dates(days).astype("datetime64[M]")
    return ((first + 1).astype("datetime64[D]") - first.astype("datetime64[D]")).astype(np.int64)


def _round(values: Any, to: Any = 1.0) -> Any:
    inverse = 1.0 / to
    return np.floor(values * inverse + 0.5) / inverse


def _clamp(values: Any, low: Any, high: Any) -> Any:
    return np.minimum(np.maximum(values, low), high)


ELEMENTWISE: Mapping[str, Elementwise] = {
    **{name: getattr(np, name) for name in ("abs", "ceil", "floor", "exp", "sqrt", "log2", "log10")},
    **{name: getattr(np, name) for name in ("sin", "cos", "tan", "sinh", "cosh", "tanh")},
    "ln": np.log,
    "sgn": np.sign,
    "deg": np.degrees,
    "rad": np.radians,
    "round": _round,
    "clamp": _clamp,
    "clamp_min": np.maximum,
    "clamp_max": np.minimum,
    "sort": lambda values: values,
    "sort_desc": lambda values: values,
}
OF_TIME: Mapping[str, Elementwise] = {
    "minute": lambda seconds: np.floor(seconds / 60) % 60,
    "hour": lambda seconds: np.floor(seconds / 3600) % 24,
    "day_of_week": lambda seconds: (np.floor(seconds / DAY) + UNIX_WEEKDAY) % 7,
    "day_of_month": lambda seconds: _day_of_month(seconds / DAY),
    "day_of_year": lambda seconds: _day_of_year(seconds / DAY),
    "days_in_month": lambda seconds: _days_in_month(seconds / DAY),
    "month": lambda seconds: _month(seconds / DAY) % 12 + 1,
    "year": lambda seconds: _month(seconds / DAY) // 12 + 1970,
}


def elementwise(function: Elementwise, vector: Vector, arguments: Sequence[Numbers]) -> Vector:
    """The function of each value."""
    with np.errstate(all="ignore"):
        found = function(np.where(vector.present, vector.values, 0.0), *arguments)
    return vector.filled(np.asarray(found, dtype=np.float64))


def label_replace(vector: Vector, target: str, replacement: str, source: str, pattern: str) -> Vector:
    """The label from what the pattern finds in another."""
    compiled = expression(pattern)

    def changed(labels: Labels) -> Labels:
        found = compiled.fullmatch(labels.get(source, ""))
        return labels if found is None else {**labels, target: expanded(replacement, found)}

    return vector.named(changed)


def label_join(vector: Vector, target: str, separator: str, *sources: str) -> Vector:
    """The label from others."""
    return vector.named(lambda labels: {**labels, target: separator.join(labels.get(source, "") for source in sources)})


def expression(pattern: str) -> Any:
    """A pattern of RE2, as label_replace takes it.

    Raises:
        UnprovableError: it is none.
    """
    options = re2.Options()
    options.log_errors = False
    options.dot_nl = True
    try:
        return re2.compile(pattern, options)
    except re2.error as error:
        raise UnprovableError("label_replace() has no regular expression") from error


PLACES = re2.compile(r"\$(?:\{(\w+)\}|(\w+)|\$)")


def expanded(replacement: str, found: Any) -> str:
    """The replacement with its `$1`, `${1}` and `${name}` filled in; unknown ones are empty."""

    def place(match: Any) -> str:
        name = match.group(1) or match.group(2)
        if not name:
            return "$"
        known: int | str = int(name) if name.isdigit() else name
        try:
            return found.group(known) or ""
        except (IndexError, KeyError, re2.error):
            return ""

    return str(PLACES.sub(place, replacement))
