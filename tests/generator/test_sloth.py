"""sloth's specifications imported, and built under sloth's names: what sloth itself makes of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from generator.importing import openslo, sloth
from generator.pipeline import compile_packs
from generator.slo import Naming
from generator.targets import rulefile
from tests.generator.importing import built, places, read, slos
from tests.generator.packs import alert, compile_text, pack, shown
from tocsin import promql
from tocsin.problem import Problem, has_errors
from tocsin.yamltree import parse

GOLDEN = Path(__file__).resolve().parents[2] / "tests/golden/sloth"

SPEC = """\
version: prometheus/v1
service: shop
slos:
  - name: orders
    objective: 99
    sli: {events: {error_query: 'sum(rate(e[{{.window}}]))', total_query: 'sum(rate(t[{{.window}}]))'}}
    alerting: {name: OrdersFail, page_alert: {}, ticket_alert: {}}
"""
OBJECT = """\
apiVersion: sloth.slok.dev/v1
kind: PrometheusServiceLevel
metadata: {name: shop, namespace: web}
spec:
  service: shop
  slos:
    - name: orders
      objective: 99
      sli: {raw: {errorRatioQuery: 'avg_over_time(r[{{.window}}])'}}
      alerting: {name: OrdersFail}
"""


def _groups(text: str, folder: Path, naming: Naming = Naming.SLOTH) -> dict[str, list[dict[str, Any]]]:
    """What is built of a specification: the rules as a rule file has them, by group."""
    packs, problems = read(text)
    assert problems == []
    compiled = built(packs, folder, naming)
    assert not has_errors(compiled.problems), compiled.problems
    return {group["name"]: group["rules"] for file in compiled.files for group in yaml.safe_load(file.text)["groups"]}


def _rule(rule: dict[str, Any]) -> dict[str, Any]:
    """A rule with its expression as a tree is printed."""
    return {**rule, "expr": promql.parse(rule["expr"]).text}


def test_a_published_example_gives_what_sloth_publishes_for_it(tmp_path: Path) -> None:
    """The same groups and rules in the same order: names, trees, labels and annotations."""
    made = _groups((GOLDEN / "getting-started.spec.yml").read_text(), tmp_path)
    expected = yaml.safe_load((GOLDEN / "getting-started.rules.yml").read_text())["groups"]
    assert list(made) == [group["name"] for group in expected]
    for group in expected:
        assert list(map(_rule, made[group["name"]])) == list(map(_rule, group["rules"]))


def test_an_object_of_kubernetes_gives_what_sloth_publishes_for_it(tmp_path: Path) -> None:
    """Events and a raw ratio, subqueries, a disabled page, no alerts at all, labels of the SLO over the service's."""
    made = _groups((GOLDEN / "k8s-home-wifi.spec.yml").read_text(), tmp_path)
    expected = yaml.safe_load((GOLDEN / "k8s-home-wifi.rules.yml").read_text())["groups"]
    assert list(made) == [group["name"] for group in expected]
    for group in expected:
        own = list(map(_rule, made[group["name"]]))
        assert [rule for rule in map(_rule, group["rules"]) if rule not in own] == []
        names = [rule.get("record") or rule["alert"] for rule in own]
        assert len(names) == {"sli": 8, "meta": 7, "alerts": 1}[group["name"].split("-")[2]], names


@pytest.mark.parametrize("text", [SPEC, OBJECT], ids=["prometheus/v1", "PrometheusServiceLevel"])
def test_the_same_pack_builds_under_tocsins_names(text: str, tmp_path: Path) -> None:
    """Without the option the SLO is Tocsin's: an alert a tier, under the name that was given, and its recordings."""
    [(name, rules)] = _groups(text, tmp_path, Naming.TOCSIN).items()
    alerts = [rule for rule in rules if "alert" in rule]
    assert name == "orders"
    assert {rule["alert"] for rule in alerts} == {"OrdersFail"}
    assert [rule["labels"]["tocsin_tier"] for rule in alerts] == [
        "page-quick",
        "page-slow",
        "ticket-quick",
        "ticket-slow",
    ]
    assert {rule["labels"]["tocsin_service"] for rule in alerts} == {"shop"}
    assert "tocsin:slo_info" in {rule.get("record") for rule in rules}
    assert not any("sloth" in str(rule) for rule in rules if rule.get("record") != "tocsin:slo_info")


