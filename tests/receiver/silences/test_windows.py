"""Maintenance windows with `silence: true`."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from receiver.engine.maintenance import MaintenanceSettings
from receiver.silences.windows import WindowSilences
from receiver.silences.wire import in_words
from receiver.store.windows import StoredWindow
from tests.receiver.bodies import START
from tests.receiver.silences.fakes import FakeAlertmanager
from tests.receiver.silences.test_keeper import config
from tocsin.amapi import Matcher, NoAnswer, PostableSilence
from tocsin.clock import ManualClock


def window(**settings: object) -> MaintenanceSettings:
    """Two hours, an hour from the beginning."""
    said = {"name": "upgrade", "matchers": 'service="db", env!="dev", i=~"a.*", j!~"b"', "silence": True}
    times = {"from": START + timedelta(hours=1), "duration": "2h"}
    return MaintenanceSettings.model_validate(said | times | settings)


class Place:
    """The silences of windows, an Alertmanager in memory, and windows that people added."""

    def __init__(self, folder: Path, *configured: MaintenanceSettings) -> None:
        self.clock = ManualClock(START)
        self.am = FakeAlertmanager(self.clock)
        self.stored: list[StoredWindow] = []
        self.silences = WindowSilences(
            configured=configured,
            stored=self._stored,
            sources=config(folder).alertmanagers,
            tenant_label="tenant",
            clock=self.clock,
            peers=self.am.peers,
        )

    async def _stored(self) -> list[StoredWindow]:
        return self.stored

    async def after(self, **wait: float) -> list[str]:
        """The silences that there are then."""
        self.clock.advance(**wait)
        await self.silences.look()
        return [one.id for one in self.am.active]


async def test_while_it_is_on(tmp_path: Path) -> None:
    """A silence lasts as long as its window, with its matchers, and is written once."""
    place = Place(tmp_path, window(), window(name="quiet", silence=False))
    assert await place.after(minutes=59) == []
    for minutes in (1, 1, 30, 80):
        assert await place.after(minutes=minutes) == ["s1"]
    (silence,) = place.am.active
    assert in_words(silence.matchers) == ('env!="dev"', 'i=~"a.*"', 'j!~"b"', 'service="db"')
    assert silence.ends_at == START + timedelta(hours=3)
    assert silence.created_by == "tocsin/maintenance"
    assert "upgrade; until 2026-11-21 06:00 UTC" in silence.comment
    assert await place.after(hours=1) == []
    assert (len(place.am.writes), place.am.ends) == (1, [])


async def test_ended_early(tmp_path: Path) -> None:
    """A window that somebody ends, or that is taken out of the configuration, is silent no longer; others' stay."""
    place = Place(tmp_path, window(name="other"))
    place.stored = [StoredWindow("w1", window(), START, "bob")]
    foreign = PostableSilence((Matcher("a", "b"),), START, START + timedelta(days=1), "bob", "mine")
    await place.am.write_silence(foreign)
    assert len(await place.after(hours=1)) == 3
    assert {one.created_by for one in place.am.active} == {"tocsin/bob", "tocsin/maintenance", "bob"}
    place.stored = [StoredWindow("w1", window(), START, "bob", place.clock.now(), "eve")]
    assert len(await place.after(minutes=1)) == 2
    place.silences.configured = ()
    assert [one.created_by for one in place.am.active if one.id in await place.after(minutes=1)] == ["bob"]


async def test_ended_while_tocsin_was_away(tmp_path: Path) -> None:
    """A start ends what a window left behind that was ended meanwhile."""
    before = Place(tmp_path)
    before.stored = [StoredWindow("w1", window(), START, "bob")]
    await before.after(hours=1)
    place = Place(tmp_path)
    place.am, place.silences._peers = before.am, before.am.peers
    place.stored = [StoredWindow("w1", window(), START, "bob", before.clock.now(), "eve")]
    place.clock.advance(hours=1)
    assert await place.after(minutes=1) == []


@pytest.mark.parametrize(
    ("tenant", "matcher"), [("acme", 'tenant="acme"'), ("default", 'tenant=~"|default"'), ("", None)]
)
async def test_tenants(tmp_path: Path, tenant: str, matcher: str | None) -> None:
    """A tenant's window is silent for that tenant's alerts alone."""
    place = Place(tmp_path, window(tenant=tenant))
    await place.after(hours=1)
    words = in_words(place.am.active[0].matchers)
    assert [word for word in words if word.startswith("tenant")] == ([matcher] if matcher else [])


async def test_nothing_is_asked_in_vain(tmp_path: Path) -> None:
    """Where no window asks for silence, Alertmanager is left alone; one that is away is told of once, and tried on."""
    place = Place(tmp_path, window(silence=False))
    place.am.failure = NoAnswer("away")
    with capture_logs() as logs:
        await place.after(hours=1)
        place.silences.configured = (window(),)
        await place.after(minutes=1)
        await place.after(minutes=1)
    assert [line["reason"] for line in logs] == ["away"]
    place.am.failure = None
    assert await place.after(minutes=1) == ["s1"]
