"""Simpler ways to put alerts into incidents, as others do it; each knows the bodies and the configuration alone."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field

from bench.correlating.score import Assignment, Placed
from bench.correlating.told import Told
from bench.storm.storm import Occurrence

GAP_SECONDS = 300.0  # so long after the alert before, another incident begins
NEAR_HOPS = 2
NEAR_SECONDS = 300.0
REOPENED_SECONDS = 600.0

Way = Callable[[Sequence[Told], "Graph"], Assignment]


@dataclass(frozen=True, slots=True)
class Graph:
    """The declared topology, taken without direction."""

    label: str
    beside: Mapping[str, frozenset[str]]
    _near: dict[str, frozenset[str]] = field(default_factory=dict)

    @classmethod
    def of(cls, label: str, edges: Mapping[str, Sequence[str]]) -> Graph:
        beside: defaultdict[str, set[str]] = defaultdict(set)
        for caller, dependencies in edges.items():
            for dependency in dependencies:
                beside[caller].add(dependency)
                beside[dependency].add(caller)
        return cls(label, {name: frozenset(found) for name, found in beside.items()})

    def near(self, node: str) -> frozenset[str]:
        """The nodes at most NEAR_HOPS away, itself included."""
        if node not in self._near:
            hops, waiting = {node: 0}, deque([node])
            while waiting:
                one = waiting.popleft()
                for other in self.beside.get(one, ()):
                    if other not in hops and hops[one] < NEAR_HOPS:
                        hops[other] = hops[one] + 1
                        waiting.append(other)
            self._near[node] = frozenset(hops)
        return self._near[node]


def by_group(alerts: Sequence[Told], graph: Graph) -> Assignment:
    """Alertmanager's group, while one of its alerts fires and a while beyond."""
    return _sessions(alerts, lambda one: one.group, lambda one: one.ends_at + REOPENED_SECONDS)


def by_namespace(alerts: Sequence[Told], graph: Graph) -> Assignment:
    """The same namespace, without a gap."""
    return _sessions(alerts, lambda one: one.labels.get("namespace", ""), lambda one: one.starts_at + GAP_SECONDS)


def by_time(alerts: Sequence[Told], graph: Graph) -> Assignment:
    """Whatever comes without a gap."""
    return _sessions(alerts, lambda one: None, lambda one: one.starts_at + GAP_SECONDS)


def by_neighbours(alerts: Sequence[Told], graph: Graph) -> Assignment:
    """Alerts of services near one another, or of one node, shortly after one another: all that is connected so."""
    parent = {one.key: one.key for one in alerts}
    recent: deque[Told] = deque()
    for one in alerts:
        while recent and recent[0].starts_at < one.starts_at - NEAR_SECONDS:
            recent.popleft()
        for other in recent:
            if _connected(one, other, graph):
                parent[_root(parent, one.key)] = _root(parent, other.key)
        recent.append(one)
    return _ranked(alerts, {one.key: str(_root(parent, one.key)) for one in alerts})


BASELINES: Mapping[str, Way] = {
    "group key": by_group,
    "namespace + time": by_namespace,
    "time alone": by_time,
    "undirected topology": by_neighbours,
}


def _sessions(alerts: Sequence[Told], key_of: Callable[[Told], Hashable], until: Callable[[Told], float]) -> Assignment:
    """An incident takes in what has its key until its time is over; each alert may extend it."""
    begun: dict[Hashable, str] = {}
    ends: dict[Hashable, float] = {}
    incidents: dict[Occurrence, str] = {}
    for one in alerts:
        key = key_of(one)
        if one.starts_at > ends.get(key, -1.0):
            begun[key] = str(one.key)
        ends[key] = max(ends.get(key, -1.0), until(one))
        incidents[one.key] = begun[key]
    return _ranked(alerts, incidents)


def _ranked(alerts: Sequence[Told], incidents: Mapping[Occurrence, str]) -> Assignment:
    """The causes of an incident by their start."""
    counted: defaultdict[str, int] = defaultdict(int)
    found: dict[Occurrence, Placed] = {}
    for one in alerts:
        incident = incidents[one.key]
        counted[incident] += 1
        found[one.key] = Placed(incident, counted[incident])
    return found


def _connected(one: Told, other: Told, graph: Graph) -> bool:
    here, there = one.labels.get(graph.label), other.labels.get(graph.label)
    if here is not None and there is not None and there in graph.near(here):
        return True
    node = one.labels.get("node")
    return node is not None and node == other.labels.get("node")


def _root(parent: dict[Occurrence, Occurrence], one: Occurrence) -> Occurrence:
    while parent[one] != one:
        parent[one] = parent[parent[one]]
        one = parent[one]
    return one
