"""Parts of an expression said otherwise: in its tree, never in its text."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import promql_parser
from promql_parser import Expr, MatrixSelector, SubqueryExpr, VectorSelector

from tocsin import duration, promql
from tocsin.promql import Expression
from tocsin.promql_matchers import at_and_offset, put

PLACE = "tocsin_instead_"  # names a place in a tree that something else is put into


def replaced(expression: Expression, instead: Callable[[Expr], str | None]) -> Expression:
    """The expression with parts replaced by what is said instead of them, into which nobody looks again.

    Parents are asked about first; where one is replaced, nobody asks about what is in it.
    """
    found: dict[str, Expr] = {}

    def out(node: Expr) -> Expr | None:
        text = instead(node)
        if text is None:
            return None
        place = f"{PLACE}{len(found)}"
        found[place] = promql.parse(text).tree
        return promql_parser.parse(place)

    def into(node: Expr) -> Expr | None:
        return found.get(node.name or "") if isinstance(node, VectorSelector) else None

    return promql.of_tree(promql_parser.transform(expression.tree, pre_visit=out, post_visit=into))


def of_later(expression: Expression, by: timedelta) -> Expression:
    """The expression of so much later: what it reads lies less far back, but for what an @ holds fast.

    A subquery's window moves, not its steps, which are multiples wherever it stands. `time()` is not later.
    """

    def moved(node: Expr) -> str | None:
        if isinstance(node, SubqueryExpr):
            window = f"[{duration.show(node.range)}:{duration.show(node.step) if node.step else ''}]"
            return f"({node.expr.prettify()}){window}{_moved(node, by)}"
        if isinstance(node, MatrixSelector):
            return f"{_bare(node.vector_selector)}[{duration.show(node.range)}]{_moved(node.vector_selector, by)}"
        return f"{_bare(node)}{_moved(node, by)}" if isinstance(node, VectorSelector) else None

    return replaced(expression, moved) if by else expression


def over(selector: VectorSelector, range_: timedelta) -> str:
    """The selector of a range that ends where the selector looks."""
    return f"{_bare(selector)}[{duration.show(range_)}]{at_and_offset(selector)}"


def _moved(node: VectorSelector | SubqueryExpr, by: timedelta) -> str:
    return at_and_offset(node, timedelta() if node.at is not None else -by)


def _bare(selector: VectorSelector) -> str:
    """The selector without its modifiers."""
    text = put(promql.of_tree(selector), lambda node: ()).text
    return text.removesuffix(at_and_offset(selector))
