"""What a change of rules does to their backtest: which alerts are the same, and the figures before and after."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generator.backtest.pairing import paired
from generator.backtest.reporting import as_html, as_json, as_markdown, as_text
from generator.backtest.reporting.comparing import effects, said
from tests.generator.backtested import DAY, HOUR, MINUTE, comparison, fired, incident, packs, text_of
from tests.generator.test_backtest_reports import Page

A = "{alert: A, expr: 'up > 5', for: 5m, labels: {team: x}}"
B = "{alert: B, expr: 'sum(rate(m[5m])) > 1', annotations: {summary: x}}"
READER = "{alert: C, expr: 'r:m > 1'}"
RECORD = "{record: 'r:m', expr: 'sum by (job) (m)'}"

CHANGES = [
    ("nothing", [A, B], [A, B], [], 2),
    ("the order", [A, B, READER, RECORD], [RECORD, B, READER, A], [], 3),
    ("the layout", [B], [B.replace("sum(rate(m[5m])) > 1", "sum (rate(m[300s]))   >  1")], [], 1),
    ("an annotation", [B], [B.replace("summary: x", "summary: y")], [], 1),
    ("the threshold", [A], [A.replace("5'", "9'")], [("changed", ["expr"])], 0),
    ("the for", [A, B], [A.replace("5m", "10m"), B], [("changed", ["for"])], 1),
    ("a for that was none", [B], [B.replace("}}", "}, for: 1m}")], [("changed", ["for"])], 0),
    ("a label's value", [A], [A.replace("team: x", "team: y")], [("changed", ["label team"])], 0),
    ("the record below", [READER, RECORD], [READER, RECORD.replace("(m)", "(n)")], [("changed", ["record r:m"])], 0),
    ("a new one", [A], [A, B], [("added", [])], 1),
    ("one less", [A, B], [B], [("removed", [])], 1),
    ("another name", [A], [A.replace("alert: A", "alert: Z")], [("removed", []), ("added", [])], 0),
]  # fmt: skip


@pytest.mark.parametrize(("what", "before", "after", "wanted", "unchanged"), CHANGES, ids=[one[0] for one in CHANGES])
def test_changes(
    what: str, before: list[str], after: list[str], wanted: list[tuple[str, list[str]]], unchanged: int
) -> None:
    """What decides when an alert fires is compared; the rest does not matter."""
    found = comparison(text_of(before), text_of(after)).comparison
    assert found is not None
    shown = [(one.kind, [change.what for change in one.pair.changes]) for one in found.differences]
    assert (shown, found.unchanged) == (wanted, unchanged)


def test_interval_of_the_group_is_compared() -> None:
    """A group without an interval has the default one."""
    found = comparison(text_of([A], "1m"), text_of([A], "2m")).comparison
    assert found is not None
    assert [change.what for change in found.differences[0].pair.changes] == ["interval"]
    assert paired(packs(text_of([A])), packs(text_of([A]).replace("interval: 1m, ", "")), MINUTE)[0].same


def test_twins_are_told_apart_by_their_labels() -> None:
    """Of several alerts of one name each meets itself: the same first, then the same labels, then the most alike."""
    warning = "{alert: A, expr: 'm > 5', labels: {severity: warning, team: x}}"
    critical = "{alert: A, expr: 'm > 9', labels: {severity: critical, team: x}}"
    info = "{alert: A, expr: 'm > 1', labels: {severity: info, team: x}}"
    new_critical = critical.replace("9", "8")
    new_info = info.replace("team: x", "team: y")
    pairs = paired(packs(text_of([warning, critical, info])), packs(text_of([new_info, new_critical, warning])), MINUTE)
    met = [
        (one.before.labels["severity"], one.after.labels["severity"], [change.what for change in one.changes])
        for one in pairs
        if one.before and one.after
    ]
    assert met == [
        ("warning", "warning", []),
        ("critical", "critical", ["expr"]),
        ("info", "info", ["label team"]),
    ]


@given(st.permutations([A, B, READER, RECORD, A.replace("team: x", "team: y"), B.replace("> 1", "> 2")]))
def test_order_never_matters(items: list[str]) -> None:
    """Rules that differ only in their order are the same, twins included."""
    before = packs(text_of(sorted(items)))
    assert all(pair.same for pair in paired(before, packs(text_of(items)), MINUTE))


def test_effects() -> None:
    """Before and after, with the difference; one figure where nothing changed; a dash where there was no rule."""
    known = [incident(DAY, HOUR)]
    found = comparison(
        text_of([A]), text_of([A.replace("5m", "1m"), B]), [fired(DAY, HOUR), fired(3 * DAY, HOUR)], known
    )
    assert found.comparison is not None
    assert said(found.comparison) == "1 added, 1 changed, 0 unchanged"
    changed, added = found.comparison.differences
    assert dict(effects(changed.before, changed.after)) == {
        "firings": "0 → 2 (+2)",
        "flaps": "0",
        "firing": "0 s → 2 h 00 (+2 h 00)",
        "pages a week": "0.0 → 1.0 (+1.0)",
        "precision": "n/a → 50 %",
        "recall": "0 % → 100 %",
        "lead": "n/a → +0 s",
    }
    assert dict(effects(added.before, added.after))["firings"] == "– → 2"
    for text in (as_text.text(found), as_markdown.text(found), Page(as_html.text(found, {})).text):
        assert "1 added, 1 changed, 0 unchanged" in text
        assert "0 → 2 (+2)" in text
        assert "0.0 → 1.0 (+1.0)" in text
    tree = json.loads(as_json.text(found))["comparison"]
    assert [(one["alert"], one["kind"]) for one in tree["rules"]] == [("A", "changed"), ("B", "added")]
    assert tree["rules"][0]["changes"] == [{"what": "for", "before": "5m", "after": "1m"}]
    assert (tree["before"]["firings"], tree["rules"][1]["before"]) == (0, None)


def test_a_comment_shows_expressions_as_a_difference() -> None:
    """In a block of its own, whose fence is longer than any in the expression."""
    before = "{alert: A, expr: 'm{path=\"```\"} > 5'}"
    text = as_markdown.text(comparison(text_of([before]), text_of([before.replace("5", "6")])))
    assert '````diff\n  expr\n- m{path="```"} > 5\n+ m{path="```"} > 6\n````' in text