def test_labels_and_severities_stay_as_they_are(tmp_path: Path) -> None:
    """Under either naming no label of the specification is changed, and sloth's naming adds none but its own."""
    text = (GOLDEN / "getting-started.spec.yml").read_text()
    for rules in _groups(text, tmp_path, Naming.TOCSIN).values():
        severities = [rule["labels"]["severity"] for rule in rules if "alert" in rule]
        assert severities == ["pageteam", "pageteam", "slack", "slack"]
    bare = _groups(SPEC, tmp_path)["sloth-slo-alerts-shop-orders"]
    assert [rule["labels"] for rule in bare] == [{"sloth_severity": "page"}, {"sloth_severity": "ticket"}]
    assert [sorted(rule["annotations"]) for rule in bare] == [["summary", "title"]] * 2


def test_another_period(tmp_path: Path) -> None:
    """sloth calls 28 days 4w, and lets a factor fall below 1; the period is in the pack, where sloth has an option."""
    packs, _ = read(SPEC)
    packs[0].groups[0]["rules"][0]["period"] = "28d"
    rules = [rule for pack in built(packs, tmp_path, Naming.SLOTH).packs for rule in pack.rules]
    names = [rule.name for rule in rules]
    assert "slo:sli_error:ratio_rate4w" in names
    assert "slo:sli_error:ratio_rate30d" not in names
    page, ticket = (rule for rule in rules if rule.kind == "alert")
    assert "(13.44 * 0.01)" in page.expr.text
    assert "(0.9333333333333333 * 0.01)" in ticket.expr.text
    assert next(rule.expr.text for rule in rules if rule.name == "slo:time_period:days") == "vector(28)"


def test_a_page_that_can_never_fire_quickly(tmp_path: Path) -> None:
    """At 90 % sloth writes a half of an alert that cannot fire: under its names it is kept, with a warning."""
    packs, problems = read(SPEC.replace("objective: 99", "objective: 90"))
    assert problems == []
    as_sloth = built(packs, tmp_path, Naming.SLOTH)
    told = [problem for problem in as_sloth.problems if problem.check == "slo"]
    assert [(problem.severity, "can never fire" in problem.message) for problem in told] == [("warning", True)]
    assert "(14.4 * 0.1)" in next(r.expr.text for p in as_sloth.packs for r in p.rules if r.kind == "alert")
    assert has_errors(built(packs, tmp_path, Naming.TOCSIN).problems)


PLUGINS = """
slo_plugins:
  chain:
    - id: sloth.dev/contrib/alert_for/v1
    - id: sloth.dev/core/validate/v1
    - {id: sloth.dev/contrib/rule_intervals/v1, config: {interval: {default: 2m}}}
    - {id: sloth.dev/contrib/info_labels/v1, config: {labels: {team: web}}}
"""


def test_plugins_that_can_be_read_are_kept(tmp_path: Path) -> None:
    """`for`, the interval and labels of the information, which sloth's plugins bring."""
    text = SPEC.replace("page_alert: {}", "page_alert: {for: 5m}") + PLUGINS
    [imported], problems = read(text)
    assert problems == []
    assert imported.groups[0]["interval"] == "2m"
    groups = _groups(text, tmp_path)
    assert [rule.get("for") for rule in groups["sloth-slo-alerts-shop-orders"]] == ["5m", None]
    info = groups["sloth-slo-meta-recordings-shop-orders"][-1]["labels"]
    assert (info["team"], info["sloth_spec"]) == ("web", "prometheus/v1")


