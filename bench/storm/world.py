"""A world: services that call one another, the nodes that their pods run on, how likely and how late faults travel."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bench.storm.nature import Nature

HOLDS = (0.0, 60.0, 120.0, 300.0)  # what alerts have as `for`, in seconds
EVALUATED_EVERY = 15.0  # seconds between two looks of Prometheus
SEVERITIES = ("critical", "warning", "warning", "info")
WORDS = (
    "cart",
    "catalog",
    "player",
    "search",
    "billing",
    "mail",
    "stream",
    "media",
    "login",
    "report",
    "stock",
    "feed",
)


@dataclass(frozen=True, slots=True)
class World:
    """`edges` lead from callers to what they depend on; `coupling` and `lag` (seconds) belong to such an edge."""

    nature: Nature
    edges: Mapping[str, tuple[str, ...]]
    callers: Mapping[str, tuple[str, ...]]
    stores: frozenset[str]
    pods: Mapping[str, tuple[tuple[str, str], ...]]  # (pod, node) of each service
    coupling: Mapping[tuple[str, str], float]
    lag: Mapping[tuple[str, str], float]
    namespaces: Mapping[str, str]
    holds: Mapping[str, float]  # of each alert's name, as are the next two
    phases: Mapping[str, float]  # when in the interval its rule is looked at
    severities: Mapping[str, str]

    @property
    def services(self) -> Sequence[str]:
        return sorted(self.pods)

    @property
    def nodes(self) -> Sequence[str]:
        return sorted({node for pods in self.pods.values() for _, node in pods})

    def seen(self, name: str, at: float) -> float:
        """The first time from `at` on that the rule of this name is looked at."""
        phase = self.phases[name]
        return phase + EVALUATED_EVERY * -((phase - at) // EVALUATED_EVERY)


def build(rng: random.Random, nature: Nature, *, mixed_holds: bool) -> World:
    """Services in layers; each depends on some of the layers below, a few stores are shared by many."""
    names = _service_names(rng, nature.services)
    layer = {name: index * nature.depth // len(names) for index, name in enumerate(names)}
    edges = _edges(rng, nature, names, layer)
    callers: dict[str, list[str]] = {}
    for caller, dependencies in edges.items():
        for dependency in dependencies:
            callers.setdefault(dependency, []).append(caller)
    pairs = [(caller, dependency) for caller, below in edges.items() for dependency in below]
    nodes = [f"node-{number:02}" for number in range(nature.nodes)]
    alerts = nature.names.all()
    return World(
        nature=nature,
        edges=edges,
        callers={name: tuple(found) for name, found in callers.items()},
        stores=frozenset(name for name in names if layer[name] == nature.depth - 1),
        pods={
            name: tuple((f"{name}-{i}", rng.choice(nodes)) for i in range(rng.randint(1, nature.most_pods)))
            for name in names
        },
        coupling={pair: rng.uniform(*nature.coupling) for pair in pairs},
        lag={pair: nature.lag_median * rng.lognormvariate(0.0, nature.lag_spread) for pair in pairs},
        namespaces={name: f"team-{index % 5}" for index, name in enumerate(names)},
        holds={name: rng.choice(HOLDS) if mixed_holds else 0.0 for name in alerts},
        phases={name: rng.uniform(0.0, EVALUATED_EVERY) for name in alerts},
        severities={name: rng.choice(SEVERITIES) for name in alerts},
    )


def _service_names(rng: random.Random, count: int) -> list[str]:
    """Names that say nothing about the layer."""
    numbers = list(range(count))
    rng.shuffle(numbers)
    return [f"{WORDS[number % len(WORDS)]}-{number // len(WORDS)}" for number in numbers]


def _edges(
    rng: random.Random, nature: Nature, names: Sequence[str], layer: Mapping[str, int]
) -> dict[str, tuple[str, ...]]:
    edges: dict[str, tuple[str, ...]] = {}
    for name in names:
        below = [other for other in names if layer[other] > layer[name]]
        near = [other for other in below if layer[other] == layer[name] + 1]
        if below:
            more = rng.sample(below, min(len(below), rng.randint(0, nature.fan_out)))
            edges[name] = tuple(sorted({rng.choice(near or below), *more}))
    return edges
