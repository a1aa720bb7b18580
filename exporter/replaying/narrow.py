"""An expression narrowed to the series that somebody looks at, so that a server computes no others.

A label may be asked of a selector only where it reaches the result unchanged (Prometheus promql/engine.go, resultMetric
and aggregation); where that is not certain, the whole expression is asked and the answer is sifted.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import promql_parser
from promql_parser import (
    AggModifierType,
    AggregateExpr,
    BinaryExpr,
    Call,
    Expr,
    LabelModifierType,
    MatrixSelector,
    ParenExpr,
    StringLiteral,
    SubqueryExpr,
    UnaryExpr,
    VectorSelector,
)

from exporter.names import LABEL_NAME

Names = frozenset[str]

NONE: Names = frozenset()
LOSING = frozenset({"absent", "absent_over_time", "scalar", "info"})  # functions whose result has other labels


def narrowed(expr: str, labels: Mapping[str, str]) -> str:
    """The expression that gives the same series with these labels, and as few others as can be told."""
    try:
        tree = promql_parser.parse(expr)
    except ValueError:
        return expr  # the server may know more of PromQL than our parser does
    names = _reaching(tree, frozenset(name for name in labels if name != "__name__" and LABEL_NAME.fullmatch(name)))
    if not names:
        return expr
    wanted = ",".join(f"{name}={json.dumps(labels[name], ensure_ascii=False)}" for name in sorted(names))

    def asked(node: Expr) -> Expr | None:
        return _with(node, wanted) if isinstance(node, VectorSelector) else None

    return promql_parser.transform(tree, post_visit=asked).prettify()


def _reaching(node: Any, names: Names) -> Names:
    """Which of these labels every selector below hands on to the result as they are."""
    match node:
        case VectorSelector():
            return NONE if node.matchers.or_matchers else names
        case MatrixSelector():
            return _reaching(node.vector_selector, names)
        case ParenExpr() | UnaryExpr() | SubqueryExpr():
            return _reaching(node.expr, names)
        case AggregateExpr():
            return _through_aggregate(node, names)
        case BinaryExpr():
            names = _through_matching(node.modifier, names)
            return _reaching(node.rhs, _reaching(node.lhs, names))
        case Call():
            return _through_call(node, names)
    return names


def _through_aggregate(node: AggregateExpr, names: Names) -> Names:
    if not node.modifier:
        return NONE
    listed = frozenset(node.modifier.labels)
    names = names - listed if node.modifier.type == AggModifierType.Without else names & listed
    if isinstance(node.param, StringLiteral):  # count_values makes this label
        names -= {node.param.val}
    return _reaching(node.param, _reaching(node.expr, names))


def _through_matching(modifier: Any, names: Names) -> Names:
    if modifier is None:
        return names
    names -= frozenset(modifier.group_labels or ())
    if modifier.matching is None:
        return names
    listed = frozenset(modifier.matching.labels)
    return names & listed if modifier.matching.type == LabelModifierType.Include else names - listed


def _through_call(node: Call, names: Names) -> Names:
    if node.func.name in LOSING:
        return NONE
    if node.func.name in ("label_replace", "label_join"):
        target = node.args[1]
        return _reaching(node.args[0], names - {target.val}) if isinstance(target, StringLiteral) else NONE
    if node.func.name.startswith("histogram_"):
        names -= {"le"}
    for argument in node.args:
        names = _reaching(argument, names)
    return names


def _with(selector: VectorSelector, wanted: str) -> Expr:
    text = selector.prettify()
    if "{" in text:
        before, brace, rest = text.partition("{")
        text = f"{before}{brace}{wanted}{rest if rest.startswith('}') else ',' + rest}"
    else:
        name = selector.name or ""
        text = text.replace(name, f"{name}{{{wanted}}}", 1)
    return promql_parser.parse(text)
