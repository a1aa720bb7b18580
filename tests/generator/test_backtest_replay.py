"""Rules replayed over a server: when they fire, with which labels, and what is told beside."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

import pytest

from generator.backtest import asking
from tests.exporter.fake import Fake, prometheus
from tests.generator.replaying import (
    MINUTE,
    START,
    UP,
    Stored,
    Value,
    always,
    during,
    minutes,
    played,
    rules,
    told,
)


async def test_firings() -> None:
    """An alert fires where its series is there for long enough; its labels are the series' and the rule's."""
    value = during((-90, 3), (10, 12), (20, 30), (50, 90))
    fake = Fake({"up == 0": [({"__name__": "up", "job": "a", "team": "x"}, value)], **UP})
    alert = {"expr": "up == 0", "for": "5m", "labels": {"team": "y", "of": "{{ $labels.job }}/{{ $labels.none }}"}}
    async with prometheus(fake) as server:
        [outcome] = (await played(rules(alert, labels={"cluster": "c"}), server)).rules
    assert minutes(outcome.firings) == [(0, 4), (25, 31), (55, None)]
    assert [one.began_before for one in outcome.firings] == [True, False, False]
    assert outcome.firings[0].labels == {"alertname": "A", "job": "a", "team": "y", "of": "a/", "cluster": "c"}
    assert (outcome.pending, outcome.group, outcome.interval) == (1, "g", MINUTE)
    assert outcome.data is not None
    assert (outcome.data.first, outcome.data.share) == (START, 1.0)
    assert outcome.problems == ()


async def test_query_offset() -> None:
    """With an offset each evaluation sees what was so long ago."""
    fake = Fake({"up == 0": [({}, during((10, 12)))], **UP})
    async with prometheus(fake) as server:
        [outcome] = (await played(rules({"expr": "up == 0"}, query_offset="2m"), server)).rules
    assert minutes(outcome.firings) == [(12, 15)]


async def test_rhythm_of_the_server() -> None:
    """A group without an interval has the server's; a group that it evaluates has its moment within the interval."""
    group = {"name": "g", "interval": 20, "lastEvaluation": "2026-03-01T11:00:07.4231Z", "rules": [{"name": "A"}]}
    config = "global: {evaluation_interval: 20s, rule_query_offset: 1s}\n"
    fake = Fake({"up == 0": [({}, during((10, 12)))], **UP}, groups=[group], config=config)
    async with prometheus(fake) as server:
        replayed = await played(rules({"expr": "up == 0"}), server, default_interval=None)
    [outcome] = replayed.rules
    assert outcome.interval == timedelta(seconds=20)
    assert (outcome.firings[0].start - START).total_seconds() == 607.423
    assert float(fake.asked[1]["start"]) % 20 == pytest.approx(6.423)


async def test_to_the_point() -> None:
    """An evaluation that began late is known by the alerts that it found; those of before a restart tell nothing."""
    alerts = [{"activeAt": "2026-03-01T10:50:07.4201Z"}, {"activeAt": "2026-03-01T08:00:00Z"}]
    rules_told = [{"name": "A", "alerts": alerts}]
    group = {"name": "g", "interval": 60, "lastEvaluation": "2026-03-01T11:00:07.4231Z", "rules": rules_told}
    fake = Fake({"up == 0": [({}, during((10, 12)))], **UP}, groups=[group])
    async with prometheus(fake) as server:
        replayed = await played(rules({"expr": "up == 0"}), server)
    assert (replayed.rules[0].firings[0].start - START).total_seconds() == 607.42


@pytest.mark.parametrize("config", ["[::", "global: 5", "global: {evaluation_interval: often}", "- a list", ""])
async def test_no_rhythm(config: str) -> None:
    """A server that tells nothing of use is taken for one with Prometheus's defaults."""
    fake = Fake({"up == 0": [({}, during((10, 12)))], **UP}, broken={"rules": (200, "<html>")}, config=config)
    async with prometheus(fake) as server:
        [outcome] = (await played(rules({"expr": "up == 0"}), server, default_interval=None)).rules
    assert (outcome.interval, minutes(outcome.firings)) == (MINUTE, [(10, 13)])


async def test_step() -> None:
    """A step takes the place of the groups' intervals."""
    fake = Fake({"up == 0": [({}, during((11, 21)))], **UP})
    async with prometheus(fake) as server:
        replayed = await played(rules({"expr": "up == 0"}, interval="1m"), server, step=timedelta(minutes=10))
    assert minutes(replayed.rules[0].firings) == [(20, 30)]


async def test_records() -> None:
    """A record that never ran is asked for by its expression; one that did may be trusted."""
    packs = rules({"record": "job:up:sum", "expr": "sum by (job) (up)"}, {"expr": "job:up:sum == 0"})
    fake = Fake({"job:up:sum == 0": [({"job": "stored"}, during((1, 2)))], "count(job:up:sum)": [({}, always)]})
    async with prometheus(fake) as server:
        trusted = await played(packs, server, stored_records=True)
        replayed = await played(packs, server)
    assert minutes(trusted.rules[0].firings) == [(1, 3)]
    assert replayed.rules[0].asked is not None
    assert "sum by (job) (up)" in replayed.rules[0].asked.text
    assert replayed.rules[0].firings == ()


