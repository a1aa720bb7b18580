"""When trouble began: startsAt less the rule's `for`, from the annotation, rule files, or a server's rules API."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from receiver.config import ReceiverConfig
from receiver.engine.onset import Holds, Waiting, onset
from receiver.onsets import files
from receiver.prepared import Prepared, rules_of
from tests.receiver.bodies import START
from tocsin.config import load
from tocsin.errors import InputError

MINUTE = timedelta(minutes=1)

RULES = """
groups:
  - name: players
    labels: {team: audio}
    rules:
      - record: player:errors:rate5m
        expr: rate(player_errors_total[5m])
      - alert: PlayerErrors
        expr: player:errors:rate5m > 1
        for: 5m
        keep_firing_for: 30m
        labels: {severity: critical, tenant: acme, where: '{{ $labels.region }}'}
      - alert: PlayerErrors
        expr: player:errors:rate5m > 0.1
        for: 15m
        labels: {severity: warning, tenant: acme}
      - alert: PlayerGone
        expr: absent(up{job="player"})
"""
MANIFEST = """
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata: {name: db}
spec:
  groups:
    - name: db
      rules: [{alert: DatabaseDown, expr: up == 0, for: 1h30m}]
"""


def _holds(folder: Path, *texts: str) -> Holds:
    for number, text in enumerate(texts):
        (folder / f"{number}.yml").write_text(text)
    return files.holds_in([str(folder / "*.yml")])


@pytest.mark.parametrize(
    ("labels", "minutes"),
    [
        ({"alertname": "PlayerErrors", "severity": "critical", "tenant": "acme", "team": "audio", "where": "eu"}, 5),
        ({"alertname": "PlayerErrors", "severity": "warning", "tenant": "acme", "team": "audio"}, 15),
        ({"alertname": "PlayerErrors", "severity": "page"}, 5),  # relabelled on the way: the shortest
        ({"alertname": "PlayerGone", "team": "audio"}, 0),
        ({"alertname": "DatabaseDown", "instance": "db-1"}, 90),
        ({"alertname": "SomethingElse"}, 0),
        ({}, 0),
    ],
)
def test_rule_files_tell_how_long_an_alert_waited(labels: dict[str, str], minutes: int, tmp_path: Path) -> None:
    """The rule of an alert's name whose fixed labels it carries tells; a template's label could be anything."""
    holds = _holds(tmp_path, RULES, MANIFEST)
    assert onset(labels, {}, START, holds) == START - minutes * MINUTE


@pytest.mark.parametrize(
    ("annotation", "minutes"), [("10m", 10), ("0s", 0), ("", 90), ("a while", 90), ("1y", 365 * 24 * 60)]
)
def test_the_annotation_counts_first(annotation: str, minutes: int, tmp_path: Path) -> None:
    """Generated rules say their `for` themselves; what is no duration says nothing."""
    holds = _holds(tmp_path, MANIFEST)
    found = onset({"alertname": "DatabaseDown"}, {"tocsin_for": annotation}, START, holds)
    assert found == START - minutes * MINUTE


def test_a_start_before_all_time_stays() -> None:
    """A `for` that leads out of the calendar is no reason to fail."""
    first = START.replace(year=1)
    assert onset({}, {"tocsin_for": "900y"}, first, Holds()) == first


def test_of_two_sources_the_first_that_knows_counts() -> None:
    """A source that has the alert's labels comes before one that has its name alone."""
    files_say = [Waiting("A", 1 * MINUTE, (("severity", "critical"),))]
    server_says = [Waiting("A", 2 * MINUTE, (("severity", "warning"),)), Waiting("B", 3 * MINUTE)]
    holds = Holds.of(files_say, server_says)
    asked = [("A", "critical"), ("A", "warning"), ("A", "info"), ("B", ""), ("C", "")]
    found = [holds.hold({"alertname": name, "severity": severity}) for name, severity in asked]
    assert found == [MINUTE, 2 * MINUTE, MINUTE, 3 * MINUTE, None]


def test_two_rules_that_differ_in_their_hold_alone() -> None:
    """Nobody can tell their alerts apart; the shorter `for` makes no alert older than it is."""
    holds = Holds.of([Waiting("A", 5 * MINUTE), Waiting("A", 2 * MINUTE), Waiting("A", 9 * MINUTE)])
    assert holds.hold({"alertname": "A"}) == 2 * MINUTE


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("groups:\n  - name: a\n    rules: [{alert: A, expr: up, for: soon}]\n", 3, "not a duration"),
        ("groups:\n  - name: a\n    rules: {alert: A}\n", 2, "no list of rules"),
        ("groups:\n  - name: a\n    rules: [A]\n", 3, "a rule is no mapping"),
        ("route: {receiver: tocsin}\n", 1, "no list of groups"),
        ("groups: [\n", 2, "not valid YAML"),
    ],
)
def test_what_is_no_rule_file_is_told_with_its_place(text: str, line: int, said: str, tmp_path: Path) -> None:
    """File and line of what is wrong, before the receiver starts."""
    with pytest.raises(InputError) as caught:
        _holds(tmp_path, text)
    (problem,) = caught.value.problems
    assert problem.at.file == str(tmp_path / "0.yml")
    assert problem.at.line == line
    assert said in problem.message


def test_a_file_that_is_missing_is_told(tmp_path: Path) -> None:
    """A pattern that finds nothing would silently mean that no alert has a `for`."""
    with pytest.raises(InputError) as caught:
        files.holds_in([str(tmp_path / "rules/*.yml")])
    assert "names no file" in caught.value.problems[0].message


def test_patterns_count_from_the_configuration_file(tmp_path: Path) -> None:
    """`rule_files: [rules/*.yml]` lies beside the configuration, and reaches the engine's rules."""
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules/db.yml").write_text(MANIFEST)
    (tmp_path / "receiver.yml").write_text("rule_files: [rules/*.yml]\n")
    config = load(tmp_path / "receiver.yml", ReceiverConfig)
    assert rules_of(config).holds.hold({"alertname": "DatabaseDown"}) == 90 * MINUTE
    assert rules_of(config, Holds()).holds == Holds()
    assert Prepared.of(config).holds == rules_of(config).holds


def test_the_shipped_generator_says_it(tmp_path: Path) -> None:
    """Rules as `tocsin rules build` writes them carry the annotation that is read here."""
    from typer.testing import CliRunner

    from generator.commands import rules

    pack = Path(__file__).parents[2] / "rulepacks"
    built = CliRunner().invoke(rules, ["build", str(pack), "-o", str(tmp_path)])
    assert built.exit_code == 0, built.output
    for file in tmp_path.glob("*.yml"):
        text = file.read_text()
        assert text.count("tocsin_for:") == text.count("- alert:"), file
