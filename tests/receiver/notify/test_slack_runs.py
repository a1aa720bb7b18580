"""Approvals in Slack: the question with its buttons, who may press them, and what nobody can forge or do twice."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from receiver.config import ReceiverConfig
from receiver.engine.plan import Contact
from receiver.engine.runs_planned import Action, ApprovalTerms, PlannedStep, RunPlan
from receiver.notify.channel import Recipient
from receiver.notify.slack_plan import plan
from receiver.notify.slack_runs import run_blocks
from receiver.notify.slack_text import MOST_TEXT, escaped, whole
from receiver.notify.speech import LANGUAGES
from receiver.notify.text import Writer
from receiver.web.slack_payload import read
from tests.receiver.bodies import alert, body
from tests.receiver.harness import receiver
from tests.receiver.notify.slack_far import Slack, dump, form, serving, wrong
from tests.receiver.notify.slack_world import World, config
from tests.receiver.notify.test_run_message import about, asked
from tests.receiver.runs import FREE, PLAN, RUN, proposed, story

PEOPLE = {
    "users": {
        "alice": {"contacts": {"slack": "U024ALICE"}, "roles": ["responder", "sre"]},
        "bob": {"contacts": {"slack": "U024BOB"}, "roles": ["responder", "sre"]},
        "vera": {"contacts": {"slack": "U024VERA"}, "roles": ["admin"]},
        "otto": {"contacts": {"slack": "U024OTTO"}, "roles": ["acme"]},
    },
    "roles": {
        "sre": {"scopes": ["remediation:approve"]},
        "acme": {"scopes": ["remediation:approve", "incidents:read"], "tenants": ["acme"]},
    },
}
TWO = structs.replace(PLAN, approval=ApprovalTerms(role="sre", count=2))


class Asked(World):
    """A page, and the question whether a run may begin, as Slack shows them."""

    @property
    def question(self) -> str:
        """The newest message that asks."""
        return [ts for ts, one in self.slack.messages.items() if "[Approve]" in dump(one["blocks"])][-1]

    def click(self, action: str, user: str) -> dict[str, Any]:
        return self.slack.click(self.question, action, user)

    async def say(self, action: str, user: str = "U024ALICE") -> dict[str, Any]:
        """Somebody presses a button of the question; what Slack is told at once."""
        return await self.put(self.click(action, user))

    async def put(self, click: dict[str, Any]) -> dict[str, Any]:
        await self.send(form(click))
        await self.shown_at_once()
        await self.harness.settle()
        return self.slack.answers[-1]


@asynccontextmanager
async def asking(folder: Path, run_plan: RunPlan = PLAN, by: str = "") -> AsyncIterator[Asked]:
    async with serving(Slack()) as slack:
        known = ReceiverConfig.model_validate(
            config(slack, folder).model_dump(mode="json", exclude_unset=True, by_alias=True) | PEOPLE
        )
        channels = {name: one.build(Writer()) for name, one in known.channels.items()}
        async with receiver(folder, known, channels=channels) as harness:
            world = Asked(harness, slack)
            await harness.post(body(alert()))
            event = proposed(run_plan, Contact("slack", follows=True), by=by, at=harness.clock.now())
            incident = (await world.incident())["id"]
            assert (await harness.receiver.telling.responder._decider.decide(incident, event)).events
            await harness.settle()
            yield world
            await harness.receiver.doors.slack.clicks.ended()
            await harness.receiver.close()


async def test_the_question_stands_in_the_thread(tmp_path: Path) -> None:
    """It is a message of its own, which the channel is notified of; the incident's message goes on beside it."""
    async with asking(tmp_path) as world:
        question = world.slack.messages[world.question]
        assert (question["thread_ts"], question["reply_broadcast"]) == (world.page, True)
        assert "waits for approval until" in world.shown  # what follows the incident tells it, too
        assert PLAN.hash in dump(question["blocks"])
        await world.say("approve")
        assert "waits for approval until" not in world.shown
        assert "Run `r7kq2mzd` approved by *alice* (slack)" in "".join(
            dump(one["blocks"]) for one in world.slack.messages.values()
        )


async def test_approved_by_a_button(tmp_path: Path) -> None:
    """A press agrees in that person's name, and takes the buttons away."""
    async with asking(tmp_path) as world:
        told = await world.say("approve")
        assert told["replace_original"]
        assert "👍 Approved by *alice*: the runbook goes on" in dump(told["blocks"])
        assert "[Approve]" not in dump(told["blocks"])
        assert (await world.story()).count("run_approved") == 1


async def test_two_must_agree(tmp_path: Path) -> None:
    """The first of two is counted, once, and the buttons stay for the second; theirs decides."""
    async with asking(tmp_path, TWO) as world:
        first = await world.say("approve")
        assert "Approved by *alice* (1 of 2)" in dump(first["blocks"])
        assert "[Approve] [Reject]" in dump(first["blocks"])
        again = await world.put(world.click("approve", "U024ALICE") | {"trigger_id": "2"})
        assert "alice has agreed before" in again["text"]
        second = await world.say("approve", "U024BOB")
        assert "Approved by *bob*: the runbook goes on" in dump(second["blocks"])
        assert (await world.story()).count("run_approved") == 2


async def test_who_asked_is_not_enough(tmp_path: Path) -> None:
    """Whoever asked for the run may agree, but somebody else must, too."""
    async with asking(tmp_path, by="alice") as world:
        own = await world.say("approve")
        assert "somebody must agree who did not ask for it" in dump(own["blocks"])
        await world.say("approve", "U024BOB")
        assert (await world.story()).count("run_approved") == 2


