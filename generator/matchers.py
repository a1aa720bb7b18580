"""Label matchers as packs write them: `region: eu`, `cluster: "=~acme-.*"`, `job: "!=test"`, `job: "!~test.*"`."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Annotated

from pydantic import AfterValidator
from pydantic_core import PydanticCustomError

from generator import promql
from generator.promql import LABEL, Expression, PromQLError
from generator.schema import Value

OPERATOR = re.compile(r"=~|!=|!~|")


def selector(metric: str, matchers: Mapping[str, str]) -> Expression:
    """`metric{label="value",…}`; a value that begins with none of the operators means equality.

    Raises:
        PromQLError: a regular expression is not valid.
    """
    return promql.parse(f"{metric}{{{','.join(_matcher(label, value) for label, value in matchers.items())}}}")


def _matcher(label: str, value: str) -> str:
    found = OPERATOR.match(value)
    operator = found[0] if found else ""
    return f"{label}{operator or '='}{json.dumps(value.removeprefix(operator), ensure_ascii=False)}"


def _label(label: str) -> str:
    if not LABEL.fullmatch(label) or label == "__name__":
        what = {"label": repr(label), "hint": "write a label of the series: letters, digits and '_'"}
        raise PydanticCustomError("matchers", "{label} is not a label", what)
    return label


def _value(value: str) -> str:
    try:
        selector("x", {"x": value})
    except PromQLError as error:
        what = {"error": str(error), "hint": "write a regular expression as Prometheus reads it (RE2)"}
        raise PydanticCustomError("matchers", "{error}", what) from None
    return value


Matchers = dict[Annotated[str, AfterValidator(_label)], Annotated[Value, AfterValidator(_value)]]
