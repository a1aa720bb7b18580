"""What sloth's rules do in a real Prometheus, as Tocsin builds them."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from generator.output import write
from generator.pipeline import Compiled, compile_packs
from generator.slo import Naming
from generator.targets import rulefile
from tests.generator.importing import built, read
from tests.generator.playing import Query
from tocsin.problem import has_errors

SPEC = """\
version: prometheus/v1
service: shop
labels: {owner: web}
slos:
  - name: orders
    objective: 99
    sli: {events: {error_query: 'sum(rate(e_total[{{.window}}]))', total_query: 'sum(rate(t_total[{{.window}}]))'}}
    alerting:
      name: OrdersFail
      labels: {category: shop}
      annotations: {summary: 'Orders of {{ $labels.owner }} fail'}
      page_alert: {labels: {severity: phone}}
      ticket_alert: {labels: {severity: mail}}
  - name: satisfaction
    objective: 95
    sli: {raw: {error_ratio_query: '1 - avg_over_time(satisfied[{{.window}}])'}}
    alerting: {name: Unsatisfied, page_alert: {disable: true}}
"""
OPENSLO = """\
apiVersion: openslo/v1
kind: SLO
metadata: {name: orders}
spec:
  service: shop
  timeWindow: [{duration: 30d, isRolling: true}]
  objectives: [{target: 0.99}]
  indicator:
    spec:
      ratioMetric:
        counter: true
        bad: {metricSource: {type: Prometheus, spec: {query: sum(e_total)}}}
        total: {metricSource: {type: Prometheus, spec: {query: sum(t_total)}}}
  alertPolicies:
    - kind: AlertPolicy
      metadata: {name: burns}
      spec:
        conditions:
          - metadata: {name: OrdersBurn}
            spec: {severity: page, condition: {kind: burnrate, threshold: 10, lookbackWindow: 1h, alertAfter: 5m}}
