"""Two-way with real Alertmanagers: what people say here silences there, and what is silent there is told here."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from demo.processes import free_port
from tests import real
from tests.acceptance.receiving import Receiving, receiving
from tests.alertmanagers import RunningAlertmanager, alertmanager, alertmanagers, tells
from tocsin.amapi import Alertmanager, GettableSilence

pytestmark = [pytest.mark.real, pytest.mark.slow(seconds=15)]

A = {"alertname": "Disk", "n": "a", "where": 'a "b"\n{c} ü'}
B = {"alertname": "Disk", "n": "b"}
C = {"alertname": "Disk", "n": "c"}
POLICY = {"steps": [{"notify": ["hook"]}], "silence_on": ["acknowledge", "snooze"]}


class Both:
    """A receiver and the Alertmanagers of its one source."""

    def __init__(self, tocsin: Receiving, running: RunningAlertmanager) -> None:
        self.tocsin = tocsin
        self.running = running
        self._api = Alertmanager(running.http, running.url)

    async def silences(self, *, holding: bool = True) -> list[GettableSilence]:
        return [one for one in await self._api.silences() if one.holds or not holding]

    async def silenced(self) -> set[str]:
        """The label `n` of what is silent there just now."""
        return {one.labels["n"] for one in await self._api.alerts() if one.status.silenced_by}

    async def incident(self) -> dict[str, Any]:
        (incident,) = await self.tocsin.items("incidents")
        async with self.tocsin.http.get(f"{self.tocsin.url}/api/v1/incidents/{incident['id']}") as answer:
            told: dict[str, Any] = await answer.json()
        return told

    async def say(self, action: str, by: str = "alice") -> None:
        url = f"{self.tocsin.url}/api/v1/incidents/{(await self.incident())['id']}/{action}"
        async with self.tocsin.http.post(url, json={"by": by}) as answer:
            assert answer.status == 200, await answer.text()


@asynccontextmanager
async def both(
    binaries: real.Binaries, folder: Path, *, peers: int = 1, **config: Any
) -> AsyncIterator[tuple[Both, list[RunningAlertmanager]]]:
    """A receiver that silences, and one Alertmanager, or a cluster of several."""
    port = free_port()
    (folder / "token").write_text("t0ken")
    credentials = {"authorization": {"credentials_file": str(folder / "token")}}
    sends = tells(f"http://127.0.0.1:{port}/api/v2/hooks/alertmanager", http_config=credentials)
    cluster = (
        alertmanagers(binaries, folder, sends, count=peers, joined=True)
        if peers > 1
        else _alone(binaries, folder, sends)
    )
    async with cluster as running:
        urls = [one.url for one in running]
        times = {"every": "500ms", "missing_for": "2s", "settled_after": "1s"}
        source = {"bearer_token_files": [str(folder / "token")], "reconcile": {"alertmanagers": urls} | times}
        wanted = {"sources": {"alertmanager": source}, "escalation": POLICY} | config
        async with receiving(folder, wanted, port=port) as tocsin:
            yield Both(tocsin, running[0]), running


@asynccontextmanager
async def _alone(
    binaries: real.Binaries, folder: Path, config: Mapping[str, Any]
) -> AsyncIterator[list[RunningAlertmanager]]:
    async with alertmanager(binaries, folder, config) as one:
        yield [one]


async def test_acknowledgement(binaries: real.Binaries, tmp_path: Path) -> None:
    """An acknowledgement silences exactly what fires; our silence swallows the resolve, and the end is seen.

    Then nothing is silent any more: when it fires again, somebody is paged.
    """
    async with both(binaries, tmp_path) as (place, _):
        tocsin = place.tocsin
        await place.running.fire(A, B)
        await tocsin.until({"a": ["firing"], "b": ["firing"]}, ["open"], ["page"])
        assert await place.silenced() == set()
        await place.say("acknowledge")
        await tocsin.eventually(place.silenced, {"a", "b"})
        silences = await place.silences()
        incident = await place.incident()
        assert {one.created_by for one in silences} == {"tocsin/alice"}
        assert all(incident["id"] in one.comment and incident["title"] in one.comment for one in silences)
        assert all(timedelta(minutes=58) < one.ends_at - datetime.now(UTC) < timedelta(minutes=61) for one in silences)
        assert {one["id"] for one in incident["silences"]} == {one.id for one in silences}
        assert incident["silenced_by"] == []
        await place.running.fire(C)  # another alert of the same name: nobody has said anything about that one
        await tocsin.until({"a": ["firing"], "b": ["firing"], "c": ["firing"]}, ["acknowledged"], ["page"])
        await tocsin.eventually(place.silenced, {"a", "b", "c"})
        await place.running.resolve(A, B, C)
        ended = {"a": ["expired"], "b": ["expired"], "c": ["expired"]}
        await tocsin.until(ended, ["resolved"], ["page", "resolved"])
        assert (await place.incident())["resolved_by"] == "reconciler"
        await tocsin.eventually(place.silences, [])
        await place.running.fire(A)
        await tocsin.until(ended | {"a": ["expired", "firing"]}, ["open"], ["page", "resolved", "page"])


async def test_ended_there(tmp_path: Path) -> None:
    """A silence of ours that somebody ended in Alertmanager stays ended; resolving by hand leaves none behind."""
    async with both(real.pair("current"), tmp_path) as (place, _):
        await place.running.fire(A, B)
        await place.tocsin.until({"a": ["firing"], "b": ["firing"]}, ["open"], ["page"])
        await place.say("acknowledge")
        await place.tocsin.eventually(place.silenced, {"a", "b"})
        one = next(one for one in await place.silences() if any(matcher.value == "a" for matcher in one.matchers))
        await Alertmanager(place.running.http, place.running.url).end_silence(one.id)
        await place.running.fire(C)  # so that the silences are looked at
        await place.tocsin.eventually(place.silenced, {"b", "c"})
        assert any(event.get("there") for event in (await place.incident())["timeline"])
        await place.say("resolve")
        await place.tocsin.eventually(place.silences, [])


async def test_made_elsewhere(binaries: real.Binaries, tmp_path: Path) -> None:
    """A silence that somebody makes in Alertmanager shows on the incident, and so does its end."""
    async with both(binaries, tmp_path) as (place, _):
        await place.running.fire(A)
        await place.tocsin.until({"a": ["firing"]}, ["open"], ["page"])
        name = await place.running.silence("Disk")

        async def shown() -> list[tuple[str, str]]:
            return [(one["id"], one["by"]) for one in (await place.incident())["silenced_by"]]

        await place.tocsin.eventually(shown, [(name, "test")])
        await Alertmanager(place.running.http, place.running.url).end_silence(name)
        await place.tocsin.eventually(shown, [])


async def test_cluster(tmp_path: Path) -> None:
    """A silence is written to one peer and holds at each; with that one gone, the other ends it."""
    async with both(real.pair("current"), tmp_path, peers=2) as (place, (one, other)):
        there = Both(place.tocsin, other)
        await one.fire(A)
        await other.fire(A)
        await place.tocsin.until({"a": ["firing"]}, ["open"], ["page"])
        await place.say("acknowledge")
        for peer in (place, there):
            await place.tocsin.eventually(peer.silenced, {"a"})
        assert len(await there.silences(holding=False)) == 1
        await one.process.kill()
        await place.say("resolve")
        await place.tocsin.eventually(there.silences, [])


async def test_maintenance(binaries: real.Binaries, tmp_path: Path) -> None:
    """A window with `silence: true` is silent in Alertmanager while it is on."""
    now = datetime.now(UTC)
    window = {"name": "upgrade", "matchers": 'n="a"', "silence": True}
    times = {"from": (now - timedelta(hours=1)).isoformat(), "to": (now + timedelta(hours=1)).isoformat()}
    async with both(binaries, tmp_path, maintenance=[window | times]) as (place, _):
        await place.running.fire(A, B)
        await place.tocsin.eventually(place.silenced, {"a"})
        (silence,) = await place.silences()
        assert abs(silence.ends_at - now - timedelta(hours=1)) < timedelta(seconds=1)
        assert "upgrade" in silence.comment
