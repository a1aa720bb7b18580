"""Who is on call, over HTTP, and what people add at run time."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter

from receiver.config import ReceiverConfig
from receiver.prepared import Prepared
from receiver.web.answers import Page
from receiver.web.oncall_answers import NamedScheduleJson, OverrideJson, RemovedOverrideJson, ScheduleJson, WhoJson
from tests.receiver.access.people import CONFIG as PEOPLE
from tests.receiver.access.people import given
from tests.receiver.bodies import START
from tests.receiver.harness import Harness, receiver
from tests.receiver.oncall.properties import read_back

SCHEDULES: dict[str, Any] = {
    "db.main": {
        "timezone": "Europe/Berlin",
        "layers": [{"rotation": "daily", "users": ["alice", "bob"], "start": "2026-11-16T09:00"}],
    },
    "office": {
        "timezone": "America/New_York",
        "layers": [
            {
                "rotation": "weekly",
                "users": ["carol"],
                "start": "2026-11-16",
                "restrict": {"weekdays": "Mon-Fri", "hours": "09:00-17:00"},
            }
        ],
    },
}
CONFIG = ReceiverConfig.model_validate({"schedules": SCHEDULES})
PATH = "/api/v1/schedules/db.main"


async def test_who_is_on_call(tmp_path: Path) -> None:
    """Every schedule answers for now or a time, which without an offset is its own local one; nobody is null."""
    async with receiver(tmp_path, CONFIG) as tocsin:  # Saturday, 03:00 UTC
        main, office = (await tocsin.get("/api/v1/oncall"))["items"]
        assert (main["schedule"], main["user"], main["why"]) == ("db.main", "alice", "layer 1")
        assert (main["start"], main["end"]) == ("2026-11-20T08:00:00Z", "2026-11-21T08:00:00Z")
        assert main["next"]["user"] == "bob"
        assert (office["user"], office["next"]["start"]) == (None, "2026-11-23T14:00:00Z")
        main, office = (await tocsin.get("/api/v1/oncall?at=2026-11-24T09:30"))["items"]
        assert (main["user"], main["at"]) == ("alice", "2026-11-24T08:30:00Z")
        assert (office["user"], office["at"]) == ("carol", "2026-11-24T14:30:00Z")
        (main,) = (await tocsin.get("/api/v1/oncall?schedule=db.main&at=2026-11-21T09:30:00+01:00"))["items"]
        assert (main["user"], main["at"]) == ("bob", "2026-11-21T08:30:00Z")


async def test_a_schedule_and_its_calendar(tmp_path: Path) -> None:
    """A schedule is listed with its gaps, from local midnight on, and exported as a calendar that says the same."""
    async with receiver(tmp_path, CONFIG) as tocsin:
        assert [one["name"] for one in (await tocsin.get("/api/v1/schedules"))["items"]] == ["db.main", "office"]
        shown = await tocsin.get(f"{PATH}?weeks=1")
        assert (shown["from"], shown["to"]) == ("2026-11-20T23:00:00Z", "2026-11-27T23:00:00Z")
        assert [one["user"] for one in shown["shifts"]] == ["alice", "bob"] * 4
        assert shown["gaps"] == shown["overlaps"] == []
        office = await tocsin.get("/api/v1/schedules/office?from=2026-11-23&to=2026-11-24")
        assert office["gaps"] == [
            {"start": "2026-11-23T05:00:00Z", "end": "2026-11-23T14:00:00Z"},
            {"start": "2026-11-23T22:00:00Z", "end": "2026-11-24T05:00:00Z"},
        ]
        answer = await tocsin.client.get(f"{PATH}.ics")
        assert answer.content_type == "text/calendar"
        who = read_back(await answer.read())
        assert [who(START + timedelta(days=day)) for day in range(4)] == ["alice", "bob", "alice", "bob"]


async def _post(tocsin: Harness, said: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    answer = await tocsin.client.post(f"{PATH}/overrides", json=said)
    return answer.status, await answer.json()


async def test_overrides_come_and_go(tmp_path: Path) -> None:
    """An override counts at once, says who made it, outlives a restart, and is taken away by a part of its id."""
    said = {"from": "2026-11-21T03:30", "to": "2026-11-21T06:00", "user": "zoe", "by": "dora"}
    async with receiver(tmp_path, CONFIG) as tocsin:
        status, added = await _post(tocsin, said)
        assert (status, added["status"], added["created_by"]) == (201, "active", "dora")
        main, _ = (await tocsin.get("/api/v1/oncall"))["items"]
        assert (main["user"], main["why"], main["override"]) == ("zoe", "override by dora", added["id"])
        status, swapped = await _post(
            tocsin, said | {"from": "2026-11-22", "to": "2026-11-24", "user": "alice", "swap_with": "bob"}
        )
        assert (status, swapped["status"], swapped["swap_with"]) == (201, "planned", "bob")
    async with receiver(tmp_path, CONFIG) as tocsin:
        current = await tocsin.receiver.telling.oncall.current()
        found = current["db.main"].at(START)
        assert found is not None
        assert found.user == "zoe"
        listed = (await tocsin.get(f"{PATH}/overrides"))["items"]
        assert [one["id"] for one in listed] == [swapped["id"], added["id"]]
        gone = await tocsin.client.delete(f"{PATH}/overrides/{added['id'][:6]}", json={"by": "eve"})
        told = await gone.json()
        assert (told["changed"], told["removed_by"], told["status"]) == (True, "eve", "removed")
        again = await (await tocsin.client.delete(f"{PATH}/overrides/{added['id']}")).json()
        assert (again["changed"], again["removed_by"]) == (False, "eve")
        assert (await tocsin.get("/api/v1/oncall"))["items"][0]["user"] == "alice"


async def test_reload(tmp_path: Path) -> None:
    """Another configuration counts at once, and overrides stay with the schedules of their names."""
    async with receiver(tmp_path, CONFIG) as tocsin:
        await _post(tocsin, {"from": "2026-11-21T03:30", "to": "2026-11-21T06:00", "user": "zoe"})
        fewer = ReceiverConfig.model_validate({"schedules": {"db.main": SCHEDULES["db.main"]}})
        await tocsin.receiver.take(Prepared.of(fewer))
        assert [one["user"] for one in (await tocsin.get("/api/v1/oncall"))["items"]] == ["zoe"]


def fits(kind: Any, answer: Any) -> bool:
    """Whether an answer has every field that is declared, and no other."""
    adapter = TypeAdapter(kind)
    return bool(adapter.dump_python(adapter.validate_python(answer)) == answer)


async def test_answers_are_what_is_declared(tmp_path: Path) -> None:
    """Every answer has the fields of the type that the API's description tells, and no other."""
    said = {"from": "2026-11-21T03:30", "to": "2026-11-21T06:00", "user": "zoe", "swap_with": None}
    people = {"alice": {"name": "Alice Anders"}, "zoe": {}}
    async with receiver(tmp_path, ReceiverConfig.model_validate({"schedules": SCHEDULES, "users": people})) as tocsin:
        who = await tocsin.get("/api/v1/oncall")
        assert fits(Page[WhoJson], who)
        assert [one["name"] for one in who["items"]] == ["Alice Anders", None]
        assert fits(Page[NamedScheduleJson], await tocsin.get("/api/v1/schedules"))
        assert fits(ScheduleJson, await tocsin.get(f"{PATH}?weeks=1"))
        _, added = await _post(tocsin, said)
        assert fits(OverrideJson, added)
        assert fits(Page[OverrideJson], await tocsin.get(f"{PATH}/overrides"))
        shown = await tocsin.get(f"{PATH}?weeks=1")
        assert shown["overlaps"]
        assert fits(ScheduleJson, shown)
        gone = await (await tocsin.client.delete(f"{PATH}/overrides/{added['id']}")).json()
        assert fits(RemovedOverrideJson, gone)


