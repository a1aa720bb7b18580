"""Packs for tenants: whose series their rules are about, what differs, and what people get wrong."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
import yaml

from generator.load import every_pack
from generator.matchers import Scoping, scoped
from generator.output import write
from generator.pipeline import Compiled, compile_packs
from generator.targets import rulefile
from generator.tenants import starter
from tests.generator.packs import HEAD, alert, pack, shown
from tocsin import promql

ROOT = Path(__file__).resolve().parents[2]
GOLDEN = ROOT / "tests/golden/rules-of-tenants"

INTO = Scoping({"tenant": "acme", "cluster": "=~acme-.*"}, {"tenant": "acme"}, frozenset({"job:x:sum"}))
BOTH = 'cluster=~"acme-.*",tenant="acme"'

# (the pack's expression, the tenant's)
SCOPED = [
    ("up", f"up{{{BOTH}}}"),
    ('up{job="a"}', 'up{cluster=~"acme-.*",job="a",tenant="acme"}'),
    ("rate(up[5m] offset 1h)", f"rate(up{{{BOTH}}}[5m] offset 1h)"),
    ("up offset -90s", f"up{{{BOTH}}} offset -1m30s"),
    ("up @ start()", f"up{{{BOTH}}} @ start()"),
    ("up @ 12.5 offset 5m", f"up{{{BOTH}}} @ 12.500 offset 5m"),
    (
        "max_over_time(rate(up[5m])[1h:1m] @ end() offset 5m)",
        f"max_over_time(rate(up{{{BOTH}}}[5m])[1h:1m] @ end() offset 5m)",
    ),
    ('absent(up{job="a"})', 'absent(up{cluster=~"acme-.*",job="a",tenant="acme"})'),
    ("absent_over_time(up[5m])", f"absent_over_time(up{{{BOTH}}}[5m])"),
    ('{__name__=~"a.*"}', f'{{__name__=~"a.*",{BOTH}}}'),
    ("a / on (b) group_left (c) d", f"a{{{BOTH}}} / on (b) group_left (c) d{{{BOTH}}}"),
    ("topk(scalar(a), b)", f"topk(scalar(a{{{BOTH}}}), b{{{BOTH}}})"),
    ("-(a ^ 2)", f"-(a{{{BOTH}}} ^ 2)"),
    ('up{tenant="acme"}', f"up{{{BOTH}}}"),
    ('up{a="x\\\\.y\\"z"}', 'up{a="x\\\\.y\\"z",cluster=~"acme-.*",tenant="acme"}'),
    ("vector(1)", "vector(1)"),
    ("job:x:sum > 1", 'job:x:sum{tenant="acme"} > 1'),
]


@pytest.mark.parametrize(("expression", "expected"), SCOPED, ids=[case[0] for case in SCOPED])
def test_matchers_reach_every_selector(expression: str, expected: str) -> None:
    """Wherever in the tree a selector stands, it gets the matchers; the rest of the expression stays."""
    assert scoped(promql.parse(expression), INTO).text == promql.parse(expected).text


def test_a_quoted_name_keeps_its_quotes() -> None:
    """UTF-8 names of metrics and labels come through."""
    text = scoped(promql.parse('{"my.metric","a.b"="c"}'), INTO).text
    assert '__name__="my.metric"' in text or '"my.metric"' in text
    assert '"a.b"="c"' in text
    assert 'tenant="acme"' in text


def tenant(facts: str, name: str = "acme", packs: str = "[test]") -> str:
    head = f"apiVersion: tocsin/v1alpha1\nkind: Tenant\nmetadata: {{name: {name}}}\npacks: {packs}\n"
    return f"{head}matchers: {{tenant: {name}, cluster: '=~{name}-.*'}}\n{facts}"


RULES = """
- record: instance:busy:ratio
  expr: avg by (instance) (rate(busy_seconds_total[5m]))
- alert: Busy
  threshold: {expr: "instance:busy:ratio", above: $(limit)}
  for: 10m
  severity: warning
  summary: Busy
  runbook: https://example.org/busy
- alert: Down
  threshold: {expr: up, equals: 0}
  severity: critical
  summary: Down
  runbook: https://example.org/down
