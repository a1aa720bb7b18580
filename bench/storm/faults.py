"""What fires in a world, and which fault each alert belongs to: the truth."""

from __future__ import annotations

import heapq
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from bench.storm.world import World

SHORTEST, LONGEST = 300.0, 2400.0  # of a fault, in seconds
NOISE_SHORTEST, NOISE_LONGEST = 60.0, 1800.0
BURST_SECONDS = 180.0


@dataclass(order=True, slots=True)
class Fired:
    """One alert as Prometheus tells it, in seconds; `onset`, `fault` and `cause` are the truth."""

    starts_at: float
    onset: float = field(compare=False)
    ends_at: float = field(compare=False)
    labels: Mapping[str, str] = field(compare=False)
    fault: int = field(compare=False)
    cause: bool = field(compare=False)


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that goes wrong at one place, for so many seconds."""

    number: int
    at: float
    duration: float


def fired(rng: random.Random, world: World, *, hours: float, bursts: float, burst_size: tuple[int, int]) -> list[Fired]:
    """Everything that fires, ordered by when it does; `bursts` an hour bring so many faults at once."""
    end = hours * 3600.0
    starts = [*_moments(rng, world.nature.faults, end), *_burst_moments(rng, bursts, burst_size, end)]
    found: list[Fired] = []
    for number, at in enumerate(sorted(starts)):
        fault = Fault(number, at, rng.uniform(SHORTEST, LONGEST))
        of_node = rng.random() < world.nature.node_share
        found += _node_fault(rng, world, fault) if of_node else _service_fault(rng, world, fault)
    for number, at in enumerate(_moments(rng, world.nature.noise, end), start=len(starts)):
        alone = Fault(number, at, rng.uniform(NOISE_SHORTEST, NOISE_LONGEST))
        name = rng.choice(world.nature.names.noise)
        found += _of_service(rng, world, name, rng.choice(world.services), alone, at, cause=True, one_pod=True)
    return _distinct(sorted(found))


def _moments(rng: random.Random, an_hour: float, end: float) -> Iterator[float]:
    at = rng.expovariate(an_hour / 3600.0) if an_hour else end
    while at < end:
        yield at
        at += rng.expovariate(an_hour / 3600.0)


def _burst_moments(rng: random.Random, an_hour: float, size: tuple[int, int], end: float) -> Iterator[float]:
    for begin in _moments(rng, an_hour, end):
        for _ in range(rng.randint(*size)):
            yield begin + rng.uniform(0.0, BURST_SECONDS)


def _distinct(found: Sequence[Fired]) -> list[Fired]:
    """One alert fires once at a time: what fires already is not told again; the first fault owns it."""
    until: dict[frozenset[tuple[str, str]], float] = {}
    kept = []
    for one in found:
        key = frozenset(one.labels.items())
        if one.starts_at > until.get(key, -1.0):
            kept.append(one)
            until[key] = one.ends_at
    return kept


def _fire(
    rng: random.Random, world: World, labels: Mapping[str, str], fault: Fault, onset: float, *, cause: bool
) -> Iterator[Fired]:
    """An alert fires when what is wrong has held for its `for`, counted from the first evaluation that sees it."""
    name = labels["alertname"]
    seen = world.seen(name, onset)
    over = world.seen(name, onset + fault.duration + rng.uniform(0.0, 30.0))
    starts_at = seen + world.holds[name]
    if starts_at < over:
        yield Fired(starts_at, onset, over, {**labels, "severity": world.severities[name]}, fault.number, cause)


def _of_service(
    rng: random.Random,
    world: World,
    name: str,
    service: str,
    fault: Fault,
    onset: float,
    *,
    cause: bool = False,
    one_pod: bool = False,
) -> Iterator[Fired]:
    """The alert of a service, or in some worlds one for each pod that is hit."""
    nature = world.nature
    where = {"alertname": name, nature.label: service}
    where |= {"namespace": world.namespaces[service]} if nature.namespaces else {}
    if not nature.by_pod or (cause and not one_pod):
        yield from _fire(rng, world, where, fault, onset, cause=cause)
        return
    pods = list(world.pods[service])
    hit = pods if not one_pod and rng.random() < 0.5 else rng.sample(pods, 1 if one_pod else rng.randint(1, len(pods)))
    for pod, node in hit:
        more = {"pod": pod} | ({"node": node} if nature.with_node else {})
        yield from _fire(rng, world, where | more, fault, onset + rng.uniform(0.0, 5.0), cause=cause)


def _service_fault(rng: random.Random, world: World, fault: Fault) -> Iterator[Fired]:
    source = rng.choice(world.services)
    names = world.nature.names
    name = rng.choice(names.store_causes if source in world.stores else names.service_causes)
    yield from _of_service(rng, world, name, source, fault, fault.at, cause=True)
    if rng.random() < world.nature.own_symptoms:
        yield from _symptoms(rng, world, source, fault, fault.at + rng.uniform(0.0, 20.0))
    yield from _spread(rng, world, {source: fault.at}, fault)


def _node_fault(rng: random.Random, world: World, fault: Fault) -> Iterator[Fired]:
    """A node takes its pods along; services that lose pods may suffer, and their callers with them."""
    nature = world.nature
    node = rng.choice(world.nodes)
    labels = {"alertname": rng.choice(nature.names.node_causes), "node": node}
    yield from _fire(rng, world, labels, fault, fault.at, cause=True)
    hit: dict[str, float] = {}
    for service, pods in world.pods.items():
        lost = [pod for pod, where in pods if where == node]
        for pod in lost:
            if rng.random() < nature.node_pods:
                yield from _pod_missing(rng, world, service, pod, node, fault, fault.at + rng.uniform(5.0, 60.0))
        if lost and rng.random() < len(lost) / len(pods) * 0.7:
            hit[service] = fault.at + rng.uniform(10.0, 60.0)
    for service, when in hit.items():
        yield from _symptoms(rng, world, service, fault, when)
    yield from _spread(rng, world, hit, fault)


def _pod_missing(
    rng: random.Random, world: World, service: str, pod: str, node: str, fault: Fault, onset: float
) -> Iterator[Fired]:
    nature = world.nature
    labels = {"alertname": nature.names.pod, nature.label: service, "pod": pod}
    labels |= {"namespace": world.namespaces[service]} if nature.namespaces else {}
    labels |= {"node": node} if nature.pod_has_node else {}
    yield from _fire(rng, world, labels, fault, onset, cause=False)


def _symptoms(rng: random.Random, world: World, service: str, fault: Fault, at: float) -> Iterator[Fired]:
    known = world.nature.names.symptoms
    names = [name for name in known if rng.random() < world.nature.tellings] or [rng.choice(known)]
    for name in names:
        yield from _of_service(rng, world, name, service, fault, at + rng.uniform(0.0, 15.0))


def _spread(rng: random.Random, world: World, sources: Mapping[str, float], fault: Fault) -> Iterator[Fired]:
    """From each service that suffers to those that call it."""
    reached = dict(sources)
    waiting = [(at, service) for service, at in sources.items()]
    heapq.heapify(waiting)
    while waiting:
        at, service = heapq.heappop(waiting)
        for caller in world.callers.get(service, ()):
            if caller in reached or rng.random() > world.coupling[caller, service]:
                continue
            when = at + world.lag[caller, service] * rng.lognormvariate(0.0, world.nature.lag_jitter)
            reached[caller] = when
            yield from _symptoms(rng, world, caller, fault, when)
            heapq.heappush(waiting, (when, caller))
