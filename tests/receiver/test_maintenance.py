"""The agenda and the topology, as plain data."""

from __future__ import annotations

from datetime import timedelta

from receiver.engine.maintenance import Agenda, MaintenanceSettings
from receiver.engine.topology import Topology
from tests.receiver.bodies import START


def test_agenda_is_computed_when_it_changes() -> None:
    """Between two changes the agenda answers from memory; at each of them, and backwards, it is right."""
    cron = MaintenanceSettings.model_validate(
        {"name": "often", "matchers": "a=b", "cron": "*/10 * * * *", "duration": "3m"}
    )
    window = cron.window("w")
    agenda = Agenda([window])
    for minute in [*range(30), 5, 12]:
        on = [(one.window, one.until) for one in agenda.at(START + timedelta(minutes=minute))]
        until = START + timedelta(minutes=minute - minute % 10 + 3)
        assert on == ([(window, until)] if minute % 10 < 3 else [])


def test_local_times() -> None:
    """A time without an offset is local in the window's zone; one with an offset means itself."""
    said = {"name": "x", "matchers": "a=b", "duration": "1h", "timezone": "Asia/Kolkata"}
    local = MaintenanceSettings.model_validate(said | {"from": "2026-11-21T08:30"})
    absolute = MaintenanceSettings.model_validate(said | {"from": "2026-11-21T04:00:00+01:00"})
    assert [one.until for one in Agenda([local.window("w")]).at(START)] == [START + timedelta(hours=1)]
    assert [one.until for one in Agenda([absolute.window("w")]).at(START)] == [START + timedelta(hours=1)]


def test_dependencies() -> None:
    """What a node depends on comes nearest first, with the way there; circles end, and so do the hops."""
    topology = Topology("service", {"a": ("b", "c"), "b": ("d",), "c": ("d", "a"), "d": ("e",), "e": ("a",)})
    assert topology.dependencies("a", 2) == {"b": ("b",), "c": ("c",), "d": ("b", "d")}
    assert list(topology.dependencies("a", 10)) == ["b", "c", "d", "e"]
    assert topology.dependencies("nobody", 3) == {}