"""


def _firing(name: str, **labels: str) -> str:
    chosen = "".join(f',{label}="{value}"' for label, value in labels.items())
    return f'count(ALERTS{{alertname="{name}",alertstate="firing"{chosen}}}) or vector(0)'


PAGE, TICKET = (_firing("OrdersFail", sloth_severity=kind) for kind in ("page", "ticket"))
HOUR = 'round(sum(slo:sli_error:ratio_rate1h{sloth_slo="orders"}), 0.001)'


@dataclass(frozen=True)
class Case:
    """What the rules of a specification answer while these series come in, a sample a minute."""

    shows: str
    spec: str
    naming: Naming
    series: Mapping[str, str]
    queries: Sequence[Query]
    alerts: Sequence[Mapping[str, Any]] = ()


QUIET = {"e_total": "0x260", "t_total": "0+1000x260"}
SAID = "SLO error budget burn rate is"

CASES = [
    Case(
        "a burn over 14.4 pages, with the labels of series, alert and page",
        SPEC,
        Naming.SLOTH,
        {"e_total": "0+145x90", "t_total": "0+1000x90"},
        [(PAGE, 5, 1), (PAGE, 70, 1), (TICKET, 70, 1)],
        [
            {
                "eval_time": "70m",
                "alertname": "OrdersFail",
                "exp_alerts": [
                    {
                        "exp_labels": {
                            "owner": "web",
                            "category": "shop",
                            "severity": severity,
                            "sloth_id": "shop-orders",
                            "sloth_service": "shop",
                            "sloth_slo": "orders",
                            "sloth_severity": kind,
                        },
                        "exp_annotations": {
                            "summary": "Orders of web fail",
                            "title": f"({kind}) shop orders {SAID} too fast.",
                        },
                    }
                    for kind, severity in (("page", "phone"), ("ticket", "mail"))
                ],
            }
        ],
    ),
    Case(
        "a burn below it is left to the slow half, at six times",
        SPEC,
        Naming.SLOTH,
        {"e_total": "0+143x90", "t_total": "0+1000x90"},
        [(PAGE, 70, 1), (HOUR, 70, 0.143)],
    ),
    Case(
        "below six times only the ticket is opened",
        SPEC,
        Naming.SLOTH,
        {"e_total": "0+59x90", "t_total": "0+1000x90"},
        [(PAGE, 70, 0), (TICKET, 70, 1)],
    ),
    Case("at the pace that is allowed nobody is told", SPEC, Naming.SLOTH, QUIET, [(PAGE, 70, 0), (TICKET, 70, 0)]),
    Case(
        "everything fails from 2 h on: nine of sixty minutes are over 14.4 %",
        SPEC,
        Naming.SLOTH,
        {"e_total": "0x120 1000+1000x100", "t_total": "0+1000x260"},
        [(PAGE, 127, 0), (PAGE, 130, 1)],
    ),
    Case(
        "the short window ends the page, the long one would not",
        SPEC,
        Naming.SLOTH,
        {"e_total": "0x120 1000+1000x19 20000x100", "t_total": "0+1000x260"},
        [(PAGE, 140, 1), (f"({HOUR}) > bool 0.2", 172, 1), (PAGE, 172, 0)],
    ),
    Case(
        "a raw ratio, without a page",
        SPEC,
        Naming.SLOTH,
        {"satisfied": "0.5x90"},
        [
            (_firing("Unsatisfied"), 10, 1),
            (_firing("Unsatisfied", sloth_severity="ticket"), 10, 1),
            ('round(sum(slo:current_burn_rate:ratio{sloth_slo="satisfaction"}), 0.01)', 10, 10),
            ('round(sum(slo:period_error_budget_remaining:ratio{sloth_slo="satisfaction"}), 0.01)', 10, -9),
            ('sum(slo:time_period:days{sloth_slo="satisfaction"})', 10, 30),
            ('count(sloth_slo_info{sloth_slo="satisfaction",sloth_objective="95",owner="web"})', 10, 1),
        ],
    ),
    Case(
        "the same pack under Tocsin's names",
        SPEC,
        Naming.TOCSIN,
        {"e_total": "0+145x90", "t_total": "0+1000x90", "satisfied": "0.5x90"},
        [
            (_firing("OrdersFail", tocsin_tier="page-quick", severity="phone", owner="web"), 70, 1),
            (_firing("OrdersFail", tocsin_tier="ticket-slow", severity="mail"), 70, 1),
            ("round(sum(tocsin:slo_burn_rate:ratio{tocsin_slo='satisfaction'}), 0.01)", 10, 10),
            (_firing("Unsatisfied", tocsin_tier="page-quick"), 10, 0),
            (_firing("Unsatisfied", tocsin_tier="ticket-quick"), 70, 1),
        ],
    ),
    Case(
        "a condition of OpenSLO: ten times for five minutes",
        OPENSLO,
        Naming.TOCSIN,
        {"e_total": "0+101x90", "t_total": "0+1000x90"},
        [(_firing("OrdersBurn"), 5, 0), (_firing("OrdersBurn", severity="page", tocsin_tier="burns"), 12, 1)],
    ),
    Case(
        "and not nine times",
        OPENSLO,
        Naming.TOCSIN,
        {"e_total": "0+99x90", "t_total": "0+1000x90"},
        [(_firing("OrdersBurn"), 70, 0)],
    ),
]


@pytest.mark.real
@pytest.mark.parametrize("case", CASES, ids=[case.shows for case in CASES])
def test_what_is_imported_behaves(case: Case, promtool: Path, tmp_path: Path) -> None:
    """It fires and is silent at the right minute, with either Prometheus."""
    packs, problems = read(case.spec, "openslo" if "openslo" in case.spec else "sloth")
    assert problems == []
    compiled = built(packs, tmp_path, case.naming)
    assert not has_errors(compiled.problems), compiled.problems
    _play(case, compiled, promtool, tmp_path)


def _play(case: Case, compiled: Compiled, promtool: Path, folder: Path) -> None:
    """The case's series played to the rules in a real Prometheus."""
    written = write(compiled.files, folder / "rules").written
    expected = [
        {"expr": expr, "eval_time": f"{minute}m", "exp_samples": [{"labels": "{}", "value": value}]}
        for expr, minute, value in case.queries
    ]
    inputs = [{"series": name, "values": values} for name, values in case.series.items()]
    test = {"interval": "1m", "input_series": inputs, "promql_expr_test": expected, "alert_rule_test": [*case.alerts]}
    unit = {"rule_files": [str(file) for file in written], "evaluation_interval": "1m", "tests": [test]}
    (folder / "unit.yml").write_text(json.dumps(unit))
    run = [str(promtool), "test", "rules", str(folder / "unit.yml")]
    tested = subprocess.run(run, capture_output=True, text=True, check=False)
    assert tested.returncode == 0, tested.stdout + tested.stderr


NATIVE = """\
apiVersion: tocsin/v1alpha1
kind: RulePack
metadata: {name: shop}
groups:
  - name: shop
    rules:
      - slo: Orders
        objective: 99
        requests: {errors: %s, total: %s}
        minimum: 10
        runbook: https://example.org/r
        series_labels: {team: web}
"""
FIXED = NATIVE % ("'sum(rate(e_total[5m]))'", "'sum(rate(t_total[5m]))'")
ANY = NATIVE % ("'sum(rate(e_total[{{.window}}]))'", "'sum(rate(t_total[{{.window}}]))'")
BUSY, QUIET_NIGHT = ({"e_total": f"0+{n}x90", "t_total": f"0+{n}x90"} for n in (601, 599))
NATIVE_PAGE = _firing("OrdersPage", sloth_severity="page", severity="critical", team="web", sloth_service="shop")
OWN = [
    Case(f"{shows} {traffic}", pack, Naming.SLOTH, series, [(NATIVE_PAGE, 70, fires)])
    for shows, pack in (("sums over sums", FIXED), ("each window asked", ANY))
    for traffic, series, fires in (("with traffic enough", BUSY, 1.0), ("with too little to judge", QUIET_NIGHT, 0.0))
]


@pytest.mark.real
@pytest.mark.parametrize("case", OWN, ids=[case.shows for case in OWN])
def test_a_pack_of_ones_own_behaves_under_sloths_names(case: Case, promtool: Path, tmp_path: Path) -> None:
    """The least traffic is looked at in either way of measuring; ten a second are ten a second."""
    (tmp_path / "pack.yml").write_text(case.spec)
    compiled = compile_packs([tmp_path / "pack.yml"], rulefile.render, case.naming)
    assert compiled.problems == ()
    _play(case, compiled, promtool, tmp_path)
