"""The queries of an SLI: PromQL over one fixed range, or over any, where it says `{{.window}}`.

Source of the placeholder: sloth's specifications (`prometheus/v1`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any

from pydantic import PlainSerializer, PlainValidator, WithJsonSchema

from generator.facts import refuse
from tocsin import duration, promql
from tocsin.promql import Expression, PromQLError

PLACEHOLDER = re.compile(r"\{\{ *\.window *\}\}")
SAMPLE = timedelta(minutes=5)  # to see whether it parses


@dataclass(frozen=True, slots=True)
class Query:
    """PromQL with or without a place for the window."""

    text: str

    @property
    def windowed(self) -> bool:
        """Whether it can be asked over any window."""
        return PLACEHOLDER.search(self.text) is not None

    def over(self, window: timedelta) -> Expression:
        """The query over a window; without a placeholder, the same over all.

        Raises:
            PromQLError: it does not parse.
        """
        return promql.parse(PLACEHOLDER.sub(duration.show(window), self.text))


def _query(value: Any) -> Query:
    if isinstance(value, int | float) and not isinstance(value, bool):
        value = promql.number(value)
    if not isinstance(value, str):
        refuse("promql-syntax", "PromQL: not an expression", "write it as text")
    query = Query(value.strip())
    try:
        query.over(SAMPLE)
    except PromQLError as error:
        place = ", a range such as 5m in the place of {{.window}}" if query.windowed else ""
        hint = f"try the expression in Prometheus{place}; check its brackets and quotes"
        refuse("promql-syntax", f"PromQL: {error}", hint)
    return query


WindowedPromQL = Annotated[
    Query,
    PlainValidator(_query),
    WithJsonSchema({"type": "string"}),
    PlainSerializer(lambda query: query.text, return_type=str),
]
