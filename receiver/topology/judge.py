"""What is odd about a declared topology, by itself and against the alerts that came."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches

from receiver.topology.circles import circles
from receiver.topology.file import EDGES, Declared
from tocsin.problem import Problem

FEWEST = 6  # nodes, below which "more than half of all" says nothing


@dataclass(frozen=True, slots=True)
class Seen:
    """The values of the topology's label that alerts had, how many had none, and who says so.

    `beside` are values of other labels that name what services run on.
    """

    values: frozenset[str]
    without: int
    where: str
    beside: frozenset[str] = field(default_factory=frozenset)


def judge(declared: Declared, seen: Seen | None) -> list[Problem]:
    """Every finding; only what makes the whole graph useless is an error."""
    found = [*_loops(declared), *_circles(declared), *_greedy(declared)]
    return found + (list(_against(declared, seen)) if seen else [])


def names(declared: Declared) -> Sequence[str]:
    """Every name in the graph, sorted."""
    edges = declared.topology.edges
    return sorted({*edges, *(name for found in edges.values() for name in found)})


def _loops(declared: Declared) -> Iterator[Problem]:
    for caller, found in declared.topology.edges.items():
        for index, name in enumerate(found):
            if name == caller:
                hint = "remove it: an alert always belongs with others of its own service"
                yield Problem(
                    "self-loop", f"{caller} depends on itself", declared.place(caller, index), hint, severity="warning"
                )
            elif name in found[:index]:
                hint = "remove one of them"
                message = f"{caller} names {name} twice"
                yield Problem("repeated-edge", message, declared.place(caller, index), hint, severity="warning")


def _circles(declared: Declared) -> Iterator[Problem]:
    for circle in circles(declared.topology.edges):
        way = " → ".join([*circle, circle[0]])
        hint = (
            "within a circle each may be the cause of the others, and only time tells which; remove an edge that is "
            "no dependency"
        )
        yield Problem("circle", f"{way} is a circle", declared.place(circle[0]), hint, severity="warning")


def _greedy(declared: Declared) -> Iterator[Problem]:
    known = names(declared)
    for caller, found in declared.topology.edges.items():
        others = set(found) - {caller}
        if len(known) >= FEWEST and len(others) > (len(known) - 1) / 2:
            message = f"{caller} depends on {len(others)} of {len(known) - 1} others"
            hint = "what depends on nearly everything explains nothing; keep what it cannot work without"
            yield Problem("depends-on-most", message, declared.place(caller), hint, severity="warning")


def _against(declared: Declared, seen: Seen) -> Iterator[Problem]:
    label = declared.topology.label
    if not seen.values:
        if seen.without:
            message = (
                f"none of {seen.without} alerts of {seen.where} carries the label {label!r}: the graph does nothing"
            )
            hint = "set topology.label to a label that alerts carry, or add it to the rules"
            yield Problem("label-never-seen", message, declared.document.at("topology", "label"), hint)
        else:
            message = f"{seen.where} knows no alerts yet: names were not compared"
            hint = "ask again when alerts have come, or with a longer --since"
            yield Problem("no-alerts", message, declared.document.at(*EDGES), hint, severity="info")
        return
    known = names(declared)
    strangers = sorted(seen.values - set(known))
    for name in known:
        if name not in seen.values and name not in seen.beside:
            near = get_close_matches(name, strangers, n=1, cutoff=0.75)
            hint = f"did you mean {near[0]!r}, which alerts carry?" if near else "fine if it has no alerts of its own"
            message = f"no alert of {seen.where} ever had {label}={name!r}"
            yield Problem("never-alerted", message, declared.place_of(name), hint, severity="warning")
    for name in strangers:
        near = get_close_matches(name, known, n=1, cutoff=0.75)
        hint = f"the graph has {near[0]!r}" if near else "add what it depends on, and who depends on it"
        message = f"alerts of {seen.where} have {label}={name!r}, which is not in the graph"
        yield Problem("not-in-graph", message, declared.document.at_key(*EDGES), hint, severity="warning")