def test_what_was_written_about_an_slo_comes_along() -> None:
    """Comments are found again at the place from which each SLO came; a pack is called after service or object."""
    [imported], _ = read((GOLDEN / "getting-started.spec.yml").read_text())
    assert imported.origins == {(): (), ("groups", 0, "rules", 0): ("slos", 0)}
    assert imported.comments["groups", 0, "rules", 0] == [" Availability of HTTP responses."]
    [imported], _ = read(OBJECT)
    assert (imported.name, imported.within) == ("shop", "web")
    assert imported.origins["groups", 0, "rules", 0] == ("spec", "slos", 0)


def test_several_services_are_several_packs(tmp_path: Path) -> None:
    """Documents of one file, and items of one list."""
    packs, problems = read(f"{SPEC}---\n{SPEC.replace('shop', 'web')}")
    assert ([pack.name for pack in packs], problems) == (["shop", "web"], [])
    items = [yaml.safe_load(OBJECT), {"kind": "ConfigMap"}, yaml.safe_load(OBJECT.replace("name: shop", "name: web"))]
    packs, problems = read(yaml.safe_dump({"kind": "List", "apiVersion": "v1", "items": items}))
    assert ([pack.name for pack in packs], problems) == (["shop", "web"], [])


def test_text_that_looks_like_a_parameter_stays_text(tmp_path: Path) -> None:
    """`$(name)` of a query or a label is no parameter of the pack."""
    text = SPEC.replace("rate(e[", 'rate(e{a=~"$(x)|y"}[').replace(
        "page_alert: {}", 'page_alert: {labels: {a: "$(x)"}}'
    )
    groups = _groups(text, tmp_path)
    assert '{a=~"$(x)|y"}' in groups["sloth-slo-sli-recordings-shop-orders"][0]["expr"]
    assert groups["sloth-slo-alerts-shop-orders"][0]["labels"]["a"] == "$(x)"


def test_labels_are_what_was_written(tmp_path: Path) -> None:
    """A label without quotes is a text all the same, as sloth takes it."""
    text = SPEC.replace(
        "service: shop", "service: shop\nlabels: {a: 1.10, b: yes, c: 010, d: 2024-01-01, e: '', f: 1e3}"
    )
    [rule] = _groups(text, tmp_path)["sloth-slo-meta-recordings-shop-orders"][:1]
    chosen = {name: value for name, value in rule["labels"].items() if len(name) == 1}
    assert chosen == {"a": "1.10", "b": "yes", "c": "010", "d": "2024-01-01", "e": "", "f": "1e3"}


def spec(**changes: str) -> str:
    """The specification with parts of its SLO replaced."""
    text = SPEC
    parts = {
        "objective": "objective: 99",
        "sli": SPEC.splitlines()[5].strip(),
        "alerting": SPEC.splitlines()[6].strip(),
        "name": "name: orders",
        "service": "service: shop",
        "version": "version: prometheus/v1",
    }
    for part, new in changes.items():
        assert text.count(parts[part]) == 1
        text = text.replace(parts[part], new)
    return text


