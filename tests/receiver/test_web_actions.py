"""What people do about incidents over the API: actions, many at once, incidents by hand, keys, filters."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from receiver.engine.plan import Escalation, EscalationStep
from receiver.engine.routing import Policy, Route, Routing
from tests.receiver.bodies import alert, body
from tests.receiver.harness import Harness, escalation, receiver
from tocsin.labels import parse_all

NIGHT = {"for": "2h", "by": "alice", "reason": "the batch is done by then"}


async def asked(tocsin: Harness, path: str, said: Any = None, **headers: str) -> tuple[int, dict[str, Any]]:
    """Status and JSON of a POST."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    answer = await tocsin.client.post(f"/api/v1/{path}", json=said, headers=named)
    await tocsin.settle()
    told: dict[str, Any] = await answer.json()
    return answer.status, told


async def opened(tocsin: Harness, title: str = "Payments are stuck", **said: Any) -> dict[str, Any]:
    status, told = await asked(tocsin, "incidents", {"title": title, **said})
    assert status == 201, told
    return told


ACTIONS: list[tuple[str, dict[str, Any], str, dict[str, Any]]] = [
    ("acknowledge", {"by": "bob"}, "acknowledged", {"status": "acknowledged", "acknowledged_by": "bob"}),
    ("resolve", {"by": "bob", "reason": "rolled back"}, "resolved", {"status": "resolved", "resolved_by": "bob"}),
    ("snooze", NIGHT, "snoozed", {"snoozed_until": "2026-11-21T05:00:00Z", "acknowledged_by": "alice"}),
    ("snooze", {"until": "2026-11-21T06:00:00+01:00"}, "snoozed", {"snoozed_until": "2026-11-21T05:00:00Z"}),
    ("unsnooze", {}, "it is not snoozed", {"status": "open"}),
    ("reassign", {"to": "phone"}, "reassigned", {"assigned_to": "phone"}),
    ("escalate", {"reason": "customers call"}, "escalation_forced", {"status": "open"}),
    ("severity", {"severity": "info"}, "severity_raised", {"severity": "info"}),
    ("comment", {"text": "the vendor is on it"}, "commented", {"status": "open"}),
]


@pytest.mark.parametrize(("action", "said", "reason", "then"), ACTIONS)
async def test_actions(tmp_path: Path, action: str, said: dict[str, Any], reason: str, then: dict[str, Any]) -> None:
    """Each action changes the incident, tells so, and stands on the timeline with who said it."""
    async with receiver(tmp_path, escalation(("0s", ("phone",)), ("10m", ("phone",)))) as tocsin:
        incident = await opened(tocsin, severity="critical")
        status, told = await asked(tocsin, f"incidents/{incident['id'][:6]}/{action}", said)
        assert (status, told["reason"]) == (200, reason), told
        assert {name: told[name] for name in then} == then
        assert told["changed"] is (reason != "it is not snoozed")
        if told["changed"]:
            timeline = (await tocsin.get(f"/api/v1/incidents/{incident['id']}/timeline?limit=1000"))["items"]
            (event,) = [event for event in timeline if event["kind"] == reason]
            assert event["by"] == said.get("by", "somebody")


