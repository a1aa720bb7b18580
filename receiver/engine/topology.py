"""What depends on what, as declared (DESIGN.md §9): a directed graph of the values of one label."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from pydantic import Field

from tocsin.config import Settings


class TopologySettings(Settings):
    """The graph in the configuration file."""

    label: str = Field("service", min_length=1, description="The label that names a node of the graph.")
    edges: dict[str, tuple[str, ...]] = Field({}, description="For each caller, what it depends on.")


@dataclass(frozen=True)
class Topology:
    """Callers and what they depend on; circles are allowed."""

    label: str = "service"
    edges: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    _known: dict[tuple[str, int], Mapping[str, tuple[str, ...]]] = field(
        default_factory=dict, compare=False, repr=False
    )
    _callers: dict[tuple[str, int], frozenset[str]] = field(default_factory=dict, compare=False, repr=False)

    @cached_property
    def depended_on(self) -> frozenset[str]:
        """The nodes that another one depends on."""
        return frozenset(dependency for found in self.edges.values() for dependency in found)

    @cached_property
    def nodes(self) -> frozenset[str]:
        """Every name of the graph."""
        return self.depended_on | self.edges.keys()

    @cached_property
    def called_by(self) -> Mapping[str, tuple[str, ...]]:
        """For each node, what depends on it directly."""
        found: dict[str, list[str]] = {}
        for caller, dependencies in self.edges.items():
            for dependency in dependencies:
                found.setdefault(dependency, []).append(caller)
        return {node: tuple(callers) for node, callers in found.items()}

    def callers(self, node: str, hops: int) -> frozenset[str]:
        """What depends on a node, at most so many hops away."""
        if node not in self.called_by:
            return frozenset()
        if (node, hops) not in self._callers:
            known = {node}
            edge = [node]
            for _ in range(hops):
                edge = sorted({caller for one in edge for caller in self.called_by.get(one, ())} - known)
                known.update(edge)
            self._callers[node, hops] = frozenset(known - {node})
        return self._callers[node, hops]

    def dependencies(self, node: str, hops: int) -> Mapping[str, tuple[str, ...]]:
        """What a node depends on, nearest first, at most so many hops away, each with the way there (itself last)."""
        if node not in self.edges:
            return {}
        if (node, hops) not in self._known:
            self._known[node, hops] = self._walk(node, hops)
        return self._known[node, hops]

    def _walk(self, node: str, hops: int) -> Mapping[str, tuple[str, ...]]:
        ways: dict[str, tuple[str, ...]] = {node: ()}
        edge = [node]
        for _ in range(hops):
            reached = []
            for caller in edge:
                for dependency in self.edges.get(caller, ()):
                    if dependency not in ways:
                        ways[dependency] = (*ways[caller], dependency)
                        reached.append(dependency)
            edge = reached
        del ways[node]
        return ways