"""
PARAMS = "{limit: {default: 90, min: 1, max: 100}}"


def build(folder: Path, **files: str) -> Compiled:
    for name, text in files.items():
        (folder / f"{name}.yml").write_text(text)
    return compile_packs([folder], rulefile.render)


def test_a_tenant_sets_parameters_and_changes_rules(tmp_path: Path) -> None:
    """Values, `for` and severity are the tenant's, a disabled rule is gone, and every rule bears the tenant."""
    facts = "params: {test.limit: 80}\nrules: {Busy: {for: 5m, severity: critical}, test.Down: {state: disabled}}\n"
    compiled = build(tmp_path, pack=pack(RULES, PARAMS), acme=tenant(facts), beta=tenant("", "beta"))
    assert compiled.problems == ()
    acme, beta = (yaml.safe_load(file.text)["groups"][0]["rules"] for file in compiled.files)
    assert [file.name for file in compiled.files] == ["acme-test.yml", "beta-test.yml"]
    assert [rule.get("alert", rule.get("record")) for rule in acme] == ["instance:busy:ratio", "Busy"]
    assert acme[1]["expr"] == 'instance:busy:ratio{tenant="acme"} > 80'
    assert (acme[1]["for"], acme[1]["labels"]["severity"]) == ("5m", "critical")
    assert beta[1]["expr"] == 'instance:busy:ratio{tenant="beta"} > 90'
    assert {rule["labels"]["tenant"] for rule in beta} == {"beta"}


def test_tiers_come_before_the_tenant(tmp_path: Path) -> None:
    """The pack's tier, then the tiers file, then the tenant: the later one wins."""
    own = "tiers: {gold: {params: {limit: 70}, rules: {Busy: {for: 1m, severity: critical}}}}\n"
    everywhere = (
        "apiVersion: tocsin/v1alpha1\nkind: Tiers\n"
        "tiers: {gold: {params: {test.limit: 60, other.x: 1}, rules: {Busy: {for: 2m}}}}\n"
    )
    gold = tenant("rules: {Busy: {for: 3m}}\n").replace("name: acme}", "name: acme, tier: gold}")
    compiled = build(tmp_path, pack=pack(RULES, PARAMS) + own, tiers=everywhere, acme=gold)
    assert compiled.problems == ()
    busy = next(rule for rule in compiled.packs[0].rules if rule.name == "Busy")
    assert (busy.expr.text, busy.hold.total_seconds(), busy.severity) == (
        'instance:busy:ratio{tenant="acme"} > 60',
        180,
        "critical",
    )


def test_a_parameter_of_every_pack_is_set_at_once(tmp_path: Path) -> None:
    """`*.name` reaches each pack that has the parameter, from a tier and from a tenant, and says what it must not."""
    other = pack(RULES.replace("Busy", "Idle").replace("Down", "Gone").replace("busy", "idle"), PARAMS)
    tiers = (
        'apiVersion: tocsin/v1alpha1\nkind: Tiers\ntiers: {gold: {params: {"*.limit": 60, "*.absent": 1}, rules: {}}}\n'
    )
    gold = tenant("", packs="[test, other]").replace("name: acme}", "name: acme, tier: gold}")
    own = tenant('params: {"*.limit": 80}\n', "beta", packs="[test, other]")
    files = {"pack": pack(RULES, PARAMS), "other": other.replace("name: test", "name: other")}
    compiled = build(tmp_path, **files, tiers=tiers, acme=gold, beta=own)
    assert compiled.problems == ()
    limits = {rule.expr.text[-4:] for made in compiled.packs for rule in made.rules if rule.name in ("Busy", "Idle")}
    assert limits == {"> 60", "> 80"}
    wrong = build(tmp_path, **files, beta=own.replace("80", "180"))
    [problem] = wrong.problems
    assert "180 is out of its bounds" in problem.message


# (what is wrong, the tenant's facts, place, check, part of the message, part of the hint)
AMISS = [
    ("unknown parameter", "params: {test.limt: 80}", "6:10", "unknown-parameter", "'test.limt'", "'test.limit'"),
    ("parameter of no pack", 'params: {"*.limt": 80}', "6:10", "unknown-parameter", "'*.limt'", "'test.limit'"),
    ("parameter without its pack", "params: {limit: 80}", "6:10", "unknown-parameter", "'limit'", "'test.limit'"),
    ("out of bounds", "params: {test.limit: 180}", "6:22", "param", "180 is out of its bounds", "change"),
    ("of another type", "params: {test.limit: high}", "6:22", "param", "is a number, and this is a text", "90"),
    ("unknown rule", "rules: {Bussy: {for: 5m}}", "6:9", "unknown-rule", "'Bussy'", "'Busy'"),
    ("unknown key of a rule", "rules: {Busy: {fro: 5m}}", "6:16", "unknown-key", "'fro'", "'for'"),
    ("no duration", "rules: {Busy: {for: soon}}", "6:21", "value", "'soon' is not a duration", ""),
    ("a new name", "rules: {Busy: {alert: Other}}", "6:16", "value", "cannot rename", "disable"),
    ("a rule is no mapping", "rules: {Busy: 5}", "6:15", "value", "rules.Busy", ""),
    ("unknown key", "matcher: {a: b}", "6:1", "unknown-key", "'matcher'", "'matchers'"),
]


