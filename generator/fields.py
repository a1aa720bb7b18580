"""PromQL and numbers as fields of templates: pydantic's side of `promql`, which foreign rules need not wait for."""

from __future__ import annotations

import math
from typing import Annotated, Any

from promql_parser import VectorSelector
from pydantic import BeforeValidator, PlainSerializer, PlainValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from tocsin.promql import Expression, PromQLError, number, parse


def _expression(value: Any) -> Expression:
    if isinstance(value, int | float) and not isinstance(value, bool):
        value = number(value)  # an expression that is one parameter keeps the parameter's type
    if not isinstance(value, str):
        raise _custom("not an expression", "write it as text")
    try:
        return parse(value)
    except PromQLError as error:
        raise _custom(str(error), "try the expression in Prometheus; check its brackets and quotes") from None


def _selector(value: Any) -> Expression:
    expression = _expression(value)
    tree = expression.tree
    if not isinstance(tree, VectorSelector) or tree.offset is not None or tree.at is not None:
        raise _custom("not a plain selector", 'write a metric and its matchers alone: up{job="api"}')
    return expression


def _custom(message: str, hint: str) -> PydanticCustomError:
    # As a value, because pydantic would take the braces of a selector for placeholders.
    return PydanticCustomError("promql-syntax", "PromQL: {message}", {"message": message, "hint": hint})


def as_number(value: Any) -> float:
    """A number as YAML gives it, for a field of a model.

    Raises:
        PydanticCustomError: it is none.
    """
    try:
        taken = math.nan if isinstance(value, bool) else float(value)  # YAML 1.1 takes 1e9 for a text
    except (TypeError, ValueError, OverflowError):
        taken = math.nan
    if math.isnan(taken):
        what = {"value": repr(value), "hint": "write a plain number: 90, 0.05, 1e9"}
        raise PydanticCustomError("value", "{value} is not a number", what)
    return taken


_AS_TEXT = (
    WithJsonSchema({"type": "string"}),
    PlainSerializer(lambda expression: expression.text, return_type=str),
)

# Fields of templates: an expression to compute with, a plain selector, a number to compare with.
PromQL = Annotated[Expression, PlainValidator(_expression), *_AS_TEXT]
Selector = Annotated[Expression, PlainValidator(_selector), *_AS_TEXT]
Number = Annotated[float, BeforeValidator(as_number)]
