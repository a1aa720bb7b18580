"""Matchers that silence these alerts and no other that is known. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from tocsin.labels import MAX_LENGTH, Matcher, Matchers, matches
from tocsin.model import Labels

EACH = 10  # alerts of an incident that get a silence each; more share some
LONGEST = 2_000  # characters of one alternation; Alertmanager and people have to read it


def narrow(wanted: Sequence[Labels], others: Iterable[Labels], each: int = EACH) -> list[Matchers]:
    """Sets of matchers, each for one silence, that together match all of the wanted alerts and none of the others.

    Up to `each` alerts get a silence of their own: every label of theirs with its value. More of them that have the
    same label names share one: labels of one value with that value, others as an alternation of the values that there
    are. Where one of `others` matches such a cross product it is divided, in the end into single alerts. Another alert
    that has every label of a single one, and more, is kept out by the absence of one of those (`name=""`). What has a
    value too long for a matcher is left out.
    """
    distinct = {_key(labels): labels for labels in _present(wanted)}
    around = [labels for labels in others if _key(labels) not in distinct]
    shapes: dict[tuple[str, ...], list[Labels]] = {}
    for key, labels in sorted(distinct.items()):
        shapes.setdefault(tuple(name for name, _ in key), []).append(labels)
    groups = [[one] for one in distinct.values()] if len(distinct) <= each else list(shapes.values())
    return [matchers for group in groups for matchers in _divided(group, around)]


def candidates(wanted: Sequence[Labels]) -> list[Matchers]:
    """What matches every alert that could be in the way of `narrow`: shapes without any division."""
    shapes: dict[tuple[str, ...], list[Labels]] = {}
    for labels in _present(wanted):
        shapes.setdefault(tuple(labels), []).append(labels)
    return [_constants(group) for group in shapes.values()]


def _divided(group: Sequence[Labels], around: Sequence[Labels]) -> Iterator[Matchers]:
    matchers = _constants(group) if len(group) == 1 else _shared(group)
    in_the_way = around if matchers is None else [labels for labels in around if matches(matchers, labels)]
    if matchers is not None and len(group) == 1:
        yield (*matchers, *(Matcher(name, "=", "") for name in _absent(group[0], in_the_way)))
    elif matchers is not None and not in_the_way:
        yield matchers
    else:
        by_value: dict[str, list[Labels]] = {}
        name = _fewest(group)
        for labels in group:
            by_value.setdefault(labels[name], []).append(labels)
        parts = list(by_value.values())
        half = len(parts) // 2
        for part in (parts[:half], parts[half:]) if matchers is None else ([one] for one in parts):
            yield from _divided([labels for values in part for labels in values], in_the_way)


def _constants(group: Sequence[Labels]) -> Matchers:
    """The labels that all of them have with one value."""
    first, *rest = group
    same = (name for name in sorted(first) if all(labels[name] == first[name] for labels in rest))
    return tuple(Matcher(name, "=", first[name]) for name in same)


def _shared(group: Sequence[Labels]) -> Matchers | None:
    """The constants and, of other labels, the values that there are; None: too many to be told."""
    found = []
    for name in sorted(group[0]):
        values = sorted({labels[name] for labels in group})
        text = "|".join(map(re.escape, values))
        if len(values) > 1 and len(text) > LONGEST:
            return None
        found.append(Matcher(name, "=", values[0]) if len(values) == 1 else Matcher(name, "=~", text))
    return tuple(found)


def _fewest(group: Sequence[Labels]) -> str:
    """The label with the fewest values of those that have several."""
    counts = {name: len({labels[name] for labels in group}) for name in group[0]}
    return min((count, name) for name, count in counts.items() if count > 1)[1]


def _absent(labels: Labels, others: Sequence[Labels]) -> list[str]:
    """Names that this alert has not and that, between them, each of these others has."""
    names: list[str] = []
    for other in others:
        if not any(other.get(name) for name in names):
            names.append(min(name for name, value in other.items() if value and name not in labels))
    return sorted(names)


def _present(wanted: Sequence[Labels]) -> list[dict[str, str]]:
    """Labels that are there, of alerts for which there can be matchers."""
    found = [dict(_key(labels)) for labels in wanted]
    return [labels for labels in found if max(map(len, labels.values()), default=0) <= MAX_LENGTH]


def _key(labels: Labels) -> tuple[tuple[str, str], ...]:
    return tuple(sorted((name, value) for name, value in labels.items() if value))