@pytest.mark.parametrize(
    ("facts", "place", "check", "message", "hint"), [case[1:] for case in AMISS], ids=[case[0] for case in AMISS]
)
def test_one_mistake_is_one_problem(
    facts: str, place: str, check: str, message: str, hint: str, tmp_path: Path
) -> None:
    """A mistake of a tenant is told in the tenant's file, with the nearest name."""
    compiled = build(tmp_path, pack=pack(RULES, PARAMS), acme=tenant(facts))
    errors = [problem for problem in compiled.problems if problem.severity == "error"]
    [(where, name, what)] = shown(tuple(errors))
    assert (where, name) == (place, check)
    assert message in what
    assert hint in errors[0].hint
    assert errors[0].at.file == str(tmp_path / "acme.yml")
    assert not compiled.files


@pytest.mark.parametrize(
    ("text", "check", "hint"),
    [
        (tenant("", packs="[tst]"), "unknown-pack", "did you mean 'test'?"),
        (tenant("", packs="[test, test]"), "value", "remove one"),
        (tenant("", packs="[]"), "empty", "name at least one"),
        (tenant("", name="Acme_1"), "value", "lower-case"),
        (tenant("").replace("name: acme}", "name: acme, tier: glod}"), "unknown-tier", "did you mean 'gold'?"),
        (tenant("").replace("=~acme-.*", "=~acme-("), "matchers", "RE2"),
    ],
)
def test_a_tenant_that_cannot_be(text: str, check: str, hint: str, tmp_path: Path) -> None:
    """What the tenant's head gets wrong has a way out too."""
    own = "tiers: {gold: {params: {limit: 70}}}\n"
    compiled = build(tmp_path, pack=pack(RULES, PARAMS) + own, acme=text)
    [problem] = [problem for problem in compiled.problems if problem.severity == "error"]
    assert problem.check == check
    assert hint in problem.hint


def test_two_tenants_of_one_name(tmp_path: Path) -> None:
    """Their rules could not be told apart."""
    checks = {
        problem.check for problem in build(tmp_path, pack=pack(RULES, PARAMS), a=tenant(""), b=tenant("")).problems
    }
    assert checks == {"duplicate-tenant", "duplicate-pack", "duplicate-record"}


def test_what_says_nothing_of_the_tenant_is_listed(tmp_path: Path) -> None:
    """A heartbeat is the same for all; a matcher that contradicts the tenant's never matches."""
    rules = alert("heartbeat:") + "\n" + alert("promql: {expr: 'up{tenant=\"other\"}'}").replace("Test", "Other")
    compiled = build(tmp_path, pack=pack(rules), acme=tenant(""))
    told = {(problem.check, problem.severity, problem.rule) for problem in compiled.problems}
    assert ("tenant-unscoped", "info", "Test") in told
    assert ("tenant-mismatch", "warning", "Other") in told
    assert compiled.files


def test_a_tenant_label_of_ones_own_is_in_the_way(tmp_path: Path) -> None:
    """Tocsin writes that label; nobody else does."""
    rules = alert("promql: {expr: up}", labels="{tenant: other}")
    checks = [p.check for p in build(tmp_path, pack=pack(rules), acme=tenant("")).problems if p.severity == "error"]
    assert checks == ["reserved-name"]


def test_what_nobody_chose_is_told_and_not_built(tmp_path: Path) -> None:
    """With tenants in a build, an unscoped rule would be about everybody's series."""
    other = pack(alert("promql: {expr: 'up == 0'}")).replace("name: test", "name: other")
    compiled = build(tmp_path, pack=pack(RULES, PARAMS), other=other, acme=tenant(""))
    assert [problem.check for problem in compiled.problems] == ["unchosen-pack"]
    assert [file.name for file in compiled.files] == ["acme-test.yml"]


@pytest.mark.real
def test_one_tenants_series_fire_no_alert_of_another(promtool: Path, tmp_path: Path) -> None:
    """In a real Prometheus each tenant's alert fires on its own series, also through a recording that drops labels."""
    quick = "rules: {Busy: {for: 0s}}\nparams: {test.limit: 5}\n"
    compiled = build(tmp_path, pack=pack(RULES, PARAMS), acme=tenant(quick), beta=tenant(quick, "beta"))
    write(compiled.files, tmp_path / "rules")
    (tmp_path / "rules/unit.yml").write_text(UNIT)
    run = [str(promtool), "test", "rules", "unit.yml"]
    tested = subprocess.run(run, cwd=tmp_path / "rules", capture_output=True, text=True, check=False)
    assert tested.returncode == 0, tested.stdout + tested.stderr


