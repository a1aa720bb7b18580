"""Trials as promtool's test files, and the rule file that they are about: first without, then with what was got.

Source: prometheus documentation, "Unit testing for rules".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta

from generator import yamltext
from generator.proof.answer import Alert, Answer, Sample
from generator.proof.given import Trial
from generator.rule import Pack, Rule
from generator.yamltext import Tree
from tocsin import duration
from tocsin.promql_matchers import METRIC


def text(rule_file: str, rules: Pack, interval: timedelta, tests: Sequence[Mapping[str, Tree]]) -> str:
    """A whole test file; the rules are evaluated every `interval`, their groups in order."""
    head: dict[str, Tree] = {"rule_files": [rule_file], "evaluation_interval": duration.show(interval)}
    if len(rules.groups) > 1:
        head["group_eval_order"] = [group.name for group in rules.groups]
    return yamltext.dump({**head, "tests": list(tests)})


def item(rule: Rule, trial: Trial, answer: Answer, name: str = "") -> Mapping[str, Tree]:
    """One item of `tests`: the trial, and of each of its times what the answer says; nothing of the others."""
    case = trial.case
    tree: dict[str, Tree] = {"name": " ".join(name.split())} if name else {}
    tree["interval"] = duration.show(case.step)
    tree["input_series"] = [{"series": series, "values": values} for series, values in case.series.items()]
    if rule.kind == "alert":
        tree["alert_rule_test"] = [_alerts(rule, time, answer.alerts.get(time, ())) for time in trial.times]
    else:
        tree["promql_expr_test"] = [_samples(rule, time, answer.samples.get(time, ())) for time in trial.times]
    return tree


def _alerts(rule: Rule, time: timedelta, alerts: Sequence[Alert]) -> Mapping[str, Tree]:
    expected = [{"exp_labels": _told(alert), "exp_annotations": alert.annotations} for alert in alerts]
    return {"eval_time": duration.show(time), "alertname": rule.name, "exp_alerts": expected}


def _told(alert: Alert) -> Mapping[str, Tree]:
    """promtool puts the alert's name in itself."""
    return {name: value for name, value in alert.labels.items() if name != "alertname"}


def _samples(rule: Rule, time: timedelta, samples: Sequence[Sample]) -> Mapping[str, Tree]:
    expr = rule.name if METRIC.fullmatch(rule.name) else f'{{"{rule.name}"}}'
    expected: list[Tree] = [{"labels": sample.series, "value": float(sample.value)} for sample in samples]
    return {"expr": expr, "eval_time": duration.show(time), "exp_samples": expected}
