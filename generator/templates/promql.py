"""`promql`: what no other template says, written out."""

from __future__ import annotations

from generator.promql import Expression, PromQL
from generator.template import Template


class Promql(Template):
    """The alert fires for every series of `expr`, as it stands."""

    expr: PromQL

    def expression(self) -> Expression:
        return self.expr
