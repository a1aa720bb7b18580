"""The tree of an incident, from its events and alerts alone."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from receiver.engine.causes.growing import MOST_BRANCHES, tree_of
from receiver.engine.causes.ranking import Member, ranked
from receiver.engine.causes.relearning import Happened
from receiver.engine.causes.telling import told
from receiver.engine.causes.tree import Branch, Reading, Tree
from receiver.engine.events import (
    Adopted,
    AlertRef,
    AlertsJoined,
    CauseMarked,
    NoiseMarked,
    Root,
    StormBegan,
)
from receiver.engine.incident import Incident
from receiver.engine.occurrence import Occurrence
from receiver.engine.topology import Topology
from receiver.web.pictures import picture
from tests.receiver.bodies import START
from tocsin.model import Severity

CRITICAL = Severity.CRITICAL


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def occurrence(name: str, service: str, seconds: float = 0, *, id_: str = "", **extra: Any) -> Occurrence:
    labels = {"alertname": name, "severity": "critical"} | ({"service": service} if service else {})
    labels |= {key: value for key, value in extra.items() if isinstance(value, str)}
    return Occurrence(
        id=id_ or f"{name}@{service}",
        identity=extra.get("identity") or id_ or f"{name}@{service}",
        tenant="default",
        source="alertmanager",
        fingerprint="",
        labels=labels,
        annotations={},
        generator_url="",
        starts_at=at(seconds),
        ends_at=at(extra["end"]) if "end" in extra else None,
        incident="one",
    )


def replace_(one: Occurrence, **changes: Any) -> Occurrence:

    return structs.replace(one, **changes)


def warned(name: str, service: str, seconds: float) -> Occurrence:
    """An alert of severity warning."""
    one = occurrence(name, service, seconds)
    return replace_(one, labels=dict(one.labels) | {"severity": "warning"})


DB = occurrence("Down", "db")
LATE_WARNING_AT_CART = warned("Warn", "cart", 5)
CART = occurrence("Errors", "cart", 20)
WEB = occurrence("Slow", "web", 40)
CLOCK = occurrence("Skew", "", 5)


def ref(one: Occurrence) -> AlertRef:
    return AlertRef(one.id, one.name)


def joined(one: Occurrence, follows: Occurrence | None = None, incident: str = "one") -> Happened:
    reason = f"{one.name} follows {follows.name}" if follows else "alone"
    event = AlertsJoined((ref(one),), CRITICAL, reason, follows.id if follows else "", 20.0 if follows else 0.0)
    return incident, one.starts_at, event


def incident(root: Occurrence | None = DB, **extra: Any) -> Incident:
    began = Root(ref(root), root.starts_at, root.labels.get("service", "")) if root else None
    return Incident("one", title="Down", root=began, **extra)


def shape(branches: tuple[Branch, ...]) -> list[Any]:
    """Branches as nested names with counts and roles."""
    return [
        [f"{one.alerts} {one.name} {one.service} {one.role.value}".replace("  ", " "), *shape(one.branches)]
        for one in branches
    ]


def tree(*happened: Happened, of: Incident | None = None, alerts: list[Occurrence] | None = None) -> Tree:
    return tree_of(of or incident(), happened, [DB, CART, WEB] if alerts is None else alerts, Reading())


def test_consequences_hang_on_what_they_follow() -> None:
    """What followed an alert stands beneath it, with reason, odds and how much later it began."""
    found = tree(joined(DB), joined(CART, DB), joined(WEB, CART))
    assert shape(found.branches) == [["1 Down db cause", ["1 Errors cart consequence", ["1 Slow web consequence"]]]]
    (cart,) = found.branches[0].branches
    assert (cart.why.reason, cart.why.odds, cart.lag) == ("Errors follows Down", 20.0, timedelta(seconds=20))
    assert found.services == {"cart": 1, "web": 1}
    assert [found.placings[one.id].rank for one in (DB, CART, WEB)] == [1, 2, 3]


def test_adopted_incidents_hang_on_what_explains_them() -> None:
    """An incident that was adopted, and one that it had adopted, keep their shape beneath the cause."""
    adopts_cart = ("one", at(60), Adopted("two", ref(CART), 2, 2, CRITICAL, "cart depends on db", DB.id, 30.0))
    adopts_web = ("two", at(50), Adopted("three", ref(WEB), 1, 1, CRITICAL, "web depends on cart", CART.id, 9.0))
    found = tree(joined(DB), adopts_cart, joined(CART, incident="two"), adopts_web, joined(WEB, incident="three"))
    assert shape(found.branches) == [["1 Down db cause", ["1 Errors cart consequence", ["1 Slow web consequence"]]]]
    assert found.branches[0].branches[0].why.reason == "cart depends on db"


def test_an_adoption_outweighs_what_was_said_at_the_same_moment() -> None:
    """An alert that joined and was adopted in one batch follows what adopted it, in whatever order that is read."""
    adopts = ("one", CART.starts_at, Adopted("two", ref(CART), 1, 1, CRITICAL, "cart depends on db", DB.id, 30.0))
    joins = joined(CART, incident="two")
    for happened in ((joined(DB), adopts, joins), (joined(DB), joins, adopts)):
        found = tree(*happened, alerts=[DB, CART])
        assert shape(found.branches) == [["1 Down db cause", ["1 Errors cart consequence"]]]


def test_an_arrow_has_the_odds_of_what_it_says() -> None:
    """The odds stand on the arrow from what an alert was found to follow, not on that from what lies between."""
    found = tree_of(incident(), [joined(DB), joined(CART, DB), joined(WEB, DB)], [DB, CART, WEB], Reading(WAY))
    graph = picture(incident(), found)
    assert {(edge.source, edge.target): edge.text for edge in graph.edges} == {
        (DB.id, CART.id): "20s later, 20 ×",
        (CART.id, WEB.id): "20s later",
    }


def test_equal_alerts_are_one_branch() -> None:
    """Alerts of one name on one service are one line with a count, also where the second one follows the first."""
    second = occurrence("Down", "db", 3, id_="second", instance="b")
    carts = [occurrence("Errors", "cart", 20 + n, id_=f"c{n}", pod=f"p{n}", end=90.0) for n in range(5)]
    found = tree(joined(DB), joined(second, DB), *(joined(one, DB) for one in carts), alerts=[DB, second, *carts])
    assert shape(found.branches) == [["2 Down db cause", ["5 Errors cart consequence"]]]
    (cart,) = found.branches[0].branches
    assert cart.labels["pod"] == (("p0", "p1", "p2"), 5)
    assert (cart.firing, cart.ended_at, found.branches[0].firing) == (0, at(90), 2)


def test_a_refiring_hangs_where_it_hung() -> None:
    """An alert that fires again, for no reason of its own, stands with its first firing."""
    again = replace_(CART, id="again", starts_at=at(100))
    found = tree(joined(DB), joined(CART, DB), joined(again), alerts=[DB, CART, again])
    assert shape(found.branches) == [["1 Down db cause", ["2 Errors cart consequence"]]]


WAY = Topology("service", {"web": ("cart", "shop"), "cart": ("stock",), "stock": ("db",), "db": ("cart",)})
STOCK = occurrence("Errors", "stock", 10)


@pytest.mark.parametrize(
    ("alerts", "expected"),
    [
        ([CART, WEB], [["1 Errors cart consequence", ["1 Slow web consequence"]]]),
        ([STOCK, WEB], [["1 Errors stock consequence", ["1 Slow web consequence"]]]),
        ([STOCK, CART], [["1 Errors stock consequence", ["1 Errors cart consequence"]]]),
        # What began later explains nothing, though it lies between.
        ([occurrence("Errors", "cart", 50), WEB], [["1 Slow web consequence"], ["1 Errors cart consequence"]]),
        # What is worse speaks for a service; alike ones stay together, as the first of them does.
        (
            [LATE_WARNING_AT_CART, CART, WEB],
            [["1 Warn cart consequence"], ["1 Errors cart consequence", ["1 Slow web consequence"]]],
        ),
        (
            [CART, WEB, occurrence("Slow", "web", 15, id_="early")],
            [["2 Slow web consequence"], ["1 Errors cart consequence"]],
        ),
        # Where the cause is, nothing lies between, whatever circles say.
        ([occurrence("Slow", "db", 30), CART], [["1 Errors cart consequence"], ["1 Slow db consequence"]]),
    ],
)
def test_the_way_of_a_fault(alerts: list[Occurrence], expected: list[Any]) -> None:
    """What followed the same cause stands beneath the nearest that its service depends on."""
    happened = [joined(DB), *(joined(one, DB) for one in alerts)]
    (top,) = tree_of(incident(), happened, [DB, *alerts], Reading(WAY)).branches
    assert shape(top.branches) == expected
    assert {one.lag for one in top.branches} <= {one.starts_at - START for one in alerts}


def test_what_nothing_explains_stands_by_itself() -> None:
    """An alert that no event explains is part of the incident, not a consequence; nor is one whose cause has left."""
    found = tree(joined(DB), joined(CART), joined(WEB, occurrence("Gone", "gone")))
    assert shape(found.branches) == [["1 Down db cause"], ["1 Errors cart together"], ["1 Slow web together"]]


def test_groups_have_no_cause() -> None:
    """In an incident of an Alertmanager group no cause is named: nothing is known of any."""
    found = tree(joined(DB), joined(CART), of=incident(None), alerts=[DB, CART])
    assert found.cause is None
    assert shape(found.branches) == [["1 Down db together"], ["1 Errors cart together"]]
    assert told(found) == []


def test_a_marked_cause_is_on_top() -> None:
    """Everything hangs under the alert that a person marked, what it had followed too."""
    marked = ("one", at(99), CauseMarked(ref(CART), "bob"))
    found = tree(joined(DB), joined(CART, DB), joined(WEB, CART), marked, of=incident(cause=ref(CART)))
    assert shape(found.branches) == [["1 Errors cart cause", ["1 Down db consequence"], ["1 Slow web consequence"]]]
    assert found.branches[0].why.reason == "bob says that Errors is the cause"
    assert [why.reason for why in (one.why for one in found.branches[0].branches)] == [
        "bob says that Errors is the cause",
        "Slow follows Errors",
    ]
    assert told(found)[0] == "Likely cause, as bob says: Errors on cart, since 03:00:20 UTC"


def test_noise_is_apart() -> None:
    """Noise stands apart, also where it was marked in an incident that was merged; what followed it stands alone."""
    noise = ("two", at(30), NoiseMarked(ref(CART), "bob"))
    found = tree(joined(DB), joined(CART, DB), joined(WEB, CART), noise)
    assert shape(found.noise) == [["1 Errors cart noise"]]
    assert shape(found.branches) == [["1 Down db cause"], ["1 Slow web together"]]
    assert (found.placings[CART.id].noise, found.placings[CART.id].rank) == (True, 3)


def test_noise_at_the_root() -> None:
    """Where the first alert is noise, the next one is the likeliest cause."""
    found = tree(joined(DB), joined(CART), ("one", at(30), NoiseMarked(ref(DB), "bob")), alerts=[DB, CART])
    assert (shape(found.branches), shape(found.noise)) == ([["1 Errors cart cause"]], [["1 Down db noise"]])


def test_circles_are_cut() -> None:
    """Alerts that follow one another in a circle, as people can tie them, are all told once."""
    found = tree(joined(DB, WEB), joined(CART, DB), joined(WEB, CART))
    assert shape(found.branches) == [["1 Down db cause", ["1 Errors cart consequence", ["1 Slow web consequence"]]]]


def _alerts(branch: Branch) -> int:
    return branch.alerts + sum(map(_alerts, branch.branches))


def test_long_chains() -> None:
    """A chain of 3,000 consequences is a tree that is not deeper than people can read."""
    chain = [DB, *(occurrence("Errors", f"s{n}", n) for n in range(1, 3000))]
    happened = [joined(DB), *(joined(one, before) for before, one in pairwise(chain))]
    found = tree(*happened, alerts=chain)
    assert _depth(found.branches) == 10
    assert sum(map(_alerts, found.branches)) + found.more_alerts == 3000


def _depth(branches: tuple[Branch, ...]) -> int:
    return 1 + max((_depth(one.branches) for one in branches), default=0) if branches else 0


def test_big_incidents_are_bounded() -> None:
    """An incident of 20,000 alerts of as many kinds shows the likeliest, counts the rest, and misses none."""
    many = [DB, *(occurrence("Errors", f"s{n}", n % 600) for n in range(1, 20_000))]
    found = tree(joined(DB), *(joined(one, DB) for one in many[1:]), of=incident(alerts=21_000), alerts=many)
    shown = sum(map(_alerts, found.branches))
    assert shown == MOST_BRANCHES
    assert (shown + found.more_alerts, found.more_kinds, found.unread) == (20_000, 20_000 - MOST_BRANCHES, 1000)


def test_storms_have_candidates() -> None:
    """What stands for a storm has many causes, those with most consequences first, and counts everything by service."""
    began = ("one", at(0), StormBegan("too many"))
    happened = [began, joined(DB), joined(CLOCK), joined(CART, CLOCK), joined(WEB, CLOCK)]
    found = tree(*happened, of=incident(None, storm=True), alerts=[DB, CART, WEB, CLOCK])
    assert shape(found.branches) == [
        ["1 Skew cause", ["1 Errors cart consequence"], ["1 Slow web consequence"]],
        ["1 Down db cause"],
    ]
    assert told(found) == [
        "Storm: 4 alerts on 4 services: no service 1, cart 1, db 1, web 1",
        "Likeliest causes, those with most consequences first:",
        "- Skew, since 03:00:05 UTC, followed by 2 alerts",
        "- Down on db, since 03:00:00 UTC",
    ]


def test_onset_counts() -> None:
    """What began earlier ranks earlier, by the onset and not by `startsAt`; another label may name the service."""
    early = {WEB.id: at(-300)}
    reading = Reading(Topology("alertname"), lambda one: early.get(one.id, one.starts_at))
    found = tree_of(incident(None), [joined(DB), joined(WEB)], [DB, WEB], reading)
    assert [(one.name, one.service, one.began_at) for one in found.branches] == [
        ("Slow", "Slow", at(-300)),
        ("Down", "Down", at(0)),
    ]


def test_no_alerts() -> None:
    """An incident without alerts, as one that was merged, has an empty tree."""
    assert tree(joined(DB), alerts=[]) == Tree()


LATE_WARNING = warned("Warn", "a", 10)
LATE_CRITICAL = occurrence("Crit", "b", 10)


@pytest.mark.parametrize(
    ("of", "expected"),
    [
        (None, "Down Skew Crit Warn Errors Slow"),
        (incident(WEB), "Slow Down Skew Crit Warn Errors"),
        (incident(WEB, cause=ref(CART)), "Errors Slow Down Skew Crit Warn"),
        (incident(WEB, noise=frozenset({WEB.id, DB.id})), "Skew Crit Warn Errors Slow Down"),
        (incident(DB, cause=ref(CART), noise=frozenset({CLOCK.id})), "Errors Down Crit Warn Slow Skew"),
    ],
)
def test_ranking(of: Incident | None, expected: str) -> None:
    """A person's word, then the root, then the onset, then what is worst; noise last."""
    members = [Member(one, one.starts_at) for one in (LATE_WARNING, WEB, CART, LATE_CRITICAL, CLOCK, DB)]
    assert " ".join(member.occurrence.name for member in ranked(members, of)) == expected
    assert ranked(reversed(members), of) == ranked(members, of)


