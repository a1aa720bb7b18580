"""What a group of known series has in common, in terms that do not depend on how large each of them is.

A group's terms are a factor (each member in proportion to its own mean) or an amount (each less its own mean),
whichever makes its members' days more alike. Groups stand in the last axis but one, members in the last.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

from exporter.calibration import PRIOR
from exporter.frame import Bools, Floats
from exporter.model import Rows
from exporter.models.kinship import NOBODY
from exporter.models.profiles import BY_RATIO

if TYPE_CHECKING:
    from exporter.models.state import SeasonalState

FEWEST, MOST_AGREE = 3, 0.75  # members, and the share of them that must agree
SHAPE_AGREES, NOISE_AGREES = 0.25, 0.5  # distance from the median's shape: of its size, and of one deviation
SCALE_AGREES = 3.0  # times larger or smaller than the median
NEGLIGIBLE = 1e-3  # of the level: less is no disagreement

VALUE, SHIFT, SIZE, PLAIN = range(4)  # a value, a signed difference of values, a size of such, a number without unit
LENT = (
    ("profiles", "day", VALUE),
    ("profiles", "kind", VALUE),
    ("profiles", "offset", SHIFT),
    ("profiles", "slow", SHIFT),
    ("profiles", "recent", SIZE),
    ("profiles", "weekday", SIZE),
    ("spread", "deviation", SIZE),
    ("spread", "sharp", SIZE),
    ("spread", "ratio", PLAIN),
    ("outlook", "wrong", SIZE),
    ("outlook", "offset", SHIFT),
    ("outlook", "quantiles", PLAIN),
    ("evidence", "level", VALUE),
    ("evidence", "spread", SIZE),
    ("evidence", "jump", SIZE),
    ("evidence", "rough", PLAIN),
    ("evidence", "changes", PLAIN),
    ("calibration", "known", PLAIN),
    ("calibration", "begin", PLAIN),
    ("calibration", "hill", PLAIN),
)

Lent = Mapping[tuple[str, str], Floats]  # medians in a group's terms, by part and field, each (…, groups)


@dataclass(frozen=True, slots=True)
class Terms:
    """How series are measured in their group's terms: a value is `zero` + `unit` × that; of one shape."""

    zero: Floats
    unit: Floats

    def inward(self, kind: int, values: Floats) -> Floats:
        """Values in their group's terms."""
        if kind == PLAIN:
            return values
        return (values - self.zero) / self.unit if kind == VALUE else values / self.unit

    def outward(self, kind: int, values: Floats) -> Floats:
        """A group's terms as values."""
        if kind == PLAIN:
            return values
        return self.zero + self.unit * values if kind == VALUE else self.unit * values

    def where(self, chosen: Bools, other: Terms) -> Terms:
        """These where they are chosen, else the others."""
        return Terms(np.where(chosen, self.zero, other.zero), np.where(chosen, self.unit, other.unit))


