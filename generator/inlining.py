"""Expressions that rest on recording rules, said without them: each recorded series by the expression that makes it.

What a recording rule stores at its evaluations is what its expression gives at those times. So an expression of now
stands in for a selector of it, and a subquery whose step is the recording's interval where a range, an earlier time or
another rhythm is asked for.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from promql_parser import Call, Expr, Matcher, MatrixSelector, SubqueryExpr, VectorSelector

from generator.labelflow import ABSENCES, equal_labels, is_scalar
from generator.rule import Group, Pack, Rule
from tocsin import duration, labels, promql, promql_rewrite
from tocsin.model import Labels
from tocsin.promql import Expression
from tocsin.promql_matchers import SIGNS, at_and_offset

LONGEST = 500_000  # characters of an expression: each level of recordings may read the one below several times
SEEN = timedelta(minutes=5)  # how long a sample is looked back for: Prometheus's --query.lookback-delta
MOMENT = timedelta(milliseconds=1)  # the least difference between two times
KEPT = "tocsin_kept"  # marks, for the time of one comparison, the series that a matcher lets through


class TooLongError(ValueError):
    """The expression would be longer than a server takes; the message says what it rests on."""


@dataclass(frozen=True, slots=True)
class Moments:
    """Times: `offset` after each multiple of `every`."""

    every: timedelta
    offset: timedelta = timedelta()

    def are_of(self, other: Moments) -> bool:
        """Whether each of them is one of the other, too."""
        return not self.every % other.every and not (self.offset - other.offset) % other.every


@dataclass(frozen=True, slots=True)
class Recorded:
    """A recording rule and what decides its series: the labels it puts on, and the times its samples bear."""

    rule: Rule
    labels: Labels
    written: Moments


def aligned(group: Group, rule: Rule, interval: timedelta) -> timedelta:
    """The offset of rules that nobody evaluates yet: none."""
    return timedelta()


def recorded(
    packs: Iterable[Pack],
    interval: timedelta,
    offset: Callable[[Group, Rule, timedelta], timedelta] = aligned,
) -> Mapping[str, Sequence[Recorded]]:
    """The recording rules by name; `interval` is that of groups which have none.

    `offset` tells how long after each multiple of its interval a rule of a group is evaluated.
    """
    found: dict[str, list[Recorded]] = {}
    for pack in packs:
        for group in pack.groups:
            every = group.interval or interval
            for rule in group.rules:
                if rule.kind == "record":
                    written = Moments(every, offset(group, rule, every))
                    found.setdefault(rule.name, []).append(Recorded(rule, {**group.labels, **rule.labels}, written))
    return found


@dataclass
class Inlining:
    """Says expressions without the records; `default` is the step of subqueries that have none.

    A record that reads itself stays: what it was before is stored, or nowhere.
    """

    records: Mapping[str, Sequence[Recorded]]
    default: timedelta = timedelta(minutes=1)
    _within: list[str] = field(default_factory=list)

    def inlined(self, expr: Expression, moments: Moments) -> Expression:
        """The expression of a rule that is evaluated at these moments, reading none of the records.

        Raises:
            TooLongError: it would be too long.
        """
        if not any(self._is_record(promql.metric(node)) for node in expr.of(VectorSelector)):
            return expr
        found = promql_rewrite.replaced(expr, lambda node: self._instead(node, moments))
        if len(found.text) > LONGEST:
            raise TooLongError(f"without what it rests on it would be longer than {LONGEST:,} characters")
        return found

    def _instead(self, node: Expr, moments: Moments) -> str | None:
        """What stands for a part of the expression, if something else does."""
        if isinstance(node, SubqueryExpr):
            step = node.step or self.default
            inner = self.inlined(promql.of_tree(node.expr), Moments(step)).text
            return f"({inner})[{duration.show(node.range)}:{duration.show(step)}]{at_and_offset(node)}"
        if isinstance(node, Call) and node.func.name in ABSENCES:
            return self._absence(node, moments)
        selector = node.vector_selector if isinstance(node, MatrixSelector) else node
        if not isinstance(selector, VectorSelector) or not self._is_record(promql.metric(selector)):
            return None
        written, body = self._written(selector), self._body(selector)
        if isinstance(node, MatrixSelector):
            return _over(body, node.range, written, selector)
        if moments.are_of(written) and selector.offset is None and selector.at is None:
            return f"({body.text})"
        # Prometheus 2 takes both ends of a range: a moment less, so that no earlier value stands in for none.
        return f"last_over_time({_over(body, min(written.every - MOMENT, SEEN), written, selector)})"

    def _absence(self, node: Call, moments: Moments) -> str | None:
        """An absence takes labels from its selector, which is no longer there."""
        [of] = node.args
        instead = self._instead(promql.bare(of), moments)
        if instead is None:
            return None
        text = f"{node.func.name}({instead})"
        for label, value in equal_labels(of).items():
            text = _given(text, label, value)
        return text

    def _is_record(self, name: str) -> bool:
        return name in self.records and name not in self._within

    def _written(self, selector: VectorSelector) -> Moments:
        """When the records of this name are: those of the one that is evaluated most often."""
        return min((one.written for one in self.records[promql.metric(selector)]), key=lambda one: one.every)

    def _body(self, selector: VectorSelector) -> Expression:
        """The expressions of all records of this name whose labels the selector lets through."""
        name = promql.metric(selector)
        matchers = [one for one in selector.matchers.matchers if one.name != "__name__"]
        self._within.append(name)
        try:
            bodies = [self._one(one, matchers) for one in self.records[name] if may_read(selector, one.labels)]
        finally:
            self._within.pop()
        return promql.parse(" or ".join(f"({body})" for body in dict.fromkeys(bodies)) or "vector(0) < 0")

    def _one(self, one: Recorded, matchers: Sequence[Matcher]) -> str:
        made = self.inlined(one.rule.expr, one.written)
        text = f"vector({made.text})" if is_scalar(made.tree) else made.text
        for label, value in {"__name__": one.rule.name, **one.labels}.items():
            text = _given(text, label, value)
        for matcher in matchers:
            if matcher.name not in one.labels:
                text = _matching(text, matcher)
        return text


def may_read(selector: VectorSelector, static: Labels) -> bool:
    """Whether a selector may let series through on which a record puts these labels."""
    known = (one for one in selector.matchers.matchers if one.name in static)
    return all(labels.Matcher(one.name, _sign(one), one.value).matches(static) for one in known)


def _matching(text: str, matcher: Matcher) -> str:
    """The series of an expression that a matcher lets through: those are marked, and the mark is compared."""
    sign = _sign(matcher)
    pattern = matcher.value if sign in ("=~", "!~") else re.escape(matcher.value)
    marked = _replaced(text, KEPT, "1", matcher.name, pattern)
    operator = "unless" if sign in ("!=", "!~") else "and"
    compared = f"{marked} {operator} on ({KEPT}) {_replaced('vector(1)', KEPT, '1')}"
    return _replaced(compared, KEPT, "")


def _given(text: str, label: str, value: str) -> str:
    return _replaced(text, label, value.replace("$", "$$"))


def _replaced(text: str, label: str, value: str, source: str = "", pattern: str = "") -> str:
    return f"label_replace({text}, {', '.join(map(_quoted, (label, value, source, pattern)))})"


def _over(body: Expression, range_: timedelta, written: Moments, selector: VectorSelector) -> str:
    """What was written in a range: a subquery's steps are multiples, so it lies earlier, and its values later."""
    rhythm = f"[{duration.show(range_)}:{duration.show(written.every)}]"
    values = promql_rewrite.of_later(body, written.offset).text
    return f"({values}){rhythm}{at_and_offset(selector, written.offset)}"


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _sign(matcher: Matcher) -> labels.Operator:
    return SIGNS[str(matcher.op)]