async def test_order() -> None:
    """Outcomes come in the order of the rules, chosen ones alone; whoever looks on hears how many are done."""
    heard: list[tuple[int, int]] = []
    packs = rules(*[{"expr": f"up == {number}"} for number in range(9)])
    async with prometheus(Fake(UP)) as server:
        replayed = await played(
            packs, server, rules=lambda rule: rule.name != "C", told=lambda done, of: heard.append((done, of))
        )
    assert [outcome.rule.name for outcome in replayed.rules] == list("ABDEFGHI")
    assert heard == [(done, 8) for done in range(1, 9)]


LACKING: list[tuple[str, list[tuple[Mapping[str, str], Value]], str, str]] = [
    ("nothing", [], "warning", "no series that it reads is stored in the range: that it did not fire says nothing"),
    ("begins", [({}, during((30, 90)))], "warning", "what it reads begins at 2026-03-01 12:30:00Z"),
    ("ends", [({}, during((-90, 20)))], "warning", "what it reads ends at 2026-03-01 12:20:00Z"),
]


@pytest.mark.parametrize(("shows", "stored", "severity", "said"), LACKING)
async def test_lacking(shows: str, stored: list[tuple[Mapping[str, str], Value]], severity: str, said: str) -> None:
    """A rule without data in the range, or in a part of it, says so: no firing is not the same as silence."""
    async with prometheus(Fake({"count(up)": stored})) as server:
        replayed = await played(rules({"expr": "up == 0"}), server)
    [(level, message)] = told(replayed)
    assert (level, message.startswith(said)) == (severity, True)
    data = replayed.rules[0].data
    assert data is not None
    assert (data.share < 1, data.first is None) == (True, not stored)


async def test_one_selector_lacks() -> None:
    """Where one of several selectors finds nothing, that one is named; each is asked for once."""
    fake = Fake(UP)
    packs = rules({"expr": "up == 0 and gone > 0"}, {"expr": "up == 1 and gone > 0"})
    async with prometheus(fake) as server:
        replayed = await played(packs, server)
    assert told(replayed) == [("info", "no series in the range: gone")] * 2
    counted = [form["query"] for form in fake.asked if form["query"].startswith("count(")]
    assert sorted(counted) == ["count(gone)", "count(present_over_time(gone[1m]))", "count(up)"]


async def test_there_for_moments() -> None:
    """What is there between two looks only, as series of errors are, is not taken for missing."""
    fake = Fake({**UP, "count(present_over_time(errors[1m]))": [({}, during((20, 21)))]})
    async with prometheus(fake) as server:
        replayed = await played(rules({"expr": "up == 0 and errors > 0"}), server)
    assert told(replayed) == []


async def test_clashing_labels() -> None:
    """Two series that become one alert fail the evaluation; where only one is there, the alert goes on."""
    series: Stored = {"up == 0": [({"job": "a"}, during((5, 20))), ({"job": "b"}, during((15, 30)))]}
    async with prometheus(Fake({**series, **UP})) as server:
        replayed = await played(rules({"expr": "up == 0", "for": "3m", "labels": {"job": "all"}}), server)
    assert minutes(replayed.rules[0].firings) == [(8, 31)]
    [(severity, message)] = told(replayed)
    assert severity == "error"
    assert message.startswith("two of its series become the same alert, so that 6 evaluations fail: 2026-03-01 12:15")


async def test_group_limit() -> None:
    """More alerts at once than the group's limit are told."""
    series: Stored = {"up == 0": [({"job": str(number)}, during((5, 6))) for number in range(4)]}
    async with prometheus(Fake({**series, **UP})) as server:
        replayed = await played(rules({"expr": "up == 0"}, limit=3), server)
    assert told(replayed) == [("warning", "up to 4 alerts at once, more than its group's limit of 3")]


async def test_label_with_a_value() -> None:
    """A label that changes with the value is shown as it is written, and told."""
    async with prometheus(Fake({"up == 0": [({}, during((5, 6)))], **UP})) as server:
        replayed = await played(rules({"expr": "up == 0", "labels": {"at": "{{ $value }}"}}), server)
    assert replayed.rules[0].firings[0].labels["at"] == "{{ $value }}"
    assert [level for level, _ in told(replayed)] == ["info"]


async def test_alerts_of_alerts() -> None:
    """An alert upon alerts sees those that were stored, and says so."""
    async with prometheus(Fake({'count(ALERTS{alertname="B"})': [({}, always)]})) as server:
        replayed = await played(rules({"expr": 'ALERTS{alertname="B"}'}), server)
    assert [(level, message[:11]) for level, message in told(replayed)] == [("info", "reads ALERT")]


async def test_too_many_series(monkeypatch: pytest.MonkeyPatch) -> None:
    """A rule with more series than anybody wants alerts is not backtested."""
    monkeypatch.setattr(asking, "MOST_SERIES", 10)
    series: Stored = {"up == 0": [({"job": str(number)}, always) for number in range(11)]}
    async with prometheus(Fake({**series, **UP})) as server:
        replayed = await played(rules({"expr": "up == 0"}), server)
    assert told(replayed) == [("error", "cannot be backtested: it gives more than 10 series")]


async def test_range_edges() -> None:
    """What means the evaluation's time in a rule, and the range's in a query, is not asked."""
    async with prometheus(Fake(UP)) as server:
        replayed = await played(rules({"expr": "up @ end() == 0"}), server)
    assert "@ start() and @ end()" in told(replayed)[0][1]