NAMES = st.sampled_from(["Down", "Errors", "Slow"])
SERVICES = st.sampled_from(["", "db", "web"])
ALERTS = st.lists(st.tuples(NAMES, SERVICES, st.integers(0, 5), st.integers(0, 11), st.booleans()), max_size=12)


@given(ALERTS, st.integers(0, 11), st.integers(-1, 11))
def test_every_alert_is_told_once(drawn: list[tuple[str, str, int, int, bool]], root: int, cause: int) -> None:
    """Whatever follows what, in circles, from outside, marked or not: each alert is counted once, and has a rank."""
    alerts = [occurrence(name, service, at_, id_=f"a{n}") for n, (name, service, at_, _, _) in enumerate(drawn)]
    of_id = {one.id: one for one in alerts}
    happened = [joined(one, of_id.get(f"a{drawn[n][3]}")) for n, one in enumerate(alerts)]
    happened += [("one", at(9), NoiseMarked(ref(one), "bob")) for n, one in enumerate(alerts) if drawn[n][4]]
    marked = of_id.get(f"a{cause}")
    happened += [("one", at(10), CauseMarked(ref(marked), "eve"))] if marked else []
    of = incident(of_id.get(f"a{root}", DB), cause=ref(marked) if marked else None)
    found = tree_of(of, happened, alerts, Reading())
    assert sum(map(_alerts, (*found.branches, *found.noise))) == len(alerts)
    assert sorted(placing.rank for placing in found.placings.values()) == [*range(1, len(alerts) + 1)]
    assert sum(map(_alerts, found.noise)) == sum(placing.noise for placing in found.placings.values())
