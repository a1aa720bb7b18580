"""When a policy could find nobody: what the API answers, and what `tocsin oncall gaps` says."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter

from receiver.config import ReceiverConfig
from receiver.escalation.gaps import finds_nobody, gaps_json
from receiver.oncall.current import schedules_of
from receiver.oncall.gaps_showing import gaps_text
from receiver.people.directory import Directory
from receiver.web.oncall_answers import GapsJson
from tests.commands import tocsin
from tests.receiver.bodies import START
from tests.receiver.harness import Harness, receiver
from tests.receiver.people.test_directory import WAYS
from tests.receiver.test_commands import refused

DAYS: dict[str, Any] = {  # START is Saturday, 2026-11-21, 03:00 UTC
    "timezone": "Europe/Berlin",
    "layers": [
        {
            "rotation": "daily",
            "users": ["alice"],
            "start": "2026-11-16",
            "restrict": {"weekdays": "Mon-Fri", "hours": "08:00-18:00"},
        }
    ],
}
ALICE: dict[str, Any] = {"contacts": {"slack": "U0ALICE"}}
CRITICAL_ONLY = {"bob": ALICE | {"notification_rules": [{"channel": "chat", "severities": ["critical"]}]}}
WEEKEND = "  Fri 27 Nov 18:00 – Sat 28 Nov 04:00 (10h)"


def told(steps: dict[str, list[str]], only: str | None = None, weeks: int = 1, **more: Any) -> Any:
    """What is told of policies whose only step notifies these."""
    policies = {name: {"steps": [{"notify": notify}]} | more.get(name, {}) for name, notify in steps.items()}
    settings = {"schedules": {"day": DAYS}, "escalation_policies": policies, "business_hours": {"office": HOURS}}
    config = ReceiverConfig.model_validate(settings | {"users": {"alice": ALICE} | CRITICAL_ONLY})
    directory = Directory(config.users, channels=WAYS)
    return gaps_json(config.routing().policies, directory, schedules_of(config.schedules), START, weeks, only)


HOURS = {"timezone": "Europe/Berlin", "weekdays": "Mon-Fri", "from": "08:00", "to": "18:00"}


def test_a_hole() -> None:
    """Where a schedule is all that a policy has, its gaps are the policy's, in the schedule's own time."""
    found = told({"shop": ["schedule:day"]})
    assert finds_nobody(found)
    lines = gaps_text(found).splitlines()
    assert lines[:3] == [
        "The policy shop finds nobody 6 times, for 4d 22h in all (Europe/Berlin):",
        "  Sat 21 Nov 04:00 – Mon 23 Nov 08:00 (2d 4h)",
        "    schedule:day: nobody is on call",
    ]
    assert WEEKEND in lines
    assert lines[13].startswith("day: Nobody is on call 6 times")
    assert lines[-1] == "  Named by shop."
    assert TypeAdapter(GapsJson).dump_python(TypeAdapter(GapsJson).validate_python(found)) == found


def test_another_step_covers() -> None:
    """A gap that another step covers is shown, and does no harm."""
    found = told({"shop": ["schedule:day", "user:alice"], "other": ["user:alice"]})
    assert not finds_nobody(found)
    lines = gaps_text(found).splitlines()
    assert lines[:2] == [
        "The policy shop finds somebody at every moment.",
        "The policy other finds somebody at every moment.",
    ]
    assert lines[-1] == "  Named by shop: other steps find somebody all the same."


def test_a_policy_with_hours() -> None:
    """Outside of its hours another policy answers: what it names then does not count."""
    found = told({"shop": ["schedule:day"], "night": ["user:alice"]}, shop={"hours": "office", "outside": "night"})
    assert [one["holes"] for one in found["policies"]] == [[], []]
    wider = told({"shop": ["schedule:day"], "night": ["schedule:day"]}, shop={"hours": "office", "outside": "night"})
    assert [len(one["holes"]) for one in wider["policies"]] == [0, 6]


def test_some_severities() -> None:
    """Who is told of critical incidents alone leaves a hole for the others, which are named."""
    found = told({"shop": ["user:bob"]})
    assert gaps_text(found).splitlines()[:3] == [
        "The policy shop finds nobody 1 time, for 7d in all (UTC):",
        "  Sat 21 Nov 03:00 – Sat 28 Nov 03:00 (7d), for warning and info",
        "    user:bob: bob: no channel of their notification rules reaches them",
    ]


def test_one_schedule() -> None:
    """One schedule is looked at with the policies that name it; where none does, its own gaps count."""
    found = told({"shop": ["schedule:day"], "other": ["user:bob"]}, only="day")
    assert [one["policy"] for one in found["policies"]] == ["shop"]
    alone = told({"other": ["user:alice"]}, only="day")
    assert (alone["policies"], finds_nobody(alone)) == ([], True)
    unnamed = told({"other": ["user:alice"]})
    assert not finds_nobody(unnamed)
    assert gaps_text(unnamed).splitlines()[-1] == "  No policy names it."


async def test_over_http(tmp_path: Path) -> None:
    """The API tells the same, with what people added at run time, and follows the configuration."""
    settings = {"schedules": {"day": DAYS}, "escalation": {"steps": [{"notify": ["schedule:day"]}]}}
    config = ReceiverConfig.model_validate(settings | {"users": {"alice": ALICE, "bob": {}}})
    async with receiver(tmp_path, config) as running:
        running.receiver.telling.responder.directory = Directory(config.users, channels=WAYS)
        assert len(await holes(running, weeks=1)) == 6
        covered = {"from": "2026-11-21", "to": "2026-11-23T08:00", "user": "alice"}
        await running.client.post("/api/v1/schedules/day/overrides", json=covered)
        assert len(await holes(running, weeks=1)) == 5
        nobody = {"from": "2026-11-21", "to": "2026-11-23T08:00", "user": "bob"}
        await running.client.post("/api/v1/schedules/day/overrides", json=nobody)
        first = (await holes(running, weeks=1))[0]
        assert first["missed"] == ["schedule:day: bob: no channel of their notification rules reaches them"]
        for query, status in (("weeks=0", 400), ("weeks=x", 400), ("schedule=nope", 404)):
            assert (await running.client.get(f"/api/v1/oncall/gaps?{query}")).status == status


async def holes(running: Harness, weeks: int) -> list[dict[str, Any]]:
    (policy,) = (await running.get(f"/api/v1/oncall/gaps?weeks={weeks}"))["policies"]
    assert policy["policy"] is None
    found: list[dict[str, Any]] = policy["holes"]
    return found


FILE = """\
users:
  alice: {contacts: {email: alice@example.org}}