@pytest.mark.parametrize(
    ("action", "said", "status", "says"),
    [
        ("snooze", {}, 400, "say until when"),
        ("snooze", {"for": "1h", "until": "2026-11-21T06:00:00Z"}, 400, "say until when"),
        ("snooze", {"for": "soon"}, 400, "for 'soon' is not a duration"),
        ("snooze", {"until": "1700000000"}, 400, "until must be a time with its offset"),
        ("snooze", {"until": "2026-11-20T06:00:00Z"}, 409, "ends in the future"),
        ("snooze", {"for": "31d"}, 409, "longer than 30 days"),
        ("reassign", {}, 400, "to is missing"),
        ("reassign", {"to": "user:nobody"}, 409, "there is no user 'nobody'"),
        ("escalate", {"policy": "nightly"}, 409, "there is no escalation policy 'nightly'"),
        ("severity", {"severity": "bad"}, 400, "severity must be one of critical, info, warning"),
        ("comment", {"text": "  "}, 400, "text"),
        ("acknowledge", {"form": 1}, 400, "form is not a key of this body"),
    ],
)
async def test_refused_actions(tmp_path: Path, action: str, said: dict[str, Any], status: int, says: str) -> None:
    """What cannot be done is a problem with a type and the way out, and changes nothing."""
    async with receiver(tmp_path) as tocsin:
        incident = await opened(tocsin)
        found, told = await asked(tocsin, f"incidents/{incident['id']}/{action}", said)
        assert (found, told["status"], says in told["detail"]) == (status, status, True), told
        assert told["type"] == f"urn:tocsin:problem:{'invalid' if status == 400 else 'impossible'}"
        assert ("errors" in told) is (status == 400)
        assert await tocsin.story(incident["id"]) == ["opened"]


async def test_every_field_that_is_wrong(tmp_path: Path) -> None:
    """All that is wrong with a body is told at once, each by the path of its field."""
    async with receiver(tmp_path) as tocsin:
        said = {"items": [{"title": "x"}, {"title": "", "severity": 5, "labels": {"a": 1}, "colour": "red"}]}
        status, told = await asked(tocsin, "incidents", said)
        assert status == 400
        fields = {"items.1.title", "items.1.severity", "items.1.labels.a", "items.1.colour"}
        assert {error["field"] for error in told["errors"]} == fields
        assert await tocsin.incidents() == []


async def test_many_at_once(tmp_path: Path) -> None:
    """One action on many: each has its own result, by ids or by a filter; those that are over are left alone."""
    async with receiver(tmp_path) as tocsin:
        ids = [(await opened(tocsin, f"Payments {number}", tenant="acme"))["id"] for number in range(3)]
        await opened(tocsin, "Payments elsewhere", tenant="other")
        await tocsin.act(ids[0], "resolve")
        wanted: dict[str, Any] = {"action": "acknowledge", "ids": [ids[1], "zzzz", ids[1]], "by": "bob"}
        status, told = await asked(tocsin, "incidents/actions", wanted)
        results = {one["id"]: (one["status"], one["changed"]) for one in told["items"]}
        assert (status, results) == (200, {ids[1]: (200, True), "zzzz": (404, False)})
        wanted = {"action": "comment", "text": "one vendor", "filter": {"tenant": "acme", "text": "PAYMENTS"}}
        _, told = await asked(tocsin, "incidents/actions", wanted)
        assert ({one["id"] for one in told["items"]}, told["more"]) == (set(ids[1:]), False)
        wrong: list[dict[str, Any]] = [{}, {"ids": []}, {"ids": ["a"], "filter": {"tenant": "x"}}, {"filter": {}}]
        for said in wrong:
            assert (await asked(tocsin, "incidents/actions", {"action": "resolve"} | said))[0] == 400
        assert (await asked(tocsin, "incidents/actions", {"action": "snooze", "ids": ids}))[0] == 400


async def test_by_hand(tmp_path: Path) -> None:
    """An incident without alerts goes the way of one with: it pages, can be had, merged, drawn and be over."""
    async with receiver(tmp_path, escalation(("0s", ("phone",)), ("10m", ("mail",)))) as tocsin:
        labels = {"service": "pay"}
        incident = await opened(tocsin, severity="critical", labels=labels, description="since noon", by="alice")
        assert (incident["severity"], incident["tenant"], incident["alerts"]) == ("critical", "default", 0)
        assert tocsin.phones["phone"].keys == ["page/0/phone"]
        assert "Payments are stuck" in tocsin.phones["phone"].told[0].incident.title
        await tocsin.advance(minutes=11)
        assert tocsin.phones["mail"].keys == ["page/1/mail"]
        await tocsin.post(body(alert()))
        (other,) = [one for one in await tocsin.incidents() if one["alerts"]]
        merging = asyncio.create_task(asked(tocsin, f"incidents/{other['id']}/merge", {"into": incident["id"]}))
        while not merging.done():
            await asyncio.sleep(0.01)
            await tocsin.settle()
        assert (await merging)[0] == 200
        shown = await tocsin.get(f"/api/v1/incidents/{incident['id']}")
        assert (shown["alerts"], [branch["name"] for branch in shown["tree"]["branches"]]) == (1, ["PlayerErrors"])
        assert (await tocsin.client.get(f"/api/v1/incidents/{incident['id']}/graph")).status == 200
        await tocsin.act(incident["id"], "resolve")
        assert tocsin.phones["phone"].keys[-1] == "resolved/phone"
        kinds = await tocsin.story(incident["id"])
        assert kinds[:3] == ["opened", "commented", "escalated"]


