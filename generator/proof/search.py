"""Settings at which an alert fires, and near them settings at which it does not, by trying many worlds at once."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from generator.proof.dials import WHOLE, Board, Dial
from generator.proof.vectors import Flags, Numbers

Holds = Callable[[Numbers], Flags]

ROUNDS = 4  # of worlds at random
SAMPLED, OTHERS = 3, 2  # settings of one try, and such tries, that are looked at more closely
GRID = 96  # values of a dial that are looked at, beside those that stand in the expression
FINER = 48  # parts into which a distance is divided, again and again
TIMES = 3
ROUND = 3  # digits that a value is shown with
CLOSE = 1e-4  # to a whole number
MOST_COUNTED = 1000  # a limit below it may be one of something that is counted


@dataclass(frozen=True, slots=True)
class Flip:
    """Two settings (dials,) that differ in one dial: at one the alert fires, at the other it does not."""

    dial: int
    fires: Numbers
    silent: Numbers


@dataclass
class Search:
    """`holds` says of settings (dials, worlds) in which worlds the condition holds; `most` worlds at once."""

    board: Board
    holds: Holds
    most: int
    random: np.random.Generator

    def firing(self) -> Iterator[Numbers]:
        """Settings at which it holds, the most usual one first; a few others, in case nothing turns that one off."""
        usual = self.board.usual()
        if self.holds(usual).any():
            yield usual[:, 0]
        others = 0
        for settings in self._tries(usual):
            held = np.flatnonzero(self._many(settings))
            if len(held):
                unusual = (settings[:, held] != usual).sum(axis=0) + 0.1 * (settings[:, held] == 0).sum(axis=0)
                order = held[np.argsort(unusual, kind="stable")]
                for place in order[:: max(1, len(order) // SAMPLED)][:SAMPLED]:
                    yield settings[:, place]
                others += 1
            if others == OTHERS:
                return

    def _tries(self, usual: Numbers) -> Iterator[Numbers]:
        alone = []
        for place, dial in enumerate(self.board.dials):
            tried = _spaced(dial)
            settings = np.repeat(usual, len(tried), axis=1)
            settings[place] = tried
            alone.append(settings)
        if alone:
            yield np.concatenate(alone, axis=1)
            for _ in range(ROUNDS):
                yield self._at_random(usual)

    def _at_random(self, usual: Numbers) -> Numbers:
        worlds = min(4 * self.most, 256)
        settings = np.repeat(usual, worlds, axis=1)
        for place, dial in enumerate(self.board.dials):
            picked = self.random.choice(np.asarray(dial.tried), size=worlds)
            settings[place] = np.where(self.random.random(worlds) < 0.6, picked, settings[place])
        return settings

    def _many(self, settings: Numbers) -> Flags:
        """Where it holds; some worlds at a time."""
        if not settings.shape[1]:
            return np.zeros(0, dtype=bool)
        starts = range(0, settings.shape[1], self.most)
        return np.concatenate([self.holds(settings[:, start : start + self.most]) for start in starts])

    def flips(self, firing: Numbers) -> list[Flip]:
        """The nearest changes of each dial to which the alert falls silent, in the order of the dials."""
        places = [place for place, dial in enumerate(self.board.dials) if dial.kind != "moment"]
        values = [_around(self.board.dials[place], firing[place]) for place in places]
        gaps: list[_Gap] = []
        for place, tried, held in zip(places, values, self._held(firing, places, values), strict=True):
            gaps += _gaps(place, firing[place], tried, held)
        narrowed = gaps
        for _ in range(TIMES):
            narrowed = self._narrowed(firing, narrowed)
        return self._shown(firing, gaps, narrowed)

    def _held(self, firing: Numbers, places: Sequence[int], values: Sequence[Numbers]) -> Sequence[Flags]:
        """Whether it holds where a dial is turned to each of some values, for several dials."""
        if not places:
            return []
        held = self._many(np.concatenate([_turned(firing, *pair) for pair in zip(places, values, strict=True)], axis=1))
        return np.split(held, np.cumsum([len(tried) for tried in values])[:-1])

    def _narrowed(self, firing: Numbers, gaps: Sequence[_Gap]) -> list[_Gap]:
        values = [
            np.linspace(gap.fires, gap.silent, 2 if self.board.dials[gap.place].kind in WHOLE else FINER + 1)
            for gap in gaps
        ]
        found = []
        for gap, tried, held in zip(gaps, values, self._held(firing, [gap.place for gap in gaps], values), strict=True):
            last = _first_silent(held, 0, 1)
            found.append(_Gap(gap.place, tried[last[0]], tried[last[1]]) if last and held[0] else gap)
        return found

    def _shown(self, firing: Numbers, gaps: Sequence[_Gap], narrowed: Sequence[_Gap]) -> list[Flip]:
        """The gaps between values that people can read."""
        dials = [self.board.dials[gap.place] for gap in gaps]
        pairs = [_readable(*of) for of in zip(dials, narrowed, gaps, strict=True)]
        values = [np.asarray([value for pair in of for value in pair]) for of in pairs]
        places = [gap.place for gap in gaps]
        found = []
        for place, tried, held in zip(places, values, self._held(firing, places, values), strict=True):
            good = np.flatnonzero(held[::2] & ~held[1::2])
            if len(good):
                settings = _turned(firing, place, tried[2 * good[0] : 2 * good[0] + 2])
                found.append(Flip(place, settings[:, 0], settings[:, 1]))
        return found


@dataclass(frozen=True, slots=True)
class _Gap:
    """Two values of a dial between which the alert falls silent."""

    place: int
    fires: float
    silent: float


def _gaps(place: int, value: float, tried: Numbers, held: Flags) -> Iterator[_Gap]:
    """The nearest ones on both sides of a value at which it holds."""
    own = int(np.searchsorted(tried, value))
    for way in (-1, 1) if held[own] else ():
        side = _first_silent(held, own, way)
        if side is not None:
            yield _Gap(place, tried[side[0]], tried[side[1]])


def _turned(setting: Numbers, place: int, values: Numbers) -> Numbers:
    """The setting, with one dial at each of the values."""
    settings = np.repeat(setting[:, None], len(values), axis=1)
    settings[place] = values
    return settings


def _spaced(dial: Dial) -> Numbers:
    """What is tried of a dial by itself: what stands in the expression, and every order of size."""
    if dial.kind in WHOLE:
        return np.asarray(dial.tried)
    sizes = 10.0 ** np.arange(-4, 13)
    spread = np.concatenate([sizes, -sizes]) if dial.signed else sizes
    return np.unique(np.concatenate([spread, dial.tried]))


def _around(dial: Dial, value: float) -> Numbers:
    """Values of a dial on both sides of one, in order, itself among them."""
    if dial.kind in WHOLE:
        return np.unique(np.asarray([*dial.tried, value]))
    size = abs(value) or 1.0
    near = value + size * np.geomspace(1e-4, 1e3, GRID // 2)
    below = value - size * np.geomspace(1e-4, 1e3, GRID // 2)
    kept = np.concatenate([near, below, dial.tried, [value, 0.0]])
    return np.unique(kept if dial.signed else kept[kept >= 0])


def _first_silent(held: Flags, own: int, way: int) -> tuple[int, int] | None:
    """The last place where it holds on a way, and the first where it does not."""
    place = own + way
    while 0 <= place < len(held):
        if not held[place]:
            return place - way, place
        place += way
    return None


def _readable(dial: Dial, gap: _Gap, wide: _Gap) -> list[tuple[float, float]]:
    """Pairs of values that fire and do not, the best first: whole numbers beside the limit, or a hundredth off."""
    if dial.kind in WHOLE:
        return [(gap.fires, gap.silent)]
    way = math.copysign(1, gap.fires - gap.silent)
    limit = (gap.fires + gap.silent) / 2
    whole = float(round(limit))
    pairs = []
    if abs(limit - whole) < CLOSE and (not whole or (dial.kind == "level" and abs(limit) < MOST_COUNTED)):
        pairs += [(whole + way, whole), (whole, whole - way)]
    for part in (0.01, 0.02, 0.05, 0.2):
        beyond = abs(limit) * part
        pairs.append((rounded(limit + 2 * way * beyond), rounded(limit - way * beyond)))
    return [*pairs, (wide.fires, wide.silent), (gap.fires, gap.silent)]


def rounded(value: float) -> float:
    """A value with few digits."""
    return float(f"{value:.{ROUND}g}")


def usual_first(flips: Sequence[Flip], board: Board) -> list[Flip]:
    """The flips, those of a value before those of a presence, and those that turn something off last."""

    def rank(flip: Flip) -> tuple[bool, bool, bool, int]:
        fires, silent, kind = flip.fires[flip.dial], flip.silent[flip.dial], board.dials[flip.dial].kind
        return kind == "presence", 0 in (fires, silent) and abs(fires - silent) > 1, kind != "share", flip.dial

    return sorted(flips, key=rank)
