"""What people decide over HTTP: it is carried out, answered with what came of it, and refused with a way out."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from tests.receiver.bodies import alert, body
from tests.receiver.causes.fault import breaks, config, decide, ids, incident, names
from tests.receiver.harness import receiver

TREE = ["2 DatabaseDown", ["1 CatalogSlow", ["5 PlayerErrors", ["1 WebErrors"]]]]


async def test_merge(tmp_path: Path) -> None:
    """A merged incident ends; its alerts stand in the other one under its cause, with who said so."""
    async with receiver(tmp_path, config()) as tocsin:
        fault = await breaks(tocsin)
        other = await incident(tocsin, "CertificateExpires is up")
        status, answer = await decide(tocsin, other["id"][:6], "merge", into=fault["id"][:6])
        assert (status, answer["changed"]) == (200, True)
        assert answer["reason"] == f"bob merged {other['id']} into {fault['id']}"
        assert [one["id"] for one in answer["incidents"]] == [other["id"], fault["id"]]
        assert (answer["incidents"][0]["status"], answer["incidents"][0]["merged_into"]) == ("resolved", fault["id"])
        assert answer["incidents"][1]["alerts"] == 10
        now = await incident(tocsin, "DatabaseDown is up")
        (cause,) = now["tree"]["branches"]
        (merged,) = [branch for branch in cause["branches"] if branch["name"] == "CertificateExpires"]
        assert (merged["reason"], merged["by"]) == ("bob says that they are one", "bob")
        gone = await incident(tocsin, "CertificateExpires is up")
        assert (gone["part_of"], gone["tree"]["branches"]) == (fault["id"], [])


async def test_split(tmp_path: Path) -> None:
    """Alerts that were taken out are an incident of their own, which says who took them and from where."""
    async with receiver(tmp_path, config()) as tocsin:
        fault = await breaks(tocsin)
        (web,) = ids(fault, "WebErrors")
        status, answer = await decide(tocsin, fault["id"], "split", alerts=[web[:-2]])
        assert (status, answer["changed"]) == (200, True)
        new = answer["incidents"][1]
        assert answer["reason"] == (
            f"bob took WebErrors ({web}) out of {fault['id']}; they are the incident {new['id']} now"
        )
        assert (new["title"], new["alerts"], new["root"]["name"]) == ("WebErrors is up", 1, "WebErrors")
        assert answer["incidents"][0]["alerts"] == 8
        story = await tocsin.get(f"/api/v1/incidents/{new['id']}")
        assert names(story["tree"]["branches"]) == ["1 WebErrors"]
        assert story["alert_list"][0]["reason"] == f"bob moved it here from {fault['id']}"
        assert names((await incident(tocsin, "DatabaseDown is up"))["tree"]["branches"]) == [
            "2 DatabaseDown",
            ["1 CatalogSlow", ["5 PlayerErrors"]],
        ]


async def test_split_of_all(tmp_path: Path) -> None:
    """An incident cannot be split off itself, however often its alerts have fired."""
    async with receiver(tmp_path, config()) as tocsin:
        for start, end in ((0, None), (0, 20), (30, None)):
            await tocsin.post(body(alert("CertificateExpires", start=start, end=end, service="mail"), group="mail"))
        one = await incident(tocsin, "CertificateExpires is up")
        assert one["alerts"] == 2
        status, answer = await decide(tocsin, one["id"], "split", name="CertificateExpires")
        assert (status, answer["detail"]) == (
            409,
            f"that is all of {one['id']}: nothing would be left to split them from",
        )


async def test_move_by_name(tmp_path: Path) -> None:
    """All alerts of one name move to another open incident."""
    async with receiver(tmp_path, config()) as tocsin:
        fault = await breaks(tocsin)
        other = await incident(tocsin, "CertificateExpires is up")
        status, answer = await decide(tocsin, fault["id"], "move", name="PlayerErrors", to=other["id"])
        assert (status, answer["reason"]) == (200, f"bob moved 5 alerts from {fault['id']} to {other['id']}")
        assert [one["alerts"] for one in answer["incidents"]] == [4, 6]
        story = await incident(tocsin, "CertificateExpires is up")
        assert names(story["tree"]["branches"]) == ["1 CertificateExpires", "5 PlayerErrors"]
        assert [branch["role"] for branch in story["tree"]["branches"]] == ["cause", "together"]


async def test_cause(tmp_path: Path) -> None:
    """A marked cause stands on top, with everything else beneath and who said so; marking it again changes nothing."""
    async with receiver(tmp_path, config()) as tocsin:
        fault = await breaks(tocsin)
        status, answer = await decide(tocsin, fault["id"], "cause", name="PlayerErrors")
        first = ids(fault, "PlayerErrors")[0]
        assert (status, answer["incidents"][0]["cause"]) == (200, {"id": first, "name": "PlayerErrors"})
        now = await incident(tocsin, "DatabaseDown is up")
        assert now["alert_list"][0]["id"] == first
        (top,) = now["tree"]["branches"]
        assert (top["name"], top["reason"]) == ("PlayerErrors", "bob says that PlayerErrors is the cause")
        assert names([top]) == ["5 PlayerErrors", ["2 DatabaseDown", ["1 CatalogSlow"], "1 WebErrors"]]
        status, answer = await decide(tocsin, fault["id"], "cause", alert=first)
        assert (status, answer["changed"]) == (200, False)
        assert "already" in answer["reason"]


async def test_noise(tmp_path: Path) -> None:
    """What is marked as noise stands apart, ranks last and is not counted as a consequence."""
    async with receiver(tmp_path, config()) as tocsin:
        fault = await breaks(tocsin)
        (web,) = ids(fault, "WebErrors")
        status, answer = await decide(tocsin, fault["id"], "noise", alerts=[web])
        assert (status, answer["incidents"][0]["noise"]) == (200, [web])
        now = await incident(tocsin, "DatabaseDown is up")
        assert names(now["tree"]["noise"]) == ["1 WebErrors"]
        assert now["tree"]["services"] == {"player": 5, "catalog": 1}
        assert (now["alert_list"][-1]["id"], now["alert_list"][-1]["cause_rank"]) == (web, 9)
        assert [one["noise"] for one in now["alert_list"]] == [False] * 8 + [True]
        status, answer = await decide(tocsin, fault["id"], "noise", name="WebErrors")
        assert (status, answer["changed"]) == (200, False)


async def test_decisions_survive(tmp_path: Path) -> None:
    """What people said is as it was after a restart."""
    async with receiver(tmp_path, config()) as tocsin:
        fault = await breaks(tocsin)
        await decide(tocsin, fault["id"], "cause", name="CatalogSlow")
        await decide(tocsin, fault["id"], "noise", name="WebErrors")
        before = await incident(tocsin, "DatabaseDown is up")
        clock = tocsin.clock
    async with receiver(tmp_path, config(), clock=clock) as tocsin:
        assert await incident(tocsin, "DatabaseDown is up") == before


async def test_the_engine_is_late(tmp_path: Path) -> None:
    """A decision that is not carried out in time is answered 202, and carried out later."""
    async with receiver(tmp_path, config()) as tocsin:
        fault = await breaks(tocsin)
        tocsin.receiver.doors.decisions.wait_seconds = 0.0
        path = f"/api/v1/incidents/{fault['id']}/cause"
        answer = await tocsin.client.post(path, json={"name": "WebErrors"})
        told = await answer.json()
        assert (answer.status, told["changed"]) == (202, False)
        assert "has not carried it out within 0 s" in told["reason"]
        await tocsin.settle()
        assert (await incident(tocsin, "DatabaseDown is up"))["cause"]["name"] == "WebErrors"


@pytest.mark.parametrize(
    ("what", "said", "status", "says"),
    [
        ("merge", {}, 400, "into is missing"),
        ("merge", {"into": "zzzz"}, 404, "there is no incident zzzz"),
        ("merge", {"into": "FAULT"}, 409, "is named twice"),
        ("merge", {"into": "MERGED"}, 409, "has become part of FAULT: decide about that one"),
        ("merge", {"into": "RESOLVED"}, 409, "merge the other way round: RESOLVED into FAULT"),
        ("merge", {"into": "OTHERS"}, 409, "different tenants, default and acme"),
        ("merge", {"into": ""}, 400, "into must have at least 1 character"),
        ("merge", {"into": 5}, 400, "into must be a valid string"),
        ("split", {}, 400, "say which alerts"),
        ("split", {"alerts": ["6"]}, 409, "more than one alert begins with 6"),
        ("split", {"alerts": ["zzz"]}, 404, "no alert of FAULT has the id zzz; tocsin alerts list --incident FAULT"),
        ("split", {"alerts": [""]}, 404, "that is empty"),
        ("split", {"alerts": ["6"] * 5001}, 400, "at most 5,000 alerts at once"),
        ("split", {"name": "Nothing"}, 404, "no alert of FAULT has the name Nothing"),
        ("split", {"alerts": "abc"}, 400, "alerts must be a list"),
        ("move", {"name": "WebErrors"}, 400, "to is missing"),
        ("move", {"name": "WebErrors", "to": "FAULT"}, 409, "is named twice"),
        ("move", {"name": "WebErrors", "to": "RESOLVED"}, 409, "is resolved; alerts can be moved to an open incident"),
        ("move", {"name": "WebErrors", "to": "OTHERS"}, 409, "nothing crosses a tenant"),
        ("cause", {}, 400, "say which alerts"),
        ("cause", {"alerts": ["a", "b"]}, 400, "one alert is the cause"),
        ("noise", {"alerts": ["zzz"]}, 404, "no alert of FAULT"),
        ("noise", {"alerts": ["OLD"]}, 409, "has ended and fired again here since: name "),
    ],
)
async def test_refusals(tmp_path: Path, what: str, said: dict[str, Any], status: int, says: str) -> None:
    """What cannot be done is refused at once, in words that name the way out, and changes nothing."""
    async with receiver(tmp_path, config()) as tocsin:
        await breaks(tocsin)
        await tocsin.post(body(alert("WebErrors", start=60, end=70, service="web", severity="warning"), group="web"))
        await tocsin.post(body(alert("WebErrors", start=90, service="web", severity="warning"), group="web"))
        await tocsin.post(body(alert("Elsewhere", service="mail", tenant="acme"), group="acme"))
        (catalog,) = [one for one in await tocsin.incidents() if one["title"] == "CatalogSlow is up"]
        done = (await incident(tocsin, "CertificateExpires is up"))["id"]
        await tocsin.act(done, "resolve")
        fault = await incident(tocsin, "DatabaseDown is up")
        known = {
            "FAULT": fault["id"],
            "MERGED": catalog["id"],
            "RESOLVED": done,
            "OTHERS": (await incident(tocsin, "Elsewhere is up"))["id"],
            "OLD": next(one["id"] for one in fault["alert_list"] if one["ends_at"]),
        }
        text = json.dumps(said)
        for name, value in known.items():
            text, says = text.replace(f'"{name}"', f'"{value}"'), says.replace(name, value)
        answered, told = await decide(tocsin, fault["id"], what, **json.loads(text))
        assert (answered, says in told["detail"]) == (status, True), told
        assert (await incident(tocsin, "DatabaseDown is up"))["timeline"] == fault["timeline"]


async def test_decisions_on_another_replica(tmp_path: Path, postgres_url: str) -> None:
    """What is decided on one replica is carried out by the engine on another, and answered with what came of it."""
    both = config(database={"url": postgres_url})
    async with receiver(tmp_path, both) as engine, receiver(tmp_path, both, clock=engine.clock) as other:
        fault = await breaks(engine)
        path = f"/api/v1/incidents/{fault['id']}/split"
        posted = asyncio.create_task(other.client.post(path, json={"by": "bob", "name": "WebErrors"}))
        while not posted.done():
            await engine.settle()
            await asyncio.sleep(0)
        answer = await posted
        told = await answer.json()
        assert (answer.status, [one["alerts"] for one in told["incidents"]]) == (200, [8, 1])
        now = await incident(other, "DatabaseDown is up")
        assert names(now["tree"]["branches"]) == ["2 DatabaseDown", ["1 CatalogSlow", ["5 PlayerErrors"]]]
