"""The simulated storms: the same for the same seed, shaped as Alertmanager sends, and silent about the truth."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import yaml

from bench.storm.alertmanager import Grouping, as_json, bodies, fingerprint
from bench.storm.faults import Fired, fired
from bench.storm.nature import PLAIN, WorldKind, drawn
from bench.storm.storm import DEFAULTS, SETTINGS, SHORT, STORM, Setting, storm, write
from bench.storm.world import EVALUATED_EVERY, World, build
from tocsin import duration

SEEDS = (1, 2, 3)
ALERT_KEYS = {"status", "labels", "annotations", "startsAt", "endsAt", "generatorURL", "fingerprint"}


def alerts_of(seed: int) -> tuple[World, list[Fired]]:
    """A drawn world with holds, and an hour of what fires in it."""
    rng = random.Random(seed)
    world = build(rng, replace(drawn(rng), faults=10.0, noise=10.0), mixed_holds=True)
    return world, fired(rng, world, hours=1.0, bursts=1.0, burst_size=(2, 3))


@pytest.mark.parametrize(("kind", "setting"), [("drawn", SHORT), ("plain", SHORT), ("drawn", STORM)])
def test_a_seed_is_a_storm(kind: WorldKind, setting: Setting, tmp_path: Path) -> None:
    """The same seed writes the same bytes; another one writes others."""
    written = []
    for number, seed in enumerate((5, 5, 6)):
        folder = tmp_path / str(number)
        folder.mkdir()
        write(storm(seed, setting, kind), folder)
        written.append({file.name: file.read_bytes() for file in folder.rglob("*.*")})
    assert set(written[0]) == {"storm.jsonl", "receiver.yml", "alerts.yml"}
    assert written[0] == written[1]
    assert all(written[0][name] != written[2][name] for name in ("storm.jsonl", "receiver.yml"))


@pytest.mark.parametrize("seed", SEEDS)
def test_bodies_know_nothing_of_the_truth(seed: int) -> None:
    """Another truth of the same alerts gives the same bodies; a name's severity is the same in every part it plays."""
    _, alerts = alerts_of(seed)
    lied = [replace(one, onset=0.0, fault=0, cause=not one.cause) for one in alerts]
    grouping = Grouping(("alertname",), 30.0, 300.0)
    sent, other = ([as_json(body) for body in bodies(random.Random(1), told, grouping)] for told in (alerts, lied))
    assert sent
    assert sent == other
    severities = {(one.labels["alertname"], one.labels["severity"]) for one in alerts}
    assert len(severities) == len({name for name, _ in severities})


@pytest.mark.parametrize("seed", SEEDS)
def test_start_less_for_is_the_onset(seed: int) -> None:
    """startsAt − `for` lies within one evaluation after the trouble began, and the written rules tell that `for`."""
    world, alerts = alerts_of(seed)
    late = [one.starts_at - world.holds[one.labels["alertname"]] - one.onset for one in alerts]
    assert len(late) > 20
    assert min(late) >= 0
    assert max(late) < EVALUATED_EVERY + 1e-6


def test_rule_files_tell_every_for(tmp_path: Path) -> None:
    """Each alert that fires has its rule, with its `for` and its severity."""
    made = storm(1, DEFAULTS)
    _, config = write(made, tmp_path)
    (pattern,) = yaml.safe_load(config.read_text())["rule_files"]
    (file,) = tmp_path.glob(pattern)
    (group,) = yaml.safe_load(file.read_text())["groups"]
    rules = {rule["alert"]: rule for rule in group["rules"]}
    holds = {name: duration.parse(rule.get("for", "0")) for name, rule in rules.items()}
    assert holds == {name: timedelta(seconds=hold) for name, hold in made.world.holds.items()}
    assert max(holds.values()) > timedelta()
    for body in made.bodies:
        for one in body.firing:
            assert rules[one.labels["alertname"]]["labels"]["severity"] == one.labels["severity"]


