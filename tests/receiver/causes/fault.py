"""A fault that travels: a database goes down, its callers follow; and something that has nothing to do with it."""

from __future__ import annotations

import asyncio
from typing import Any

from receiver.config import ReceiverConfig
from tests.receiver.bodies import alert, body
from tests.receiver.harness import Harness, escalation

EDGES = {"web": ["player"], "player": ["catalog", "auth"], "catalog": ["db"]}


def config(**extra: Any) -> ReceiverConfig:
    return escalation(("0s", ("alice",)), **({"topology": {"edges": EDGES}} | extra))


async def breaks(tocsin: Harness) -> dict[str, Any]:
    """Posts the fault, consequences first, and something else; gives the database's incident."""
    players = [alert("PlayerErrors", start=30 + number, service="player", instance=f"p{number}") for number in range(5)]
    await tocsin.post(body(alert("WebErrors", start=60, service="web", severity="warning"), group="web"))
    await tocsin.post(body(*players, group="player"))
    await tocsin.post(body(alert("CatalogSlow", start=20, service="catalog", severity="warning"), group="catalog"))
    down = [alert("DatabaseDown", start=0, service="db", instance="db-1")]
    down += [alert("DatabaseDown", start=3, service="db", instance="db-2")]
    await tocsin.post(body(*down, group="db"))
    await tocsin.post(body(alert("CertificateExpires", start=10, service="mail"), group="mail"))
    return await incident(tocsin, "DatabaseDown is up")


async def incident(tocsin: Harness, title: str) -> dict[str, Any]:
    """The incident of a title, with its story."""
    (found,) = [one for one in await tocsin.incidents() if one["title"] == title]
    told: dict[str, Any] = await tocsin.get(f"/api/v1/incidents/{found['id']}")
    return told


async def decide(tocsin: Harness, incident_id: str, what: str, **said: Any) -> tuple[int, dict[str, Any]]:
    """Posts a decision while the engine runs; the answer's status and JSON."""
    path = f"/api/v1/incidents/{incident_id}/{what}"
    posted = asyncio.create_task(tocsin.client.post(path, json={"by": "bob"} | said))
    while not posted.done():
        await tocsin.settle()
        await asyncio.sleep(0)
    answer = await posted
    told: dict[str, Any] = await answer.json()
    return answer.status, told


def names(branches: list[dict[str, Any]]) -> list[Any]:
    """Branches as nested names with counts: `["2 DatabaseDown", ["1 CatalogSlow"]]`."""
    told: list[Any] = []
    for branch in branches:
        told.append(f"{branch['alerts']} {branch['name']}")
        if branch["branches"]:
            told.append(names(branch["branches"]))
    return told


def ids(found: dict[str, Any], name: str) -> list[str]:
    """The ids of an incident's alerts of a name."""
    return [one["id"] for one in found["alert_list"] if one["labels"]["alertname"] == name]