channels:
  mail: {email: {smarthost: "mail:25", from: tocsin@example.org, username: x, password_file: not-here}}
schedules:
  day: {layers: [{rotation: daily, users: [alice], start: 2026-01-05, restrict: {hours: 08:00-18:00}}]}
routes: {policy: shop}
escalation_policies:
  shop: {steps: [{notify: [STEP]}]}
"""


@pytest.mark.parametrize(("step", "code"), [("schedule:day", 1), ("user:alice", 0)])
def test_on_a_file(tmp_path: Path, step: str, code: int) -> None:
    """A file is enough, without a server and without the secrets of its channels; the exit code is for CI."""
    file = tmp_path / "receiver.yml"
    file.write_text(FILE.replace("STEP", step))
    run = tocsin("oncall", "gaps", "--weeks", "2", "--config.file", str(file), "--format", "json")
    assert run.returncode == code, run.stderr
    (policy,) = json.loads(run.stdout)["policies"]
    assert (policy["policy"], bool(policy["holes"])) == ("shop", bool(code))
    refused(tocsin("oncall", "gaps", "--schedule", "x", "--config.file", str(file)), 1, "no schedule 'x'; known: day")


def test_years_of_shifts_take_little_time() -> None:
    """Two years of a day shift are looked through within a second or so."""
    found = told({"shop": ["schedule:day", "user:alice"]}, weeks=114)
    (policy,) = found["policies"]
    assert policy["holes"] == []
    assert len(found["schedules"][0]["gaps"]) > timedelta(weeks=113).days // 7 * 5