async def test_the_route_of_an_incident_by_hand(tmp_path: Path) -> None:
    """Its labels choose its policy as an alert's would, a named one goes before, and `notify` before both."""

    def policy(channel: str) -> Policy:
        return Policy(Escalation(channel, (EscalationStep(timedelta(minutes=5), (channel,)),)))

    async with receiver(tmp_path, escalation(("0s", ("phone", "mail")))) as tocsin:
        route = Route("mail", routes=(Route("phone", parse_all(["service=pay", "severity=critical"])),))
        tocsin.receiver.telling.responder.routing = Routing({"mail": policy("mail"), "phone": policy("phone")}, route)
        chosen: dict[str, dict[str, Any]] = {
            "mail": {},
            "phone": {"severity": "critical", "labels": {"service": "pay"}},
        }
        for name, said in chosen.items():
            assert (await opened(tocsin, **said))["policy"] == name
        assert (await opened(tocsin, policy="phone"))["policy"] == "phone"
        assert tocsin.phones["phone"].keys == []
        told = await opened(tocsin, notify=["phone"])
        assert (told["policy"], tocsin.phones["phone"].keys) == ("mail", ["page/0/phone"])
        wrong: dict[str, dict[str, Any]] = {
            "no escalation policy 'x'": {"policy": "x"},
            "names nobody": {"notify": ["bob:x"]},
        }
        for says, unknown in wrong.items():
            status, refused = await asked(tocsin, "incidents", {"title": "x", **unknown})
            assert (status, says in refused["detail"]) == (409, True), refused


async def test_many_by_hand(tmp_path: Path) -> None:
    """Several are opened in one request, each with its result; the same key opens none of them twice."""
    async with receiver(tmp_path) as tocsin:
        said = {"items": [{"title": "A"}, {"title": "B", "policy": "none"}, {"title": "C"}], "by": "bob"}
        _, told = await asked(tocsin, "incidents", said, Idempotency_Key="one")
        assert [one["status"] for one in told["items"]] == [201, 409, 201]
        assert sorted(incident["title"] for incident in await tocsin.incidents()) == ["A", "C"]
        tocsin.clock.advance(hours=25)  # the answer is forgotten, what was opened is not
        _, again = await asked(tocsin, "incidents", said, Idempotency_Key="one")
        assert [one["id"] for one in again["items"]] == [one["id"] for one in told["items"]]
        assert [one["changed"] for one in again["items"]] == [False, False, False]


async def test_keys(tmp_path: Path) -> None:
    """The same request by the same key is carried out once and answered the same; another one is refused."""
    async with receiver(tmp_path) as tocsin:
        said = {"title": "Payments are stuck", "by": "alice"}
        first = await tocsin.client.post("/api/v1/incidents", json=said, headers={"Idempotency-Key": "k"})
        again = await tocsin.client.post("/api/v1/incidents", json=said, headers={"Idempotency-Key": "k"})
        assert (first.status, again.status) == (201, 201)
        assert await first.read() == await again.read()
        assert again.headers["Location"] == first.headers["Location"]
        assert ("Idempotent-Replayed" in first.headers, again.headers["Idempotent-Replayed"]) == (False, "true")
        assert len(await tocsin.incidents()) == 1
        status, told = await asked(tocsin, "incidents", said | {"title": "x"}, Idempotency_Key="k")
        assert (status, told["type"]) == (422, "urn:tocsin:problem:key-reused")
        assert (await asked(tocsin, "incidents", said, Idempotency_Key="a b"))[0] == 400
        path = f"incidents/{(await first.json())['id']}/comment"
        for _ in range(2):
            assert (await asked(tocsin, path, {"text": "once"}, Idempotency_Key="c"))[0] == 200
        assert (await tocsin.story((await first.json())["id"])).count("commented") == 1


