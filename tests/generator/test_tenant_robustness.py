"""Whatever stands in tenants, tiers and extending packs, they build or have problems: never a traceback."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from generator.pipeline import compile_packs
from generator.targets import TARGETS
from tests.generator.test_robustness import SCALARS, _paths
from tocsin.problem import has_errors

BASE = list(
    yaml.safe_load_all("""
apiVersion: tocsin/v1alpha1
kind: RulePack
metadata: {name: base, abstract: true}
params: {limit: {default: 5, min: 0, max: 9}, job: {default: api}}
tiers: {gold: {params: {limit: 6}, rules: {A: {for: 1m}}}}
groups:
  - name: g
    interval: 1m
    query_offset: 1m
    limit: 3
    labels: {a: b}
    rules:
      - {alert: A, threshold: {expr: "up{job='$(job)'}", above: $(limit)}, severity: info, summary: x, for: 5m}
      - {record: a:b, expr: sum(up)}
---
apiVersion: tocsin/v1alpha1
kind: RulePack
metadata: {name: own}
extends: [base]
params: {limit: 7, extra: {default: 1}}
rules: {A: {labels: {x: y}, keep_firing_for: 5m}}
groups: [{name: g, rules: [{record: b:c, expr: a:b > $(extra)}]}]
---
apiVersion: tocsin/v1alpha1
kind: Tiers
tiers: {gold: {params: {own.limit: 8}, rules: {own.A: {severity: critical}}}}
---
apiVersion: tocsin/v1alpha1
kind: Tenant
metadata: {name: acme, tier: gold, owner: x}
packs: [own]
matchers: {tenant: acme, cluster: "=~acme-.*"}
params: {own.limit: 4}
rules: {A: {for: 2m, threshold: {above: 3}}, b:c: {state: disabled}}
""")
)
PATHS = sorted(_paths(BASE), key=str)
VALUES = SCALARS | st.lists(SCALARS, max_size=2) | st.dictionaries(st.text(max_size=4), SCALARS, max_size=2)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tenants")


def test_the_base_builds(folder: Path) -> None:
    """What is changed below is right before."""
    file = folder / "all.yml"
    file.write_text(yaml.safe_dump_all(BASE))
    assert not has_errors(compile_packs([file], TARGETS["rulefile"]).problems)


@settings(deadline=None)
@given(path=st.sampled_from(PATHS), value=VALUES, target=st.sampled_from(sorted(TARGETS)))
def test_any_value_in_any_place(path: tuple[Any, ...], value: Any, target: str, folder: Path) -> None:
    """One value replaced: it builds for every target, or has problems that stand in the file and name a way out."""
    documents = deepcopy(BASE)
    place: Any = documents
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    file = folder / "all.yml"
    file.write_text(yaml.safe_dump_all(documents, allow_unicode=True), encoding="utf-8")
    compiled = compile_packs([file], TARGETS[target])
    for problem in compiled.problems:
        assert problem.message
        assert problem.hint
    for built in compiled.files:
        assert yaml.load(built.text, Loader=yaml.CSafeLoader)