async def test_whose_overrides(tmp_path: Path) -> None:
    """Who is on call all may see; to change it takes incidents:write for every tenant, and is told in their name."""
    config = ReceiverConfig.model_validate(PEOPLE | {"schedules": SCHEDULES})
    said = {"from": "2026-11-22", "to": "2026-11-23", "user": "alice"}
    async with receiver(tmp_path, config, asks=True) as tocsin:
        assert (await tocsin.client.get("/api/v1/oncall")).status == 401
        for user, scope, status in (
            ("victor", "incidents:read", 403),
            ("anna", "incidents:write", 403),
            ("alice", "incidents:write", 201),
        ):
            headers = await given(tocsin, user, scope)
            answer = await tocsin.client.post(f"{PATH}/overrides", json=said, headers=headers)
            assert answer.status == status
        added = await answer.json()
        assert added["created_by"] == "alice"
        gone = await tocsin.client.delete(f"{PATH}/overrides/{added['id']}", headers=headers)
        assert (await gone.json())["removed_by"] == "alice"
        reader = await given(tocsin, "anna", "incidents:read")
        assert (await tocsin.client.get("/api/v1/oncall", headers=reader)).status == 200


REFUSED = [
    ("GET", "/api/v1/oncall?schedule=nope", None, 404, "there is no schedule 'nope'; known: db.main, office"),
    ("GET", "/api/v1/oncall?at=soon", None, 400, "at: 'soon' is not a time; write it as 2026-12-24T18:00"),
    ("GET", "/api/v1/schedules/nope", None, 404, "there is no schedule 'nope'"),
    ("GET", "/api/v1/schedules/nope.ics", None, 404, "there is no schedule 'nope'"),
    ("GET", f"{PATH}?from=2026-01-01&to=2036-01-01", None, 400, "by 800 days at most"),
    ("GET", f"{PATH}?weeks=many", None, 400, "weeks must be a whole number"),
    ("POST", f"{PATH}/overrides", {}, 400, "from is missing; to is missing; user is missing"),
    ("POST", f"{PATH}/overrides", {"from": "2026-12-01", "to": "2026-12-01", "user": "a"}, 400, "'to' must be later"),
    ("POST", f"{PATH}/overrides", {"from": "2026-11-01", "to": "2026-11-02", "user": "a"}, 400, "over before it was"),
    (
        "POST",
        f"{PATH}/overrides",
        {"from": "2026-12-01", "to": "2026-12-02", "user": "a b"},
        400,
        "is not a user's name",
    ),
    (
        "POST",
        f"{PATH}/overrides",
        {"from": "2026-12-01", "to": "2026-12-02", "user": "a", "swap_with": "a"},
        400,
        "name two people",
    ),
    (
        "POST",
        f"{PATH}/overrides",
        {"from": "2026-12-01", "to": "2026-12-02", "user": "a", "why": 1},
        400,
        "why is not a key",
    ),
    ("DELETE", f"{PATH}/overrides/zzz", None, 404, "has no override zzz"),
]


@pytest.mark.parametrize(("method", "path", "body", "status", "told"), REFUSED)
async def test_what_is_refused(
    method: str, path: str, body: dict[str, Any] | None, status: int, told: str, tmp_path: Path
) -> None:
    """What cannot be answered is told with the way out."""
    async with receiver(tmp_path, CONFIG) as tocsin:
        answer = await tocsin.client.request(method, path, json=body)
        assert answer.status == status
        assert told in (await answer.json())["detail"]


async def test_users_that_nobody_knows(tmp_path: Path) -> None:
    """Where users are known, an override may name no other."""
    async with receiver(tmp_path, CONFIG) as tocsin:
        tocsin.receiver.telling.oncall.knows = {"alice", "bob"}.__contains__
        status, answer = await _post(tocsin, {"from": "2026-12-01", "to": "2026-12-02", "user": "zoe"})
        assert (status, "there is no user 'zoe'" in answer["detail"]) == (400, True)
