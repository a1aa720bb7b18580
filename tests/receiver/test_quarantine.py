"""Quarantine: listed, shown, re-run once."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from receiver.config import ReceiverConfig
from receiver.engine.correlate import Correlator
from receiver.engine.notification import Body
from receiver.engine.origin import Origin
from tests.receiver.bodies import START, alert, body
from tests.receiver.harness import HOOK, Harness, receiver
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


def _break_on(correlator: Correlator, *names: str) -> Any:
    """Makes the engine fail on alerts of these names; gives what mends it."""
    place = correlator.place

    def broken(notification: Any, fired: Any, *more: Any) -> Any:
        listed = list(fired)
        return 1 / 0 if any(one.name in names for one, _ in listed) else place(notification, listed, *more)

    correlator.place = broken  # type: ignore[method-assign, assignment]
    return place


async def test_quarantine_after_the_cause_is_mended(tmp_path: Path) -> None:
    """A body that broke the engine is processed when it is re-run after the engine was mended."""
    async with receiver(tmp_path, config()) as tocsin:
        correlator = tocsin.receiver.loop.rules.correlator
        place = _break_on(correlator, "Poison")
        await tocsin.post(body(alert("Poison")))
        correlator.place = place  # type: ignore[method-assign]
        (one,) = (await tocsin.get("/api/v1/quarantine"))["items"]
        await tocsin.client.post(f"/api/v1/quarantine/{one['id']}/retry")
        await tocsin.settle()
        assert "Poison is up" in {incident["title"] for incident in await tocsin.incidents()}
        assert (await tocsin.get("/api/v1/quarantine"))["items"] == []


TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


async def poisoned(tocsin: Harness, token: str) -> None:
    """A body of a sender that is confined to the tenant acme breaks the engine, names another one, and is re-run."""
    correlator = tocsin.receiver.loop.rules.correlator
    place = _break_on(correlator, "Own", "Foreign")
    headers = {"Authorization": f"Bearer {token}"}
    whole = body(alert("Own", tenant="acme"), alert("Foreign", tenant="globex"))
    answer = await tocsin.client.post(f"{HOOK}/europe", data=whole, headers=headers)
    assert answer.status == 200
    await tocsin.settle()
    correlator.place = place  # type: ignore[method-assign]
    found = (await tocsin.get("/api/v1/quarantine"))["items"]
    broken = next(one for one in found if re.search("ZeroDivisionError", one["reason"]))
    assert (await tocsin.client.post(f"/api/v1/quarantine/{broken['id']}/retry")).status == 200


def confined(folder: Path) -> ReceiverConfig:
    (folder / "token").write_text("t0ken")
    token = {"token_file": folder / "token", "tenants": ["acme"]}
    return ReceiverConfig.model_validate({"sources": {"europe": {"bearer_token_files": [token]}}})


async def test_a_body_that_is_run_again_stays_confined(tmp_path: Path) -> None:
    """A body from quarantine may speak for no more tenants than its sender, however it got there."""
    async with receiver(tmp_path, confined(tmp_path)) as tocsin:
        await poisoned(tocsin, "t0ken")
        await tocsin.settle()
        tenants = {one["labels"].get("tenant") for one in await tocsin.alerts() if one["source"] == "europe"}
        assert tenants == {"acme"}


async def test_a_body_that_is_run_again_keeps_its_origin(tmp_path: Path) -> None:
    """What is re-run speaks for whom its sender may speak for, and belongs to the trace of the request."""
    origin = Origin(("acme",), TRACE)
    async with receiver(tmp_path) as tocsin:
        await tocsin.receiver.inbox.put(Body("europe", START, b"[]", origin=origin), 0)
        await tocsin.settle()
        (kept,) = (await tocsin.get("/api/v1/quarantine"))["items"]
        assert (await tocsin.client.post(f"/api/v1/quarantine/{kept['id']}/retry")).status == 200
        (waiting,) = (await tocsin.receiver.inbox.oldest()).bodies
        assert waiting.origin == origin
