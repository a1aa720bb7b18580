"""What is said of an alert beside when it fires, as the labels and annotations that Prometheus puts on it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

from generator.lifecycle import State
from generator.reading import Reading
from generator.schema import WRITTEN_ANNOTATIONS, WRITTEN_LABELS, About, Metadata
from tocsin import duration
from tocsin.model import Labels, Severity
from tocsin.problem import Problem
from tocsin.yamltree import YamlPath


def written_twice(
    item: Mapping[str, Any], path: YamlPath, reading: Reading, name: str, own: Labels | None = None
) -> Iterable[Problem]:
    """Labels and annotations that would overwrite what a key of its own says.

    `own` are labels that the kind of rule brings, and the keys that say what they hold.
    """
    owner = {"owner": "owner"} if "owner" in item else {}  # the pack's owner may be overwritten by a label
    label_keys = {**WRITTEN_LABELS, **owner, **(own or {})}
    for mapping, written in (("labels", label_keys), ("annotations", WRITTEN_ANNOTATIONS)):
        given = item.get(mapping)
        for key in given if isinstance(given, dict) else ():
            if key in written:
                message = f"Tocsin writes {key!r} itself, from {written[key]!r}"
                at = reading.document.at_key(*path, mapping, key)
                yield Problem("reserved-name", message, at, f"remove it here, and write {written[key]}: …", name)


def labels_of(about: About, severity: Severity, pack: Metadata, own: Labels | None = None) -> Labels:
    """What routes go by; an alert in testing says so, and its severity wakes nobody.

    `own` are labels that the kind of rule brings.
    """
    testing = about.state == State.TESTING
    facts = {
        "severity": (Severity.INFO if testing else severity).value,
        "category": about.category and about.category.value,
        "owner": about.owner or pack.owner,
        "tocsin_state": about.state.value if testing else None,
    }
    return {**{name: value for name, value in facts.items() if value}, **(own or {}), **about.labels}


def annotations_of(about: About, severity: Severity, pack: Metadata, *, summary: str, hold: timedelta | None) -> Labels:
    """What a person reads, and what the receiver needs: how long the trouble had lasted, whose rule it is."""
    own = {
        "summary": summary,
        "description": about.description,
        "runbook_url": about.runbook,
        "dashboard_url": about.dashboard,
        "tocsin_for": duration.show(hold or timedelta()),
        "tocsin_pack": pack.name,
        "tocsin_severity": severity.value if about.state == State.TESTING else None,
        "tocsin_state": about.state.value if about.state == State.DEPRECATED else None,
    }
    return {**{name: value for name, value in own.items() if value}, **about.annotations}
