"""What selectors of PromQL say, in the terms of label sets."""

from __future__ import annotations

from promql_parser import Expr, MatrixSelector, VectorSelector

from generator.proof.vectors import NAME, UnprovableError
from tocsin import promql
from tocsin.labels import Matcher, Matchers
from tocsin.model import Labels
from tocsin.promql_matchers import SIGNS


def matchers_of(node: VectorSelector) -> Matchers:
    """The conditions of a selector, its name among them.

    Raises:
        UnprovableError: it has alternatives, or an expression that RE2 does not take.
    """
    if node.matchers.or_matchers:
        raise UnprovableError("its selectors have alternatives")
    named = [Matcher(NAME, "=", node.name)] if node.name else []
    try:
        return (*named, *(Matcher(one.name, SIGNS[str(one.op)], one.value) for one in node.matchers.matchers))
    except ValueError as error:
        raise UnprovableError(f"a matcher is not understood ({error})") from None


def absent_labels(node: Expr) -> Labels:
    """The labels that `absent` gives: those that its selector's equality matchers say, each of which stands once."""
    node = promql.bare(node)
    selector = node.vector_selector if isinstance(node, MatrixSelector) else node
    if not isinstance(selector, VectorSelector):
        return {}
    matchers = matchers_of(selector)
    names = [matcher.name for matcher in matchers]
    return {
        one.name: one.value
        for one in matchers
        if one.operator == "=" and names.count(one.name) == 1 and one.name != NAME and one.value
    }