async def test_a_key_whose_request_was_refused(tmp_path: Path) -> None:
    """What changed nothing is not kept: the same key serves for the request as it should have been."""
    async with receiver(tmp_path) as tocsin:
        assert (await asked(tocsin, "incidents", {"title": ""}, Idempotency_Key="k"))[0] == 400
        assert (await asked(tocsin, "incidents", {"title": "x", "policy": "y"}, Idempotency_Key="k"))[0] == 409
        assert (await asked(tocsin, "incidents", {"title": "x"}, Idempotency_Key="k"))[0] == 201


async def test_two_at_once_by_one_key(tmp_path: Path) -> None:
    """Of two at the same moment one waits for the other's answer."""
    async with receiver(tmp_path) as tocsin:
        both = [asked(tocsin, "incidents", {"title": "x"}, Idempotency_Key="k") for _ in range(2)]
        (one, told), (other, same) = await asyncio.gather(*both)
        assert (one, other, told) == (201, 201, same)
        assert len(await tocsin.incidents()) == 1


FILTERS = {
    "status=open": ["B", "Cut"],
    "status=open&status=acknowledged": ["A", "B", "Cut"],
    "severity=critical": ["A"],
    "tenant=acme": ["B"],
    "acknowledged_by=bob": ["A"],
    "assigned_to=phone": ["B"],
    "policy=none": [],
    "text=CUT": ["Cut"],
    "opened_after=2026-11-21T03:00:01Z": ["B", "Cut", "Done"],
    "opened_before=2026-11-21T03:00:02%2B00:00": ["A"],
    "tenant=acme&text=cut": [],
}


async def test_filters(tmp_path: Path) -> None:
    """A list holds what the filters say together, also when it is read one by one."""
    async with receiver(tmp_path, escalation(("0s", ("phone",)))) as tocsin:
        wanted = {"A": {"severity": "critical"}, "B": {"tenant": "acme"}, "Cut": {}, "Done": {}}
        ids = {}
        for title, said in wanted.items():
            ids[title] = (await opened(tocsin, title, **said))["id"]
            tocsin.clock.advance(seconds=2)
        await tocsin.act(ids["A"], "acknowledge", "bob")
        await tocsin.act(ids["Done"], "resolve")
        assert (await asked(tocsin, f"incidents/{ids['B']}/reassign", {"to": "phone"}))[0] == 200
        for query, titles in FILTERS.items():
            found: list[str] = []
            cursor: str | None = ""
            while cursor is not None:
                page = await tocsin.get(f"/api/v1/incidents?limit=1&{query}&cursor={cursor}")
                found += [incident["title"] for incident in page["items"]]
                cursor = page["next"]
            assert sorted(found) == titles, query


async def test_timeline_by_page(tmp_path: Path) -> None:
    """A timeline is read in pieces, in order, and goes on where it was left when more has happened."""
    async with receiver(tmp_path) as tocsin:
        incident = (await opened(tocsin))["id"]
        for number in range(4):
            await asked(tocsin, f"incidents/{incident}/comment", {"text": f"{number}"})
        first = await tocsin.get(f"/api/v1/incidents/{incident}/timeline?limit=2")
        assert [event["kind"] for event in first["items"]] == ["opened", "commented"]
        rest = await tocsin.get(f"/api/v1/incidents/{incident}/timeline?cursor={first['next']}")
        assert ([event["text"] for event in rest["items"]], rest["next"]) == (["1", "2", "3"], None)
