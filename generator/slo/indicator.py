"""What an SLO measures, of whatever kind, as two series: how much was bad, and how much there was.

All windows are computed from these two as sums over sums, so that a busy hour weighs more than a quiet one.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from promql_parser import Expr, MatrixSelector, SubqueryExpr, VectorSelector

from generator.slo.schema import Slo
from generator.slo.sli_schema import BAD, ErrorRatio, Latency, Requests, TimeSlices
from tocsin import duration, promql
from tocsin.promql import Expression, Term
from tocsin.yamltree import YamlPath

ERRORS, TOTAL = "tocsin:sli_errors:rate", "tocsin:sli_total:rate"
OPERATORS = {"MatchOp.Equal": "=", "MatchOp.NotEqual": "!=", "MatchOp.Re": "=~", "MatchOp.NotRe": "!~"}


@dataclass(frozen=True, slots=True)
class Indicator:
    """The two series of an SLI; `looks_back` is how far their own expressions do.

    `name` is the label that tells them from other SLIs: what was given, or else a digest of what is measured, so
    that SLOs which measure the same share it wherever they stand.
    """

    name: str
    errors: Expression
    total: Expression
    errors_path: YamlPath
    total_path: YamlPath
    looks_back: timedelta

    def series(self, metric: str) -> Term:
        """A recorded series of this SLI."""
        return _series(metric, self.name)

    def ratio(self, window: timedelta) -> Expression:
        """The bad share over a window; nothing where there was no traffic.

        An average of rates over 5m that covers one hour of samples takes 55m of them.
        """
        errors, total = (self._over(self.series(metric), window) for metric in (ERRORS, TOTAL))
        return promql.binary(errors, "/", promql.binary(total, ">", promql.literal(0))).parsed()

    def spent(self, period: timedelta) -> Expression:
        """The bad share over the period; without traffic nothing is spent."""
        nothing = promql.binary(promql.literal(0), "*", self.series(ERRORS))
        return promql.binary(self.ratio(period).term, "or", nothing).parsed()

    def traffic(self, window: timedelta) -> Term:
        """The mean total over a window."""
        return self._over(self.series(TOTAL), window, "avg_over_time")

    def _over(self, series: Term, window: timedelta, function: str = "sum_over_time") -> Term:
        rest = window - self.looks_back
        return promql.parse(f"{function}({series.text}[{duration.show(rest)}])").term if rest else series


def indicator(slo: Slo) -> Indicator:
    """The SLI of an SLO.

    Raises:
        PromQLError: its parts do not fit together.
    """
    if slo.requests:
        errors, total = _requests(slo.requests)
        paths: tuple[YamlPath, YamlPath] = (
            ("requests", "errors" if slo.requests.errors else "good"),
            ("requests", "total"),
        )
    elif slo.latency:
        errors, total = _latency(slo.latency)
        paths = ("latency", "histogram"), ("latency", "histogram")
    elif slo.error_ratio:
        errors, total = _error_ratio(slo.error_ratio)
        paths = ("error_ratio", "expr"), ("error_ratio", "expr")
    else:
        assert slo.time_slices, "the model has one of the four"
        errors, total = _time_slices(slo.time_slices)
        paths = ("time_slices", "expr"), ("time_slices", "expr")
    # A slice is one evaluation, however far its expression looks back.
    back = timedelta() if slo.time_slices else max(map(_looks_back, (errors.tree, total.tree)))
    name = slo.sli or _name(errors, total)
    filled = _known(errors) if slo.latency else _filled(_known(errors), name)
    return Indicator(name, filled.parsed(), _known(total).parsed(), *paths, back)


def _series(metric: str, name: str) -> Term:
    return promql.parse(f"{metric}{{tocsin_sli={json.dumps(name)}}}").term


def _known(expr: Expression) -> Term:
    """The expression without NaN, which would spoil every sum."""
    return promql.binary(expr.term, ">=", promql.literal(0))


def _filled(errors: Term, name: str) -> Term:
    """The errors, and 0 where there is a total and none of them; only what is recorded bears the name already."""
    nothing = promql.binary(promql.literal(0), "*", _series(TOTAL, name))
    return promql.parse(f"{errors.text} or ignoring (tocsin_sli) {nothing.text}").term


def _requests(sli: Requests) -> tuple[Expression, Expression]:
    part, total = sli.part.over(sli.range), sli.total.over(sli.range)
    if sli.errors:
        return part, total
    # Where nothing was good yet, everything was bad.
    none = promql.binary(promql.literal(0), "*", total.term)
    good = promql.binary(part.term, "or", none)
    return promql.parse(f"clamp_min({promql.binary(total.term, '-', good).text}, 0)"), total


def _error_ratio(sli: ErrorRatio) -> tuple[Expression, Expression]:
    """The ratio and, where it has a value, 1: every evaluation weighs the same."""
    ratio = sli.expr.over(sli.range)
    return promql.parse(f"clamp_min({ratio.text}, 0)"), _one_if(ratio.term, ">=", -math.inf)


def _latency(sli: Latency) -> tuple[Expression, Expression]:
    """No `or 0` for a bucket that is missing: a bound that the histogram lacks must not pass for a good one."""
    range_, by = duration.show(sli.range), f"sum by ({', '.join(sli.by)})" if sli.by else "sum"
    bound = promql.number(sli.threshold)
    if sli.native:
        rate = f"{by}(rate({sli.histogram.text}[{range_}]))"
        total = promql.parse(f"histogram_count({rate})")
        slow = promql.parse(f"1 - histogram_fraction(-Inf, {bound}, {rate})")
        return promql.binary(total.term, "*", slow.term).parsed(), total
    # Prometheus 3 calls a whole bound 1.0, and older ones 1.
    le = f'le=~"{bound}([.]0)?"' if "." not in bound and "e" not in bound else f'le="{bound}"'
    total = promql.parse(f"{by}(rate({_part(sli.histogram, '_count')}[{range_}]))")
    fast = promql.parse(f"{by}(rate({_part(sli.histogram, '_bucket', le)}[{range_}]))")
    return promql.parse(f"clamp_min({promql.binary(total.term, '-', fast.term).text}, 0)"), total


def _part(histogram: Expression, suffix: str, *more: str) -> str:
    """The selector of one of the series that a classic histogram consists of."""
    tree = histogram.tree
    assert isinstance(tree, VectorSelector), "the field takes plain selectors alone"
    own = (f"{m.name}{OPERATORS[str(m.op)]}{json.dumps(m.value, ensure_ascii=False)}" for m in tree.matchers.matchers)
    return f"{tree.name}{suffix}{{{','.join((*own, *more))}}}"


def _time_slices(sli: TimeSlices) -> tuple[Expression, Expression]:
    """1 and 0, so that sums count slices. A NaN (a quantile of nothing) is neither bad nor a slice."""
    key, limit = next((key, getattr(sli, key)) for key in BAD if getattr(sli, key) is not None)
    return _one_if(sli.expr.term, BAD[key], limit), _one_if(sli.expr.term, ">=", -math.inf)


def _one_if(left: Term, operator: str, limit: float) -> Expression:
    return promql.binary(left, operator, Term((f"bool {promql.number(limit)}",), promql.ATOM)).parsed()


def _looks_back(tree: Expr) -> timedelta:
    ranged = (node for node in promql.walk(tree) if isinstance(node, MatrixSelector | SubqueryExpr))
    return max((node.range or timedelta() for node in ranged), default=timedelta())


def _name(errors: Expression, total: Expression) -> str:
    digest = hashlib.sha256(f"{errors.text}\n{total.text}".encode()).hexdigest()
    return f"{next(_metrics(total.tree), 'sli')}-{digest[:8]}"


def _metrics(tree: Expr) -> Iterator[str]:
    return (node.name for node in promql.walk(tree) if isinstance(node, VectorSelector) and node.name)
