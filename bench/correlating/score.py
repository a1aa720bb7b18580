"""How near an assignment of alerts to incidents comes to the truth."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from math import comb

from bench.storm.storm import Occurrence, Truth

FIRST = 3  # so many candidates does a person look at


@dataclass(frozen=True, slots=True)
class Placed:
    """Where an occurrence was put (None: in no incident), and its place among the causes (None: not ranked)."""

    incident: str | None
    cause_rank: int | None = None


Assignment = Mapping[Occurrence, Placed]


@dataclass(frozen=True, slots=True)
class Score:
    """Adjusted Rand index; incidents made; causes found among the first, of how many; occurrences not answered for."""

    rand: float
    incidents: int
    found: int
    causes: int
    missing: int


def score(truth: Truth, assigned: Assignment) -> Score:
    """An occurrence without an incident counts as one of its own."""
    told = list(truth.faults)
    placed = [assigned.get(one) for one in told]
    made: list[Hashable] = [
        place.incident if place is not None and place.incident is not None else one
        for one, place in zip(told, placed, strict=True)
    ]
    found, causes = _causes(truth, assigned)
    rand = adjusted_rand([truth.faults[one] for one in told], made)
    return Score(rand, len(set(made)), found, causes, sum(place is None for place in placed))


def adjusted_rand(one: Sequence[Hashable], other: Sequence[Hashable]) -> float:
    """1 where two partitions are the same, about 0 where they agree by chance alone (Hubert and Arabie, 1985)."""
    both = sum(comb(count, 2) for count in Counter(zip(one, other, strict=True)).values())
    left = sum(comb(count, 2) for count in Counter(one).values())
    right = sum(comb(count, 2) for count in Counter(other).values())
    pairs = comb(len(one), 2)
    expected = left * right / pairs if pairs else 0.0
    most = (left + right) / 2
    return 1.0 if most == expected else (both - expected) / (most - expected)


def _causes(truth: Truth, assigned: Assignment) -> tuple[int, int]:
    """Of faults with two alerts or more: whose cause is among the first of the incident that has most of the fault.

    That incident must have two of the fault's alerts: a cause that is alone with itself explains nothing.
    """
    members: defaultdict[int, list[Occurrence]] = defaultdict(list)
    for one, fault in truth.faults.items():
        members[fault].append(one)
    found = causes = 0
    for alerts in members.values():
        own = [one for one in alerts if one in truth.causes]
        if len(alerts) < 2 or not own:
            continue
        causes += 1
        shares = Counter(place.incident for one in alerts if (place := assigned.get(one)) and place.incident)
        most = max([2, *shares.values()])
        found += any(
            (place := assigned.get(one)) is not None
            and place.incident is not None
            and shares[place.incident] == most
            and place.cause_rank is not None
            and place.cause_rank <= FIRST
            for one in own
        )
    return found, causes
