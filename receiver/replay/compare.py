"""One storm under two configurations: which incidents were split or joined, and what that does to pages."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from receiver.replay.played import Played

SHOWN = 20
Key = tuple[str, str, int]  # fingerprint, startsAt, and the how manieth of both: an id depends on the configuration


@dataclass(frozen=True, slots=True)
class Side:
    """What one configuration makes of the storm."""

    incidents: int
    alerts: int
    held: int
    largest: int
    pages: Mapping[str, int]

    @classmethod
    def of(cls, played: Played) -> Side:
        sizes = Counter(row.occurrence.incident for row in played.rows if row.occurrence.incident is not None)
        pages = Counter(sent.channel for sent in played.sent if sent.message == "page")
        largest = max(sizes.values(), default=0)
        return cls(len(played.incidents), len(played.rows), len(played.held), largest, dict(sorted(pages.items())))

    @property
    def alerts_per_incident(self) -> float:
        return round((self.alerts - self.held) / self.incidents, 2) if self.incidents else 0.0

    def as_json(self) -> dict[str, Any]:
        return {
            "incidents": self.incidents,
            "alerts": self.alerts,
            "suppressed": self.held,
            "alerts_per_incident": self.alerts_per_incident,
            "largest_incident": self.largest,
            "pages": dict(self.pages),
        }


@dataclass(frozen=True, slots=True)
class Parted:
    """An incident of one side whose alerts stand in several of the other, those with most of them first."""

    incident: str
    title: str
    others: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """`matched` has, for each incident of the first side, the one of the second with most of its alerts."""

    before: Side
    after: Side
    split: tuple[Parted, ...]
    joined: tuple[Parted, ...]
    matched: Mapping[str, str]

    @property
    def pages(self) -> Mapping[str, int]:
        """By channel, how many pages the second configuration adds; fewer than none are saved."""
        channels = sorted({*self.before.pages, *self.after.pages})
        return {name: self.after.pages.get(name, 0) - self.before.pages.get(name, 0) for name in channels}

    def as_json(self) -> dict[str, Any]:
        return {
            "before": self.before.as_json(),
            "after": self.after.as_json(),
            "pages_added": dict(self.pages),
            "split": [{"incident": one.incident, "title": one.title, "into": dict(one.others)} for one in self.split],
            "joined": [{"incident": one.incident, "title": one.title, "from": dict(one.others)} for one in self.joined],
            "matched": dict(self.matched),
        }


def compare(before: Played, after: Played) -> Comparison:
    """What is different under the second configuration."""
    mine, theirs = _places(before), _places(after)
    shared: dict[str, Counter[str]] = {}
    back: dict[str, Counter[str]] = {}
    for key, incident in mine.items():
        other = theirs.get(key)
        if other is not None:
            shared.setdefault(incident, Counter())[other] += 1
            back.setdefault(other, Counter())[incident] += 1
    matched = {incident: found.most_common(1)[0][0] for incident, found in shared.items()}
    return Comparison(
        Side.of(before), Side.of(after), tuple(_parted(shared, before)), tuple(_parted(back, after)), matched
    )


def _places(played: Played) -> dict[Key, str]:
    """The incident of each occurrence that is in one, in the order of the file."""
    seen: Counter[tuple[str, str]] = Counter()
    places: dict[Key, str] = {}
    for row in played.rows:
        which = row.occurrence.fingerprint, row.starts_at
        seen[which] += 1
        if row.occurrence.incident is not None:
            places[*which, seen[which]] = row.occurrence.incident
    return places


def _parted(shared: Mapping[str, Counter[str]], played: Played) -> Iterator[Parted]:
    for incident in played.incidents:
        found = shared.get(incident.id, Counter())
        if len(found) > 1:
            yield Parted(incident.id, incident.title, tuple(found.most_common()))


def in_words(found: Comparison, names: tuple[str, str]) -> str:
    """The comparison as a table, and what became of incidents."""
    a, b = found.before, found.after
    rows: list[tuple[str, str, str]] = [
        ("", *names),
        ("incidents", str(a.incidents), str(b.incidents)),
        ("alerts per incident", f"{a.alerts_per_incident:g}", f"{b.alerts_per_incident:g}"),
        ("largest incident", str(a.largest), str(b.largest)),
        ("alerts held back", str(a.held), str(b.held)),
        *((f"pages to {name}", str(a.pages.get(name, 0)), str(b.pages.get(name, 0))) for name in found.pages),
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    table = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join([*table, *_changes(found), "", _verdict(found)])


def _changes(found: Comparison) -> Iterator[str]:
    for heading, word, parts in (("Split", "into", found.split), ("Joined", "from", found.joined)):
        yield from _listed(heading, word, parts)


def _listed(heading: str, word: str, parts: Sequence[Parted]) -> Iterator[str]:
    if parts:
        yield from ("", heading)
    for one in parts[:SHOWN]:
        others = ", ".join(f"{name} ({count})" for name, count in one.others[:SHOWN])
        yield f"  {one.incident}  {one.title}: {word} {others}"
    if len(parts) > SHOWN:
        yield f"  and {len(parts) - SHOWN} more"


def _verdict(found: Comparison) -> str:
    added = sum(found.pages.values())
    if not added:
        return "As many pages."
    return f"{abs(added)} pages {'added' if added > 0 else 'saved'}."