UNIT = """
rule_files: [acme-test.yml, beta-test.yml]
evaluation_interval: 1m
tests:
  - interval: 1m
    input_series:
      - {series: 'busy_seconds_total{tenant="acme",cluster="acme-1",instance="i"}', values: '0+600x20'}
      - {series: 'busy_seconds_total{tenant="acme",cluster="elsewhere",instance="j"}', values: '0+600x20'}
      - {series: 'busy_seconds_total{tenant="beta",cluster="beta-1",instance="i"}', values: '0+60x20'}
    promql_expr_test:
      - expr: count by (tenant, instance) (ALERTS{alertname="Busy",alertstate="firing"})
        eval_time: 15m
        exp_samples: [{labels: '{tenant="acme",instance="i"}', value: 1}]
"""


def test_a_starter_builds(tmp_path: Path) -> None:
    """The file of `tenants init` builds as it stands, with the packs that ship."""
    packs = starter.choose(["node", "http"], every_pack([]))
    (tmp_path / "new.yml").write_text(starter.text("new", packs, tier="gold"))
    compiled = compile_packs([tmp_path / "new.yml"], rulefile.render)
    assert not [problem for problem in compiled.problems if problem.severity != "info"]
    assert [file.name for file in compiled.files] == ["new-node.yml", "new-http.yml"]


# (extending pack, what its rules come to) — the base is `pack(RULES, PARAMS)`
OWN = HEAD.replace("name: test", "name: own") + "extends: [test]\n"


def test_a_pack_extends_another(tmp_path: Path) -> None:
    """Parameters and rules are changed, a rule is disabled, a group is continued, a group is added."""
    own = OWN + (
        "params: {limit: 50, extra: {default: 3}}\n"
        "rules: {Busy: {for: 1m}, Down: {state: disabled}}\n"
        "groups:\n"
        "  - {name: group, rules: [{record: a, expr: load > $(extra)}]}\n"
        "  - {name: more, rules: [{record: b, expr: a}]}\n"
    )
    base = pack(RULES, PARAMS).replace("owner: platform", "abstract: true")
    compiled = build(tmp_path, base=base, own=own)
    assert {problem.check for problem in compiled.problems} == {"unused-record"}
    [only] = compiled.packs
    assert [(group.name, [rule.name for rule in group.rules]) for group in only.groups] == [
        ("group", ["instance:busy:ratio", "Busy", "a"]),
        ("more", ["b"]),
    ]
    assert only.rules[1].expr.text == "instance:busy:ratio > 50"
    assert only.rules[1].hold.total_seconds() == 60
    assert only.rules[2].origin.at().file == str(tmp_path / "own.yml")


@pytest.mark.parametrize(
    ("text", "check", "place", "message"),
    [
        ("extends: [tst]\n", "unknown-pack", "4:11", "there is no pack 'tst'"),
        ("extends: [own]\n", "circular-extension", "4:11", "own → own"),
        ("extends: [test]\nparams: {limit: 500}\n", "param", "5:17", "500 is out of its bounds"),
        ("extends: [test]\nparams: {limt: 5}\n", "unknown-parameter", "5:10", "'limt'"),
        ("extends: [test]\nrules: {Bsy: {for: 1m}}\n", "unknown-rule", "5:9", "'Bsy'"),
    ],
)
def test_an_extension_that_cannot_be(text: str, check: str, place: str, message: str, tmp_path: Path) -> None:
    """Each mistake is told once, in the extending pack, with a way out."""
    compiled = build(tmp_path, base=pack(RULES, PARAMS), own=HEAD.replace("name: test", "name: own") + text)
    [(where, name, what)] = shown(compiled.problems)
    assert (where, name) == (place, check)
    assert message in what
    assert compiled.problems[0].hint


def test_a_circle_is_shown(tmp_path: Path) -> None:
    """Packs that extend one another say so, with the whole way round."""
    packs = {a: HEAD.replace("name: test", f"name: {a}") + f"extends: [{b}]\n" for a, b in ("ab", "bc", "ca")}
    [problem] = build(tmp_path, **packs).problems
    assert problem.check == "circular-extension"
    assert "a → b → c → a" in problem.message


def test_golden(monkeypatch: pytest.MonkeyPatch) -> None:
    """A tenant of a tier, with a pack that extends one that ships: the same bytes as ever."""
    monkeypatch.chdir(ROOT)
    compiled = compile_packs([Path("tests/golden/tenants")], rulefile.render)
    assert {problem.check for problem in compiled.problems} == {"unused-record"}
    if os.environ.get("TOCSIN_RENEW_GOLDEN"):
        write(compiled.files, GOLDEN)
    golden = {path.name: path.read_text(encoding="utf-8") for path in GOLDEN.iterdir()}
    assert {file.name: file.text for file in compiled.files} == golden


@pytest.mark.real
def test_prometheus_takes_a_tenants_rules(promtool: Path) -> None:
    """`promtool check rules` of both pairs finds nothing."""
    run = [str(promtool), "check", "rules", *map(str, sorted(GOLDEN.iterdir()))]
    checked = subprocess.run(run, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr
