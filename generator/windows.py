"""Expressions over a window of time: as a range, a while ago, and whether there is evidence enough in it."""

from __future__ import annotations

import math
from datetime import timedelta

from promql_parser import VectorSelector

from generator.template import Recording
from tocsin import duration, promql
from tocsin.promql import Expression

# A window counts where it holds values at so many of so many evenly spaced times, whatever the interval: a new series
# has shown something by then, and an outage of less than a fifth of the window blinds nobody.
ENOUGH, TIMES = 16, 20

# An expression of an earlier time is evaluated at the last full minute of it.
MINUTE = "[1m:1m]"


def is_plain(expr: Expression) -> bool:
    """Whether Prometheus stores the series of the expression as it stands: a selector of now."""
    tree = expr.tree
    return isinstance(tree, VectorSelector) and tree.offset is None and tree.at is None


def without_nan(expr: Expression) -> Expression:
    """The expression without what is NaN: no comparison keeps one, and one would spoil a whole window.

    Raises:
        PromQLError: the expression does not give one number a series.
    """
    return promql.binary(expr.term, ">", promql.literal(-math.inf)).parsed()


def stored(expr: Expression, name: str) -> tuple[Expression, tuple[Recording, ...]]:
    """A selector to take ranges of, and what must be recorded for it: nothing if the series are stored already.

    Raises:
        PromQLError: the expression does not give one number a series.
    """
    if is_plain(expr):
        return expr, ()
    return promql.parse(name), (Recording(name, without_nan(expr)),)


def ago(expr: Expression, offset: timedelta) -> Expression:
    """The expression's values of then, whatever it is made of; no history of our own is needed.

    Raises:
        PromQLError: the expression does not give one number a series.
    """
    shown = duration.show(offset)
    text = f"{expr.text} offset {shown}" if is_plain(expr) else f"last_over_time(({expr.text}){MINUTE} offset {shown})"
    return promql.parse(text)


def enough(selector: Expression, window: timedelta) -> Expression:
    """Keeps the series that have values in most of the window."""
    range_, step = duration.show(window), duration.show(window / TIMES)
    return promql.parse(f"count_over_time({selector.text}[{range_}:{step}]) >= {ENOUGH}")
