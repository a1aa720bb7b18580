"""The series of an expression, and the dials by which they are turned."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from generator.proof.dials import ABSENT, ALWAYS, COMES, GOES, Board, Dial, Histogram, Kind, candidates
from generator.proof.labelling import Labelling
from generator.proof.natives import SUM
from generator.proof.readings import Reading, Survey
from generator.proof.vectors import NAME, NATIVE, Key, UnprovableError, key
from tocsin.model import Labels

MOST_SERIES = 200
WIDEST = 24  # buckets of a native histogram
REPLICAS = ("instance", "pod", "replica", "member", "twin")
FINE = tuple(10.0**power for power in range(-2, 2))  # bounds of buckets where no limit says better


@dataclass(frozen=True, slots=True)
class Layout:
    """How series are laid out: a `crowd` of those that are counted, or of all; more bounds of buckets than the limits.

    `turning` if what was a while ago may differ from what is now, `coming` if any series may be missing,
    `signed` if levels may lie below 0.
    """

    crowd: int = 1
    all_crowds: bool = False
    fine: bool = False
    turning: bool = False
    coming: bool = False
    signed: bool = False


def board(survey: Survey, spoken: Sequence[str], step: float, horizon: float, layout: Layout) -> Board:
    """The board of an expression; `step` between samples and `horizon` are in seconds.

    Raises:
        UnprovableError: no label sets are found, or too many.
    """
    made = {target for target, _, source, _ in survey.replaced if not source}
    names = [name for name in dict.fromkeys([*survey.labels, *spoken]) if name not in made]
    return _Builder(survey, Labelling(survey, names), step, horizon, layout).build()


@dataclass
class _Group:
    """Readings that one label set serves."""

    labels: Labels
    readings: list[Reading]

    def role(self, role: str) -> bool:
        return any(reading.role == role for reading in self.readings)


@dataclass
class _Builder:
    survey: Survey
    labelling: Labelling
    step: float
    horizon: float
    layout: Layout
    labels: list[Labels] = field(default_factory=list)
    dials: list[Dial] = field(default_factory=list)
    histograms: list[Histogram] = field(default_factory=list)
    counters: list[bool] = field(default_factory=list)

    def build(self) -> Board:
        groups = self._groups()
        while groups:
            one = next(iter(groups))
            members = _histogram_of(groups[one], groups)
            if _is_native(groups[one]):
                self._native(groups.pop(one))
            elif members:
                self._histogram([groups.pop(member) for member in members])
            else:
                self._plain(groups.pop(one))
        if any(dial.kind in ("share", "presence") for dial in self.dials):
            self.dials.append(self._moment())
        if len(self.labels) > MOST_SERIES:
            raise UnprovableError("it reads too many series")
        return Board(tuple(self.labels), tuple(self.dials), tuple(self.histograms), tuple(self.counters))

    @property
    def _turns(self) -> bool:
        return self.layout.turning or self.survey.shifted

    @property
    def _usual(self) -> float:
        """The usual level: shares of several are easier to read of a hundred."""
        return 100 if sum(reading.role != "counter" for reading in self.survey.readings) > 1 else 1

    def _groups(self) -> dict[Key, _Group]:
        groups: dict[Key, _Group] = {}
        for reading in self.survey.readings:
            labels = self.labelling.of(reading)
            groups.setdefault(key(labels), _Group(labels, [])).readings.append(reading)
        return groups

    def _plain(self, group: _Group) -> None:
        counted = self.layout.crowd > 1 and (self.layout.all_crowds or any(r.counted for r in group.readings))
        rows = self._rows(group.labels, self.layout.crowd if counted else 1, counter=group.role("counter"))
        part = group.labels.get(NAME, "")
        ends = (rows[:1], rows[-1:]) if len(rows) > 1 else (rows,)
        for end in ends:
            self._values(group, end, part)
        if self._turns and not group.role("toggle"):
            self._dial("share", rows, 1, candidates(self.survey.numbers), part)
        if self.layout.coming or any(reading.presence for reading in group.readings):
            self._dial("presence", rows, ALWAYS, (ALWAYS, ABSENT, GOES, COMES), part)
        if len(rows) > 1:
            whole = tuple(map(float, range(len(rows) + 1)))
            self._dial("alike", rows, len(rows), whole, part)
            self._dial("count", rows, len(rows), whole, part)

    def _values(self, group: _Group, rows: tuple[int, ...], part: str) -> None:
        numbers = self.survey.numbers
        paced, toggled = group.role("counter") or group.role("trend"), group.role("toggle")
        if group.role("gauge") or group.role("trend"):
            signed = self.layout.signed
            tried = [one for one in candidates(numbers) if signed or one >= 0]
            self._dial("level", rows, self._usual, tried, part, signed=signed)
        if paced:
            scales = (self.step, *(self.step / span.total_seconds() for span in self.survey.spans if span))
            falls = not group.role("counter")
            tried = [one for one in candidates(numbers, scales) if falls or one >= 0]
            self._dial("pace", rows, 0 if falls else self.step, tried, part, signed=falls)
        if toggled:
            self._dial("period", rows, 0, (0, 1, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 60, 120), part)

    def _histogram(self, groups: Sequence[_Group]) -> None:
        buckets = {**dict.fromkeys(self._bounds(groups), -1)}
        labels = next(group.labels for group in groups if group.labels[NAME].endswith("_bucket"))
        for bound in buckets:
            [buckets[bound]] = self._rows({**labels, "le": _shown(bound, groups)}, 1, counter=True)
        of = {
            suffix: [group for group in groups if group.labels[NAME].endswith(suffix)] for suffix in ("_count", "_sum")
        }
        counts, sums = (
            tuple(row for group in of[suffix] for row in self._rows(group.labels, 1, counter=True))
            for suffix in ("_count", "_sum")
        )
        self._events(tuple(buckets.items()), counts, sums, labels[NAME].removesuffix("_bucket"))

    def _native(self, group: _Group) -> None:
        """Buckets of schema 0 from well below the limits to well beyond."""
        limits = [limit for limit in self.survey.limits if 0 < limit < math.inf] or [1.0]
        first, last = math.floor(math.log2(min(limits))) - 1, math.ceil(math.log2(max(limits))) + 2
        exponents = range(max(first, last - WIDEST), last + 1)
        parts = {
            part: self._rows({**group.labels, NATIVE: part}, 1, counter=True)[0] for part in (*map(str, exponents), SUM)
        }
        buckets = tuple((2.0**exponent, parts[str(exponent)]) for exponent in exponents)
        self._events(buckets, (), (parts[SUM],), group.labels.get(NAME, ""), native=True)

    def _events(
        self,
        buckets: tuple[tuple[float, int], ...],
        counts: tuple[int, ...],
        sums: tuple[int, ...],
        part: str,
        *,
        native: bool = False,
    ) -> None:
        rows = (*(row for _, row in buckets), *counts, *sums)
        finite = [bound for bound, _ in buckets if math.isfinite(bound)]
        near = candidates([*self.survey.limits, *finite])
        places = [one for one in (*near, *finite) if finite[0] / 100 <= one <= 2 * finite[-1]]
        self._dial("place", rows, finite[0], sorted(set(places)), part)
        paces = candidates(self.survey.numbers, (self.step,))
        self._dial("pace", (), 10 * self.step, [one for one in paces if one >= 0], part)
        share = len(self.dials) if self._turns else None
        if share is not None:
            self._dial("share", (), 1, candidates(self.survey.numbers), part)
        place = len(self.dials) - (2 if share is None else 3)
        self.histograms.append(Histogram(buckets, counts, sums, place, place + 1, share, native))

    def _bounds(self, groups: Sequence[_Group]) -> list[float]:
        """The buckets that the expression asks for, and those around its limits."""
        named = {_number(group.labels.get("le", "")) for group in groups}
        limits = {limit * part for limit in self.survey.limits if 0 < limit < math.inf for part in (0.5, 2)}
        asked = {bound for bound in named if 0 < bound < math.inf}
        near = asked | {bound * 2 for bound in asked} if asked else limits
        return [*sorted((near if not self.layout.fine else near | set(FINE)) or set(FINE)), math.inf]

    def _rows(self, labels: Labels, count: int, *, counter: bool) -> tuple[int, ...]:
        first = len(self.labels)
        twin = self._twin() if count > 1 else ""
        for number in range(1, count + 1):
            self.labels.append({**labels, twin: f"{twin}-{number}"} if twin else labels)
            self.counters.append(counter)
        return tuple(range(first, first + count))

    def _twin(self) -> str:
        """A label by which series are told apart and nothing is grouped."""
        fixed = {one.name for reading in self.survey.readings for one in reading.matchers}
        free = (name for name in (*self.survey.dropped, *REPLICAS) if name not in fixed | self.survey.grouped)
        return next(free, REPLICAS[-1])

    def _moment(self) -> Dial:
        spans = [span.total_seconds() for span in self.survey.spans] or [0.0]
        ends = {2 * self.step, min(spans) + 2 * self.step, max(spans) + 2 * self.step, self.horizon / 2}
        tried = sorted({float(math.ceil(end / self.step)) for end in ends if end < self.horizon} or {1.0})
        return Dial("moment", (), tried[0], tuple(tried), "")

    def _dial(
        self, kind: Kind, rows: Sequence[int], usual: float, tried: Sequence[float], part: str, *, signed: bool = False
    ) -> None:
        self.dials.append(Dial(kind, tuple(rows), usual, tuple(tried), part, signed))


def _is_native(group: _Group) -> bool:
    """Whether it must be a native histogram: what looks into it takes nothing else."""
    classic = group.labels.get(NAME, "").endswith("_bucket") or "le" in group.labels
    return not classic and any(reading.native or reading.buckets for reading in group.readings)


def _histogram_of(group: _Group, groups: dict[Key, _Group]) -> list[Key]:
    """The groups that are of one histogram with this one, if it is one of those."""
    base = _base(group)
    members = [one for one, other in groups.items() if _base(other) == base]
    return members if any(groups[one].labels.get(NAME, "").endswith("_bucket") for one in members) else []


def _base(group: _Group) -> tuple[str, Key]:
    labels = {name: value for name, value in group.labels.items() if name not in (NAME, "le")}
    name = group.labels.get(NAME, "")
    suffix = next((end for end in ("_bucket", "_count", "_sum") if name.endswith(end)), "")
    return name.removesuffix(suffix), key(labels)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.inf


def _shown(bound: float, groups: Sequence[_Group]) -> str:
    """The bound as a matcher has it, or as exporters write it."""
    if math.isinf(bound):
        return "+Inf"
    asked = (group.labels["le"] for group in groups if _number(group.labels.get("le", "")) == bound)
    return next(asked, f"{bound:g}")
