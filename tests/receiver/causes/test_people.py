"""People decide: merge, split, move, mark; each is an event, and teaches."""

from __future__ import annotations

from datetime import datetime, timedelta

from receiver.engine.causes.people import What, decision
from receiver.engine.occurrence import Occurrence
from tests.receiver.bodies import START, alert
from tests.receiver.causes.playing import Play


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def named(play: Play, name: str) -> Occurrence:
    (found,) = [one for one in play.work.occurrences.values() if one.name == name]
    return found


def storm() -> Play:
    """A cause with two consequences, and something apart."""
    play = Play()
    play.fires("DatabaseDown", "catalog", at=0)
    play.fires("HighErrorRate", "player", at=40)
    play.fires("HighLatency", "search", at=45)
    play.fires("DiskFull", "billing", at=50)
    return play


def test_merge() -> None:
    """Two become one because somebody says so; what is learned follows."""
    play = storm()
    cause, other = play.of("DatabaseDown").id, play.of("DiskFull").id
    play.take(decision(What.MERGE, other, "ann", at(100), to=cause))
    assert play.of("DiskFull").id == cause
    merged = play.work.incidents[other]
    assert (merged.merged_into, merged.resolved_by) == (cause, "ann")
    assert play.work.incidents[cause].firing == 4
    assert play.work.board("default").learned.names["DiskFull"].followed > 4


def test_alerts_taken_out_are_an_incident_of_their_own() -> None:
    """Whoever heard of the whole has heard of the part; ends count on the new one."""
    play = storm()
    cause = play.of("DatabaseDown").id
    play.take(decision(What.MOVE, cause, "ann", at(100), alerts=[named(play, "HighErrorRate")]))
    new = play.of("HighErrorRate")
    assert new.id != cause
    assert play.kinds(new.id) == ["opened", "took_over", "alerts_joined"]
    assert (new.firing, play.work.incidents[cause].firing) == (1, 2)
    play.tell(200, alert("HighErrorRate", start=40, end=190, service="player"))
    assert play.work.incidents[new.id].status == "resolved"
    assert play.work.incidents[cause].status == "open"


def test_alerts_move_to_another_incident() -> None:
    """The last that fires takes the old one's end with it; an alert that is over stays over."""
    play = storm()
    cause, other = play.of("DatabaseDown").id, play.of("DiskFull").id
    play.tell(110, alert("DiskFull", start=50, end=105, service="billing"))
    play.fires("DiskFull", "billing", at=111)
    play.take(decision(What.MOVE, other, "ann", at(120), to=cause, alerts=[named(play, "DiskFull")]))
    assert play.of("DiskFull").id == cause
    assert play.work.incidents[other].status == "resolved"
    assert play.work.incidents[cause].alerts == 4


def test_marks() -> None:
    """A cause and noise, as somebody says; noise is expected alone from now on."""
    play = storm()
    cause = play.of("DatabaseDown").id
    play.take(decision(What.CAUSE, cause, "ann", at(100), alerts=[named(play, "HighLatency")]))
    play.take(decision(What.NOISE, cause, "ann", at(101), alerts=[named(play, "HighErrorRate")]))
    incident = play.work.incidents[cause]
    assert incident.cause is not None
    assert incident.cause.name == "HighLatency"
    assert incident.noise == {named(play, "HighErrorRate").id}
    assert play.work.board("default").learned.follows("HighErrorRate", START.timestamp()) < 0.3


def test_what_cannot_be_done_changes_nothing_and_is_told() -> None:
    """Unknown incidents, alerts that are elsewhere, merging with itself or over tenants."""
    play = storm()
    north = play.fires("DatabaseDown", "catalog", at=60, tenant="north")
    cause = play.of("HighErrorRate").id
    apart = named(play, "DiskFull")
    said = [
        (decision(What.MERGE, "nobody", "ann", at(100), to=cause), "there is no incident nobody"),
        (decision(What.MERGE, cause, "ann", at(100), to=cause), "they are one already"),
        (decision(What.MERGE, north, "ann", at(100), to=cause), "they are of different tenants: default and north"),
        (decision(What.MOVE, cause, "ann", at(100), alerts=[apart]), f"none of these alerts is part of {cause}"),
        (decision(What.MOVE, cause, "ann", at(100), to="x", alerts=[named(play, "HighLatency")]), "x is not open"),
    ]
    for one, reason in said:
        before = len(play.events)
        play.take(one)
        assert len(play.events) == before
        assert reason in play.work.outcome.refused[0]
