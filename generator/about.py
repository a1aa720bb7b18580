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

# What a verbatim pack does not add, because no key of a rule asks for it, and a name that Prometheus writes itself.
UNASKED = frozenset({"alertname", "tocsin_for", "tocsin_pack"})


def written_twice(
    item: Mapping[str, Any],
    path: YamlPath,
    reading: Reading,
    name: str,
    own: Labels | None = None,
    *,
    verbatim: bool = False,
) -> Iterable[Problem]:
    """Labels and annotations that would overwrite what a key of its own says.

    `own` are labels that the kind of rule brings, and the keys that say what they hold. Of a `verbatim` pack only what
    the item's own keys ask for is written, and all else is free.
    """
    owner = {"owner": "owner"} if "owner" in item else {}  # the pack's owner may be overwritten by a label
    known = ({**WRITTEN_LABELS, **owner}, WRITTEN_ANNOTATIONS)
    of_labels, of_annotations = (_asked(written, item) if verbatim else written for written in known)
    for mapping, written in (("labels", {**of_labels, **(own or {})}), ("annotations", of_annotations)):
        given = item.get(mapping)
        for key in given if isinstance(given, dict) else ():
            if key in written:
                message = f"Tocsin writes {key!r} itself, from {written[key]!r}"
                at = reading.document.at_key(*path, mapping, key)
                yield Problem("reserved-name", message, at, f"remove it here, and write {written[key]}: …", name)


def _asked(written: Labels, item: Mapping[str, Any]) -> Labels:
    return {name: key for name, key in written.items() if key in item and name not in UNASKED}


def labels_of(about: About, severity: Severity | None, pack: Metadata, own: Labels | None = None) -> Labels:
    """What routes go by; an alert in testing says so, and its severity wakes nobody.

    `own` are labels that the kind of rule brings. What belongs to all of a pack is no alert's own, and a verbatim
    pack leaves it out.
    """
    quiet = {"severity": Severity.INFO.value, "tocsin_state": about.state.value}
    facts = {
        "severity": severity and severity.value,
        "category": about.category and about.category.value,
        "owner": about.owner or (None if pack.verbatim else pack.owner),
        **(quiet if about.state == State.TESTING else {}),
    }
    said = {**{name: value for name, value in facts.items() if value}, **(own or {}), **about.labels}
    return {**said, **quiet} if about.state == State.TESTING else said


def annotations_of(
    about: About, severity: Severity | None, pack: Metadata, *, summary: str | None, hold: timedelta | None
) -> Labels:
    """What a person reads, and what the receiver needs: how long the trouble had lasted, whose rule it is.

    A verbatim pack leaves out what nobody wrote.
    """
    meant = severity.value if severity else about.labels.get("severity")
    own = {
        "summary": summary,
        "description": about.description,
        "runbook_url": about.runbook,
        "dashboard_url": about.dashboard,
        "tocsin_for": None if pack.verbatim else duration.show(hold or timedelta()),
        "tocsin_pack": None if pack.verbatim else pack.name,
        "tocsin_severity": meant if about.state == State.TESTING else None,
        "tocsin_state": about.state.value if about.state == State.DEPRECATED else None,
    }
    return {**{name: value for name, value in own.items() if value}, **about.annotations}
