"""OpenSLO imported: what its objects become, and what of them cannot be kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from generator.slo import Naming
from tests.generator.importing import built, places, read, slos
from tocsin.problem import has_errors

SOURCE = "metricSource: {type: Prometheus, spec: {query: "
RATIO = f"""ratioMetric:
        good: {{{SOURCE}'sum(rate(good[{{{{.window}}}}]))'}}}}}}
        total: {{{SOURCE}'sum(rate(all[{{{{.window}}}}]))'}}}}}}"""

SLO = f"""\
apiVersion: openslo/v1
kind: SLO
metadata: {{name: web-availability}}
spec:
  service: web
  timeWindow: [{{duration: 4w, isRolling: true}}]
  budgetingMethod: Occurrences
  objectives: [{{target: 0.999}}]
  indicator:
    spec:
      {RATIO}
"""

WHOLE = """\
apiVersion: openslo/v1
kind: SLO
metadata:
  name: web-availability
  displayName: The web
  annotations: {my.domain/custom: foo}
  labels: {env: [prod, test], team: a, "odd.name": x}
spec:
  description: Searches succeed
  service: web
  indicatorRef: searches
  timeWindow:
    - duration: 30d
      isRolling: true
  budgetingMethod: Occurrences
  objectives:
    - {displayName: Good, targetPercent: 99}
    - {displayName: Better, target: 0.995}
  alertPolicies:
    - alertPolicyRef: fast
    - kind: AlertPolicy
      metadata: {name: slow}
      spec:
        alertWhenBreaching: true
        conditions:
          - kind: AlertCondition
            metadata: {name: web-burns-slowly}
            spec: {severity: sev9, condition: {kind: burnrate, threshold: 2, lookbackWindow: 1d, alertAfter: 0m}}
---
apiVersion: openslo/v1
kind: SLI
metadata: {name: searches}
spec:
  ratioMetric:
    counter: true
    bad: {metricSource: {metricSourceRef: prom, spec: {query: 'sum(http_requests_total{code=~"5.."})'}}}
    total: {metricSource: {metricSourceRef: prom, spec: {query: sum(http_requests_total)}}}
---
- {apiVersion: openslo/v1, kind: DataSource, metadata: {name: prom}, spec: {type: Prometheus}}
- {apiVersion: openslo/v1, kind: Service, metadata: {name: web}, spec: {description: The web}}
- {apiVersion: openslo/v1, kind: AlertNotificationTarget, metadata: {name: on-call}, spec: {target: slack}}
---
apiVersion: openslo/v1
kind: AlertPolicy
metadata: {name: fast}
spec:
  alertWhenBreaching: true
  alertWhenResolved: true
  conditions: [{conditionRef: web-burns}]
  notificationTargets: [{targetRef: on-call}]
---
apiVersion: openslo/v1
kind: AlertCondition
metadata: {name: web-burns}
spec:
  description: Look at the proxies
  severity: page
  condition: {kind: burnrate, op: gte, threshold: 14.4, lookbackWindow: 1h, alertAfter: 5m}
"""


def _read(text: str) -> list[Any]:
    packs, problems = read(text, "openslo")
    assert not has_errors(problems), problems
    return slos(packs)


def test_objects_that_name_one_another(tmp_path: Path) -> None:
    """References are followed through the file; each objective is an SLO, each policy a tier over one window."""
    packs, problems = read(WHOLE, "openslo")
    assert [(place, problem.severity) for (place, _), problem in zip(places(problems), problems, strict=True)] == [
        ("48:22", "info"),
        ("7:52", "warning"),
    ]
    [imported] = packs
    assert (imported.name, imported.within, imported.left_out) == ("web-availability", "web", 0)
    assert imported.origins["groups", 1, "rules", 0] == ("spec", "objectives", 1)
    assert imported.remarks == [" The web", " my.domain/custom: foo"]
    assert [list(said) for said in imported.comments.values()] == [[" Good"], [" Better"]]
    first, second = slos(packs)
    assert (first["slo"], second["slo"], first["objective"], second["objective"]) == (
        "web-availability-0",
        "web-availability-1",
        99,
        99.5,
    )
    assert first["period"] == "30d"
    assert first["info_labels"] == {"env": "prod,test", "team": "a"}
    rate = "sum(rate(http_requests_total{}[5m]))".replace("{}", "")
    assert first["requests"] == {"errors": 'sum(rate(http_requests_total{code=~"5.."}[5m]))', "total": rate}
    assert first["tiers"]["fast"] == {
        "alert": "web-burns",
        "long": "1h",
        "long_only": True,
        "factor": 14.4,
        "for": "5m",
        "labels": {"severity": "page", "notification_target": "on-call"},
        "annotations": {"description": "Look at the proxies"},
    }
    compiled = built(packs, tmp_path, Naming.TOCSIN)
    assert not has_errors(compiled.problems), compiled.problems
    alerts = [rule for pack in compiled.packs for rule in pack.rules if rule.kind == "alert"]
    assert [(rule.name, rule.labels["severity"], rule.labels["tocsin_slo"][-1]) for rule in alerts] == [
        ("web-burns", "page", "0"),
        ("web-burns-slowly", "sev9", "0"),
        ("web-burns", "page", "1"),
        ("web-burns-slowly", "sev9", "1"),
    ]
    assert alerts[0].expr.text.count("ratio_1h") == 1
    assert " and " not in alerts[0].expr.text


@pytest.mark.parametrize("naming", list(Naming))
def test_without_a_policy_nothing_alerts(naming: Naming, tmp_path: Path) -> None:
    """What OpenSLO does not say is not made up: the SLO is recorded, under either naming, and the pack says so."""
    packs, problems = read(SLO, "openslo")
    assert problems == []
    assert packs[0].comments == {("groups", 0, "rules", 0): [" Nothing alerts: it has no alert policy."]}
    [slo] = slos(packs)
    assert (slo["slo"], slo["period"], slo["objective"]) == ("web-availability", "4w", 99.9)
    compiled = built(packs, tmp_path, naming)
    assert not has_errors(compiled.problems), compiled.problems
    rules = [rule for pack in compiled.packs for rule in pack.rules]
    assert {rule.kind for rule in rules} == {"record"}
    names = {rule.name for rule in rules}
    assert names >= ({"slo:sli_error:ratio_rate5m", "slo:sli_error:ratio_rate4w"} if naming is Naming.SLOTH else set())


def test_good_ones_under_sloths_names(tmp_path: Path) -> None:
    """sloth reads good and total as one minus their ratio, in each window."""
    packs, _ = read(SLO, "openslo")
    rules = [rule for pack in built(packs, tmp_path, Naming.SLOTH).packs for rule in pack.rules]
    hour = next(rule for rule in rules if rule.name == "slo:sli_error:ratio_rate1h")
    assert " ".join(hour.expr.text.split()) == "(1 - ((sum(rate(good[1h]))) / (sum(rate(all[1h])))))"


ALPHA = """\
apiVersion: openslo/v1alpha
kind: SLO
metadata: {name: my-service}
spec:
  service: my-service
  objectives:
    - target: 0.999
      ratioMetrics:
        incremental: true
        good: {source: prometheus, queryType: promql, query: 'sum(rate(good[{{.window}}]))'}
        total: {source: prometheus, queryType: promql, query: 'sum(rate(all[{{.window}}]))'}
  timeWindows: [{count: 30, unit: Day}]
"""


def test_the_older_version(tmp_path: Path) -> None:
    """Ratios of an objective, windows of units, and an indicator of the SLO."""
    [slo] = _read(ALPHA)
    assert slo["requests"] == {"good": "sum(rate(good[{{.window}}]))", "total": "sum(rate(all[{{.window}}]))"}
    assert slo["period"] == "30d"
    compiled = built(read(ALPHA, "openslo")[0], tmp_path, Naming.SLOTH)
    assert not has_errors(compiled.problems)
    threshold = ALPHA.partition("      ratioMetrics")[0].replace("target: 0.999", "{target: 0.99, op: lte, value: 200}")
    indicator = "indicator: {thresholdMetric: {source: Prometheus, queryType: query, query: 'p99{job=\"a\"}'}}"
    [slo] = _read(f"{threshold}  {indicator}\n  timeWindows: [{{count: 1, unit: Week, isRolling: true}}]\n")
    assert slo["time_slices"] == {"expr": 'p99{job="a"}', "above": 200}
    assert slo["period"] == "1w"


def slo(ratio: str = RATIO, objective: str = "{target: 0.99}", method: str = "Occurrences", **more: str) -> str:
    """An SLO, with parts of it replaced."""
    window = more.get("window", "[{duration: 28d, isRolling: true}]")
    rest = "".join(f"  {key}: {value}\n" for key, value in more.items() if key != "window")
    head = "apiVersion: openslo/v1\nkind: SLO\nmetadata: {name: a}\nspec:\n  service: s\n"
    spec = f"  timeWindow: {window}\n  budgetingMethod: {method}\n  objectives: [{objective}]\n"
    return f"{head}{spec}{rest}  indicator:\n    spec:\n      {ratio}\n"


def metric(query: str) -> str:
    """A metric that Prometheus is asked for."""
    return f"{{{SOURCE}'{query}'}}}}}}"


RAW = f"ratioMetric: {{rawType: failure, raw: {metric('r')}}}"
THRESHOLD = f"thresholdMetric: {metric('p99')}"
SLICED = "{target: 0.99, timeSliceTarget: 0.95, timeSliceWindow: 1m}"

# (what it shows, the SLO, the keys that say what is measured, the interval)
MEASURED: list[tuple[str, str, dict[str, Any], str | None]] = [
    ("a failure ratio", slo(RAW), {"error_ratio": {"expr": "r"}}, None),
    ("a success ratio", slo(RAW.replace("failure", "success")), {"error_ratio": {"expr": "1 - (r)"}}, None),
    (
        "bad ones, counted",
        slo(f"ratioMetric: {{counter: true, bad: {metric('sum by (a) (b)')}, total: {metric('sum by (a) (t)')}}}"),
        {"requests": {"errors": "sum by (a) (rate(b[5m]))", "total": "sum by (a) (rate(t[5m]))"}},
        None,
    ),
    (
        "counters with a rate already",
        slo(f"ratioMetric: {{counter: true, bad: {metric('rate(b[1m])')}, total: {metric('rate(t[1m])')}}}"),
        {"requests": {"errors": "rate(b[1m])", "total": "rate(t[1m])"}},
        None,
    ),
    (
        "no counters",
        slo(f"ratioMetric: {{counter: false, bad: {metric('b')}, total: {metric('t')}}}"),
        {"requests": {"errors": "b", "total": "t"}},
        None,
    ),
    (
        "good minutes",
        slo(objective=SLICED, method="Timeslices"),
        {"time_slices": {"expr": "1 - (1 - (sum(rate(good[1m]))) / (sum(rate(all[1m]))))", "below": 0.95}},
        "1m",
    ),
    (
        "the mean of minutes",
        slo(objective="{target: 0.99, timeSliceWindow: 1}", method="RatioTimeslices"),
        {"error_ratio": {"expr": "1 - (sum(rate(good[{{.window}}]))) / (sum(rate(all[{{.window}}])))"}},
        "1m",
    ),
    *(
        (f"good if {op}", slo(THRESHOLD, f"{{target: 0.99, op: {op}, value: 2.5}}"), {"time_slices": expected}, None)
        for op, expected in {
            "lt": {"expr": "p99", "at_least": 2.5},
            "lte": {"expr": "p99", "above": 2.5},
            "gt": {"expr": "p99", "at_most": 2.5},
            "gte": {"expr": "p99", "below": 2.5},
        }.items()
    ),
    (
        "minutes in which a value is good for long enough",
        slo(THRESHOLD, SLICED.replace("}", ", op: lt, value: 2}"), "Timeslices"),
        {"time_slices": {"expr": "avg_over_time(((p99) < bool 2)[1m:])", "below": 0.95}},
        "1m",
    ),
]


@pytest.mark.parametrize(("text", "keys", "interval"), [case[1:] for case in MEASURED], ids=[c[0] for c in MEASURED])
def test_what_is_measured(text: str, keys: dict[str, Any], interval: str | None, tmp_path: Path) -> None:
    """Each metric and budgeting method has its key of an `slo`, and builds under either naming."""
    packs, problems = read(text, "openslo")
    assert problems == []
    [item] = slos(packs)
    assert {key: item[key] for key in ("requests", "error_ratio", "time_slices") if key in item} == keys
    assert packs[0].groups[0].get("interval") == interval
    for naming in Naming:
        compiled = built(packs, tmp_path, naming)
        assert not has_errors(compiled.problems), compiled.problems


POLICY = "[{kind: AlertPolicy, metadata: {name: p}, spec: {conditions: [{spec: {severity: page, condition: {%s}}}]}}]"
BURN = "threshold: 2, lookbackWindow: 1h"

# (what is wrong, the text, part of the message)
BAD = [
    ("a version of tomorrow", SLO.replace("openslo/v1", "openslo/v9"), "1:13", "openslo/v9 is not known"),
    ("a kind of nobody", SLO.replace("kind: SLO", "kind: SLOO"), "2:7", "kind 'SLOO' is none"),
    (
        "a month of the calendar",
        slo(window="[{duration: 1M, isRolling: true}]"),
        "6:27",
        "1M is as long as the calendar",
    ),
    (
        "a window by the calendar",
        slo(window="[{duration: 4w, isRolling: false, calendar: {startTime: 2022-01-01 12:00:00, timeZone: UTC}}]"),
        "6:16",
        "a window by the calendar",
    ),
    ("two windows", slo(window="[{duration: 1d}, {duration: 2d}]"), "6:15", "at most 1 item"),
    ("no length", slo(window="[{isRolling: true}]"), "6:16", "does not say how long"),
    ("a duration of Go's", slo(window="[{duration: 720h0m0s}]"), "6:27", "is no duration of OpenSLO's"),
    ("a budgeting method", slo(method="Guesses"), "7:20", "'Guesses' is not known"),
    ("no target", slo(objective="{displayName: x}"), "8:16", "has no one target"),
    ("two targets", slo(objective="{target: 0.9, targetPercent: 90}"), "8:16", "has no one target"),
    ("a target of all", slo(objective="{target: 1}"), "8:25", "1 is no share"),
    ("a percentage for a share", slo(objective="{target: 99}"), "8:25", "99 is no share"),
    ("slices without a target", slo(method="Timeslices"), "8:16", "Timeslices without a target"),
    ("a composite", slo(objective="{target: 0.9, compositeWeight: 2}"), "8:16", "composed of weighted ones"),
    ("a threshold without a value", slo(THRESHOLD), "8:16", "thresholdMetric without op and value"),
    ("another server", slo(THRESHOLD.replace("Prometheus", "Datadog")), "11:46", "is asked of Datadog"),
    ("no server", slo(THRESHOLD.replace("type: Prometheus, ", "")), "11:39", "does not say of whom"),
    ("no query", slo(THRESHOLD.replace("query:", "question:")), "11:64", "the metric has no query"),
    ("no PromQL", slo(THRESHOLD.replace("p99", "p99[")), "11:72", "PromQL: "),
    ("no metric", slo("{}"), "11:7", "does not say what is measured"),
    ("half a ratio", slo(f"ratioMetric: {{total: {metric('t')}}}"), "11:20", "is no ratio"),
    ("a ratio of which kind", slo(RAW.replace("rawType: failure, ", "")), "11:20", "raw stands alone"),
    (
        "an SLI that is elsewhere",
        SLO.partition("  indicator:")[0] + "  indicatorRef: x\n",
        "9:17",
        "there is no SLI 'x'",
    ),
    ("no SLI", SLO.partition("  indicator:")[0], "8:16", "nothing says what is measured"),
    ("a policy that is elsewhere", slo(alertPolicies="[{alertPolicyRef: x}]"), "9:36", "there is no AlertPolicy 'x'"),
    ("a policy's name alone", slo(alertPolicies="[x]"), "9:19", "there is no AlertPolicy 'x'"),
    ("a burn without a window", slo(alertPolicies=POLICY % "threshold: 2"), "9:104", "lookbackWindow"),
    ("a burn of nothing", slo(alertPolicies=POLICY % BURN.replace("2", "0")), "9:127", "0 is no burn rate"),
    ("a condition of nobody", slo(alertPolicies=POLICY % f"{BURN}, kind: vibes"), "9:156", "'vibes' is not known"),
    ("a burn that is too slow", slo(alertPolicies=POLICY % f"{BURN}, op: lt"), "9:154", "is no danger"),
    (
        "a policy that never alerts",
        slo(alertPolicies=(POLICY % BURN).replace("conditions", "alertWhenBreaching: false, conditions")),
        "9:87",
        "does not alert",
    ),
    ("an unknown key", slo(objective="{target: 0.9, tarpit: 1}"), "8:30", "unknown key 'tarpit'"),
    ("a spec that is a text", "apiVersion: openslo/v1\nkind: SLO\nmetadata: {name: a}\nspec: x\n", "4:7", "mapping"),
    ("no name", SLO.replace("{name: web-availability}", "{}"), "3:1", "'name' is missing"),
]


@pytest.mark.parametrize(("text", "place", "message"), [case[1:] for case in BAD], ids=[case[0] for case in BAD])
def test_one_mistake_is_one_problem(text: str, place: str, message: str) -> None:
    """What cannot be kept is told once, at its place, with a way out, and nothing is made of it."""
    packs, problems = read(text, "openslo")
    assert packs == []
    [(where, told)] = places(problems)
    assert (where, message in told) == (place, True), told
    assert problems[0].hint
    assert problems[0].severity == "error"


# (what is not kept, the text, the place, part of the message)
WARNED = [
    ("no window", SLO.replace("  timeWindow: [{duration: 4w, isRolling: true}]\n", ""), "5:3", "30d is taken"),
    (
        "no data",
        slo(alertPolicies=(POLICY % BURN).replace("conditions", "alertWhenNoData: true, conditions")),
        "9:84",
        "alertWhenNoData is left out",
    ),
    (
        "words of another server",
        slo(THRESHOLD.replace("query:", "region: eu, query:"), "{target: 0.9, op: lt, value: 1}"),
        "11:73",
        "'region' is left out",
    ),
    (
        "an SLI of no SLO",
        f"{SLO}---\napiVersion: openslo/v1\nkind: SLI\nmetadata: {{name: x}}\nspec: {{}}\n",
        "15:1",
        "no SLO names this SLI",
    ),
]


@pytest.mark.parametrize(("text", "place", "message"), [case[1:] for case in WARNED], ids=[case[0] for case in WARNED])
def test_what_is_not_kept_is_told(text: str, place: str, message: str) -> None:
    """The SLO is kept, with a warning."""
    packs, problems = read(text, "openslo")
    assert len(slos(packs)) == 1
    assert [(at, message in told) for at, told in places(problems)] == [(place, True)], problems
    assert problems[0].severity == "warning"
