"""What a new series borrows from those like it, until it knows itself: the day's shape, scale and tails.

Once a series has a few values, its kin are looked for (`exporter.models.kinship`): known series that share most labels
with it. Where they agree on the day's shape (`exporter.models.lending`), it takes over their median, at its own level,
unless it is still on its way there: what warms up would outgrow what it borrowed.
What is borrowed counts like half a day of the series' own evidence, so that its own visits soon outweigh it. Arrays
have the series as their last axis.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Self

import numpy as np

from exporter.frame import Bools, Floats
from exporter.model import Rows
from exporter.models.evidence import ROUGH
from exporter.models.kinship import NOBODY, by_labels
from exporter.models.lending import FEWEST, LENT, SIZE, VALUE, Groups, Terms, median_of_columns
from exporter.models.moment import DAY, DAY_BINS, HOUR
from exporter.models.profiles import BY_RATIO
from exporter.models.spread import PRIOR
from exporter.names import keys_of
from tocsin.model import Labels

if TYPE_CHECKING:
    from exporter.models.state import SeasonalState

FIRST_SECONDS, FIRST_VALUES = 1_800.0, (3, 10)  # a series waits for so long, so many values, before it borrows;
TRIES = 6  # where nobody lends then, it asks again when it has twice as many, and so on,
RIPE_SECONDS = DAY  # until it has seen so long; whoever lends has, or has borrowed
NEWEST = 3  # values, whose median tells a new series' level
# A series has settled if since half as many values it moved otherwise than its kin by less than this: of what they
# expect now (of a factor), of one of their deviations.
SETTLED_SHARE, SETTLED_DEVIATIONS = 0.25, 0.75
CALM_STEPS = 2.0  # whoever has been unusual for more steps than these lends nothing now
MISTAKEN_SECONDS = 3 * HOUR  # whoever was unusual for so long on its first day has borrowed what does not fit
GIVEN_BACK = -1.0
TOGETHER = 32  # groups at once
# What is borrowed counts like so much evidence: seconds of each kind of day, residuals, values, errors, scores.
SECONDS, RESIDUALS, VALUES, ERRORS, STEPS = DAY / 4.0, 60.0, 288.0, 60.0, 100.0


@dataclass(slots=True)
class Borrowing:
    """What is remembered of series that are new."""

    newest: Floats  # (3, series), the newest values, as long as the series is new
    before: Floats  # (series,), its level when it had half as many values as when it asks next
    lenders: Floats  # (series,), from how many series it has borrowed; 0: it has not, -1: it gave that back

    @classmethod
    def fresh(cls, series: int) -> Self:
        return cls(np.full((NEWEST, series), np.nan), np.full(series, np.nan), np.zeros(series))


@dataclass(frozen=True, slots=True)
class Present:
    """What is known of a column when somebody asks: what was `expected` of all rows, (series,); its bin of the day."""

    expected: Floats
    day_bin: int


def newcomers(state: SeasonalState) -> Rows:
    """The rows that may still borrow, or give back; none where nobody could lend."""
    if len(state.borrowing.lenders) <= FEWEST:
        return np.empty(0, dtype=np.intp)
    rows = np.arange(len(state.borrowing.lenders))
    return rows[_is_new(state, rows)]


def _is_new(state: SeasonalState, rows: Rows) -> Bools:
    """Which rows know less than a day of their own, and have not given back."""
    lenders = state.borrowing.lenders[rows]
    own = state.profiles.seconds[:, rows].sum(axis=0) - 2.0 * SECONDS * (lenders > 0.0)
    new: Bools = (own < RIPE_SECONDS) & (lenders >= 0.0)
    return new


def welcome(state: SeasonalState, new: Rows, labels: Sequence[Labels], values: Floats, present: Present) -> None:
    """Takes a column of the newcomers in, when it was learned; whoever has seen enough borrows.

    `values` of all rows, (series,).
    """
    new = new[_is_new(state, new)]
    mistaken = new[(state.borrowing.lenders[new] > 0.0) & (state.calibration.run[new] * state.step >= MISTAKEN_SECONDS)]
    if len(mistaken):
        _give_back(state, mistaken)
    new = new[np.isfinite(values[new])]
    seen = state.profiles.seen[new].astype(np.intp)
    state.borrowing.newest[seen % NEWEST, new] = values[new]
    tries = _tries(state.step)
    asking = new[np.isin(seen, tries) & (state.borrowing.lenders[new] == 0.0)]
    if len(asking):
        ripe = (state.profiles.seconds.sum(axis=0) >= RIPE_SECONDS) | (state.borrowing.lenders > 0.0)
        ripe &= (state.calibration.run <= CALM_STEPS) & np.isfinite(present.expected)
        ripe &= np.isfinite(state.spread.deviation)
        ripe[asking] = False
        if np.count_nonzero(ripe) >= FEWEST:
            _ask(state, labels, asking, np.flatnonzero(ripe), present)
    half = new[np.isin(seen, tries // 2)]
    if len(half):
        state.borrowing.before[half] = median_of_columns(state.borrowing.newest[:, half])


def _tries(step: float) -> Rows:
    """After how many values a series asks, (tries,)."""
    first = min(max(round(FIRST_SECONDS / step), FIRST_VALUES[0]), FIRST_VALUES[1])
    return first * 2 ** np.arange(TRIES, dtype=np.intp)


def _ask(state: SeasonalState, labels: Sequence[Labels], asking: Rows, ripe: Rows, present: Present) -> None:
    """Asks one group of kin after the other, the closest first, until one of them agrees."""
    for kinship in by_labels(keys_of(labels), asking, ripe):
        left = np.arange(len(kinship.newcomers))
        for way in range(kinship.ways):
            members = kinship.members(way, left)
            enough = (members != NOBODY).sum(axis=1) >= FEWEST
            taken = np.zeros(len(left), dtype=np.bool_)
            taken[enough] = _borrow(state, kinship.newcomers[left[enough]], members[enough], present)
            left = left[~taken]
            if not len(left):
                break


def _borrow(state: SeasonalState, rows: Rows, members: Rows, present: Present) -> Bools:
    """Whether each row's members, (rows, MOST), lend to it, now or when it has settled; some groups at a time."""
    taken = np.zeros(len(rows), dtype=np.bool_)
    groups, group = np.unique(members, axis=0, return_inverse=True)
    for first in range(0, len(groups), TOGETHER):
        part = groups[first : first + TOGETHER]
        mine = np.flatnonzero((group >= first) & (group < first + len(part)))
        taken[mine] = _of_groups(state, rows[mine], part, group[mine] - first, present)
    return taken


def _of_groups(state: SeasonalState, rows: Rows, members: Rows, group: Rows, present: Present) -> Bools:
    """The same of a few groups: `members` (groups, MOST), and which `group` each row asks."""
    groups, level = Groups.of(state, members, present.expected), median_of_columns(state.borrowing.newest[:, rows])
    usable: Bools = np.isfinite(groups.now)[group] & (~groups.in_ratio[group] | (level > 0.0))
    taking = usable & _settled(state, rows, level, groups, group, present.day_bin)
    if taking.any():
        lenders, place = np.unique(group[taking], return_inverse=True)
        _take(state, rows[taking], level[taking], groups.only(lenders), place)
    return usable


def _settled(state: SeasonalState, rows: Rows, level: Floats, groups: Groups, group: Rows, day_bin: int) -> Bools:
    """Which rows have moved about as their kin have since they had half as many values."""
    seen = state.profiles.seen[rows]
    ago = np.rint((seen - seen // 2) * state.step * (DAY_BINS / DAY)).astype(np.intp)
    kin = groups.at(state, np.full(len(rows), day_bin), group) - groups.at(state, (day_bin - ago) % DAY_BINS, group)
    now, before = groups.now[group], groups.terms_of(group, level).inward(VALUE, state.borrowing.before[rows])
    moved = np.abs(now - before - np.where(np.isfinite(kin), kin, 0.0))
    share = np.where(groups.in_ratio[group], SETTLED_SHARE * np.abs(now), 0.0)
    return ~(moved > np.maximum(share, SETTLED_DEVIATIONS * groups.deviation(state)[group]))


def _take(state: SeasonalState, rows: Rows, level: Floats, groups: Groups, group: Rows) -> None:
    """Writes what is lent into rows, to each at its level from its `group`."""
    lent, own = groups.lent(state), groups.terms_of(group, level)
    size = Terms(own.zero, np.maximum(own.unit, np.sqrt(own.unit * groups.unit()[group])))  # small ones are noisier
    for part, name, kind in LENT:
        array, values = getattr(getattr(state, part), name), lent[part, name][..., group]
        array[..., rows] = (size if kind == SIZE else own).outward(kind, values)
    state.profiles.offset[BY_RATIO, rows] = lent["profiles", "offset"][BY_RATIO, group]
    state.borrowing.lenders[rows] = groups.agree.sum(axis=1)[group]
    calibration, evidence = state.calibration, state.evidence
    calibration.weight[rows], calibration.run[rows] = 1.0, 0.0
    calibration.seen[rows] = np.maximum(calibration.seen[rows], STEPS)
    evidence.means[:, rows] = 0.0
    evidence.means[ROUGH, rows] = evidence.rough[rows]
    evidence.seen[rows] = np.maximum(evidence.seen[rows], VALUES)
    state.profiles.seconds[:, rows] += SECONDS
    state.spread.residuals[rows] = np.maximum(state.spread.residuals[rows], RESIDUALS)
    state.outlook.seen[rows] = np.maximum(state.outlook.seen[rows], ERRORS)


def _give_back(state: SeasonalState, rows: Rows) -> None:
    """Rows begin anew, but for their level and what was told of them."""
    level, last = state.profiles.level[rows], state.evidence.last[rows]
    fresh = state.fresh(1, state.step)
    for part in ("profiles", "spread", "outlook", "evidence"):
        known, new = getattr(state, part), getattr(fresh, part)
        for field in fields(new):
            getattr(known, field.name)[..., rows] = getattr(new, field.name)
    state.profiles.level[rows], state.evidence.last[rows] = level, last
    state.spread.deviation[rows] = PRIOR * np.abs(level) + 1e-9
    state.calibration.run[rows], state.borrowing.lenders[rows] = 0.0, GIVEN_BACK
