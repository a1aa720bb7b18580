"""What promtool got beside what was meant to be got: pure, each difference with its reason."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta

from generator.proof import rendering
from generator.proof.answer import Alert, Answer
from generator.proof.given import Trial
from generator.proof.schema import Fired
from generator.proof.verdict import Finding, blame
from generator.rule import Rule
from tocsin import duration
from tocsin.model import Labels

CLOSE = 1e-9  # values of records are equal if they differ by no more than this share
WAY_OUT = "give it tests, in its pack or in a file of promtool's: see docs/reference/testing-rules.md"
NO_HISTOGRAMS = "unexpected character in series sequence: '{'"  # so says promtool 2.42
MOST_TOLD = 5  # differences of one trial


def judged(rule: Rule, trial: Trial, answer: Answer, recorded: Mapping[str, Sequence[Rule]]) -> list[Finding]:
    """What is wrong: of series that were found from the rule they may be the reason, of given ones the rule is."""
    author = trial.case.author
    at = trial.at or rule.at_name()
    if NO_HISTOGRAMS in answer.error and any("{{" in values for values in trial.case.series.values()):
        return [Finding("unproven", f"{trial.case.name}: this promtool plays no native histograms", at)]
    behaviour = [f"promtool: {answer.error}"] if answer.error else list(_misbehaviour(trial, answer))
    if behaviour:
        lead = "the generated series did not behave" if author == "generated" else trial.case.name
        why = f"{lead}: {'; '.join(behaviour[:MOST_TOLD])}"
        return [Finding(blame(author), why, at, WAY_OUT if author == "generated" else "")]
    alerts = [alert for time in trial.case.fires for alert in answer.alerts.get(time, ())]
    return list(rendering.findings(rule, alerts, recorded, author))


def _misbehaviour(trial: Trial, answer: Answer) -> Iterator[str]:
    for time in trial.case.fires:
        alerts = answer.alerts.get(time, ())
        if not alerts:
            yield f"is silent at {duration.show(time)} and should fire"
        elif trial.alerts is not None:
            yield from _others(trial.alerts, alerts, time)
    for time in trial.case.silent:
        if alerts := answer.alerts.get(time, ()):
            yield f"fires at {duration.show(time)} and should be silent: {_shown(alerts[0].labels)}"
    for time, series in (trial.values or {}).items():
        yield from _other_values(series, answer, time)


def _others(expected: Sequence[Fired], alerts: Sequence[Alert], time: timedelta) -> Iterator[str]:
    """Each expected alert takes one that has all of its labels and annotations; none may be left over."""
    left = list(alerts)
    for one in sorted(expected, key=lambda one: -len(one.labels) - len(one.annotations)):
        found = next((alert for alert in left if _is(one, alert)), None)
        if found is not None:
            left.remove(found)
            continue
        meant = {**one.labels, **one.annotations}
        near = min(left or alerts, key=lambda alert: len(_differences(one, alert)))
        yield f"at {duration.show(time)} no alert with {_shown(meant)} fires; got {', '.join(_differences(one, near))}"
    for alert in left if len(alerts) > len(expected) else ():
        yield f"at {duration.show(time)} another alert fires: {_shown(alert.labels)}"


def _is(expected: Fired, alert: Alert) -> bool:
    return not _differences(expected, alert)


def _differences(expected: Fired, alert: Alert) -> list[str]:
    """What the alert has in the place of what was expected."""
    pairs = ((expected.labels, alert.labels), (expected.annotations, alert.annotations))
    return [
        f"{name}={got.get(name, '')!r}" for meant, got in pairs for name in meant if got.get(name, "") != meant[name]
    ]


def _other_values(
    expected: Mapping[frozenset[tuple[str, str]], float], answer: Answer, time: timedelta
) -> Iterator[str]:
    got = {frozenset(sample.labels.items()): sample.value for sample in answer.samples.get(time, ())}
    at = duration.show(time)
    for labels, value in expected.items():
        if labels not in got:
            yield f"at {at} there is no series {_shown(dict(labels))}"
        elif not _is_close(got[labels], value):
            yield f"at {at} {_shown(dict(labels))} is {got[labels]}, not {value:g}"
    for labels in got.keys() - expected.keys():
        yield f"at {at} there is another series {_shown(dict(labels))}"


def _is_close(got: str, value: float) -> bool:
    try:
        return math.isclose(float(got), value, rel_tol=CLOSE, abs_tol=CLOSE)
    except ValueError:
        return False  # a native histogram


def _shown(labels: Labels) -> str:
    told = ", ".join(f"{name}={value!r}" for name, value in sorted(labels.items()) if name != "alertname")
    return f"{{{told[:200]}}}"
