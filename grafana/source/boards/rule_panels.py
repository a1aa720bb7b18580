"""Panels on what rules cost Prometheus, and which of them fail: ours and all others."""

from __future__ import annotations

from grafana.source.look import Colour
from grafana.source.panels import Ask, Panel, lines
from grafana.source.promql import RANGE, or_none
from grafana.source.tables import Column, rows

BY = "max by (rule_group)"  # several servers may have the same group
LAST, EACH = "prometheus_rule_group_last_duration_seconds", "prometheus_rule_group_interval_seconds"
FULL = ((None, Colour.GOOD), (0.5, Colour.WATCH), (1, Colour.BAD))
ANY = ((None, Colour.GOOD), (0.5, Colour.BAD))


def panels() -> list[Panel]:
    """Time, by group, and what went wrong."""
    used, at_last = f"{BY} ({LAST} / ({EACH} > 0))", f"{BY} ({LAST} @ end() / ({EACH} @ end() > 0))"
    smooth = f"{BY} (avg_over_time({LAST}[15m]) / ({EACH} > 0))"
    return [
        rows(
            "Rule groups by cost",
            "Each group of rules: how much of its interval its evaluation uses, how long that is, how many "
            "rules and samples it makes, and how often it failed or was skipped in the time shown. Normal: below 50 % "
            "of its interval, nothing failed, nothing skipped. Above: a longer interval, or `engine: exporter`.",
            Column("Used", used, "percentunit", FULL, decimals=2),
            Column("Takes", f"{BY} ({LAST})", "s"),
            Column("Rules", f"{BY} (prometheus_rule_group_rules)", "short", decimals=0),
            Column("Samples", f"{BY} (prometheus_rule_group_last_evaluation_samples)", "short", decimals=0),
            Column("Failed", _increase("prometheus_rule_evaluation_failures_total"), "short", ANY, decimals=0),
            Column("Skipped", _increase("prometheus_rule_group_iterations_missed_total"), "short", ANY, decimals=0),
            keys={"rule_group": "File and group"}, width=14, height=10, worst="Used",
        ),
        lines(
            "The five most expensive groups",
            "Share of its interval that evaluation takes, the mean of 15 minutes; the five highest. Normal: below "
            "50 %. At 100 % evaluations are skipped, and alerts come late.",
            Ask(f"{smooth} and topk(5, {at_last})", "{{rule_group}}"),
            unit="percentunit", width=5, height=10,
        ),
        lines(
            "Evaluations that failed",
            "Evaluations a second that Prometheus gave up, by group. Normal: none. A rule that fails says nothing, "
            "so its alerts cannot fire: Prometheus's page Status, Rule health has the reason.",
            Ask(or_none("sum by (rule_group) (rate(prometheus_rule_evaluation_failures_total[5m])) > 0", "rule_group"),
                "{{rule_group}}"),
            unit="cps", width=5, height=10, colours={"none": Colour.GOOD, "(?!none$).*": Colour.BAD},
        ),
    ]  # fmt: skip


def _increase(counter: str) -> str:
    return f"sum by (rule_group) (increase({counter}{RANGE}))"
