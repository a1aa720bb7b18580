"""How a tree grows from an incident, its events and its alerts. Pure and bounded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from receiver.engine.causes.ranking import Member, ranked
from receiver.engine.causes.relearning import Happened
from receiver.engine.causes.through import through
from receiver.engine.causes.tree import Branch, Placing, Reading, Role, Tree
from receiver.engine.causes.why import Why, followed, reasons, stands_for_storm, ways, with_marks
from receiver.engine.events import AlertRef
from receiver.engine.incident import Incident
from receiver.engine.occurrence import Occurrence

MOST_BRANCHES = 40  # of a tree; people read no more
MOST_VALUES = 3  # of a label that differs within a branch
NOISE = ("", "noise")

Name = tuple[str, str]  # of an alert, and its service
Path = tuple[Name, ...]


def tree_of(
    incident: Incident,
    happened: Sequence[Happened],
    occurrences: Iterable[Occurrence],
    reading: Reading,
) -> Tree:
    """The tree of an incident.

    Args:
        happened: its events, and those of all that were merged into it.
        occurrences: its alerts, or the earliest of them.
    """
    storm = stands_for_storm(incident, happened)
    incident, marked_by = with_marks(incident, happened)
    known: Mapping[str, Why] = reasons(happened)
    order = ranked((Member(one, reading.onset_of(one)) for one in occurrences), incident)
    above = followed(order, incident, known)
    alerts = {member.occurrence.id: member for member in order if member.occurrence.id in above}
    found = ways(through(above, alerts, reading.topology))
    if incident.cause is not None and marked_by:
        known = _as_marked(incident.cause, marked_by, above, known)
    label = reading.topology.label
    names = {one.occurrence.id: (one.occurrence.name, one.occurrence.labels.get(label, "")) for one in order}
    folds: dict[Path, list[tuple[int, Member]]] = {}
    for rank, member in enumerate(order, start=1):
        way = found.get(member.occurrence.id)
        path = (NOISE, names[member.occurrence.id]) if way is None else _folded([names[name] for name in way])
        folds.setdefault(path, []).append((rank, member))
    began = {name: alerts[parent].began_at for name, parent in above.items() if parent}
    explained = storm or incident.root is not None or incident.cause is not None
    return _Growth(folds, known, began, explained, storm).tree(order, incident)


def _as_marked(cause: AlertRef, by: str, above: Mapping[str, str], known: Mapping[str, Why]) -> Mapping[str, Why]:
    """The reasons; what hangs on a marked cause for no other reason hangs there because a person said so."""
    said = {}
    for name, parent in above.items():
        why = known.get(name, Why())
        if name == cause.id or (parent == cause.id and why.follows != parent and not why.taken):
            said[name] = Why(f"{by} says that {cause.name} is the cause", parent, by=by)
    return {**known, **said}


def _folded(names: Sequence[Name]) -> Path:
    """A way with equal neighbours as one."""
    return tuple(name for index, name in enumerate(names) if index == 0 or names[index - 1] != name)


class _Growth:
    """Folds as they become branches.

    `began` is when that began which an alert follows. `explained`: the first fold is a cause; in a storm, each one at
    the top.
    """

    def __init__(
        self,
        folds: Mapping[Path, list[tuple[int, Member]]],
        known: Mapping[str, Why],
        began: Mapping[str, datetime],
        explained: bool,
        storm: bool,
    ) -> None:
        self._folds, self._known, self._began, self._explained, self._storm = folds, known, began, explained, storm
        self._first = next((path for path in folds if path[0] != NOISE and len(path) == 1), None)
        self._below: dict[Path, list[Path]] = {}

    def tree(self, order: Sequence[Member], incident: Incident) -> Tree:
        shown = self._shown()
        for path in self._folds:
            if path in shown:
                self._below.setdefault(path[:-1], []).append(path)
        left_out = [path for path in self._folds if path not in shown]
        tops = self._below.get((), [])
        if self._storm:  # what brought most is the likeliest
            weight = self._weights()
            tops = sorted(tops, key=lambda path: -weight[path])
        services: Counter[str] = Counter()
        for path, members in self._folds.items():
            role = self._role(path)
            if role in (Role.CONSEQUENCE, Role.TOGETHER) or (self._storm and role is Role.CAUSE):
                services[path[-1][1]] += len(members)
        return Tree(
            branches=tuple(self._branch(path) for path in tops),
            noise=tuple(self._branch(path) for path in self._below.get((NOISE,), [])),
            services=dict(sorted(services.items(), key=lambda one: (-one[1], one[0]))),
            more_alerts=sum(len(self._folds[path]) for path in left_out),
            more_kinds=len(left_out),
            unread=max(incident.alerts - len(order), 0),
            storm=self._storm,
            placings={
                one.occurrence.id: Placing(
                    rank, self._known.get(one.occurrence.id, Why()), one.occurrence.id in incident.noise
                )
                for rank, one in enumerate(order, start=1)
            },
            order=tuple(one.occurrence.id for one in order),
        )

    def _shown(self) -> set[Path]:
        """The branches that are shown: by rank, each with those that it hangs on."""
        shown: set[Path] = set()
        for path in self._folds:
            begin = 2 if path[0] == NOISE else 1
            needed = {path[:length] for length in range(begin, len(path) + 1)} - shown
            if len(shown) + len(needed) <= MOST_BRANCHES:
                shown |= needed
        return shown

    def _weights(self) -> Counter[Path]:
        weights: Counter[Path] = Counter()
        for path, members in self._folds.items():
            weights[path[:1]] += len(members)
        return weights

    def _role(self, path: Path) -> Role:
        if path[0] == NOISE:
            return Role.NOISE
        if len(path) > 1:
            return Role.CONSEQUENCE
        causes = self._storm or (self._explained and path == self._first)
        return Role.CAUSE if causes else Role.TOGETHER

    def _branch(self, path: Path) -> Branch:
        members = self._folds[path]
        rank, first = members[0]
        ends = [member.occurrence.ends_at for _, member in members]
        ended = [end for end in ends if end is not None]
        began_at = min(member.began_at for _, member in members)
        role = self._role(path)
        return Branch(
            name=path[-1][0],
            service=path[-1][1],
            role=role,
            alert=first.occurrence.id,
            rank=rank,
            alerts=len(members),
            firing=len(ends) - len(ended),
            severity=max((member.occurrence.severity for _, member in members), key=lambda one: one.rank),
            began_at=began_at,
            ended_at=max(ended) if len(ended) == len(ends) else None,
            why=self._known.get(first.occurrence.id, Why()),
            labels=_labels([member.occurrence for _, member in members]),
            lag=began_at - self._began[first.occurrence.id] if role is Role.CONSEQUENCE else None,
            branches=tuple(self._branch(below) for below in self._below.get(path, [])),
        )


def _labels(alerts: Sequence[Occurrence]) -> dict[str, tuple[tuple[str, ...], int]]:
    values: dict[str, dict[str, None]] = {}
    for one in alerts:
        for label, value in one.labels.items():
            values.setdefault(label, {})[value] = None
    return {label: (tuple(found)[:MOST_VALUES], len(found)) for label, found in sorted(values.items())}
