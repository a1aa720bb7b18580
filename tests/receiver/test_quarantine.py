"""Quarantine: listed, shown, re-run once."""

from __future__ import annotations

from pathlib import Path

from tests.receiver.bodies import alert, body
from tests.receiver.harness import receiver
from tests.receiver.holding import PAGE, config, told


async def test_quarantine(tmp_path: Path) -> None:
    """A body in quarantine is listed, shown, and re-run once; what is still not understood comes back."""
    async with receiver(tmp_path, config()) as tocsin:
        await tocsin.post(b'{"alerts": 5}')
        (one,) = (await tocsin.get("/api/v1/quarantine"))["items"]
        assert (one["source"], one["size_bytes"]) == ("alertmanager", 13)
        shown = await tocsin.get(f"/api/v1/quarantine/{one['id']}")
        assert (shown["content"], shown["truncated"]) == ('{"alerts": 5}', False)
        assert (await tocsin.client.post(f"/api/v1/quarantine/{one['id']}/retry")).status == 200
        assert (await tocsin.client.post(f"/api/v1/quarantine/{one['id']}/retry")).status == 404
        await tocsin.settle()
        (again,) = (await tocsin.get("/api/v1/quarantine"))["items"]
        assert again["id"] > one["id"]
        assert (await tocsin.client.get("/api/v1/quarantine/x")).status == 400
        assert told(tocsin) == [PAGE]


async def test_quarantine_after_the_cause_is_mended(tmp_path: Path) -> None:
    """A body that broke the engine is processed when it is re-run after the engine was mended."""
    async with receiver(tmp_path, config()) as tocsin:
        correlator = tocsin.receiver.loop.rules.correlator
        place = correlator.place
        correlator.place = lambda *_: 1 / 0 if _[1].name == "Poison" else place(*_)  # type: ignore
        await tocsin.post(body(alert("Poison")))
        correlator.place = place  # type: ignore[method-assign]
        (one,) = (await tocsin.get("/api/v1/quarantine"))["items"]
        await tocsin.client.post(f"/api/v1/quarantine/{one['id']}/retry")
        await tocsin.settle()
        assert "Poison is up" in {incident["title"] for incident in await tocsin.incidents()}
        assert (await tocsin.get("/api/v1/quarantine"))["items"] == []
