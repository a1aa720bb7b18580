"""Runs over the API: approvals by whoever may, records of what was done, and the switch that stops all."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from receiver.remediate.step import Done
from tests.receiver.bodies import alert, body
from tests.receiver.remediate.healing import runbook, step
from tests.receiver.web.remedied import People, remedied

PLAYER = body(alert(service="player", tenant="acme"))
GUARD = {"name": "no deployment", "expr": "deploying", "at_most": 0}
NUMBERS = {"errors": 0.0, "deploying": 0.0}
ASKING = runbook(step("restart"), guards=[GUARD], approval={"expires": "30m"})
TWO = runbook(step("restart"), approval={"count": 2, "expires": "30m"})
BY_HAND = ASKING | {"automatic": False}


async def waiting(people: People) -> dict[str, Any]:
    """The one run that waits for approval."""
    (found,) = (await people.get("alice", "approvals"))["items"]
    assert isinstance(found, dict)
    return found


async def asked_for(people: People, who: str) -> dict[str, Any]:
    """A run that somebody asks for, and that waits for approval."""
    await people.heals.harness.post(PLAYER)
    path = f"incidents/{await people.incident()}/runs"
    status, told = await people.ask(who, "POST", path, {"runbook": "restart"})
    assert (status, told["state"], told["message"]) == (201, "awaiting", "it waits for approval")
    return await waiting(people)


async def agree(people: People, who: str, run: dict[str, Any], **said: Any) -> tuple[int, Any]:
    wanted = {"plan_hash": run["plan_hash"]} | said
    return await people.ask(who, "POST", f"runs/{run['id'][:8]}/approve", wanted)


async def test_an_approval_begins_it(tmp_path: Path) -> None:
    """What waits is listed with its plan; one yes to its hash, and it is done, with who said so in the record."""
    async with remedied(tmp_path, ASKING, numbers=NUMBERS) as people:
        await people.heals.harness.post(PLAYER)
        run = await waiting(people)
        assert (run["runbook"], run["by"], run["approved_by"]) == ("restart", None, [])
        assert run["plan"]["steps"][0]["does"].endswith("/opt/restart")
        assert run["plan"]["plan_hash"] == run["plan_hash"]
        assert people.heals.hand.did == []
        status, told = await agree(people, "alice", run, reason="seen it before")
        assert (status, told["changed"]) == (200, True)
        assert told["message"] == "approved: it begins unless its guards or limits refuse it"
        assert people.heals.hand.did == ["restart"]
        record = await people.get("victor", f"runs/{run['id']}")
        (said,) = record["approvals"]
        assert (said["by"], said["reason"], said["via"]) == ("alice", "seen it before", "api")
        assert (await people.get("alice", "approvals"))["items"] == []


async def test_never_the_one_who_asked_alone(tmp_path: Path) -> None:
    """The requester's own yes does not begin it; somebody else's does."""
    async with remedied(tmp_path, BY_HAND, numbers=NUMBERS) as people:
        run = await asked_for(people, "alice")
        _, told = await agree(people, "alice", run)
        assert told["message"] == "alice asked for it: somebody else must agree, too"
        assert people.heals.hand.did == []
        await agree(people, "bob", run)
        assert people.heals.hand.did == ["restart"]


async def test_an_admin_cannot_be_two_people(tmp_path: Path) -> None:
    """Whoever may act for others may not here: neither ask nor agree in somebody else's name."""
    async with remedied(tmp_path, BY_HAND, numbers=NUMBERS) as people:
        run = await asked_for(people, "root")
        status, told = await agree(people, "root", run, by="alice")
        assert (status, "nobody acts for somebody else" in told["detail"]) == (403, True)
        assert (await waiting(people))["approved_by"] == []


async def test_two_must_agree(tmp_path: Path) -> None:
    """The first yes counts as one of two; the same one twice counts once and says so."""
    async with remedied(tmp_path, TWO) as people:
        await people.heals.harness.post(PLAYER)
        run = await waiting(people)
        _, told = await agree(people, "alice", run)
        assert told["message"] == "1 of 2 have agreed"
        status, told = await agree(people, "alice", run)
        assert (status, told["changed"], told["message"]) == (200, False, "alice has agreed before")
        assert (people.heals.hand.did, (await waiting(people))["approved_by"]) == ([], ["alice"])
        await agree(people, "bob", run)
        assert people.heals.hand.did == ["restart"]


