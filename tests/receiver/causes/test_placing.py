"""Which alerts are one incident: what one fault explains, and nothing else."""

from __future__ import annotations

import re

import pytest

from tests.receiver.bodies import START, alert
from tests.receiver.causes.playing import Play, rules

HERE = "on `catalog`, where DatabaseDown began 20s earlier"
ONE_HOP = "`player` depends on `catalog`, whose DatabaseDown began 41s earlier"
TWO_HOPS = "`web` depends on `catalog` (by way of search), whose DatabaseDown began 1m10s earlier"


@pytest.mark.parametrize(
    ("service", "at", "reason"), [("catalog", 20, HERE), ("player", 41, ONE_HOP), ("web", 70, TWO_HOPS)]
)
def test_a_consequence_joins_its_cause_and_says_why(service: str, at: float, reason: str) -> None:
    """At the place of the cause, at a caller, at a caller's caller; with the lag, the rate and the odds."""
    play = Play()
    cause = play.fires("DatabaseDown", "catalog", at=0)
    assert play.fires("HighErrorRate", service, at=at) == cause
    said = play.why("HighErrorRate")
    assert re.fullmatch(re.escape(reason) + r"; \d+ times likelier than chance", said)


@pytest.mark.parametrize(
    ("name", "service", "at"),
    [
        ("HighErrorRate", "database", 30),  # what catalog depends on is no consequence of catalog
        ("HighErrorRate", "billing", 30),  # nothing leads there
        ("HighErrorRate", "player", 1500),  # far too late
        ("HighErrorRate", "elsewhere", 30),  # no node of the graph
    ],
)
def test_what_nothing_explains_stands_alone(name: str, service: str, at: float) -> None:
    """Against the direction, without a way, too late, unknown: an incident of its own."""
    play = Play()
    cause = play.fires("DatabaseDown", "catalog", at=0)
    other = play.fires(name, service, at=at)
    assert other != cause
    assert play.why(name) == "nothing open explains it"


def test_what_is_known_of_a_name_is_said() -> None:
    """Once enough alerts of a name were seen, the reason tells how often they follow, or come by themselves."""
    play = Play()
    learned = play.work.board("default").learned
    for _ in range(8):
        learned.note_followed("HighErrorRate", "DatabaseDown", START.timestamp())
    learned.note_opened("DatabaseDown", START.timestamp(), 9.0)
    play.fires("DatabaseDown", "catalog", at=0)
    play.fires("HighErrorRate", "player", at=41)
    assert "; such alerts follow 91 % of the time, " in play.why("HighErrorRate")
    assert play.why("DatabaseDown") == "nothing open explains it; DatabaseDown comes by itself 92 % of the time"


def test_alerts_that_name_no_place_go_by_their_group() -> None:
    """Without a node of the graph or a rare label they are one incident for each Alertmanager group."""
    play = Play()
    play.fires("DatabaseDown", "catalog", at=0)
    first = play.fires("BackupLate", at=10, bucket="a")
    assert play.fires("BackupLate", at=2000, bucket="b") == first
    assert play.fires("LicenseEnds", at=20) != first
    assert play.why("BackupLate") == "same Alertmanager group: alertname=BackupLate"


def test_a_node_takes_its_pods_along_and_what_depends_on_them() -> None:
    """The same node, then a caller of the service that runs there, are consequences of the node's failure."""
    play = Play()
    node = play.fires("NodeDown", at=0, node="n1")
    assert play.fires("PodNotReady", "catalog", at=20, node="n1", pod="catalog-0") == node
    assert play.why("PodNotReady").startswith("same node `n1`, whose NodeDown began 20s earlier")
    assert play.fires("HighLatency", "player", at=50) == node
    assert play.why("HighLatency").startswith(
        "`player` depends on `catalog`, which runs on node `n1`, whose NodeDown began 50s earlier"
    )
    assert play.fires("PodNotReady", "billing", at=25, node="n2", pod="billing-0") != node


def test_a_machine_can_be_a_node_of_the_graph() -> None:
    """What `tocsin topology discover --from kubernetes` writes: services depend on the machines that they run on."""
    play = Play(rules({"player": ("catalog", "n1"), "catalog": ("n2",)}))
    node = play.fires("NodeDown", at=0, node="n2")
    assert play.fires("HighLatency", "player", at=45) == node
    assert play.why("HighLatency").startswith("`player` depends on `n2` (by way of catalog), whose NodeDown began 45s")