async def test_rejected_by_a_button(tmp_path: Path) -> None:
    """A no ends it; a yes after it says that it no longer waits, and shows it so."""
    async with asking(tmp_path) as world:
        click = world.click("approve", "U024BOB")
        told = await world.say("reject")
        assert "🚫 Rejected by *alice*" in dump(told["blocks"])
        late = await world.put(click)
        assert "it no longer waits for approval: it is rejected" in late["text"]
        assert "[Approve]" not in dump(late["blocks"])
        assert [one for one in await world.story() if one.startswith("run_")] == [
            "run_proposed", "run_rejected", "run_ended",
        ]  # fmt: skip


REFUSED = [
    ("U024VERA", {}, "wants the role sre"),  # admin:all is no role
    ("U024OTTO", {}, "there is no incident"),  # another tenant's
    ("U099EVE", {}, "I do not know you"),
    ("U024ALICE", {"hash": "0" * 24}, "that is not the plan as it stands"),
    ("U024ALICE", {"hash": ""}, "that is not the plan as it stands"),
    ("U024ALICE", {"run": "another"}, "has no run another"),
    ("U024ALICE", {"incident": "k3f9x2abcd"}, "there is no incident k3f9x2abcd"),
]


@pytest.mark.parametrize(("user", "forged", "says"), REFUSED)
async def test_refused(user: str, forged: dict[str, str], says: str, tmp_path: Path) -> None:
    """Whoever may not, and whatever was not shown so, changes nothing, and is told why."""
    async with asking(tmp_path) as world:
        before = await world.story()
        click = world.click("approve", user)
        incident, round_, run, plan_hash = click["actions"][0]["value"].split("/")
        said = {"incident": incident, "round": round_, "run": run, "hash": plan_hash} | forged
        click["actions"][0]["value"] = "/".join(said.values())
        told = await world.put(click)
        assert told["response_type"] == "ephemeral"
        assert says in told["text"]
        assert await world.story() == before


async def test_expired(tmp_path: Path) -> None:
    """A press after the time is over changes nothing."""
    async with asking(tmp_path) as world:
        click = world.click("approve", "U024ALICE")
        await world.harness.advance(minutes=31)
        assert "it is expired" in (await world.put(click))["text"]
        assert "run_approved" not in await world.story()


def test_the_value_of_a_button() -> None:
    """A button brings back the incident, the run, and the hash of the plan that was shown."""
    (block,) = [one for one in run_blocks(asked()) if one["type"] == "actions"]
    for element in block["elements"]:
        payload = {"type": "block_actions", "user": {"id": "U1"}, "actions": [element]}
        click = read(payload)
        assert click is not None
        assert (click.incident, click.choice) == ("k3f9x2abcd", f"{RUN}/{PLAN.hash}")
        assert element["confirm"]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("short", [True, False])
@pytest.mark.parametrize("kind", ["approval", "remediation"])
def test_slack_takes_it(kind: str, short: bool, language: str) -> None:
    """However many and long its steps are, a question is within Slack's limits, and shows each of them."""
    does = "<&> " * 100
    steps = tuple(PlannedStep(Action("exec", f"s{n}", f"do {n} {does}"), Action("exec", "b", does)) for n in range(20))
    long = structs.replace(PLAN, steps=steps, target="<t>" * 100, runbook="r" * 60)
    names = () if kind == "approval" else ("approved", "started")
    envelope = about(kind, [*story(*names, plan=long)], to=Recipient("a", "A", "U1", language))
    calls = plan(replace(envelope, reason="r" * 500), "C1", "x" * 160, short=short).calls
    assert [wrong(call.arguments) for call in calls] == [""]
    shown = dump(calls[0].arguments["blocks"])
    assert short or all(f"{n + 1}. do {n} " in shown for n in range(20))
    assert "<t>" not in shown.partition("\n")[2]


def test_every_line_is_kept() -> None:
    """Lines are spread over as many texts as they need, none of them cut."""
    lines = [f"{n} " + "x" * 900 for n in range(10)]
    texts = whole(lines)
    assert "\n".join(texts).split("\n") == lines
    assert max(map(len, texts)) <= MOST_TEXT
    (cut,) = whole([escaped("<" * 2_000)])
    assert len(cut) <= MOST_TEXT
    assert set(cut.split("&lt;")) == {"", "…"}


@pytest.mark.parametrize(("end", "loud"), [("is failed", True), ("is unknown", True), ("is succeeded", False)])
def test_a_channel_hears_that_people_are_needed(end: str, loud: bool) -> None:
    """A run that went wrong notifies the channel, with the incident's buttons; one that helped only stands there."""
    told = about("update", [*story("started", end, plan=FREE)], to=None, reference="C1:1.1:0:k3f9x2abcd")
    update, reply = plan(told, "C1", "x").calls
    assert update.method == "chat.update"
    assert reply.arguments.get("reply_broadcast", False) is loud
    assert ("[Acknowledge]" in dump(reply.arguments["blocks"])) is loud


def test_what_was_done_asks_for_somebody() -> None:
    """What a run has done in vain stands with the incident's own buttons."""
    shown = dump(run_blocks(about("remediation", [*story("started", "is failed", plan=FREE)])))
    assert shown.startswith("# 🔧 RUNBOOK: restart-deployment on shop/checkout")
    assert "[Acknowledge] [Resolve]" in shown
