"""What an expression reads, down to the series that are scraped, and what each is used for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Literal

from promql_parser import (
    AggModifierType,
    AggregateExpr,
    BinaryExpr,
    Call,
    Expr,
    MatrixSelector,
    NumberLiteral,
    StringLiteral,
    SubqueryExpr,
    UnaryExpr,
    VectorSelector,
)

from generator.inlining import Recorded
from generator.proof.selectors import matchers_of
from generator.proof.vectors import NAME
from tocsin import promql
from tocsin.labels import Matcher, Matchers
from tocsin.promql import Expression

# How the values of a series matter: those of a counter, a gauge, a line through a window, or how often they change.
Role = Literal["counter", "gauge", "trend", "toggle"]

ROLES: Mapping[str, Role] = {
    **dict.fromkeys(("rate", "irate", "increase"), "counter"),
    **dict.fromkeys(("deriv", "predict_linear", "delta", "idelta"), "trend"),
    **dict.fromkeys(("changes", "resets"), "toggle"),
}
LARGEST = 1e15  # number that is tried: of larger ones, one more makes no difference
ABSENCE = frozenset({"absent", "absent_over_time", "present_over_time"})
NATIVE_ONLY = frozenset({"histogram_count", "histogram_sum", "histogram_avg", "histogram_fraction"})
COUNTING = frozenset({"count", "topk", "bottomk", "quantile", "stddev", "stdvar", "count_values", "limitk"})


@dataclass(frozen=True, slots=True)
class Reading:
    """A selector of series that no rule records; `presence` if it matters whether they are there.

    `dropped` are labels that an aggregation takes away.
    """

    matchers: Matchers
    role: Role = "gauge"
    presence: bool = False
    buckets: bool = False
    native: bool = False
    counted: bool = False
    dropped: frozenset[str] = frozenset()

    @property
    def metric(self) -> str:
        """The name, where it is given."""
        return next((one.value for one in self.matchers if one.name == NAME and one.operator == "="), "")


@dataclass
class Survey:
    """What an expression reads and says, with that of the records it rests on.

    `spans` are all ranges, `ranges` those of scraped series, `reach` is how far back the whole looks; `shifted` if it
    compares with an earlier time. `dropped` are labels that aggregations take away.
    """

    readings: list[Reading] = field(default_factory=list)
    labels: dict[str, None] = field(default_factory=dict)
    grouped: set[str] = field(default_factory=set)
    dropped: dict[str, None] = field(default_factory=dict)
    numbers: dict[float, None] = field(default_factory=dict)
    limits: dict[float, None] = field(default_factory=dict)
    spans: set[timedelta] = field(default_factory=set)
    ranges: set[timedelta] = field(default_factory=set)
    replaced: list[tuple[str, str, str, str]] = field(default_factory=list)
    reach: timedelta = timedelta()
    shifted: bool = False
    nodes: int = 0


def survey(expr: Expression, records: Mapping[str, Sequence[Recorded]]) -> Survey:
    """What the expression reads, transitively."""
    found = Survey()
    _Walk(records, found).into(expr.tree, Reading(()), timedelta(), ())
    return found


MOST_NODES = 20_000  # of an expression and all it rests on


@dataclass
class _Walk:
    """`reading` is what is known from above of the selectors below; `names` are records that lie above."""

    records: Mapping[str, Sequence[Recorded]]
    found: Survey

    def into(self, node: Expr, reading: Reading, back: timedelta, names: tuple[str, ...]) -> None:
        self.found.nodes += 1
        if self.found.nodes > MOST_NODES:
            return
        match node:
            case VectorSelector():
                self._selected(node, reading, back, names)
            case NumberLiteral() if abs(node.val) < LARGEST:
                self.found.numbers[node.val] = None
            case MatrixSelector() | SubqueryExpr():
                self._ranged(node, reading, back, names)
            case _:
                for child, told in self._told(node, reading):
                    self.into(child, told, back, names)

    def _selected(self, node: VectorSelector, reading: Reading, back: timedelta, names: tuple[str, ...]) -> None:
        matchers, name = matchers_of(node), promql.metric(node)
        if node.offset or node.at:
            self.found.shifted = True
            back += abs(node.offset or timedelta())
        own = tuple(one for one in (*matchers, *reading.matchers) if one.name != NAME or one in matchers)
        if name not in self.records or name in names:
            self.found.reach = max(self.found.reach, back)
            self.found.labels.update(dict.fromkeys(one.name for one in own if one.name != NAME))
            self.found.readings.append(replace(reading, matchers=tuple(dict.fromkeys(own))))
            return
        for one in self.records[name]:
            if all(matcher.matches(one.labels) for matcher in own if matcher.name in one.labels):
                left = tuple(m for m in own if m.name not in one.labels and m.name != NAME)
                self.into(one.rule.expr.tree, replace(reading, matchers=left), back, (*names, name))

    def _ranged(
        self, node: MatrixSelector | SubqueryExpr, reading: Reading, back: timedelta, names: tuple[str, ...]
    ) -> None:
        span = node.range or timedelta()
        self.found.spans.add(span)
        back += span
        if isinstance(node, MatrixSelector):
            if promql.metric(node.vector_selector) not in self.records:
                self.found.ranges.add(span)
            return self.into(node.vector_selector, reading, back, names)
        if node.offset or node.at:
            self.found.shifted = True
            back += abs(node.offset or timedelta())
        return self.into(node.expr, reading, back, names)

    def _told(self, node: Expr, reading: Reading) -> Iterator[tuple[Expr, Reading]]:
        """The operands, and what is then known of the selectors below."""
        match node:
            case Call():
                return self._of_call(node, reading)
            case AggregateExpr():
                return self._of_aggregate(node, reading)
            case BinaryExpr():
                return self._of_binary(node, reading)
            case UnaryExpr():
                return iter([(node.expr, reading)])
        return iter([(child, reading) for child in promql.children(node)])

    def _of_call(self, node: Call, reading: Reading) -> Iterator[tuple[Expr, Reading]]:
        name, arguments = node.func.name, list(node.args)
        role = ROLES.get(name)
        if role and reading.role == "gauge":
            reading = replace(reading, role=role)
        if name in ABSENCE:
            reading = replace(reading, presence=True)
        if name in NATIVE_ONLY:
            reading = replace(reading, native=True)
        if name == "histogram_quantile":
            reading = replace(reading, buckets=True)
        texts = [argument.val for argument in arguments if isinstance(argument, StringLiteral)]
        if name == "label_replace" and len(texts) == 4:
            target, replacement, source, pattern = texts
            self.found.replaced.append((target, replacement, source, pattern))
            self.found.labels.update(dict.fromkeys([source] if source else []))
            reading = replace(
                reading, matchers=(*(m for m in reading.matchers if m.name != target), *_sampled(source, pattern))
            )
        return iter([(argument, reading) for argument in arguments if not isinstance(argument, StringLiteral)])

    def _of_aggregate(self, node: AggregateExpr, reading: Reading) -> Iterator[tuple[Expr, Reading]]:
        modifier = node.modifier
        names = list(modifier.labels) if modifier else []
        if modifier and modifier.type == AggModifierType.Without:
            self.found.dropped.update(dict.fromkeys(names))
            reading = replace(reading, dropped=reading.dropped.union(names))
        else:
            self.found.labels.update(dict.fromkeys(names))
            self.found.grouped.update(names)
        if str(node.op) in COUNTING:
            reading = replace(reading, counted=True)
        if node.param is not None and not isinstance(node.param, StringLiteral):
            yield node.param, Reading(())
        yield node.expr, reading

    def _of_binary(self, node: BinaryExpr, reading: Reading) -> Iterator[tuple[Expr, Reading]]:
        modifier, operator = node.modifier, str(node.op)
        if modifier:
            names = [*(modifier.matching.labels if modifier.matching else ()), *(modifier.group_labels or ())]
            self.found.labels.update(dict.fromkeys(names))
            self.found.grouped.update(names)
        if operator in promql.COMPARISONS:
            sides = (promql.bare(side) for side in (node.lhs, node.rhs))
            limits = (side.val for side in sides if isinstance(side, NumberLiteral))
            self.found.limits.update(dict.fromkeys(limit for limit in limits if abs(limit) < LARGEST))
        right = replace(reading, presence=True) if operator in ("unless", "or") else reading
        left = replace(reading, presence=True) if operator == "or" else reading
        return iter([(node.lhs, left), (node.rhs, right)])


def _sampled(source: str, pattern: str) -> Matchers:
    """The condition under which label_replace does something."""
    try:
        return (Matcher(source, "=~", f"(?s:{pattern})"),) if source else ()
    except ValueError:
        return ()
