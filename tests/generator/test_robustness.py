"""Whatever stands in a pack, it compiles or has problems: never a traceback."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from generator.pipeline import Compiled
from tests.generator.packs import compile_text, pack
from tocsin.problem import has_errors

BASE = yaml.safe_load(
    pack(
        """
        - alert: A
          threshold: {expr: "up{job='$(job)'}", above: $(limit)}
          for: 5m
          severity: critical
          summary: '{{ $labels.job }} $(limit)'
          labels: {team: x}
          annotations: {note: y}
        - {alert: B, ratio: {errors: e, total: t, above: 0.1, minimum: 1}, severity: info, summary: x}
        - {alert: C, absence: {selector: up, seen_within: 1h}, severity: info, summary: x}
        - {alert: D, anomaly: {query: q, matchers: {a: =~b}, above: 2}, severity: info, summary: x}
        - alert: E
          anomaly: {engine: promql, expr: a, method: mad, window: 1d, season: 1w, periods: 2, deviations: 4,
            minimum_deviation: 1, direction: up}
          severity: info
          summary: x
        - {alert: F, range: {expr: a, low: 1, high: 2, fires: inside}, severity: info, summary: x}
        - {alert: G, rate_of_change: {expr: a, window: 5m, rises_faster_than: 1, per: 1h}, severity: info, summary: x}
        - {alert: H, comparison: {expr: a, season: 1d, above: 2, minimum: 1, around: 1h}, severity: info, summary: x}
        - alert: I
          quantile: {histogram: "h{a='b'}", kind: classic, quantile: 0.9, by: [a], window: 5m, above: 1, minimum: 1}
          severity: info
          summary: x
        - alert: J
          saturation: {used: sum(a), capacity: b, full_within: 1h, window: 1h, used_above: 0.5}
          severity: info
          summary: x
        - {alert: K, forecast: {query: q, horizon: 1h, above: 1, bound: lower}, severity: info, summary: x}
        - alert: L
          forecast: {engine: promql, expr: a, horizon: 1h, season: 1d, below: 1}
          severity: info
          summary: x
        - alert: M
          composite: {of: [a > 1, {threshold: {expr: b, above: 1}}], at_least: 1, unless: [c > 1], by: [d]}
          severity: info
          summary: x
        - {record: a:b, expr: sum(up), labels: {x: y}, state: draft}
        - slo: F
          objective: 99
          period: 28d
          requests: {errors: "rate(e[5m])", total: "rate(t[5m])"}
          minimum: 1
          sli: f
          state: testing
          owner: x
          tiers:
            page-quick: {enabled: false}
            x: {long: 1h, short: 5m, factor: 2, severity: info, alert: FX, for: 1m, summary: x}
        - {slo: G, objective: 99, latency: {histogram: 'h{a="b"}', threshold: 300ms, by: [c], native: true, range: 5m}}
        - {slo: H, objective: 99, default_tiers: false, time_slices: {expr: v, above: 1}, tiers: {}}
        """,
        params="{limit: {type: number, default: 5, min: 0, max: 9, unit: s, doc: x}, "
        "job: {default: api, choices: [api]}}",
    )
)


def _paths(tree: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    items = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for key, value in items:
        yield (*path, key)
        yield from _paths(value, (*path, key))


RULES = ("groups", 0, "rules")
PATHS = sorted(_paths(BASE), key=str)
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.just(10**400),
    st.floats(),
    st.dates(),
    st.text(max_size=8),
    st.sampled_from(
        ["$(limit)", "$(nope)", "$$(x)", "{{", "-5m", "up[5m]", "sum(", "1", "'x'", "9999999999y", "{a=~'('}"]
    ),
)
VALUES = SCALARS | st.lists(SCALARS, max_size=2) | st.dictionaries(st.text(max_size=4), SCALARS, max_size=2)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("packs")


def _compile_with(path: tuple[Any, ...], value: Any, folder: Path) -> Compiled:
    """The pack with another value there; where that is within a rule, of this rule and one more alone."""
    tree = deepcopy(BASE)
    target = tree
    for step in path[:-1]:
        target = target[step]
    target[path[-1]] = value
    if path[:3] == RULES and len(path) > 4:
        rules = tree["groups"][0]["rules"]
        tree["groups"][0]["rules"] = [rules[path[3]], rules[path[3] - 1]]
    return compile_text(yaml.safe_dump(tree, allow_unicode=True), folder)


@settings(deadline=None)  # all rules at once are 30 ms, and more where the machine is busy
@given(path=st.sampled_from(PATHS), value=VALUES)
def test_any_value_in_any_place(path: tuple[Any, ...], value: Any, folder: Path) -> None:
    """A pack of which one value was replaced compiles, or has problems that stand in the file and name a way out."""
    compiled = _compile_with(path, value, folder)
    assert bool(compiled.files) is not has_errors(compiled.problems)
    for problem in compiled.problems:
        assert problem.message
        assert problem.hint
        assert problem.at.line > 0
    for file in compiled.files:
        assert "groups" in yaml.safe_load(file.text)


@given(text=st.binary(max_size=200))
def test_any_bytes(text: bytes, folder: Path) -> None:
    """A file of any bytes is no pack, and that is all there is to it."""
    assert compile_text(text, folder).problems
