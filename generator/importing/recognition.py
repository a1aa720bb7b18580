"""From an expression to the template that says it: the first whose plan is that very expression, else `promql`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from promql_parser import Expr
from pydantic import ValidationError

from generator.importing import shapes
from generator.importing.shapes import Facts
from generator.templates import TEMPLATES
from tocsin.promql import Expression, PromQLError

# What says more comes first: a range is two thresholds, a ratio or a quantile is one.
FINDERS: Sequence[tuple[str, Callable[[Expr], Iterator[Facts]]]] = (
    ("heartbeat", shapes.heartbeat),
    ("absence", shapes.absence),
    ("saturation", shapes.saturation),
    ("rate_of_change", shapes.rate_of_change),
    ("quantile", shapes.quantile),
    ("ratio", shapes.ratio),
    ("range", shapes.range_),
    ("threshold", shapes.threshold),
)


def recognised(expr: Expression) -> tuple[str, dict[str, Any]]:
    """The template and its facts as a pack has them; compiled they are the expression again, to the letter."""
    tree = expr.tree
    for name, find in FINDERS:
        for facts in find(tree):
            if _gives(name, facts, expr):
                return name, dict(facts)
    return "promql", {"expr": expr.text}


def _gives(name: str, facts: Facts, expr: Expression) -> bool:
    try:
        plan = TEMPLATES[name].model_validate(facts).plan("tocsin:import")
    except (ValidationError, PromQLError):
        return False
    return not plan.recordings and plan.expr.text == expr.text
