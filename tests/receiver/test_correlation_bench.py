"""The benchmark of correlation: its scores, the simpler ways, and the command it runs."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import pytest

from bench.correlating.baselines import BASELINES, Graph
from bench.correlating.command import assign
from bench.correlating.score import Assignment, Placed, adjusted_rand, score
from bench.correlating.told import Told, read
from bench.storm.storm import SHORT, Truth, storm, write

EVERYTHING_IN_ONE = """
import json, sys
for line in open(sys.argv[1]):
    for alert in json.loads(line)["body"]["alerts"]:
        print(json.dumps({"id": "", "fingerprint": alert["fingerprint"], "startsAt": alert["startsAt"],
                          "incident": "one", "cause_rank": 1, "reasons": [], "suppressed": None}))
"""


@pytest.mark.slow
def test_adjusted_rand_is_scikit_learns() -> None:
    """The index agrees with sklearn's on partitions of every kind."""
    metrics = pytest.importorskip("sklearn.metrics")
    rng = random.Random(1)
    for size in (2, 5, 40, 300):
        for kinds in (1, 2, size // 2 + 1, size):
            one, other = ([rng.randrange(kinds) for _ in range(size)] for _ in range(2))
            assert adjusted_rand(one, other) == pytest.approx(metrics.adjusted_rand_score(one, other))
            assert adjusted_rand(one, one) == 1.0


A, B, C, D = (("a", "1"), ("b", "1"), ("c", "1"), ("d", "1"))
TRUTH = Truth({A: 0, B: 0, C: 0, D: 1}, frozenset({A, D}))


@pytest.mark.parametrize(
    ("assigned", "found", "missing"),
    [
        pytest.param({A: Placed("i", 3), B: Placed("i", 1), C: Placed("i", 2), D: Placed("j", 1)}, 1, 0, id="third"),
        pytest.param({A: Placed("i", 4), B: Placed("i", 1), C: Placed("i", 2), D: Placed("i", 3)}, 0, 0, id="fourth"),
        pytest.param({A: Placed("i", 1), B: Placed("j", 1), C: Placed("j", 2), D: Placed("k", 1)}, 0, 0, id="apart"),
        pytest.param({A: Placed("i", 1), B: Placed("j", 1), C: Placed("k", 1), D: Placed("l", 1)}, 0, 0, id="alone"),
        pytest.param({A: Placed(None, 1), B: Placed("i", 1), C: Placed("i", 2)}, 0, 1, id="not placed"),
    ],
)
def test_a_cause_counts_where_most_of_its_fault_is(assigned: Assignment, found: int, missing: int) -> None:
    """Only faults of two alerts or more count, and only within the incident that holds most of them."""
    told = score(TRUTH, assigned)
    assert (told.found, told.causes, told.missing) == (found, 1, missing)


CHAIN = Graph.of("service", {"shop": ["cart"], "cart": ["redis"], "redis": ["disk"]})


def told(name: str, start: float, group: str = "g", **labels: str) -> Told:
    return Told((name, str(start)), labels, group, start, start + 60)


@pytest.mark.parametrize(
    ("way", "alerts", "incidents"),
    [
        ("group key", [told("a", 0), told("b", 10), told("c", 20, "h"), told("d", 5000)], 3),
        (
            "namespace + time",
            [told("a", 0, namespace="x"), told("b", 200, namespace="x"), told("c", 9, namespace="y")],
            2,
        ),
        ("time alone", [told("a", 0), told("b", 299), told("c", 900)], 2),
        ("undirected topology", [told("a", 0, service="shop"), told("b", 60, service="redis")], 1),
        ("undirected topology", [told("a", 0, service="shop"), told("b", 60, service="disk")], 2),
        ("undirected topology", [told("a", 0, service="shop"), told("b", 400, service="cart")], 2),
        ("undirected topology", [told("a", 0, node="n"), told("b", 9, node="n", service="disk")], 1),
    ],
)
def test_simpler_ways(way: str, alerts: list[Told], incidents: int) -> None:
    """What each of them takes for one incident."""
    assigned = BASELINES[way](sorted(alerts, key=lambda one: one.starts_at), CHAIN)
    assert len({place.incident for place in assigned.values()}) == incidents


def test_a_command_is_measured(tmp_path: Path) -> None:
    """Whatever prints replay's lines is scored, beside ways that see no more than it does."""
    made = storm(4, SHORT)
    jsonl, config = write(made, tmp_path)
    script = tmp_path / "one.py"
    script.write_text(EVERYTHING_IN_ONE)
    answered = assign(jsonl, config, f"{sys.executable} {script} {{jsonl}} {{config}}")
    assert score(made.truth, answered.assigned).incidents == 1
    assert score(made.truth, answered.assigned).rand == 0.0
    assert answered.seconds > 0
    alerts, count = read(jsonl)
    assert {one.key for one in alerts} == set(made.truth.faults)
    assert count > len(alerts)


@pytest.mark.parametrize("script", ["import sys; sys.exit('no such thing')", "print('{}')", "print('no JSON')"])
def test_a_command_that_fails_ends_the_run(script: str, tmp_path: Path) -> None:
    """A command that fails, or prints something else, is named with what it said."""
    file = tmp_path / "bad.py"
    file.write_text(script)
    with pytest.raises(SystemExit, match=r"bad\.py"):
        assign(tmp_path / "a", tmp_path / "b", f"{sys.executable} {file} {{jsonl}}")
