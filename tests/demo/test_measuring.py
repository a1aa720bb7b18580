"""How the packs are measured: what is read how far back, what counts as false, what is said on the page."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from demo.measuring import page
from demo.measuring.judging import Firing, Judged, read
from demo.measuring.plan import BLOCK, HOUR, PLAYS, RECOVERY, Play, planned
from demo.measuring.rulefiles import alerts, needed, query, reached
from demo.measuring.rulefiles import read as rules_of
from demo.measuring.showing import as_json, length, text
from demo.measuring.verdict import Verdict, verdict
from demo.shop.faults import COURSES

MINUTE = timedelta(minutes=1)
DAY = 24 * HOUR

RULES = """
groups:
  - name: g
    rules:
      - {record: a, expr: "sum(rate(raw_total[5m]))"}
      - {record: a:median, expr: "quantile_over_time(0.5, a[1d])"}
      - {record: a:gap, expr: "abs(a - a:median)"}
      - {record: a:mad, expr: "quantile_over_time(0.5, a:gap[6h]) and count_over_time(a:gap[6h:30m]) > 5"}
      - {record: unread, expr: "other_total"}
      - {alert: Far, expr: "a > a:median + 4 * a:mad", for: 10m, labels: {severity: warning}}
      - {alert: Week, expr: "max_over_time(gauge[1h] offset 1w) > 1"}
      - {alert: Beats, expr: "vector(1)"}
"""


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    (tmp_path / "g.yml").write_text(RULES)
    return tmp_path


def test_what_is_read(rules: Path) -> None:
    """Every metric below an alert is known with the earliest moment at which anything looks at it."""
    found = rules_of(rules)
    lookback, for_ = 5 * MINUTE, 10 * MINUTE
    gap = for_ + lookback + 6 * HOUR + lookback
    assert reached(found, alerts(found)) == {
        "a:mad": for_ + lookback,
        "a:gap": gap,
        "a:median": gap + lookback,
        "a": gap + lookback + DAY,
        "raw_total": gap + lookback + DAY + 5 * MINUTE,
        "gauge": HOUR + 7 * DAY,
    }


def test_passes(rules: Path) -> None:
    """A recording rule is made after those that it reads; what no alert needs is not made."""
    found = rules_of(rules)
    levels = {one.rule.name: one.level for one in needed(found, reached(found, alerts(found)))}
    assert levels == {"a": 1, "a:median": 2, "a:gap": 3, "a:mad": 4}


def test_long_medians_are_known(rules: Path) -> None:
    """What sorts a day's values is told from what reads a moment's."""
    assert {rule.name: rule.sorts for rule in rules_of(rules) if rule.sorts} == {"a:median": DAY, "a:mad": 6 * HOUR}


def test_a_heartbeat_is_no_alert(rules: Path) -> None:
    """What reads nothing fires for ever: it is not judged. Everything else is, also if it fires throughout."""
    assert [rule.name for rule in alerts(rules_of(rules))] == ["Far", "Week"]


def test_what_the_exporter_reads() -> None:
    """A query of the exporter looks at its history of what it reads."""
    asked = query("rate(x_total[5m]) / y", 2 * DAY)
    assert reached([], [asked]) == {"x_total": 2 * DAY + 5 * MINUTE, "y": 2 * DAY + 5 * MINUTE}


def test_rules_that_read_each_other(tmp_path: Path) -> None:
    """Records that rest on one another, or on themselves, have an end."""
    circle = "[{record: a, expr: b + a}, {record: b, expr: 'a offset 1d'}, {alert: A, expr: a > b}]"
    (tmp_path / "g.yml").write_text(f"groups: [{{name: g, rules: {circle}}}]")
    found = rules_of(tmp_path)
    assert {one.rule.name for one in needed(found, reached(found, alerts(found)))} == {"a", "b"}


def test_the_plan() -> None:
    """Ten faults that the shop knows, one after another with time between, in one block of promtool's."""
    plan = planned(back=15 * DAY + HOUR)
    assert len(plan.episodes) == 10
    assert {one.fault for one in plan.episodes} <= COURSES.keys()
    assert plan.normal_begin - plan.start == 16 * DAY
    assert plan.normal_end - plan.normal_begin == 14 * DAY
    ends = [plan.normal_end - RECOVERY, *(one.end for one in plan.episodes)]
    assert [one.begin for one in plan.episodes] == [end + RECOVERY for end in ends[:-1]]
    assert plan.start.timestamp() // BLOCK.total_seconds() == plan.end.timestamp() // BLOCK.total_seconds()


def test_what_a_fault_uses_up_lasts_as_long_as_it() -> None:
    """The two leaks are played until nothing is left, as long as the shop takes for it."""
    used_up = {play.fault: play.exhausted for play in PLAYS if play.exhausted}
    assert {fault: timedelta(seconds=COURSES[fault].rise) for fault in used_up} == used_up


PLAN = planned([Play("error-burst", HOUR), Play("disk-filling", 8 * HOUR, exhausted=8 * HOUR)], back=DAY)
BURST, FILLING = (one.begin for one in PLAN.episodes)


def firing(alert: str, start: datetime, minutes: float | None = 10, **labels: str) -> Firing:
    until = None if minutes is None else start + minutes * MINUTE
    return Firing(alert, "warning", labels, start, until)