# (what is wrong, the specification, the place, part of the message)
BAD = [
    ("a version of tomorrow", spec(version="version: prometheus/v9"), "1:10", "'prometheus/v9' is not known"),
    ("no service", spec(service="labels: {}"), "1:1", "the key 'service' is missing"),
    ("no SLO", "version: prometheus/v1\nservice: shop\nslos: []\n", "3:7", "at least 1 item"),
    ("SLOs that are no list", "version: prometheus/v1\nservice: shop\nslos: {a: 1}\n", "3:7", "must be a list"),
    ("an SLO that is a text", "version: prometheus/v1\nservice: shop\nslos: [x]\n", "3:8", "must be a mapping"),
    ("an odd name", spec(name="name: a b"), "4:11", "'a b' is no name"),
    ("a number that is none", spec(objective="objective: high"), "5:16", "not a number"),
    ("nothing may fail", spec(objective="objective: 100"), "5:16", "an objective of 100 % leaves no budget"),
    ("a plugin", spec(sli="sli: {plugin: {id: x}}"), "6:10", "a plugin is a program"),
    ("nothing measured", spec(sli="sli: {}"), "6:10", "does not say what is measured"),
    (
        "two ways of measuring",
        spec(sli="sli: {raw: {error_ratio_query: 'r[{{.window}}]'}, plugin: {id: x}}"),
        "6:10",
        "has raw and plugin",
    ),
    (
        "no window",
        spec(sli="sli: {raw: {error_ratio_query: 'rate(r[5m])'}}"),
        "6:36",
        "the query has no place for the window",
    ),
    (
        "a template of its own",
        spec(sli="sli: {raw: {error_ratio_query: 'rate(r{a=\"{{.x}}\"}[{{.window}}])'}}"),
        "6:36",
        "the query has a template beside {{.window}}",
    ),
    ("no PromQL", spec(sli="sli: {raw: {error_ratio_query: 'rate(r[{{.window}}]'}}"), "6:36", "PromQL: "),
    (
        "errors that are all",
        spec(sli="sli: {events: {error_query: 't[{{.window}}]', total_query: 't[{{.window}}]'}}"),
        "6:19",
        "are the same",
    ),
    ("alerts without a name", spec(alerting="alerting: {page_alert: {}}"), "7:15", "the alerts have no name"),
    ("no word on alerts", spec(alerting="labels: {}"), "4:5", "the key 'alerting' is missing"),
    ("a key of nobody", spec(alerting="alerting: {name: a, page: {}}"), "7:25", "unknown key 'alerting.page'"),
    (
        "a plugin of rules",
        SPEC + "slo_plugins: {chain: [{id: my/plugin}]}\n",
        "8:28",
        "the plugin 'my/plugin' is a program",
    ),
    (
        "the series called otherwise",
        SPEC + "slo_plugins: {chain: [{id: sloth.dev/contrib/info_labels/v1, config: {metricName: x, labels: {}}}]}\n",
        "8:83",
        "cannot be called otherwise",
    ),
    (
        "sloth's own left out",
        SPEC + "slo_plugins: {override_previous: true}\n",
        "4:5",
        "sloth's own plugins are left out",
    ),
]


@pytest.mark.parametrize(("text", "place", "message"), [case[1:] for case in BAD], ids=[case[0] for case in BAD])
def test_one_mistake_is_one_problem(text: str, place: str, message: str) -> None:
    """What cannot be kept is told once, at its place, with a way out, and nothing is made of it."""
    packs, problems = read(text)
    assert packs == []
    [(where, told)] = places(problems)
    assert (where, message in told) == (place, True), told
    assert problems[0].hint
    assert problems[0].severity == "error"


def test_one_bad_slo_hides_no_other() -> None:
    """The others are kept, and the pack counts what is not; a name that stands twice is kept once."""
    slo = SPEC.partition("slos:\n")[2]
    [imported], problems = read(SPEC + slo.replace("99", "0") + slo + slo.replace("name: orders", "name: other"))
    assert [item["slo"] for item in slos([imported])] == ["orders", "other"]
    assert imported.left_out == 2
    assert imported.origins["groups", 1, "rules", 0] == ("slos", 3)
    assert [line for line, _ in places(problems)] == ["9:16", "12:11"]


WARNED_ALONE = [
    ("a version of no kind", "service: shop\nslos: []\n", "1:1", "does not say", "error"),
    (
        "windows of one's own",
        "apiVersion: sloth.slok.dev/v1\nkind: AlertWindows\nspec: {}\n",
        "2:7",
        "not read",
        "warning",
    ),
    ("an empty document", "", "1:1", "does not say", "error"),
]