@pytest.mark.parametrize("setting", SETTINGS.values(), ids=SETTINGS)
def test_bodies_are_alertmanagers(setting: Setting, tmp_path: Path) -> None:
    """Version 4, one group each, in the order of arrival; every occurrence of the truth is in them and no other."""
    made = storm(2, setting)
    jsonl, _ = write(made, tmp_path)
    lines = [json.loads(line) for line in jsonl.read_text().splitlines()]
    assert [line["at"] for line in lines] == sorted(line["at"] for line in lines)
    told = set()
    for body in (line["body"] for line in lines):
        assert (body["version"], body["truncatedAlerts"]) == ("4", 0)
        for alert in body["alerts"]:
            assert set(alert) == ALERT_KEYS
            assert body["groupLabels"].items() <= body["commonLabels"].items() <= alert["labels"].items()
            assert alert["fingerprint"] == fingerprint(tuple(sorted(alert["labels"].items())))
            assert alert["startsAt"] < lines[-1]["at"]
            told.add((alert["fingerprint"], alert["startsAt"]))
    assert told == set(made.truth.faults)
    assert made.truth.causes < told


def test_a_group_waits_then_tells_changes_at_its_interval() -> None:
    """After group_wait, then at multiples of group_interval where something is new; an end is told once."""
    one, other = (fire("A", 0.0, 100.0, pod="1"), fire("A", 12.0, 400.0, pod="2"))
    sent = bodies(random.Random(0), [one, other], Grouping(("alertname",), 5.0, 10.0, twice=0.0, late=0.0))
    assert [round(body.at) for body in sent] == [5, 15, 105, 405]
    assert [(len(body.firing), len(body.resolved)) for body in sent] == [(1, 0), (2, 0), (1, 1), (0, 1)]


def test_what_ends_before_its_group_was_told_is_never_told() -> None:
    """Alertmanager is silent about an alert that came and went within group_wait."""
    assert bodies(random.Random(0), [fire("A", 0.0, 15.0)], Grouping(("alertname",), 30.0, 300.0)) == []


def test_a_second_peer_repeats() -> None:
    """So many bodies as `twice` says come again, word for word."""
    alerts = [fire(f"A{number}", 2.0 * number, 5000.0) for number in range(200)]
    sent = bodies(random.Random(0), alerts, Grouping(("alertname",), 5.0, 10.0, twice=0.15))
    again = len(sent) - len({str(as_json(body)) for body in sent})
    assert 0.1 < again / (len(sent) - again) < 0.2


@pytest.mark.parametrize(("late", "in_order"), [(0.0, True), (0.1, False)])
def test_bodies_that_are_late_come_behind_others(late: float, in_order: bool) -> None:
    """Of groups that were sent one after the other some arrive later than their successors."""
    alerts = [fire(f"A{number}", 2.0 * number, 1e6) for number in range(50)]
    sent = bodies(random.Random(0), alerts, Grouping(("alertname",), 5.0, 10.0, twice=0.0, repeat=1e9, late=late))
    starts = [body.firing[0].starts_at for body in sent if body.firing]
    assert (starts == sorted(starts)) is in_order


def test_fingerprints_are_prometheus_own() -> None:
    """The example of prometheus/common, model/signature_test.go."""
    assert int(fingerprint((("fear", "love is not enough"), ("name", "garland, briggs"))), 16) == 5799056148416392346


def test_worlds_differ() -> None:
    """Drawn worlds differ in size, names and labels; the plain one stays."""
    natures = [drawn(random.Random(seed)) for seed in range(30)]
    assert len({nature.services for nature in natures}) > 10
    assert len({nature.names for nature in natures}) == 30
    assert {nature.by_pod for nature in natures} == {True, False}
    assert len({nature.label for nature in natures}) > 1
    assert storm(1, SHORT, "plain").world.nature == PLAIN


def fire(name: str, start: float, end: float, **labels: str) -> Fired:
    return Fired(start, start, end, {"alertname": name, "severity": "info"} | labels, 0, True)