def judged(*firings: Firing) -> Judged:
    return Judged(sorted({one.alert for one in firings}), firings, ())


def test_false_alerts() -> None:
    """What begins in the normal weeks is false, also if it never ends; what begins later is not."""
    early, throughout = firing("A", PLAN.normal_begin + HOUR), firing("B", PLAN.normal_begin, None)
    found = verdict(PLAN, judged(early, throughout, firing("C", BURST)), "promql")
    assert list(found.false) == [early, throughout]


def test_findings() -> None:
    """A fault is found by what begins while it lasts; the soonest counts, and each alert once."""
    soon, later = firing("Soon", BURST + 2 * MINUTE), firing("Later", BURST + 9 * MINUTE)
    again, after = firing("Soon", BURST + 20 * MINUTE), firing("After", BURST + HOUR)
    burst, filling = verdict(PLAN, judged(later, again, soon, after), "promql").findings
    assert list(burst.firings) == [soon, later]
    assert (burst.first, burst.lead) == (soon, None)
    assert (filling.first, filling.lead) == (None, None)


def test_what_fires_before_a_fault_does_not_find_it() -> None:
    """An alert that goes on since before the fault began tells nothing of it."""
    found = verdict(PLAN, judged(firing("Old", BURST - MINUTE, 60)), "promql")
    assert found.missed == ["error-burst", "disk-filling"]
    assert found.median is None


def both() -> Verdict:
    filling = firing("Full", FILLING + 3 * HOUR, instance="node-2")
    return verdict(PLAN, judged(firing("Errors", BURST + 2 * MINUTE), filling), "promql")


def test_lead_and_median() -> None:
    """A leak is found so long before all is used up; the median is that of all faults."""
    assert both().findings[1].lead == 5 * HOUR
    assert both().median == (3 * HOUR + 2 * MINUTE) / 2


@pytest.mark.parametrize(
    ("duration", "said"),
    [
        (timedelta(), "0 min"),
        (90 * MINUTE, "1 h 30 min"),
        (2 * HOUR, "2 h"),
        (4 * MINUTE, "4 min"),
        (31 * HOUR, "31 h"),
    ],
)
def test_lengths(duration: timedelta, said: str) -> None:
    """Durations are written in hours and minutes, and read back from the page."""
    assert length(duration) == said
    row = f"| `a-fault` | promql | `Alert` | {said} | | |"
    assert page.stated(row) == {("a-fault", "promql"): page.Stated("Alert", duration)}


def test_the_page_says_what_was_measured() -> None:
    """The table between the marks is renewed, nothing else is; and it can be read back."""
    before = f"# Title\n\n{page.BEGIN}\nstale\n{page.END}\n\nrest\n"
    after = page.renewed(before, [both()])
    assert page.stated(after) == {
        ("error-burst", "promql"): page.Stated("Errors", 2 * MINUTE),
        ("disk-filling", "promql"): page.Stated("Full", 3 * HOUR),
    }
    assert after.startswith("# Title\n")
    assert after.endswith(f"{page.END}\n\nrest\n")
    assert "stale" not in after
    assert page.renewed(after, [both()]) == after


def test_a_page_without_marks() -> None:
    """A page that has no place for the table is not written to."""
    with pytest.raises(ValueError, match="measured: begin"):
        page.renewed("# Title\n", [both()])


def test_what_is_told() -> None:
    """Text and JSON have every false alert and every finding, with what tells one from another."""
    found = verdict(PLAN, judged(firing("False", PLAN.normal_begin, 3, service="x"), *both().judged.firings), "promql")
    said = text([found])
    assert "1 false alert in 14 normal days" in said
    assert 'for 3 min  False (warning) service="x"' in said
    assert "3 h: Full, 5 h before all is used up" in said
    assert '"lead_seconds": 18000.0' in as_json(PLAN, [found])
    assert '"without_data": []' in as_json(PLAN, [found])


def test_backtests_are_read() -> None:
    """Of a backtest's JSON: each firing with the labels that its rule has not given it."""
    start = "2026-01-01T00:00:00Z"
    rule: Mapping[str, object] = {
        "alert": "A",
        "state": "fired",
        "labels": {"severity": "critical", "owner": "x"},
        "firings": [{"labels": {"alertname": "A", "owner": "x", "job": "j"}, "start": start, "end": None}],
    }
    silent: Mapping[str, object] = {"alert": "B", "state": "no_data", "labels": {}, "firings": []}
    found = read([rule, silent])
    assert list(found.firings) == [Firing("A", "critical", {"job": "j"}, datetime(2026, 1, 1, tzinfo=UTC), None)]
    assert (found.names, found.without_data, found.alerts) == (["A", "B"], ["B"], 2)


def test_engines_are_put_together() -> None:
    """What the other engine judges takes the place of the same alerts of this one."""
    ours, theirs = judged(firing("A", BURST), firing("B", BURST)), judged(firing("A", BURST + HOUR))
    found = ours.without({"A"}) + theirs
    assert [(one.alert, one.start) for one in found.firings] == [("B", BURST), ("A", BURST + HOUR)]
    assert found.names == ["A", "B"]
