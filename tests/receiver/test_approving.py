"""Who may say yes or no to a run of a runbook: the right and the role, for the tenant, and for oneself only."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec import structs

from receiver.access.principal import Principal, anybody
from receiver.approving import approval, rejection
from receiver.config import ReceiverConfig
from receiver.decide import NoSuchIncident
from receiver.engine.events import Resolved
from receiver.engine.incident import Incident
from receiver.engine.plan import Contact
from receiver.engine.run import RunState
from receiver.engine.run_events import RunRejected
from receiver.engine.runs_planned import ApprovalTerms
from receiver.people.directory import Directory
from receiver.refusals import Forbidden, NoSuchRun, NotPossible, PlanChanged
from receiver.respond import Answer
from receiver.store.jobs import Deliver
from tests.receiver.bodies import alert, body
from tests.receiver.harness import Harness, escalation, receiver
from tests.receiver.runs import PLAN, RUN, after, proposed

CONFIG: dict[str, Any] = {
    "users": {
        "alice": {"roles": ["responder", "sre"]},
        "asha": {"roles": ["sre"]},
        "root": {"roles": ["admin"]},
        "bob": {},
        "anna": {"roles": ["acme-sre"]},
        "both": {"roles": ["acme-sre", "approver"]},
        "pat": {"roles": ["approver"]},
    },
    "roles": {
        "sre": {"scopes": ["remediation:approve"]},
        "acme-sre": {"scopes": ["remediation:approve"], "tenants": ["acme"]},
        "approver": {"scopes": ["incidents:read", "remediation:approve"]},
    },
}
PEOPLE = ReceiverConfig.model_validate(CONFIG).directory({})
INCIDENT = after(Incident("i1", tenant="shop"))
ACME = structs.replace(INCIDENT, tenant="acme")


def known(name: str) -> Principal:
    found = PEOPLE.principal(name)
    assert found is not None
    return found


def with_role(incident: Incident, role: str) -> Incident:
    return after(structs.replace(incident, runs=()), plan=structs.replace(PLAN, approval=ApprovalTerms(role=role)))


MAY = [
    ("alice", with_role(INCIDENT, "sre"), ""),
    ("asha", with_role(INCIDENT, "sre"), ""),  # though she may see no incident: she was asked
    ("pat", with_role(INCIDENT, ""), ""),
    ("root", with_role(INCIDENT, ""), ""),
    ("root", with_role(INCIDENT, "sre"), "wants the role sre"),  # admin:all stands in for no role
    ("pat", with_role(INCIDENT, "sre"), "wants the role sre"),
    ("bob", with_role(INCIDENT, ""), "remediation:approve for the tenant shop is missing"),
    ("anna", with_role(INCIDENT, "acme-sre"), "remediation:approve for the tenant shop is missing"),
    ("both", with_role(INCIDENT, "acme-sre"), "the role acme-sre for the tenant shop"),  # the right by another role
    ("anna", with_role(ACME, "acme-sre"), ""),
    ("root", with_role(INCIDENT, "gone"), "wants the role gone"),  # no longer configured: nobody has it
]


@pytest.mark.parametrize(("name", "incident", "refused"), MAY)
@pytest.mark.parametrize("said", [approval, rejection])
def test_who_may(said: Any, name: str, incident: Incident, refused: str) -> None:
    """It takes the scope and the role, both for the incident's tenant; admin:all is no role."""
    (run,) = incident.runs
    if not refused:
        assert said(incident, RUN, run.plan.hash, known(name), PEOPLE).by == name
        return
    with pytest.raises(Forbidden, match=refused):
        said(incident, RUN, run.plan.hash, known(name), PEOPLE)


def test_a_token_gives_no_more_than_it_says() -> None:
    """A token without the scope decides nothing, whatever roles its user has."""
    limited = known("alice").restricted(frozenset({"incidents:write"}), None)
    with pytest.raises(Forbidden, match="is missing"):
        approval(INCIDENT, RUN, PLAN.hash, limited, PEOPLE)


def test_nobody_agrees_for_somebody_else() -> None:
    """An administrator who acts for others is one person, however many names they say."""
    for name in ("root for pat", "somebody", "", "Pat (PagerDuty)"):
        with pytest.raises(Forbidden, match="is no user here"):
            approval(with_role(INCIDENT, ""), RUN, PLAN.hash, anybody(name), PEOPLE)


def test_without_users_everybody_may_but_no_role_is_there() -> None:
    """Where no users are configured whoever asks on loopback may agree; a role that a plan asks for has nobody."""
    free = with_role(INCIDENT, "")
    assert approval(free, RUN, free.runs[0].plan.hash, anybody("eve"), Directory()).by == "eve"
    with pytest.raises(Forbidden, match="wants the role sre"):
        approval(INCIDENT, RUN, PLAN.hash, anybody("eve"), Directory())


@pytest.mark.parametrize("seen", ["", "0" * 24, PLAN.hash[:-1], PLAN.hash.upper(), PLAN.brief.hash])
def test_a_yes_is_to_one_plan(seen: str) -> None:
    """Whoever has seen another plan, or none, agrees to nothing; the message tells the hash that counts."""
    with pytest.raises(PlanChanged, match=PLAN.hash):
        approval(INCIDENT, RUN, seen, known("alice"), PEOPLE)


def test_a_no_needs_no_hash_but_no_wrong_one_either() -> None:
    """Saying no to whatever it is does no harm; a no to another plan is a mistake."""
    assert rejection(INCIDENT, RUN, "", known("alice"), PEOPLE).run == RUN
    with pytest.raises(PlanChanged):
        rejection(INCIDENT, RUN, "0" * 24, known("alice"), PEOPLE)


