"""The tree of an incident in words: the likely cause, what follows from it, noise, for a tired person."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

from receiver.drawing.words import clean, shortened
from tocsin import duration

Json = Mapping[str, Any]

NAMED = 6  # services in a sentence
LONGEST = 160  # letters of labels


def tree_lines(incident: Json) -> list[str]:
    """The alerts of an incident as its causes explain them."""
    tree = incident["tree"]
    lines: list[str] = []
    causes = [branch for branch in tree["branches"] if branch["role"] == "cause"]
    together = [branch for branch in tree["branches"] if branch["role"] != "cause"]
    if causes:
        lines += _part(_heading(incident, tree, causes), causes)
    if together:
        lines += _part("Also in it, with no cause of its own" if causes else "Alerts", together)
    if tree["noise"]:
        lines += _part("Noise", tree["noise"])
    if tree["more_alerts"]:
        lines += ["", f"And {tree['more_alerts']:,} more alerts of {tree['more_kinds']:,} kinds"]
    if tree["unread"]:
        lines += ["", f"And {tree['unread']:,} more alerts, which began later"]
    return lines


def _heading(incident: Json, tree: Json, causes: Sequence[Json]) -> str:
    services = _counts(tree)
    if len(causes) > 1:
        return f"Storm: {services}. Likeliest causes, those with most consequences first"
    marked = incident["cause"] is not None and incident["cause"]["id"] == causes[0]["alert"]
    cause = f"Cause, as {causes[0]['by'] or 'somebody'} says" if marked else "Likely cause"
    return f"{cause}, and what follows from it: {services}" if services else f"{cause}; nothing has followed from it"


def _counts(tree: Json) -> str:
    services: Mapping[str, int] = tree["services"]
    if not services:
        return ""
    told = ", ".join(f"{shortened(name) or 'no service'} {count:,}" for name, count in list(services.items())[:NAMED])
    more = len(services) - NAMED + tree["more_services"]
    alerts = sum(services.values())
    places = len(services) + tree["more_services"]
    least = "more than " if tree["more_services"] else ""
    return (
        f"{least}{alerts:,} alert{_s(alerts)} on {places:,} service{_s(places)} "
        f"({told}{f' and {more:,} more' if more > 0 else ''})"
    )


def _part(heading: str, branches: Sequence[Json]) -> list[str]:
    lines = ["", heading]
    said = ""
    for branch in branches:
        lines += [f"  {_line(branch)}", *(f"      {more}" for more in _more(branch, said))]
        lines += _below(branch["branches"], "  ")
        said = branch["reason"]
    return lines


def _below(branches: Sequence[Json], indent: str) -> Iterator[str]:
    said = ""
    for number, branch in enumerate(branches, start=1):
        last = number == len(branches)
        yield f"{indent}{'└─ ' if last else '├─ '}{_line(branch)}"
        deeper = indent + ("   " if last else "│  ")
        for more in _more(branch, said):
            yield f"{deeper}{'│ ' if branch['branches'] else '  '}  {more}"
        yield from _below(branch["branches"], deeper)
        said = branch["reason"]


def _line(branch: Json) -> str:
    count = f"{branch['alerts']:,} × " if branch["alerts"] > 1 else ""
    where = f" on {shortened(branch['where'], LONGEST)}" if branch["where"] else ""
    lag = f", {_lag(branch['lag_seconds'])}" if branch["lag_seconds"] is not None else ""
    name = shortened(branch["name"], LONGEST)
    return f"{count}{name}{where}  {branch['severity']}, {_state(branch)}{lag}"


def _state(branch: Json) -> str:
    alerts, firing, since = branch["alerts"], branch["firing"], branch["began_at"][11:19]
    if not firing:
        return f"since {since}, over at {branch['ended_at'][11:19]}"
    all_fire = alerts == firing
    return f"firing since {since}" if all_fire else f"{firing:,} of {alerts:,} firing, since {since}"


def _lag(seconds: float) -> str:
    whole = round(seconds)
    if whole == 0:
        return "at the same time"
    return f"{duration.show(timedelta(seconds=abs(whole)))} {'later' if whole > 0 else 'earlier'}"


def _more(branch: Json, said: str) -> Iterator[str]:
    """Why it is there, unless the one before has `said` it, and where it is."""
    if branch["reason"] and branch["reason"] != said:
        yield clean(branch["reason"])
    labels = [_label(name, found) for name, found in branch["labels"].items() if not _told(name, found, branch)]
    others = f" and {branch['alerts'] - 1:,} more" if branch["alerts"] > 1 else ""
    where = "; ".join(labels)
    yield f"{shortened(where, LONGEST)}{'; ' if where else ''}id {branch['alert']}{others}"


def _told(name: str, found: Json, branch: Json) -> bool:
    """Whether the line above says it."""
    return name in ("alertname", "severity") or found["values"] == [branch["service"]]


def _label(name: str, found: Json) -> str:
    values, count = found["values"], found["count"]
    more = f" and {count - len(values):,} more" if count > len(values) else ""
    return f"{name}={', '.join(values)}{more}"


def _s(count: int) -> str:
    return "" if count == 1 else "s"