async def test_two_at_once(tmp_path: Path) -> None:
    """Two yeses at the same moment to a run that needs one: it is done once, and both are told that it is approved."""
    async with remedied(tmp_path, ASKING, numbers=NUMBERS) as people:
        await people.heals.harness.post(PLAYER)
        run = await waiting(people)
        answers = await asyncio.gather(agree(people, "alice", run), agree(people, "bob", run))
        assert sorted(status for status, _ in answers) in ([200, 200], [200, 409])
        assert people.heals.hand.did == ["restart"]
        assert len((await people.get("bob", f"runs/{run['id']}"))["approvals"]) == 1


async def test_a_no_ends_it(tmp_path: Path) -> None:
    """One no is enough; a yes after it is refused, another no changes nothing."""
    async with remedied(tmp_path, TWO) as people:
        await people.heals.harness.post(PLAYER)
        run = await waiting(people)
        await agree(people, "alice", run)
        path = f"runs/{run['id']}/reject"
        status, told = await people.ask("bob", "POST", path, {"reason": "not now"})
        assert (status, told["outcome"], told["reason"]) == (200, "rejected", "not now")
        status, told = await agree(people, "bob", run)
        assert (status, told["detail"]) == (409, "it no longer waits for approval: it is rejected")
        status, told = await people.ask("alice", "POST", path, {})
        assert (status, told["changed"]) == (200, False)
        record = await people.get("alice", f"runs/{run['id']}")
        assert (record["rejection"]["by"], record["ended_by"], people.heals.hand.did) == ("bob", "bob", [])


@pytest.mark.parametrize("plan_hash", ["0" * 24, "x"])
async def test_a_stale_hash(tmp_path: Path, plan_hash: str) -> None:
    """A yes or a no to another plan is refused with the hash of the one that waits."""
    async with remedied(tmp_path, ASKING, numbers=NUMBERS) as people:
        await people.heals.harness.post(PLAYER)
        run = await waiting(people)
        for action in ("approve", "reject"):
            status, told = await people.ask("alice", "POST", f"runs/{run['id']}/{action}", {"plan_hash": plan_hash})
            assert (status, run["plan_hash"] in told["detail"]) == (409, True)
        assert (await people.ask("alice", "POST", f"runs/{run['id']}/approve", {}))[0] == 400
        assert (await waiting(people))["approved_by"] == []


ROUTES = ["approve", "reject", "cancel"]


@pytest.mark.parametrize(("who", "status"), [("nobody", 401), ("victor", 403), ("anna", 404)])
@pytest.mark.parametrize("action", ROUTES)
async def test_who_may_decide(tmp_path: Path, who: str, status: int, action: str) -> None:
    """It takes the scope, for the run's tenant; of another tenant's run nothing is known."""
    async with remedied(tmp_path, ASKING, numbers=NUMBERS) as people:
        await people.heals.harness.post(body(alert(service="player", tenant="other")))
        run = await waiting(people)
        said = {"plan_hash": run["plan_hash"]} if action != "cancel" else {}
        assert (await people.ask(who, "POST", f"runs/{run['id']}/{action}", said))[0] == status
        if who == "anna":
            assert (await people.ask(who, "GET", f"runs/{run['id']}"))[0] == 404
            assert (await people.get(who, "runs"))["items"] == (await people.get(who, "approvals"))["items"] == []
        assert (await waiting(people))["id"] == run["id"]


async def test_a_responder_runs_and_does_not_approve(tmp_path: Path) -> None:
    """remediation:run is not remediation:approve."""
    async with remedied(tmp_path, ASKING, numbers=NUMBERS) as people:
        await people.heals.harness.post(PLAYER)
        run = await waiting(people)
        assert (await agree(people, "rita", run))[0] == 403
        status, told = await people.ask("rita", "POST", f"runs/{run['id']}/cancel", {"reason": "by hand"})
        assert (status, told["outcome"], told["reason"]) == (200, "cancelled", "by hand")
        status, told = await people.ask("rita", "POST", f"runs/{run['id']}/cancel", {})
        assert (status, told["changed"]) == (200, False)


