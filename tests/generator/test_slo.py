"""What an SLO becomes, what it shares with others, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from generator.alerts import ALERT_KEYS
from generator.rule import Rule
from generator.slo.schema import Slo
from generator.slo.tiers import DEFAULTS
from tests.generator.packs import compile_text, pack, shown
from tests.generator.test_slo_behaviour import GAUGES, slo


def _alerts(rules: str, folder: Path) -> list[Rule]:
    compiled = compile_text(pack(rules), folder)
    assert compiled.problems == ()
    return [rule for rule in compiled.packs[0].rules if rule.kind == "alert"]


@pytest.mark.parametrize(
    ("facts", "factors"),
    [
        ({}, ["14.4", "6", "3", "1"]),
        ({"period": "28d"}, ["13.44", "5.6", "2.8", "1"]),
        ({"period": "90d"}, ["43.2", "18", "9", "3"]),
        ({"period": "7d"}, ["3.36", "1.4", "1", "1"]),
        ({"tiers": "{page-quick: {factor: 10}, page-slow: {budget_percent: 10}}"}, ["10", "12", "3", "1"]),
    ],
)
def test_a_factor_follows_from_the_share_of_the_budget(
    facts: dict[str, str], factors: list[str], tmp_path: Path
) -> None:
    """Share × period / long window, never below 1 by default; a factor that is given stands."""
    alerts = _alerts(slo(GAUGES, "99.9", **facts), tmp_path)
    assert [rule.expr.text.split("> ")[1].split(" *")[0] for rule in alerts] == factors
    assert [rule.labels["tocsin_tier"] for rule in alerts] == list(DEFAULTS)


def test_slos_on_one_sli_share_what_is_recorded(tmp_path: Path) -> None:
    """The SLI and its windows are recorded once; the period, the SLO's own series and the alerts are each one's own."""
    one = slo(GAUGES, "99.9", period="30d")
    two = slo(GAUGES, "99", period="7d").replace("Shop", "Shops")
    compiled = compile_text(pack(f"{one}\n{two}"), tmp_path)
    assert compiled.problems == ()
    names = [rule.name for rule in compiled.packs[0].rules if rule.name.startswith("tocsin:sli")]
    windows = ["5m", "30m", "1h", "2h", "6h", "1d", "3d", "30d", "7d"]
    series = ["tocsin:sli_total:rate", "tocsin:sli_errors:rate"]
    assert names == [*series, *(f"tocsin:sli_errors:ratio_{window}" for window in windows)]


@pytest.mark.parametrize("order", [1, -1])
def test_what_is_shared_is_called_after_what_is_measured(order: int, tmp_path: Path) -> None:
    """The name of an SLI depends neither on the SLOs nor on their order; one that is given stands."""
    rules = [slo(GAUGES), slo(GAUGES).replace("Shop", "Shops"), slo("requests: {errors: e, total: u}", sli="mine")]
    rules[2] = rules[2].replace("Shop", "Other")
    compiled = compile_text(pack("\n".join(rules[::order])), tmp_path)
    assert compiled.problems == ()
    assert {rule.labels["tocsin_sli"] for rule in compiled.packs[0].rules if "tocsin_sli" in rule.labels} == {
        "t-1f88e308",
        "mine",
    }


def test_every_rule_of_a_slo_bears_what_is_said_of_it(tmp_path: Path) -> None:
    """Labels and annotations are those of an alert; the summary says the pace unless one is given."""
    facts = {"owner": "shop", "category": "business", "dashboard": "https://example.org/d", "labels": "{x: y}"}
    first, *others = _alerts(slo(GAUGES, tiers="{page-slow: {summary: Slowly}}", **facts), tmp_path)
    assert first.labels == {
        "severity": "critical",
        "category": "business",
        "owner": "shop",
        "tocsin_slo": "Shop",
        "tocsin_tier": "page-quick",
        "x": "y",
    }
    assert first.annotations == {
        "summary": "Shop spends its error budget of 30d more than 14.4 times too fast: "
        "{{ $value | humanizePercentage }} bad, over 1h and 5m",
        "runbook_url": "https://example.org/r",
        "dashboard_url": "https://example.org/d",
        "tocsin_for": "0s",
        "tocsin_pack": "test",
    }
    assert others[0].annotations["summary"] == "Slowly"


RANGE = 'requests: {errors: "rate(e[10m])", total: "rate(t[10m])"}'
NEVER = "tier 'page-quick' can never fire: 14.4 × (1 - 0.9) = 1.44, and no more than all can be bad"
# (what is wrong, the SLO, place, check, part of the message)
BAD = [
    ("a tier that never fires", slo(GAUGES, "90"), "9:20", "slo", NEVER),
    (
        "one at exactly all",
        slo(GAUGES, tiers="{page-slow: {factor: 100}}"),
        "11:37",
        "slo",
        "tier 'page-slow' can never fire: 100 × (1 - 0.99) = 1,",
    ),
    ("no sli", "- {slo: A, objective: 99}", "7:9", "slo", "does not say what is measured"),
    ("two slis", slo(GAUGES, latency="{histogram: x, threshold: 1}"), "7:9", "slo", "has requests and latency"),
    ("no errors", slo("requests: {total: t}"), "8:19", "slo", "neither errors nor good"),
    ("no objective", "- {slo: A, requests: {errors: e, total: t}}", "7:9", "missing-key", "'objective' is missing"),
    ("no budget", slo(GAUGES, "100"), "9:20", "slo", "an objective of 100 % leaves no budget"),
    ("no period", slo(GAUGES, period="0s"), "11:17", "slo", "holds no time"),
    ("no limit of a slice", slo("time_slices: {expr: x}"), "8:22", "slo", "does not say what is bad"),
    ("a tier in part", slo(GAUGES, tiers="{x: {long: 1h}}"), "11:20", "slo", "has no short, no severity, no factor"),
    ("windows of a tier", slo(GAUGES, tiers="{page-quick: {short: 1h}}"), "11:37", "slo", "1h is not shorter than 1h"),
    ("factor and share", slo(GAUGES, tiers="{page-quick: {factor: 2, budget_percent: 2}}"), "11:29", "slo", "both"),
    ("an unknown key of a tier", slo(GAUGES, tiers="{page-quick: {lnog: 1h}}"), "11:30", "unknown-key", "'tiers.page"),
    ("name of a tier", slo(GAUGES, tiers="{Page: {enabled: false}}"), "11:23", "slo", "cannot name a tier"),
    ("name of the slo", slo(GAUGES).replace("Shop", "a b"), "7:14", "slo", "cannot begin the names of alerts"),
    ("a short period", slo(GAUGES, period="1d"), "9:20", "slo", "tier 'ticket-slow' looks too far back: 3d is longer"),
    ("a needless tier", slo(GAUGES, tiers="{page-slow: {factor: 0.5}}"), "11:37", "slo", "the objective is still met"),
    (
        "a wide range",
        slo(RANGE),
        "8:28",
        "slo",
        "tier 'page-quick' cannot look at 5m: each sample of the SLI covers 10m",
    ),
    ("a selector", slo("latency: {histogram: sum(x), threshold: 1}"), "8:30", "promql-syntax", "not a plain selector"),
    ("a label", slo("latency: {histogram: x, threshold: 1, by: [le]}"), "8:52", "slo", "not a label of the result"),
    ("no threshold", slo("latency: {histogram: x, threshold: fast}"), "8:44", "value", "'fast' is not a number"),
    ("PromQL", slo("requests: {errors: e, total: 'x['}"), "8:38", "promql-syntax", "PromQL: "),
    ("a range", slo("requests: {errors: 'e[5m]', total: t}"), "8:19", "promql-syntax", "PromQL: "),
    (
        "other labels",
        slo("requests: {errors: 'sum by (a, b) (e)', total: sum by (b) (t)}"),
        "8:19",
        "slo",
        "the parts have other labels than the total: by (a, b), by (b)",
    ),
    ("tier as a label", slo(GAUGES, labels="{tocsin_tier: x}"), "11:18", "reserved-name", "'tocsin_tier' itself"),
    ("severity as a label", slo(GAUGES, labels="{severity: page}"), "11:18", "reserved-name", "Tocsin writes"),
]


@pytest.mark.parametrize(("rules", "place", "check", "message"), [c[1:] for c in BAD], ids=[c[0] for c in BAD])
def test_one_mistake_is_one_problem(rules: str, place: str, check: str, message: str, tmp_path: Path) -> None:
    """Each mistake in an SLO gives one problem, at its place, with a way out."""
    compiled = compile_text(pack(rules), tmp_path)
    assert [(where, name) for where, name, _ in shown(compiled.problems)] == [(place, check)]
    assert message in compiled.problems[0].message
    assert compiled.problems[0].hint


def test_two_slis_of_one_name_are_a_problem(tmp_path: Path) -> None:
    """A name that was given twice for different things is told at the second, with the place of the first."""
    other = slo("requests: {errors: e, total: u}", sli="x").replace("Shop", "Other")
    [problem] = compile_text(pack(f"{slo(GAUGES, sli='x')}\n{other}"), tmp_path).problems
    assert (problem.check, problem.rule, problem.at.line) == ("duplicate-record", "Other", 12)
    assert str(tmp_path / "pack.yml:7:14") in problem.message


def test_an_slo_knows_what_every_alert_knows() -> None:
    """State, owner, category, links, labels and annotations: the same keys."""
    own = {"alert", "severity", "for", "keep_firing_for", "tests"}
    assert set(Slo.model_fields) >= ALERT_KEYS - own
