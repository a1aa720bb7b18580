"""What an SLO says once for several alerts, queries of any window, a share of its own, and labels of its series."""

from __future__ import annotations

from pathlib import Path

import pytest

from generator.pipeline import compile_packs
from generator.rule import Rule
from generator.slo import Naming
from generator.targets import rulefile
from tests.generator.packs import compile_text, pack, shown
from tests.generator.test_slo_behaviour import GAUGES, slo

ANY = 'requests: {errors: "sum(rate(e[{{.window}}]))", total: "sum(rate(t[{{ .window }}]))"}'
RATIO = "error_ratio: {expr: 'avg_over_time(r[{{.window}}])'}"


def _rules(rules: str, folder: Path, naming: Naming = Naming.TOCSIN) -> list[Rule]:
    (folder / "pack.yml").write_text(pack(rules))
    compiled = compile_packs([folder / "pack.yml"], rulefile.render, naming)
    assert compiled.problems == ()
    return [rule for one in compiled.packs for rule in one.rules]


def _alerts(rules: str, folder: Path) -> list[Rule]:
    return [rule for rule in _rules(rules, folder) if rule.kind == "alert"]


def test_what_is_said_of_a_kind_holds_for_its_tiers(tmp_path: Path) -> None:
    """`page` and `ticket` reach their tiers, those of one's own by their severity; a tier's own word comes first."""
    facts = {
        "labels": "{a: slo, b: slo, c: slo}",
        "page": "{alert: Burns, for: 2m, labels: {b: page, c: page}, annotations: {x: page}}",
        "ticket": "{severity: info, enabled: false}",
        "tiers": "{page-slow: {for: 5m, labels: {c: tier}}, ticket-slow: {enabled: true}, "
        "mine: {long: 1h, short: 5m, factor: 2, severity: critical}}",
    }
    quick, slow, ticket, mine = _alerts(slo(GAUGES, **facts), tmp_path)
    assert [rule.name for rule in (quick, slow, ticket, mine)] == ["Burns", "Burns", "ShopTicketSlow", "Burns"]
    chosen = [[rule.labels[name] for name in "abc"] for rule in (quick, slow, ticket, mine)]
    assert chosen == [["slo", "page", "page"], ["slo", "page", "tier"], ["slo", "slo", "slo"], ["slo", "page", "page"]]
    assert [rule.hold.total_seconds() for rule in (quick, slow, ticket, mine)] == [120, 300, 0, 120]
    assert (ticket.labels["severity"], quick.annotations["x"], "x" in ticket.annotations) == ("info", "page", False)


def test_labels_of_the_series_are_labels_of_the_alerts(tmp_path: Path) -> None:
    """What SLOs share has none of them; the series of information has its own besides."""
    facts = {"service": "shop.eu", "series_labels": "{team: web, severity: none}", "info_labels": "{cost: high}"}
    rules = _rules(slo(GAUGES, **facts), tmp_path)
    own = {"team": "web", "tocsin_service": "shop.eu", "tocsin_slo": "Shop"}
    for rule in rules:
        is_shared = rule.name.startswith("tocsin:sli_")
        assert (rule.labels.items() >= own.items()) is not is_shared
        assert ("cost" in rule.labels) is (rule.name == "tocsin:slo_info")
    assert {rule.labels["severity"] for rule in rules if rule.kind == "alert"} == {"critical", "warning"}


@pytest.mark.parametrize("name", ["orders-accepted", "orders.accepted"])
def test_a_name_of_several_words(name: str, tmp_path: Path) -> None:
    """Alerts are called by one word."""
    first, *_ = _alerts(slo(GAUGES).replace("Shop", name), tmp_path)
    assert (first.name, first.labels["tocsin_slo"]) == ("OrdersAcceptedPageQuick", name)


def test_the_long_window_alone(tmp_path: Path) -> None:
    """One comparison and one window."""
    tiers = "{mine: {long: 2h, long_only: true, factor: 3, severity: warning}}"
    rules = _rules(slo(GAUGES, default_tiers="false", tiers=tiers), tmp_path)
    assert [rule.name for rule in rules if "ratio_" in rule.name] == [
        "tocsin:sli_errors:ratio_2h",
        "tocsin:sli_errors:ratio_30d",
    ]
    assert " and " not in rules[-1].expr.text


@pytest.mark.parametrize(("range_", "shown"), [("", "5m"), (", range: 1m", "1m")])
def test_a_query_of_any_window_has_one_range(range_: str, shown: str, tmp_path: Path) -> None:
    """Under Tocsin's names it is asked over `range` alone, and the windows are sums of that."""
    texts = [rule.expr.text for rule in _rules(slo(ANY.replace('}]))"}', f'}}]))"{range_}}}')), tmp_path)]
    assert texts[0] == f"sum(rate(t[{shown}])) >= 0"
    assert f"rate(e[{shown}])" in texts[1]
    assert not any("{{" in text for text in texts)


def test_a_share_of_its_own(tmp_path: Path) -> None:
    """Every evaluation weighs the same: the total counts them."""
    total, errors, *_ = _rules(slo(RATIO), tmp_path)
    assert total.expr.text == "(avg_over_time(r[5m]) >= bool -Inf) >= 0"
    assert "clamp_min(avg_over_time(r[5m]), 0) >= 0" in errors.expr.text


@pytest.mark.parametrize("naming", list(Naming))
def test_a_tier_that_is_off_may_be_too_short(naming: Naming, tmp_path: Path) -> None:
    """What is recorded under sloth's names of tiers that are off leaves out what cannot be measured."""
    wide = 'requests: {errors: "sum(rate(e[10m]))", total: "sum(rate(t[10m]))"}'
    names = [rule.name for rule in _rules(slo(wide, tiers="{page-quick: {enabled: false}}"), tmp_path, naming)]
    assert not any(name.endswith("5m") for name in names)


# (what is wrong, the SLO, place, check, part of the message)
BAD = [
    ("a word of Tocsin's", slo(GAUGES, page="{labels: {severity: x}}"), "11:25", "reserved-name", "writes 'severity'"),
    ("of a tier", slo(GAUGES, tiers="{page-slow: {labels: {tocsin_slo: x}}}"), "11:38", "reserved-name", "tocsin_slo"),
    ("an unknown key", slo(GAUGES, ticket="{long: 1h}"), "11:18", "unknown-key", "'ticket.long'"),
    ("two kinds of windows", slo(GAUGES, tiers="{a: {short: 1m, long_only: true}}"), "11:20", "slo", "has long_only"),
    ("no place for a minimum", slo(RATIO, minimum="1"), "7:9", "slo", "has a minimum, and no total"),
    ("a name of signs", slo(GAUGES, service="-x-"), "11:18", "slo", "cannot begin the names"),
    ("no PromQL", slo(ANY.replace("rate(e", "rate(")), "8:28", "promql-syntax", "PromQL: "),
    ("another placeholder", slo(ANY.replace("{{.window}}", "{{.time}}")), "8:28", "promql-syntax", "PromQL: "),
]


@pytest.mark.parametrize(("rules", "place", "check", "message"), [case[1:] for case in BAD], ids=[c[0] for c in BAD])
def test_one_mistake_is_one_problem(rules: str, place: str, check: str, message: str, tmp_path: Path) -> None:
    """Each mistake gives one problem, at its place, with a way out."""
    compiled = compile_text(pack(rules), tmp_path)
    assert [(where, name) for where, name, _ in shown(compiled.problems)] == [(place, check)]
    assert message in compiled.problems[0].message
    assert compiled.problems[0].hint