@dataclass(frozen=True, slots=True)
class Groups:
    """Some groups: which members agree, (groups, MOST), how many, and what they expect now, in the group's terms."""

    members: Rows  # (groups, MOST)
    agree: Bools  # (groups, MOST)
    terms: Terms  # (groups, MOST)
    in_ratio: Bools  # (groups,)
    now: Floats  # (groups,), NaN where it lends nothing

    @classmethod
    def of(cls, state: SeasonalState, members: Rows, expected: Floats) -> Self:
        """`members` are rows, or `NOBODY`; `expected` of all rows, (series,)."""
        there = members != NOBODY
        day = np.where(there, state.profiles.day[:, members], np.nan).astype(np.float64)
        deviation = np.where(there, state.spread.deviation[members], np.nan)
        base, one = _mean(day), np.ones(members.shape)
        positive = np.where(np.isfinite(day), day, np.inf).min(axis=0) > 0.0
        by_factor, by_amount = Terms(np.zeros(members.shape), np.where(positive & there, base, 1.0)), Terms(base, one)
        factors, factor_off = _agreeing(by_factor, day, deviation)
        amounts, amount_off = _agreeing(by_amount, day, deviation)
        in_ratio = (positive | ~there).all(axis=1) & (factor_off * np.abs(_median(base)) <= amount_off)
        agree = np.where(in_ratio[:, None], factors, amounts)
        terms = by_factor.where(in_ratio[:, None], by_amount)
        now = _median(np.where(agree, terms.inward(VALUE, expected[members]), np.nan))
        count = agree.sum(axis=1)
        lending = (count >= FEWEST) & (count >= MOST_AGREE * there.sum(axis=1)) & (~in_ratio | (now > 0.0))
        return cls(members, agree, terms, in_ratio, np.where(lending, now, np.nan))

    def only(self, groups: Rows) -> Groups:
        """Some of them."""
        terms = Terms(self.terms.zero[groups], self.terms.unit[groups])
        return Groups(self.members[groups], self.agree[groups], terms, self.in_ratio[groups], self.now[groups])

    def terms_of(self, group: Rows, level: Floats) -> Terms:
        """Those of series whose `level` is what their `group` expects now; both (series,)."""
        in_ratio, now = self.in_ratio[group], self.now[group]
        return Terms(
            np.where(in_ratio, 0.0, level - now), np.where(in_ratio, level / np.where(in_ratio, now, 1.0), 1.0)
        )

    def unit(self) -> Floats:
        """The members' usual unit, (groups,)."""
        return _median(np.where(self.agree, self.terms.unit, np.nan))

    def at(self, state: SeasonalState, bins: Rows, group: Rows) -> Floats:
        """What some groups' members usually are in some bins of the day, in their terms; all (series,)."""
        members, terms = self.members[group], Terms(self.terms.zero[group], self.terms.unit[group])
        day = state.profiles.day[bins[:, None], members].astype(np.float64)
        return _median(np.where(self.agree[group], terms.inward(VALUE, day), np.nan))

    def deviation(self, state: SeasonalState) -> Floats:
        """The members' usual deviation in their group's terms, (groups,)."""
        return _median(np.where(self.agree, self.terms.inward(SIZE, state.spread.deviation[self.members]), np.nan))

    def lent(self, state: SeasonalState) -> Lent:
        """What they lend: the medians of those that agree."""
        found, agreed = {}, np.where(self.agree, 1.0, np.nan)
        for part, name, kind in LENT:
            known = getattr(getattr(state, part), name)[..., self.members].astype(np.float64)
            if name == "known":
                known /= np.maximum(known.sum(axis=0), 1e-9) / PRIOR
            found[part, name] = _median(agreed * self.terms.inward(kind, known))
            if (part, name) == ("profiles", "offset"):
                found[part, name][BY_RATIO] = _median(agreed * known[BY_RATIO])  # the logarithm of a factor
        return found


def median_of_columns(values: Floats) -> Floats:
    """The median of each column's known values, (columns,)."""
    return _median(values.T)


def _agreeing(terms: Terms, day: Floats, deviation: Floats) -> tuple[Bools, Floats]:
    """Which members agree on the day's shape and on the scale, (groups, MOST); how far they are usually off."""
    shapes, scale = terms.inward(VALUE, day), terms.inward(SIZE, deviation)
    shape, usual = _median(shapes), _median(scale)
    off = _mean(np.abs(shapes - shape[..., None]))
    size = _mean(np.abs(shape - _mean(shape)))
    least = NEGLIGIBLE * np.abs(_median(_mean(day)) / _median(terms.unit))
    near: Bools = off <= (np.maximum(SHAPE_AGREES * size, NOISE_AGREES * usual) + least)[:, None]
    slack = least[:, None]
    like = (scale <= SCALE_AGREES * usual[:, None] + slack) & (SCALE_AGREES * scale + slack >= usual[:, None])
    return np.logical_and(near, like), _median(off)


def _median(values: Floats) -> Floats:
    """The median along the last axis of what is known; NaN where nothing is."""
    ordered = np.sort(values, axis=-1)
    known = np.isfinite(values).sum(axis=-1)
    low, high = (np.maximum(known - 1, 0) // 2)[..., None], (known // 2)[..., None]
    high = np.minimum(high, values.shape[-1] - 1)
    middle = (np.take_along_axis(ordered, low, axis=-1) + np.take_along_axis(ordered, high, axis=-1))[..., 0] / 2.0
    return np.where(known > 0, middle, np.nan)


def _mean(values: Floats) -> Floats:
    """The mean along the first axis of what is known; NaN where nothing is."""
    known = np.isfinite(values)
    count = known.sum(axis=0)
    return np.where(count > 0, np.where(known, values, 0.0).sum(axis=0) / np.maximum(count, 1), np.nan)