@pytest.mark.parametrize(("text", "place", "message", "severity"), [c[1:] for c in WARNED_ALONE])
def test_what_is_taken_for_a_specification_and_is_none(text: str, place: str, message: str, severity: str) -> None:
    """A format that somebody gave is looked for, and what is not found is told."""
    documents, _ = parse(text or "null", "spec.yml")
    packs, [problem] = sloth.read(documents[0])
    assert packs == []
    assert (f"{problem.at.line}:{problem.at.column}", problem.severity) == (place, severity)
    assert message in problem.message
    _, [problem] = openslo.read(documents[0])
    assert "does not say" in problem.message


WARNED = [
    ("for without its plugin", spec(alerting="alerting: {name: a, page_alert: {for: 5m}}"), "7:43", "left out"),
    (
        "intervals that differ",
        spec(objective="objective: 99\n    interval: {all: 1m, alert: 30s}"),
        "6:15",
        "the groups of an SLO have one interval, 1m",
    ),
]


@pytest.mark.parametrize(("text", "place", "message"), [case[1:] for case in WARNED], ids=[case[0] for case in WARNED])
def test_what_is_not_kept_as_it_was_is_told(text: str, place: str, message: str) -> None:
    """The SLO is kept, with a warning at the place."""
    packs, problems = read(text)
    assert len(slos(packs)) == 1
    assert [(at, message in told) for at, told in places(problems)] == [(place, True)]
    assert problems[0].severity == "warning"


NATIVE = """\
- slo: Shop
  objective: 99
  requests: {errors: "sum(rate(e[5m]))", total: "sum(rate(t[5m]))"}
  runbook: https://example.org/r
"""


def _own(rules: str, folder: Path) -> tuple[list[Problem], dict[str, list[str]]]:
    file = folder / "pack.yml"
    file.write_text(pack(rules))
    compiled = compile_packs([file], rulefile.render, Naming.SLOTH)
    groups = {group.name: [rule.name for rule in group.rules] for one in compiled.packs for group in one.groups}
    return list(compiled.problems), groups


def test_a_pack_of_ones_own_under_sloths_names(tmp_path: Path) -> None:
    """An SLO over fixed ranges keeps its sums over sums; the service is the pack, and other rules keep their group."""
    other = f"- record: a:b\n  expr: up\n{alert('promql: {expr: a:b == 0}', runbook='https://example.org/r')}\n"
    problems, groups = _own(other + NATIVE, tmp_path)
    assert problems == []
    assert list(groups) == [
        "group",
        "sloth-slo-sli-recordings-test-Shop",
        "sloth-slo-meta-recordings-test-Shop",
        "sloth-slo-alerts-test-Shop",
    ]
    assert groups["group"] == ["a:b", "Test"]
    assert groups["sloth-slo-sli-recordings-test-Shop"][:3] == [
        "tocsin:sli_total:rate",
        "tocsin:sli_errors:rate",
        "slo:sli_error:ratio_rate5m",
    ]
    assert groups["sloth-slo-alerts-test-Shop"] == ["ShopPage", "ShopTicket"]


def test_one_alert_says_one_thing(tmp_path: Path) -> None:
    """Tiers of one kind that say different things fit no alert of sloth's."""
    differs = NATIVE + "  tiers: {page-slow: {for: 5m, labels: {a: b}}}\n"
    [problem], _ = _own(differs, tmp_path)
    assert (problem.check, problem.at.line) == ("slo", 11)
    assert "they differ in for, labels" in problem.message
    assert _own(differs.replace("page-slow: {", "page-slow: {enabled: false, "), tmp_path)[0] == []
    assert compile_text(pack(differs), tmp_path).problems == ()


def test_two_slos_of_one_id(tmp_path: Path) -> None:
    """Groups that would have one name are told."""
    twice = pack(NATIVE) + pack(NATIVE).partition("groups:\n")[2].replace("name: group", "name: again")
    (tmp_path / "pack.yml").write_text(twice)
    problems = compile_packs([tmp_path / "pack.yml"], rulefile.render, Naming.SLOTH).problems
    assert {check for _, check, _ in shown(problems)} >= {"duplicate-group"}
