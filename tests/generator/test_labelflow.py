"""Which labels series can have: of records, as far as the rules tell."""

from __future__ import annotations

from pathlib import Path

from tests.generator.packs import compile_text, pack, shown

RECORDS = """\
- {record: job:x, expr: sum by (job) (x), labels: {kind: a}}
- {record: job:x, expr: sum by (region) (x), labels: {kind: b}}
- alert: Test
  promql: {expr: 'sum by (job) (y) > on (job) job:x{kind="%s"}'}
  severity: info
  summary: It happens
"""


def test_only_what_a_selector_can_mean_is_looked_at(tmp_path: Path) -> None:
    """Rules record under one name with different labels: a matcher tells which of them is read."""
    assert compile_text(pack(RECORDS % "a"), tmp_path).problems == ()
    [(_, check, message)] = shown(compile_text(pack(RECORDS % "b"), tmp_path).problems)
    assert (check, "the right side has no label job" in message) == ("vector-matching", True)


def test_what_no_rule_records_may_have_any_label(tmp_path: Path) -> None:
    """A selector that rules out all records of its name reads what is stored by others."""
    assert compile_text(pack(RECORDS % "c"), tmp_path).problems == ()