async def test_what_has_begun_is_not_called_off(tmp_path: Path) -> None:
    """A run that is being verified goes on to its own end."""
    numbers = NUMBERS | {"errors": 5.0}
    async with remedied(tmp_path, runbook(step("restart")), numbers=numbers) as people:
        await people.heals.harness.post(PLAYER)
        (run,) = (await people.get("rita", "runs?state=verifying"))["items"]
        status, told = await people.ask("rita", "POST", f"runs/{run['id']}/cancel", {})
        assert (status, "a step has begun: the run is verifying; tocsin remediation stop" in told["detail"]) == (
            409,
            True,
        )
        people.heals.numbers.values["errors"] = 0.0
        await people.heals.harness.advance(seconds=15)
        assert (await people.get("rita", f"runs/{run['id']}"))["outcome"] == "succeeded"


async def test_the_record_of_a_run(tmp_path: Path) -> None:
    """Every step with how things were, its output and its seconds; the guards' values before and after; the end."""
    book = runbook(step("one", rollback=True), step("two"), guards=[GUARD])
    async with remedied(tmp_path, book, numbers=NUMBERS) as people:
        people.heals.hand.before = {"replicas": "3"}
        people.heals.hand.outcomes["two"] = Done("failed", output="no space", reason="exit 3")
        await people.heals.harness.post(PLAYER)
        (run,) = (await people.get("victor", "runs"))["items"]
        record = await people.get("victor", f"runs/{run['id']}")
        taken = [(one["step"], one["undo"], one["name"], one["outcome"]) for one in record["taken"]]
        assert taken == [(1, False, "one", "succeeded"), (2, False, "two", "failed"), (1, True, "unone", "succeeded")]
        second = record["taken"][1]
        assert (second["output"], second["reason"], second["before"]) == ("no space", "exit 3", {"replicas": "3"})
        assert all(one["worker"] and one["began_at"] and one["ended_at"] for one in record["taken"])
        (guard,) = record["guards"]
        assert (guard["before"]["value"], guard["after"]["value"], guard["after"]["holds"]) == (0.0, 0.0, True)
        assert (record["outcome"], record["verified"]) == ("rolled_back", None)
        assert record["plan"]["plan_hash"] == record["plan_hash"]


async def test_a_refused_run_tells_the_guards_values(tmp_path: Path) -> None:
    """What stood against it is told with the value that it had; after it nothing was asked."""
    async with remedied(tmp_path, runbook(guards=[GUARD]), numbers=NUMBERS | {"deploying": 3.0}) as people:
        await people.heals.harness.post(PLAYER)
        (run,) = (await people.get("victor", "runs?outcome=refused"))["items"]
        record = await people.get("victor", f"runs/{run['id']}")
        (guard,) = record["guards"]
        assert (guard["before"]["value"], guard["before"]["holds"], guard["after"]) == (3.0, False, None)
        assert (record["taken"], record["started_at"]) == ([], None)


async def test_what_helped_is_told(tmp_path: Path) -> None:
    """The verification's own values stand apart from the guards'."""
    async with remedied(tmp_path, runbook(guards=[GUARD]), numbers=NUMBERS) as people:
        await people.heals.harness.post(PLAYER)
        (run,) = (await people.get("victor", "runs"))["items"]
        verified = (await people.get("victor", f"runs/{run['id']}"))["verified"]
        assert (verified["helped"], [one["expr"] for one in verified["observed"]]) == (True, ["errors"])


