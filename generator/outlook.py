"""A forecast as recorded series: the line of late, or what followed the same time of an earlier season."""

from __future__ import annotations

from datetime import timedelta

from generator.template import Recording
from generator.windows import ago, enough, stored, without_nan
from tocsin import duration, promql
from tocsin.promql import Expression, Term

# The level of now and of then is the mean of so much.
LEVEL = timedelta(hours=1)


def outlook(
    expr: Expression, prefix: str, horizon: timedelta, window: timedelta, season: timedelta | None
) -> tuple[Recording, ...]:
    """What is recorded; the last one, `<prefix>:forecast`, is the value expected after the horizon.

    Raises:
        PromQLError: the expression does not give one number a series.
    """
    return _seasonal(expr, prefix, horizon, season) if season else _linear(expr, prefix, horizon, window)


def _linear(expr: Expression, prefix: str, horizon: timedelta, window: timedelta) -> tuple[Recording, ...]:
    series, recordings = stored(expr, f"{prefix}:value")
    seconds = promql.number(horizon.total_seconds())
    line = promql.parse(f"predict_linear({series.text}[{duration.show(window)}], {seconds})")
    forecast = promql.binary(line.term, "and", enough(series, window).term)
    return (*recordings, Recording(f"{prefix}:forecast", forecast.parsed()))


def _seasonal(expr: Expression, prefix: str, horizon: timedelta, season: timedelta) -> tuple[Recording, ...]:
    """The level of now, and as much more or less as it became in that time a season ago."""
    value, then, after = (f"{prefix}:{name}" for name in ("value", "earlier", "earlier_ahead"))
    level_now, level_then, level_after = (_level(name) for name in (value, then, after))
    change = promql.binary(level_after, "-", level_then)
    known = (enough(promql.parse(name), LEVEL).term for name in (value, then, after))
    forecast = promql.binary(level_now, "+", change)
    for evidence in known:
        forecast = promql.binary(forecast, "and", evidence)
    return (
        Recording(value, without_nan(expr)),
        Recording(then, without_nan(ago(expr, season))),
        Recording(after, without_nan(ago(expr, season - horizon))),
        Recording(f"{prefix}:forecast", forecast.parsed()),
    )


def _level(name: str) -> Term:
    return promql.parse(f"avg_over_time({name}[{duration.show(LEVEL)}])").term
