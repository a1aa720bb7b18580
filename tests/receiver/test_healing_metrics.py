"""What `/metrics` tells of runbooks follows from the events that are committed, and from nothing else."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec import structs

from receiver.engine.incident import Incident
from receiver.engine.policy import step
from receiver.engine.working_set import Outcome
from receiver.metrics import Metrics
from tests.receiver.runs import FREE, story

DONE = ("started", "begins 1", "ends 1", "begins 2", "ends 2")
BACK = ("undoes 2", "undone 2", "undoes 1", "not undone 1", "is failed")
BOOK = 'runbook="restart-deployment"'


def counted(*names: str, by_hand: timedelta = timedelta(minutes=20)) -> dict[str, float]:
    """What is counted of a run to which all this happened, a minute apart, by series."""
    incident, metrics = Incident("i1", tenant="default"), Metrics()
    for at, event in story(*names, plan=structs.replace(FREE, by_hand=by_hand)):
        decision, outcome = step(incident, event, at), Outcome()
        assert decision.events, (event, decision.reason)
        outcome.record(incident, decision, at)
        metrics.observe(outcome)
        incident = decision.incident
    return {
        sample.name.removeprefix("tocsin_auto_healing_")
        + "".join(sorted(f" {value}" for name, value in sample.labels.items() if name != "runbook")): sample.value
        for family in metrics.registry.collect()
        for sample in family.samples
        if sample.name.startswith("tocsin_auto_healing_") and sample.name.endswith("_total")
    }


CASES = [
    (
        (*DONE, "helped"),
        {
            "actions_total restart succeeded": 1,
            "actions_total scale succeeded": 1,
            "runs_total succeeded": 1,
            "saved_seconds_total": 14 * 60,  # of 20 minutes by hand it took 6
        },
    ),
    (
        (*DONE, "in vain", *BACK),
        {
            "actions_total restart succeeded": 1,
            "actions_total scale succeeded": 1,
            "actions_total rollback scale back succeeded": 1,
            "actions_total failed rollback undo": 1,
            "runs_total failed": 1,
            "verification_failures_total": 1,
        },
    ),
    (
        ("started", "begins 1", "is lost 1", "is unknown"),
        {"actions_total restart unknown": 1, "runs_total unknown": 1},
    ),
    (("is refused",), {"runs_total refused": 1}),
]


@pytest.mark.parametrize(("names", "expected"), CASES)
def test_runs_are_counted(names: tuple[str, ...], expected: dict[str, float]) -> None:
    """Each step that ended, each run that ended, what succeeded with what it saved, and what was in vain."""
    found = counted(*names)
    expected = {" ".join([name.split()[0], *sorted(name.split()[1:])]): value for name, value in expected.items()}
    found = {" ".join([name.split()[0], *sorted(name.split()[1:])]): value for name, value in found.items()}
    assert found == expected


def test_nothing_is_saved_by_a_slow_run() -> None:
    """A run that took longer than a person would have saves nothing, and costs no negative time."""
    assert counted(*DONE, "helped", by_hand=timedelta(minutes=1))["saved_seconds_total"] == 0