async def test_the_list(tmp_path: Path) -> None:
    """Newest first, page by page, by whichever filter; an incident may be named by its id's beginning."""
    books = [runbook(name="a", mode="dry-run"), runbook(name="b"), ASKING | {"metadata": {"name": "c"}}]
    async with remedied(tmp_path, *books, numbers=NUMBERS) as people:
        await people.heals.harness.post(PLAYER)
        incident = await people.incident()
        found: list[str] = []
        cursor: str | None = ""
        while cursor is not None:
            page = await people.get("victor", f"runs?limit=2&cursor={cursor}")
            found += [one["runbook"] for one in page["items"]]
            cursor = page["next"]
        assert sorted(found) == ["a", "b", "c"]
        wanted = {"runbook=b": 1, "target=player": 3, "state=awaiting": 1, "outcome=dry_run": 1, "target=cart": 0}
        wanted |= {f"incident={incident[:5]}": 3, f"incident={incident}&runbook=a": 1}
        for query, count in wanted.items():
            assert len((await people.get("victor", f"runs?{query}"))["items"]) == count, query
        assert (await people.ask("victor", "GET", "runs?state=odd"))[0] == 400
        assert (await people.ask("victor", "GET", "runs?incident=zzz"))[0] == 404
        assert (await people.ask("victor", "GET", "runs/zzz"))[0] == 404


async def test_the_switch(tmp_path: Path) -> None:
    """Stopped, nothing begins; started, it does again. Who, why and when stays."""
    async with remedied(tmp_path, BY_HAND | {"approval": None}, numbers=NUMBERS) as people:
        told = await people.get("victor", "remediation")
        assert (told["stopped"], told["stops"]) == (False, [])
        status, told = await people.ask("rita", "POST", "remediation/stop", {"reason": "moving house"})
        assert (status, told["changed"], told["stopped"], told["by"]) == (200, True, True, "rita")
        await people.heals.harness.post(PLAYER)
        path = f"incidents/{await people.incident()}"
        (would,) = (await people.get("rita", f"{path}/runbooks"))["items"]
        assert would["refusal"] == "all remediation was stopped by rita: moving house"
        _, run = await people.ask("rita", "POST", f"{path}/runs", {"runbook": "restart"})
        assert (await people.get("rita", f"runs/{run['id']}"))["reason"] == would["refusal"]
        assert (await people.ask("rita", "POST", "remediation/stop", {"reason": "again"}))[1]["changed"] is False
        status, told = await people.ask("alice", "POST", "remediation/start", {})
        assert (status, told["stopped"], told["stops"][0]["started_by"]) == (200, False, "alice")
        await people.ask("rita", "POST", f"{path}/runs", {"runbook": "restart"})
        assert people.heals.hand.did == ["restart"]


SWITCHING = [
    ("victor", "stop", {"reason": "x"}, 403),
    ("anna", "stop", {"reason": "x"}, 403),
    ("rita", "start", {}, 403),
    ("anna", "start", {}, 403),
    ("rita", "stop", {}, 400),
    ("rita", "stop", {"reason": "  "}, 400),
]


@pytest.mark.parametrize(("who", "action", "said", "status"), SWITCHING)
async def test_who_may_switch(tmp_path: Path, who: str, action: str, said: dict[str, str], status: int) -> None:
    """It is for every tenant: whoever may for one may not; to let it go on takes the right to approve."""
    async with remedied(tmp_path, BY_HAND) as people:
        assert (await people.ask(who, "POST", f"remediation/{action}", said))[0] == status
        assert (await people.get("victor", "remediation"))["stops"] == []


@pytest.mark.slow
async def test_on_postgresql(tmp_path: Path, postgres_url: str) -> None:
    """Lists, beginnings of ids, approvals and the switch are the same over PostgreSQL."""
    async with remedied(tmp_path, ASKING, numbers=NUMBERS, database={"url": postgres_url}) as people:
        await people.heals.harness.post(PLAYER)
        run = await waiting(people)
        for query in ("state=awaiting", f"incident={run['incident'][:6]}", "runbook=restart&target=player&limit=1"):
            assert [one["id"] for one in (await people.get("anna", f"runs?{query}"))["items"]] == [run["id"]]
        assert (await people.ask("rita", "POST", "remediation/stop", {"reason": "moving"}))[1]["changed"] is True
        assert (await people.ask("alice", "POST", "remediation/start", {}))[1]["stopped"] is False
        status, told = await agree(people, "anna", run)
        assert (status, told["changed"], people.heals.hand.did) == (200, True, ["restart"])
        assert (await people.get("anna", f"runs/{run['id'][:6]}"))["outcome"] == "succeeded"
