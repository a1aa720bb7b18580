"""What is learned of a tenant's alerts: how often a name comes alone, follows, is followed, and how late.

Counts fade: what was seen a half-life ago weighs half, and so does the time in which it was seen, so that rates stay
rates. Priors stand for a few hours of experience and fade beside it.
"""

from __future__ import annotations

import math

import msgspec

VERSION = 1
HALF_LIFE = 14 * 86_400.0  # seconds
MOST_NAMES = 2_000  # beyond it the one unheard of for longest is forgotten

FADES_EVERY = 60.0  # seconds; less is nothing beside the half-life

LONE_RATE = 2e-5  # openings for each place, name and second, before any were seen
PRIOR_SECONDS = 86_400.0
PRIOR_FOLLOWERS = 1.5  # for each opening ...
PRIOR_OPENINGS = 10.0  # ... as if of so many
USUAL_NAMES = 4.0  # names that follow, before any were seen
FEWEST_PLACES = 10
FEWEST_TO_TELL = 5.0  # alerts of a name, before a share of them is told to people
TRAVEL_SECONDS = 25.0  # median of one hop, before any was seen ...
PRIOR_TRAVELS = 4.0  # ... as if of so many


class Seen(msgspec.Struct):
    """What was seen of one name: `opened` incidents that stayed its own, of which so many `alone`; `followed` another's
    opener; `gained` followers."""

    opened: float = 0.0
    alone: float = 0.0
    followed: float = 0.0
    gained: float = 0.0
    at: float = 0.0


class Learned(msgspec.Struct):
    """What is known of one tenant; times are Unix seconds."""

    version: int = VERSION
    since: float = 0.0
    names: dict[str, Seen] = {}
    followed: float = 0.0  # by all names
    travels: float = 0.0
    log_travel: float = 0.0  # sum of the logarithms of seconds for each hop
    at: float = 0.0

    def lone_rate(self, name: str, places: int, now: float) -> float:
        """How often alerts of a name come and nothing with them, for each place and second.

        Not how often they open incidents: what was once held for a cause would be held for one ever more.
        """
        seen = self._of(name, now)
        places = max(places, FEWEST_PLACES)
        prior = PRIOR_SECONDS * LONE_RATE * places
        return (max(seen.alone, 0.0) + prior) / ((self._observed(now) + PRIOR_SECONDS) * places)

    def followers(self, name: str, now: float) -> float:
        """How many alerts an incident that such an alert opens brings, on average."""
        seen = self._of(name, now)
        return (seen.gained + PRIOR_FOLLOWERS * PRIOR_OPENINGS) / (max(seen.opened, 0.0) + PRIOR_OPENINGS)

    def share(self, name: str, now: float) -> float:
        """Of the alerts that follow, how many have this name."""
        return (self._of(name, now).followed + 1.0) / (self.followed * self._faded(self.at, now) + USUAL_NAMES)

    def follows(self, name: str, now: float) -> float:
        """How often an alert of this name follows another, of all times that it comes."""
        seen = self._of(name, now)
        return (seen.followed + 1.0) / (seen.followed + max(seen.opened, 0.0) + 2.0)

    def habit(self, name: str, now: float) -> float | None:
        """How often alerts of this name follow another; None: too few were seen to say so."""
        seen = self._of(name, now)
        return self.follows(name, now) if seen.followed + seen.opened >= FEWEST_TO_TELL else None

    @property
    def travel(self) -> float:
        """The median of what a fault needs for one hop, in seconds."""
        prior = math.log(TRAVEL_SECONDS) * PRIOR_TRAVELS
        return math.exp((self.log_travel + prior) / (self.travels + PRIOR_TRAVELS))

    def note_opened(self, name: str, now: float, times: float = 1.0) -> None:
        """Alerts of a name opened incidents, as yet alone."""
        seen = self._fade(name, now)
        seen.opened += times
        seen.alone += times

    def note_joined(self, name: str, now: float) -> None:
        """What an alert of this name had opened is no longer alone."""
        self._fade(name, now).alone -= 1.0

    def note_adopted(self, name: str, now: float) -> None:
        """What an alert of this name had opened has become part of another incident."""
        self._fade(name, now).opened -= 1.0

    def note_followed(self, name: str, opener: str, now: float, times: float = 1.0) -> None:
        """An alert followed what `opener` had opened."""
        self._fade(name, now).followed += times
        self.followed += times
        self._fade(opener, now).gained += times

    def note_travel(self, seconds: float, hops: int) -> None:
        self.travels += 1.0
        self.log_travel += math.log(min(max(seconds / hops, 1.0), 600.0))

    def _of(self, name: str, now: float) -> Seen:
        seen = self.names.get(name)
        if seen is None:
            return Seen(at=now)
        left = self._faded(seen.at, now)
        return Seen(seen.opened * left, seen.alone * left, seen.followed * left, seen.gained * left, now)

    def _fade(self, name: str, now: float) -> Seen:
        """The name's counts as of now, to be added to."""
        self.since = self.since or now
        known = self.names.get(name)
        if known is not None and abs(now - known.at) < FADES_EVERY and abs(now - self.at) < FADES_EVERY:
            return known
        left = self._faded(self.at or now, now)
        self.followed, self.travels, self.log_travel = self.followed * left, self.travels * left, self.log_travel * left
        self.at = max(self.at, now)
        seen = self.names[name] = self._of(name, now)
        if len(self.names) > MOST_NAMES:
            del self.names[min(self.names, key=lambda known: self.names[known].at)]
        return seen

    def _observed(self, now: float) -> float:
        """The seconds in which the counts were seen, faded as they are."""
        passed = max(now - self.since, 0.0) if self.since else 0.0
        return (1.0 - math.exp2(-passed / HALF_LIFE)) * HALF_LIFE / math.log(2.0)

    @staticmethod
    def _faded(at: float, now: float) -> float:
        return math.exp2(-max(now - at, 0.0) / HALF_LIFE)


class NotUsable(ValueError):
    """What was stored cannot be used: it is corrupt, or a newer version wrote it."""


def encode(learned: Learned) -> bytes:
    return msgspec.json.encode(learned)


def decode(content: bytes) -> Learned:
    """Raises NotUsable where the content is corrupt or of a newer version."""
    try:
        learned = msgspec.json.decode(content, type=Learned)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise NotUsable(f"it cannot be read: {error}") from None
    if learned.version > VERSION:
        raise NotUsable(f"version {learned.version} wrote it, this is version {VERSION}")
    figures = [learned.followed, learned.travels, learned.log_travel, learned.since, learned.at]
    for seen in learned.names.values():
        figures += [seen.opened, seen.alone, seen.followed, seen.gained, seen.at]
    if not all(math.isfinite(figure) for figure in figures):
        raise NotUsable("it holds figures that are not finite")
    return learned
