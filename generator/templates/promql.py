"""`promql`: what no other template says, written out."""

from __future__ import annotations

from typing import ClassVar

from generator.facts import fact
from generator.fields import PromQL
from generator.template import Plan, Template


class Promql(Template):
    """The alert fires for every series of `expr`, as it stands."""

    example: ClassVar[str] = """\
- alert: DiskFullWithinADay
  promql:
    expr: predict_linear(node_filesystem_avail_bytes[3h], 86400) <= 0 and node_filesystem_readonly == 0
  for: 1h
  severity: warning
  summary: '{{ $labels.mountpoint }} of {{ $labels.instance }} will be full within a day'
  description: Find what grows with du, and delete or move it.
  tests:
    - name: loses 0.1 a minute, and has 144 left for the day after the first hour
      series:
        node_filesystem_avail_bytes{instance="a",mountpoint="/"}: 150.05-0.1x130
        node_filesystem_readonly{instance="a",mountpoint="/"}: '0x130'
      silent: [2h]
      fires: [2h1m]
"""

    expr: PromQL = fact(doc="fires for every series of it")

    def plan(self, prefix: str) -> Plan:
        return Plan(self.expr)
