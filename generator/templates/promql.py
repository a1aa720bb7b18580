"""`promql`: what no other template says, written out."""

from __future__ import annotations

from generator.promql import PromQL
from generator.template import Plan, Template


class Promql(Template):
    """The alert fires for every series of `expr`, as it stands."""

    expr: PromQL

    def plan(self, prefix: str) -> Plan:
        return Plan(self.expr)