def test_a_cause_that_comes_late_adopts_its_consequences() -> None:
    """What began earlier and is told later takes over what it explains; their alerts count there."""
    play = Play()
    play.fires("HighErrorRate", "player", at=40)
    play.fires("HighLatency", "search", at=45)
    lone = play.fires("CertificateExpiring", "billing", at=46)
    before = play.of("HighErrorRate").id
    cause = play.fires("DatabaseDown", "catalog", at=0, told=60)
    assert play.of("HighErrorRate").id == play.of("HighLatency").id == cause
    assert play.of("CertificateExpiring").id == lone
    assert (play.work.incidents[cause].alerts, play.work.incidents[cause].firing) == (3, 3)
    gone = play.work.incidents[before]
    assert (gone.merged_into, gone.firing) == (cause, 0)
    assert play.kinds(cause) == ["opened", "alerts_joined", "adopted", "adopted"]
    assert play.kinds(before)[-1] == "merged_into"


def test_overlapping_faults_stay_apart() -> None:
    """Two faults at one time, each with its callers: each alert goes to its own cause."""
    play = Play()
    catalog = play.fires("DatabaseDown", "catalog", at=0)
    ledger = play.fires("DatabaseDown", "ledger", at=5)
    assert play.fires("HighErrorRate", "billing", at=30) == ledger != catalog
    assert play.fires("HighErrorRate", "player", at=31) == catalog


def test_circles_and_a_service_that_depends_on_everything() -> None:
    """A circle ends, a hub is no magnet: what lies upstream of everything explains only what comes in time."""
    edges = {"a": ("b",), "b": ("c",), "c": ("a",), "hub": ("a", "b", "c", "d", "hub"), "d": ()}
    play = Play(rules(edges))
    a = play.fires("ServiceDown", "a", at=0)
    assert play.fires("HighLatency", "b", at=60) == a  # b depends on c, which depends on a
    assert play.fires("HighLatency", "hub", at=30) == a
    assert play.fires("HighLatency", "d", at=35) != a


def test_tenants_do_not_see_each_other() -> None:
    """The same place of another tenant explains nothing."""
    play = Play()
    first = play.fires("DatabaseDown", "catalog", at=0, tenant="north")
    assert play.fires("HighErrorRate", "player", at=30, tenant="south") != first


def test_five_thousand_alerts_of_one_place_are_one_incident_and_one_event() -> None:
    """Alerts that say the same are decided once."""
    play = Play()
    cause = play.fires("DatabaseDown", "catalog", at=0)
    play.tell(40, *(alert("HighErrorRate", start=30, service="player", path=f"/{n}") for n in range(5000)))
    assert play.work.incidents[cause].alerts == 5001
    assert play.kinds(cause) == ["opened", "alerts_joined", "alerts_joined"]


def test_a_clock_that_jumps_explains_nothing_wrongly() -> None:
    """Alerts from the future and from long ago stand alone, and nothing breaks."""
    play = Play()
    cause = play.fires("DatabaseDown", "catalog", at=0)
    assert play.fires("HighErrorRate", "player", at=86_400, told=60) != cause
    assert play.fires("HighLatency", "player", at=-86_400, told=70) != cause


def test_what_fires_again_goes_where_it_is_explained() -> None:
    """Quiet for a minute it returns; with a new cause upstream it goes there."""
    play = Play()
    first = play.fires("HighErrorRate", "player", at=0)
    play.tell(65, alert("HighErrorRate", start=0, end=60, service="player"))
    assert play.fires("HighErrorRate", "player", at=120) == first
    play.tell(185, alert("HighErrorRate", start=120, end=180, service="player"))
    cause = play.fires("DatabaseDown", "catalog", at=260)
    assert play.fires("HighErrorRate", "player", at=290) == cause != first


def test_text_is_the_last_thing_that_is_asked() -> None:
    """What an alert says of itself names the cause's place, and nothing else explains it."""
    play = Play()
    cause = play.fires("DatabaseDown", "catalog", at=0)
    late = alert("ImportFailed", start=30, service="billing")
    late["annotations"] = {"summary": "billing cannot import", "description": "No answer from catalog, for 2 m."}
    play.tell(35, late)
    assert play.of("ImportFailed").id == cause
    assert play.why("ImportFailed").startswith("its text names `catalog`, whose DatabaseDown began 30s earlier")
    other = alert("ExportFailed", start=31, service="billing")
    other["annotations"] = {"summary": "billing cannot export", "description": "No answer from catalogue."}
    play.tell(36, other)
    assert play.of("ExportFailed").id != cause
