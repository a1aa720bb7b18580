"""What came by way of another consequence hangs on that one: a fault is drawn along the way that it took."""

from __future__ import annotations

from collections.abc import Mapping

from receiver.engine.causes.linking import HOPS
from receiver.engine.causes.ranking import Member
from receiver.engine.topology import Topology


def through(above: Mapping[str, str], alerts: Mapping[str, Member], topology: Topology) -> dict[str, str]:
    """What each alert is told beneath, where `above` is what it follows; `alerts` are by rank.

    Of what follows the same, an alert hangs on the nearest that its service depends on and that began no later: the
    worst there. Alerts of one name on one service stay together, and go where the first of them goes.
    """
    node = {name: member.occurrence.labels.get(topology.label, "") for name, member in alerts.items()}
    place = {name: number for number, name in enumerate(alerts)}
    speaks: dict[tuple[str, str], str] = {}
    for name, member in alerts.items():
        known = speaks.setdefault((above[name], node[name]), name)
        if member.occurrence.severity.rank > alerts[known].occurrence.severity.rank:
            speaks[above[name], node[name]] = name
    decided: dict[tuple[str, str, str], str] = {}
    for name, member in alerts.items():
        follows = above[name]
        alike = (follows, member.occurrence.name, node[name])
        if follows and alike not in decided:
            decided[alike] = follows
            for nearer in () if node[name] == node[follows] else topology.dependencies(node[name], HOPS):
                if nearer == node[follows]:
                    break
                found = speaks.get((follows, nearer), "")
                if found and (alerts[found].began_at, place[found]) < (member.began_at, place[name]):
                    decided[alike] = found
                    break
    return {name: decided.get((above[name], member.occurrence.name, node[name]), "") for name, member in alerts.items()}
