"""What is usual of a value, as recorded series: a centre, the usual distance from it, and a comparison with both.

The value's expression is evaluated once at a time; all else reads what was recorded, in order, within one group.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from generator.template import Plan, Recording
from generator.windows import enough, without_nan
from tocsin import duration, promql
from tocsin.model import Labels
from tocsin.promql import Expression, Term

Direction = Literal["up", "down", "both"]

# Of an earlier season, so much around the same time is looked at: half before it, half after.
AROUND = timedelta(hours=1)

# A value that never changes deviates by no more than this part of it.
ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class Method:
    """How centre and spread are called and measured; `{}` is what of.

    `spread_of_values` is what `spread` gives for a centre that is itself measured over the window.
    """

    centre: str
    centre_over_time: str
    centre_of_periods: str
    distance: str
    distance_from_centre: str
    spread: str
    spread_over_time: str
    spread_of_values: str | None
    scale: float


METHODS = {
    "mad": Method(
        centre="median",
        centre_over_time="quantile_over_time(0.5, {})",
        centre_of_periods="quantile without (tocsin_period) (0.5, {})",
        distance="absolute_deviation",
        distance_from_centre="abs({})",
        spread="mad",
        spread_over_time="quantile_over_time(0.5, {})",
        spread_of_values=None,  # each distance must be recorded when its centre is known
        scale=1.4826,  # median absolute deviations of normal noise in one standard deviation
    ),
    "deviation": Method(
        centre="mean",
        centre_over_time="avg_over_time({})",
        centre_of_periods="avg without (tocsin_period) ({})",
        distance="squared_deviation",
        distance_from_centre="({}) ^ 2",
        spread="stddev",
        spread_over_time="sqrt(avg_over_time({}))",
        spread_of_values="stddev_over_time({})",
        scale=1,
    ),
}


@dataclass(frozen=True, slots=True)
class Band:
    """What lies within `deviations` spreads of the centre.

    The centre is that of the window, or of the same time in `periods` earlier seasons. Further than
    `minimum_deviation` from the centre must be what lies outside; without it, nothing lies outside where the
    spread is zero.
    """

    method: Method
    window: timedelta
    season: timedelta | None
    periods: int
    deviations: float
    minimum_deviation: float | None
    direction: Direction

    def plan(self, expr: Expression, prefix: str) -> Plan:
        """The recordings, and the value where it lies outside.

        Raises:
            PromQLError: the expression does not give one number a series.
        """
        return Plan(self._outside(prefix).parsed(), tuple(self._recordings(expr, prefix)))

    def _recordings(self, expr: Expression, prefix: str) -> Iterator[Recording]:
        method, window = self.method, duration.show(self.window)
        value, past, centre, distance, spread = (
            f"{prefix}:{name}" for name in ("value", "past", method.centre, method.distance, method.spread)
        )
        yield Recording(value, without_nan(expr))
        if self.season:
            yield from self._past(value, past, self.season)
            yield _recording(centre, f"{method.centre_of_periods.format(past)} and {self._most_periods(past)}")
        else:
            yield _recording(centre, method.centre_over_time.format(f"{value}[{window}]"))
        if method.spread_of_values and not self.season:
            yield _spread(spread, method.spread_of_values, value, self.window)
        else:
            yield _recording(distance, method.distance_from_centre.format(f"{value} - {centre}"))
            yield _spread(spread, method.spread_over_time, distance, self.window)

    def _past(self, value: str, past: str, season: timedelta) -> Iterator[Recording]:
        """The value around this time of each earlier season, told apart by a label."""
        for period in range(1, self.periods + 1):
            then = f"{value}[{duration.show(AROUND)}] offset {duration.show(period * season - AROUND / 2)}"
            labels = {"tocsin_period": str(period)}
            yield _recording(past, self.method.centre_over_time.format(then), labels)

    def _most_periods(self, past: str) -> str:
        return f"count without (tocsin_period) ({past}) >= {self.periods // 2 + 1}"

    def _outside(self, prefix: str) -> Term:
        value, centre, spread = (
            promql.parse(f"{prefix}:{name}").term for name in ("value", self.method.centre, self.method.spread)
        )
        width = self._width(centre, spread)
        above = promql.binary(value, ">", promql.binary(centre, "+", width))
        below = promql.binary(value, "<", promql.binary(centre, "-", width))
        return {"up": above, "down": below, "both": promql.binary(above, "or", below)}[self.direction]

    def _width(self, centre: Term, spread: Term) -> Term:
        factor = promql.literal(float(f"{self.deviations * self.method.scale:.6g}"))
        if self.minimum_deviation is not None:
            width = promql.binary(factor, "*", spread)
            return promql.parse(f"clamp_min({width.text}, {promql.number(self.minimum_deviation)})").term
        rounding = promql.binary(promql.literal(ROUNDING), "*", promql.parse(f"abs({centre.text})").term)
        return promql.binary(factor, "*", promql.binary(spread, ">", rounding))


def _recording(name: str, expr: str, labels: Labels | None = None) -> Recording:
    return Recording(name, promql.parse(expr), labels or {})


def _spread(name: str, over_time: str, series: str, window: timedelta) -> Recording:
    """The spread where there is evidence enough for it, so that a band that is not known shows nowhere."""
    spread = over_time.format(f"{series}[{duration.show(window)}]")
    return _recording(name, f"{spread} and {enough(promql.parse(series), window).text}")
