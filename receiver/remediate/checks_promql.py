"""Checks of expressions: they parse, give a number, and take their matchers."""

from __future__ import annotations

import re
from collections.abc import Iterator

from promql_parser import BinaryExpr, Call, Expr, MatrixSelector, StringLiteral, SubqueryExpr, ValueType, VectorSelector

from receiver.remediate.findings import Config, Finding, questions
from receiver.remediate.runbook import Runbook
from receiver.remediate.settings import ConditionSettings
from tocsin import promql
from tocsin.promql import COMPARISONS, LABEL, Expression, PromQLError
from tocsin.yamltree import YamlPath

NAMED = re.compile(r"'([^']+)'|regex for (.+)$|unknown function with name (\w+)")
NO_NUMBER = (MatrixSelector, SubqueryExpr, StringLiteral)
DECIDES = COMPARISONS | {"and", "unless"}
BOUNDS = ("above", "below", "at_least", "at_most", "equals")


def expressions_parse(runbook: Runbook, _: Config | None) -> Iterator[Finding]:
    """Each expression is PromQL that gives a number, and takes its matchers."""
    for path, expr, where, condition in questions(runbook):
        at = (*path, "expr")
        try:
            expression = promql.parse(expr)
        except PromQLError as error:
            yield _unparsed(at, expr, str(error))
            continue
        if _is_no_number(expression.tree):
            hint = "give it to a function: rate(http_requests_total[5m]), count(up)"
            yield Finding("promql-type", at, "a range or a text, where one number is wanted", hint)
        for label in where:
            if not LABEL.fullmatch(label) or label == "__name__":
                hint = "write a label of the series: letters, digits and '_'"
                yield Finding("matchers", (*path, "where", label), f"{label!r} is not a label", hint)
        if where and not expression.of(VectorSelector):
            hint = 'take `where` out, or select series: up{job="web"}'
            yield Finding("matchers", (*path, "where"), "the expression has no selector that could take matchers", hint)
        if condition is not None and _holds_always(expression, condition):
            hint = "give a bound: above, below, at_least, at_most or equals; or compare within the expression"
            yield Finding("always", at, "without a bound it holds as soon as there is a value", hint, "warning")


def prometheus_is_configured(runbook: Runbook, config: Config | None) -> Iterator[Finding]:
    """Somebody answers the questions."""
    if config is None or (config.remediation is not None and config.remediation.prometheus is not None):
        return
    for path, _, _, _ in questions(runbook):
        hint = "set remediation.prometheus: {url: http://127.0.0.1:9090}"
        yield Finding("no-prometheus", (*path, "expr"), "nobody is asked: no Prometheus is configured", hint)
        return


def _unparsed(path: YamlPath, expr: str, error: str) -> Finding:
    """The parser gives no position; what it names and stands once in the expression has one."""
    named = NAMED.search(error)
    part = next((group for group in named.groups() if group), "") if named else ""
    if "$(" in expr:
        error, part = "values are not put into the text of an expression", "$("
        return Finding("promql-syntax", path, f"{error}{_place(expr, part)}", "use where: {label: $(value)}", part=part)
    hint = "try the expression in Prometheus; check its brackets and quotes"
    return Finding("promql-syntax", path, f"PromQL: {error}{_place(expr, part)}", hint, part=part)


def _place(expr: str, part: str) -> str:
    return f" (character {expr.index(part) + 1} of the expression)" if part and expr.count(part) == 1 else ""


def _is_no_number(tree: Expr) -> bool:
    inner = promql.bare(tree)
    if isinstance(inner, Call):
        return bool(inner.func.return_type in (ValueType.Matrix, ValueType.String))
    return isinstance(inner, NO_NUMBER)


def _holds_always(expression: Expression, condition: ConditionSettings) -> bool:
    if any(getattr(condition, bound) is not None for bound in BOUNDS):
        return False
    decides = any(str(node.op) in DECIDES for node in expression.of(BinaryExpr))
    return not decides and all("absent" not in node.func.name for node in expression.of(Call))
