"""How much likelier than chance it is that one alert follows from another: pure figures.

An alert follows if an opener with F expected followers, of whom this name is a share, would bring it over h hops at
this lag more often than such alerts come alone: F · share · decay^h · density(lag) / lone rate.
"""

from __future__ import annotations

import math
from functools import lru_cache

from receiver.engine.causes.learned import Learned

ENOUGH = 8.0  # times likelier than chance, to be held for a consequence
DECAY = 0.8  # of what a hop lets through
HERE_AFTER, HERE_BEFORE = 25.0, 12.0  # seconds; how alerts of one place lie about its first
SPREAD = 0.75  # of the logarithm of one hop's time
SAME_PLACE = 2.0  # followers at a place that a rare label value names
COMES_BACK, BACK_WITHIN = 0.02, 60.0  # of what ended, so much comes back for no other reason; seconds
BACK_LATEST = 300.0  # seconds of quiet after which it is another fault
ANYWHERE = 0.05  # of the services, an outage of a place without a service hits
EARLIEST, LATEST = -60.0, 1800.0  # seconds: lags beyond are nobody's


def here(lag: float) -> float:
    """Density, for each second, of alerts at the place of the opener itself."""
    fall = math.exp(lag / HERE_BEFORE) if lag < 0 else math.exp(-lag / HERE_AFTER)
    return fall / (HERE_AFTER + HERE_BEFORE)


@lru_cache(maxsize=20_000)
def travelled(lag: float, hops: int, travel: float) -> float:
    """Density, for each second, of alerts so many hops away; blurred, since rules are evaluated at intervals."""
    median = travel * hops + 5.0
    spread = SPREAD / math.sqrt(hops) + 0.1
    floor = 1e-5 if -15.0 < lag < 600.0 else 0.0
    blurred = _lognormal(lag - 10.0, median, spread) + 2 * _lognormal(lag, median, spread)
    return 0.25 * (blurred + _lognormal(lag + 10.0, median, spread)) + floor


def _lognormal(x: float, median: float, spread: float) -> float:
    if x <= 0.0:
        return 0.0
    return math.exp(-0.5 * (math.log(x / median) / spread) ** 2) / (x * spread * 2.5066)


class Rates:
    """What is learned, as of a moment, worked out once: it changes slowly, and is asked for each alert and anchor."""

    def __init__(self, learned: Learned, places: int, at: float) -> None:
        self.at = at
        self._learned = learned
        self._places = places
        self._travel = float(round(learned.travel))
        self._weights: dict[str, tuple[float, float]] = {}
        self._followers: dict[str, float] = {}
        self._habits: dict[str, float | None] = {}

    def odds(self, name: str) -> Odds:
        """The odds for alerts of one name."""
        weights = self._weights.get(name)
        if weights is None:
            lone = self._learned.lone_rate(name, self._places, self.at)
            weights = self._weights[name] = (self._learned.share(name, self.at) / lone, 1.0 / lone)
        return Odds(self, *weights)

    def followers(self, opener: str) -> float:
        found = self._followers.get(opener)
        if found is None:
            found = self._followers[opener] = self._learned.followers(opener, self.at)
        return found

    def habit(self, name: str) -> float | None:
        """How often alerts of this name follow another; None: too few were seen to say so."""
        if name not in self._habits:
            self._habits[name] = self._learned.habit(name, self.at)
        return self._habits[name]

    def travelled(self, lag: float, hops: int) -> float:
        """The density at the half second, for the median to the second."""
        return travelled(round(lag * 2.0) / 2.0, hops, self._travel)


class Odds:
    """The odds for alerts of one name: how much likelier than chance they follow."""

    __slots__ = ("_any", "_rates", "_weight")

    def __init__(self, rates: Rates, weight: float, any_: float) -> None:
        """`weight`: the name's share of followers over its lone rate; `any_`: one over its lone rate."""
        self._rates = rates
        self._weight = weight
        self._any = any_

    def depends(self, opener: str, hops: int, lag: float) -> float:
        """On a place that depends on the opener's, so many hops away (0: the same)."""
        if hops == 0:
            return self._rates.followers(opener) * self._weight * here(lag)
        return self._rates.followers(opener) * self._weight * DECAY**hops * self._rates.travelled(lag, hops)

    def carried(self, hops: int, lag: float) -> float:
        """So many hops from a service that runs where the opener broke down."""
        density = here(lag * 0.6) if hops == 0 else self._rates.travelled(lag, hops + 1)
        return SAME_PLACE * self._weight * DECAY**hops * density

    def same_place(self, lag: float) -> float:
        """At the very node, pod or shard of the opener."""
        return SAME_PLACE * here(lag * 0.6) * self._any

    def anywhere(self, opener: str, lag: float) -> float:
        """On a service of which nothing is known but that a node broke down a little earlier."""
        return ANYWHERE * self._rates.followers(opener) * self._weight * self._rates.travelled(lag, 1)

    def returns(self, quiet: float) -> float:
        """What was quiet for so many seconds fires again for what it fired before."""
        return COMES_BACK * math.exp(-max(quiet, 0.0) / BACK_WITHIN) / BACK_WITHIN * self._any