def test_no_such_run() -> None:
    """A run is looked for in its own incident only."""
    for said in (approval, rejection):
        with pytest.raises(NoSuchRun, match="no run zzz"):
            said(INCIDENT, "zzz", PLAN.hash, known("alice"), PEOPLE)


async def asked(tocsin: Harness, *runs: str) -> list[str]:
    """Incidents of two tenants, of which each has a run that waits; their ids."""
    await tocsin.post(body(alert(), alert("api", tenant="acme"), group="all"))
    found = sorted(await tocsin.incidents(), key=lambda one: str(one["tenant"]))
    for one, run in zip(found, runs, strict=False):
        event = proposed(at=tocsin.clock.now(), run=run)
        assert (await tocsin.receiver.telling.responder._decider.decide(one["id"], event)).events
    return [one["id"] for one in found]


async def test_answers_are_recorded_once(tmp_path: Path) -> None:
    """A yes is an event of the run; a second one changes nothing and says why, as does one after the end."""
    async with receiver(tmp_path, ReceiverConfig.model_validate(CONFIG)) as tocsin:
        incident, *_ = await asked(tocsin, RUN)
        respond = tocsin.receiver.telling.responder.respond
        yes = Answer("approve", run=RUN, plan_hash=PLAN.hash, text="seen it")
        done = await respond(incident, yes, known("alice"))
        assert done.incident.run(RUN).state is RunState.READY  # type: ignore[union-attr]
        for answer in (yes, Answer("reject", run=RUN)):
            again = await respond(incident, answer, known("alice"))
            assert not again.events
            assert "no longer waits for approval" in again.reason
        assert (await tocsin.story(incident)).count("run_approved") == 1


async def test_answers_of_others_change_nothing(tmp_path: Path) -> None:
    """Another incident's run, another tenant's, a forged hash, somebody without the right: refused, nothing changed."""
    async with receiver(tmp_path, ReceiverConfig.model_validate(CONFIG)) as tocsin:
        acme, shop = await asked(tocsin, "acmerun1", RUN)
        respond = tocsin.receiver.telling.responder.respond
        before = [await tocsin.story(one) for one in (acme, shop)]
        for incident, run, seen, who, refused in (
            (acme, RUN, PLAN.hash, "alice", NoSuchRun),
            (shop, "acmerun1", PLAN.hash, "alice", NoSuchRun),
            (shop, RUN, "0" * 24, "alice", PlanChanged),
            (shop, RUN, PLAN.hash, "anna", NoSuchIncident),  # she is acme's, and hears nothing of others
            (shop, RUN, PLAN.hash, "bob", Forbidden),
            ("nothing", RUN, PLAN.hash, "alice", NoSuchIncident),
        ):
            for action in ("approve", "reject"):
                with pytest.raises(refused):
                    await respond(incident, Answer(action, run=run, plan_hash=seen), known(who))
        assert [await tocsin.story(one) for one in (acme, shop)] == before


async def test_a_run_does_not_move_with_its_incident(tmp_path: Path) -> None:
    """Once the incident is over its run no longer waits: the answer says so."""
    async with receiver(tmp_path, ReceiverConfig.model_validate(CONFIG)) as tocsin:
        incident, *_ = await asked(tocsin, RUN)
        responder = tocsin.receiver.telling.responder
        await responder._decider.decide(incident, Resolved("bob"))
        late = await responder.respond(incident, Answer("approve", run=RUN, plan_hash=PLAN.hash), known("alice"))
        assert not late.events
        assert "cancelled" in late.reason


async def test_many_at_once_is_for_no_run(tmp_path: Path) -> None:
    """Nobody says yes to many runs with one answer."""
    async with receiver(tmp_path, ReceiverConfig.model_validate(CONFIG)) as tocsin:
        incident, *_ = await asked(tocsin, RUN)
        many = await tocsin.receiver.telling.responder.respond_all([incident], Answer("approve"), known("root"))
        assert isinstance(many[incident], NotPossible)


async def test_who_is_asked_hears_of_that_run(tmp_path: Path) -> None:
    """The outbox carries the question about one run; once it is decided, one that still waits is not sent."""
    config = escalation(("0s", ("alice",)), ("1h", ("bob",)))
    async with receiver(tmp_path, config) as tocsin:
        await tocsin.post(body(alert()))
        (incident,) = await tocsin.incidents()
        decide = tocsin.receiver.telling.responder._decider.decide
        later = Contact("bob", after=timedelta(minutes=5))
        await decide(incident["id"], proposed(PLAN, Contact("alice"), later, at=tocsin.clock.now()))
        await tocsin.settle()
        assert tocsin.phones["alice"].keys[-1] == f"approval/{RUN}/alice"
        asked = tocsin.phones["alice"].told[-1]
        assert (asked.message, asked.about, asked.links.acknowledge) == ("approval", RUN, "")
        shown = await tocsin.get(f"/api/v1/incidents/{incident['id']}")
        waits = "Runbook restart-deployment waits for approval until 2026-11-21 03:30:00 UTC to work on shop/checkout."
        assert shown["remediation"] == [waits]
        await decide(incident["id"], RunRejected(RUN, "alice"))
        await tocsin.advance(minutes=5)
        assert tocsin.phones["bob"].keys == []
        assert "message_skipped" in await tocsin.story(incident["id"])


def test_messages_of_before_are_still_sent() -> None:
    """A job that was written before messages were about runs is read as it was meant."""
    old = b'{"type":"deliver","channel":"sms","message":"page","person":"bob"}'
    assert msgspec.json.decode(old, type=Deliver) == Deliver("sms", "page", person="bob")
