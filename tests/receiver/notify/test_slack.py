"""Slack: what a message says, how it goes on, and what Slack's answers mean."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs
from pydantic import ValidationError

from receiver.engine.causes.tree import Branch, Role, Tree
from receiver.engine.causes.why import Why
from receiver.engine.events import Acknowledged, AnyEvent, Commented, Escalated, Resolved
from receiver.engine.incident import Incident, apply
from receiver.engine.message_events import MessageSent
from receiver.engine.plan import Message
from receiver.notify.channel import ChannelRefused, ChannelUnavailable, Envelope, Links, Recipient
from receiver.notify.slack import SlackChannel, SlackSettings
from receiver.notify.slack_blocks import blocks
from receiver.notify.slack_calls import AGAIN, WAYS_OUT
from receiver.notify.slack_plan import Place, plan
from receiver.notify.slack_story import LINES, line
from receiver.notify.slack_words import LANGUAGES
from receiver.notify.text import Writer
from tests.receiver.bodies import START
from tests.receiver.notify.cases.case import ALERT, INCIDENT, PAGE, secret_file, with_text
from tests.receiver.notify.slack_far import Slack, dump, serving, texts, wrong
from tocsin.model import Severity

OPS = replace(PAGE, to=None, key="k3f9x2abcd/page/0/slack", reason="the policy names this channel")
CAUSE = Branch(
    name="DatabaseDown",
    service="db",
    role=Role.CAUSE,
    alert="a0",
    rank=1,
    alerts=1,
    firing=1,
    severity=Severity.CRITICAL,
    began_at=START,
    ended_at=None,
    why=Why(),
    labels={},
)


@asynccontextmanager
async def slack_channel(slack: Slack, folder: Path, **settings: object) -> AsyncIterator[SlackChannel]:
    async with serving(slack):
        given = {"bot_token_file": secret_file(folder, "bot", "xoxb-1"), "channel": "C024OPS"}
        known = SlackSettings.model_validate(given | {"api_url": f"{slack.url}/api/", "timeout": "2s"} | settings)
        channel = SlackChannel(known, Writer())
        try:
            yield channel
        finally:
            await channel.close()


def after(envelope: Envelope, *events: AnyEvent, reference: str, message: Message = "update") -> Envelope:
    """The next message about the incident, after these events."""
    incident, story = envelope.incident, list(envelope.story)
    for number, event in enumerate(events):
        at = START + timedelta(minutes=len(story) + number)
        incident, story = apply(incident, event, at), [*story, (at, event)]
    first = envelope.reference or reference
    return replace(envelope, message=message, incident=incident, story=story, reference=first)


def sent(reference: str) -> MessageSent:
    return MessageSent("slack", "page", "key", reference=reference)


def test_page_reads_well() -> None:
    """A page says how bad it is, who has it, the likely cause, what is affected, the worst alerts, what to press."""
    tree = Tree(branches=(CAUSE,), services={"player": 6, "web": 3})
    envelope = replace(OPS, tree=tree, links=Links("https://tocsin.example.org/i/1"))
    stamp = "<!date^1795230000^{date_short_pretty} {time_secs}|2026-11-21 03:00:00 UTC>"
    assert dump(blocks(envelope)) == (
        "# 🔴 CRITICAL: PlayerErrors is up\n"
        "*Open*, nobody has acknowledged it\n"
        f"12 of 12 alerts fire · since {stamp}\n"
        f"*Likely cause:* DatabaseDown (db), since {stamp}\n"
        "*Affected:* player 6, web 3\n"
        "*Worst alerts*\n"
        f"• *PlayerErrors*: 7 % of requests fail (since {stamp})\n"
        "    Runbook: <https://x.example.org/y>\n"
        "… and 11 more\n"
        "[Acknowledge] [Resolve] [Snooze: 30 minutes, 2 hours, Until tomorrow 9:00] [Escalate]\n"
        "~ `k3f9x2abcd` · <https://tocsin.example.org/i/1|Open the incident> · 2026-11-21 03:00:00 UTC"
    )


def test_storm_names_its_likeliest_causes() -> None:
    """A storm has many causes, and the likeliest are named; where no cause is known nothing is said of one."""
    causes = tuple(replace(CAUSE, name=f"Cause{n}") for n in range(9))
    told = dump(blocks(replace(OPS, tree=Tree(causes, services={"web": 3}, storm=True))))
    assert [n for n in range(9) if f"*Likely cause:* Cause{n}" in told] == [0, 1, 2, 3, 4]
    alone = dump(blocks(replace(OPS, tree=Tree((replace(CAUSE, role=Role.TOGETHER),), services={"": 1}))))
    assert "Likely cause" not in alone
    assert "Affected" not in alone


@pytest.mark.parametrize("language", LANGUAGES)
def test_in_the_persons_language(language: str) -> None:
    """To a person, the message and its buttons are in their language, and say why they are told."""
    alice = Recipient("alice", "Alice", "U024ALICE", language, "Europe/Berlin")
    told = dump(blocks(replace(OPS, to=alice, reason="on call for web until 08:00")))
    say = LANGUAGES[language]
    assert f"[{say.acknowledge}]" in told
    assert say.told.format(reason="on call for web until 08:00") in told


STANDS: list[tuple[list[AnyEvent], str, str]] = [
    ([Acknowledged("bob", "slack")], "👤", "*Acknowledged* by bob"),
    ([Resolved("bob")], "✅", "*Resolved* by bob"),
]


@pytest.mark.parametrize(("events", "sign", "says"), STANDS, ids=["acknowledged", "resolved"])
def test_who_has_it_is_on_top(events: Sequence[AnyEvent], sign: str, says: str) -> None:
    """The message shows how it stands; what can no longer be done has no button."""
    told = dump(blocks(after(OPS, *events, reference="")))
    assert told.startswith(f"# {sign}")
    assert says in told
    assert "[Acknowledge]" not in told
    assert ("[Resolve]" in told) == (sign == "👤")


def test_bundle_has_a_button_for_each() -> None:
    """Other incidents in the same message are told with a button each, up to ten; the rest are counted."""
    others = [structs.replace(INCIDENT, id=f"other{n}", title=f"Disk {n}") for n in range(12)]
    told = dump(blocks(replace(OPS, also=others)))
    assert told.count("[Acknowledge]") == 1 + 10
    assert "… and 2 more" in told


async def test_one_message_and_its_thread(tmp_path: Path) -> None:
    """One message, updated in place; each event once in its thread; a later step shows in the channel again."""
    slack = Slack()
    async with slack_channel(slack, tmp_path) as channel:
        first = await channel.send(OPS)
        step = after(OPS, Escalated(1, ("slack",), "nobody acknowledged"), reference=first.reference, message="page")
        second = await channel.send(replace(step, story=[(START, sent(first.reference)), *step.story]))
        story = [(START, sent(first.reference)), *step.story, (START, sent(second.reference))]
        taken = after(replace(step, story=story), Acknowledged("bob", "slack"), reference=first.reference)
        third = await channel.send(taken)
        again = after(replace(taken, story=[*taken.story, (START, sent(third.reference))]), reference=first.reference)
        nothing = await channel.send(again)
    assert slack.methods == ["chat.postMessage", "chat.update", "chat.postMessage", "chat.update", "chat.postMessage"]
    main, loud, quiet = slack.messages.values()
    assert "*Acknowledged* by bob" in dump(main["blocks"])
    assert loud["reply_broadcast"]
    assert loud["thread_ts"] == quiet["thread_ts"] == main["ts"]
    assert "Nobody has acknowledged it." in dump(loud["blocks"])
    assert "[Acknowledge]" in dump(loud["blocks"])
    assert "reply_broadcast" not in quiet
    threads = [dump(reply["blocks"]) for reply in (loud, quiet)]
    assert ["Step 2" in told for told in threads] == [True, False]
    assert ["Acknowledged by *bob* (slack)" in told for told in threads] == [False, True]
    assert nothing.skipped
    assert Place.parse(first.reference) == Place("C024OPS", main["ts"], 0, INCIDENT.id)


async def test_person_is_told_in_their_own_conversation(tmp_path: Path) -> None:
    """A member's id is enough to begin; what follows goes to the conversation that Slack opened for it."""
    alice = replace(OPS, to=Recipient("alice", "Alice", "U024ALICE"))
    slack = Slack()
    async with slack_channel(slack, tmp_path, channel=None) as channel:
        first = await channel.send(alice)
        await channel.send(after(alice, Acknowledged("bob"), reference=first.reference))
        with pytest.raises(ChannelRefused, match="names no channel"):
            await channel.send(OPS)
    assert [call["channel"] for _, call in slack.calls] == ["U024ALICE", "D024ALICE", "D024ALICE"]


async def test_a_bundled_incident_gets_its_own_message(tmp_path: Path) -> None:
    """A message about another incident is not overwritten by one that it told of beside."""
    slack = Slack()
    async with slack_channel(slack, tmp_path) as channel:
        first = await channel.send(replace(OPS, also=[structs.replace(INCIDENT, id="other00000", title="Disk")]))
        other = replace(OPS, incident=structs.replace(INCIDENT, id="other00000", title="Disk"), also=())
        await channel.send(after(other, Acknowledged("bob"), reference=first.reference))
    assert slack.methods == ["chat.postMessage"] * 2


@pytest.mark.parametrize("person", [False, True])
async def test_taken_and_never_answered(person: bool, tmp_path: Path) -> None:
    """What Slack took without our hearing of it is found by its key at the next attempt: nothing is said twice."""
    slack = Slack(silent=1)
    page = replace(OPS, to=Recipient("alice", "Alice", "U024ALICE")) if person else OPS
    async with slack_channel(slack, tmp_path) as channel:
        with pytest.raises(ChannelUnavailable):
            await channel.send(page)
        assert len(slack.calls) == 1  # again is the outbox's to say, not the library's
        first = await channel.send(replace(page, attempt=2))
        slack.silent = 0
        step = after(page, Escalated(1, ("slack",), "x"), reference=first.reference, message="page")
        slack.fails = []
        await channel.send(step)
        await channel.send(replace(step, attempt=2))
        other = replace(page, key="k3f9x2abcd/page/0/slack/1")
        await channel.send(replace(other, attempt=2))
    assert [one.get("thread_ts") for one in slack.messages.values()] == [None, "1700000000.000100", None]


async def test_without_the_scope_to_look(tmp_path: Path) -> None:
    """Where the app may not read, a message that may have arrived is sent again: rather twice than never."""
    slack = Slack(fails=[(200, "missing_scope")])
    async with slack_channel(slack, tmp_path) as channel:
        await channel.send(replace(OPS, attempt=2))
    assert slack.methods == ["conversations.history", "chat.postMessage"]


async def test_deleted_message(tmp_path: Path) -> None:
    """A page whose message somebody deleted is posted anew; a mere update is not, and says why."""
    slack = Slack()
    async with slack_channel(slack, tmp_path) as channel:
        first = await channel.send(OPS)
        slack.messages.clear()
        skipped = await channel.send(after(OPS, Acknowledged("bob"), reference=first.reference))
        assert "deleted" in skipped.skipped
        anew = await channel.send(after(OPS, Escalated(1, ("slack",), "x"), reference=first.reference, message="page"))
        assert Place.parse(anew.reference) is not None
        known = after(replace(OPS, story=[(START, sent(anew.reference))]), Resolved("bob"), reference=first.reference)
        await channel.send(replace(known, message="resolved"))
    assert len([one for one in slack.messages.values() if "thread_ts" not in one]) == 1  # the newest is updated


async def test_workspace_where_nothing_is_edited(tmp_path: Path) -> None:
    """Where messages cannot be edited the thread goes on."""
    slack = Slack()
    async with slack_channel(slack, tmp_path) as channel:
        first = await channel.send(OPS)
        slack.fails = [(200, "edit_window_closed")]
        await channel.send(after(OPS, Acknowledged("bob"), reference=first.reference))
    assert "Acknowledged by *bob*" in dump(list(slack.messages.values())[-1]["blocks"])


async def test_too_long_goes_out_bare(tmp_path: Path) -> None:
    """What Slack finds too long or wrong is sent again without details: a page is not lost for its looks."""
    slack = Slack(fails=[(200, "invalid_blocks")])
    async with slack_channel(slack, tmp_path) as channel:
        await channel.send(OPS)
    (told,) = slack.messages.values()
    assert "CRITICAL: PlayerErrors is up" in dump(told["blocks"])
    assert "[Acknowledge]" in dump(told["blocks"])


@pytest.mark.parametrize("error", [*sorted(AGAIN), *sorted(WAYS_OUT), "something_new"])
async def test_errors(error: str, tmp_path: Path) -> None:
    """Errors that pass by themselves come again after Retry-After; others are final and name the way out."""
    slack = Slack(fails=[(200, error)])
    async with slack_channel(slack, tmp_path) as channel:
        with pytest.raises(ChannelUnavailable if error in AGAIN else ChannelRefused) as caught:
            await channel.send(OPS)
    assert error in str(caught.value)
    assert WAYS_OUT.get(error, "") in str(caught.value)
    if isinstance(caught.value, ChannelUnavailable):
        assert caught.value.after_seconds == 7


@pytest.mark.parametrize("channel", ["#ops", "ops", "c024ops", "U024ALICE", ""])
def test_channels_are_named_by_id(channel: str) -> None:
    """A channel is named by its id: names can be given to another channel."""
    with pytest.raises(ValidationError, match="is no channel's id"):
        SlackSettings.model_validate({"bot_token_file": "x", "channel": channel})


def test_preview_is_what_is_sent() -> None:
    """The preview is the JSON of the calls, without a token."""
    channel = SlackChannel(SlackSettings.model_validate({"bot_token_file": "x", "channel": "C024OPS"}), Writer())
    (call,) = json.loads(channel.preview(OPS))
    assert (
        call
        == {"method": "chat.postMessage"} | plan(OPS, "C024OPS", "[CRITICAL] PlayerErrors is up").calls[0].arguments
    )


TEXT = st.text(max_size=400) | st.text("<>&|!@#*_`~ \n\r\0\u202e", max_size=400)


@settings(deadline=None)
@given(TEXT, TEXT, st.integers(0, 30))
def test_outside_text_is_never_markup(text: str, link: str, others: int) -> None:
    """Whatever an alert or a person says: no mention, no link but a runbook's own, and within Slack's limits."""
    envelope = with_text(OPS, text)
    alert = structs.replace(envelope.alerts[0], annotations={"summary": text, "description": text, "runbook_url": link})
    events: list[AnyEvent] = [Commented(text, text * 10, text), Escalated(1, (text,) * 30, text, missed=(text,) * 9)]
    bundle = [structs.replace(INCIDENT, title=text, tenant=text, assigned_to=text) for _ in range(others)]
    envelope = replace(
        envelope, alerts=[alert] * 10, also=bundle, tree=Tree((CAUSE,), services=dict.fromkeys([text], 3))
    )
    envelope = after(envelope, *events, reference="C024OPS:1.1:0:k3f9x2abcd", message="page")
    for call in plan(envelope, "C024OPS", text).calls:
        told = call.arguments
        assert wrong(told) == ""
        formatted = [one for one in texts(told["blocks"]) if one["type"] == "mrkdwn"]
        marked = [part for one in (told["text"], *(one["text"] for one in formatted)) for part in one.split("<")[1:]]
        assert [part for part in marked if not part.startswith(("!date^", "https://", "http://"))] == []
        assert all(one["verbatim"] for one in formatted)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_test_says_so(language: str) -> None:
    """A test says who asked for it, and has no buttons."""
    to = Recipient("alice", "Alice", "U024ALICE", language)
    told = dump(blocks(replace(OPS, to=to, tested_by="<!here> bob")))
    assert LANGUAGES[language].test.format(who="&lt;!here&gt; bob") in told
    assert "[" not in told


def test_every_event_has_its_line() -> None:
    """Each event that changes something for people has a line; those of messages and of engine questions have none."""
    silent = {"message_sent", "message_skipped", "message_delivered", "message_diverted", "message_retried"}
    silent |= {"silence_written", "silence_removed", "silence_failed", "silences_seen"}
    asked = {"escalation_due", "snooze_due", "hand_over_due", "sla_due", "took_over", "silences_looked", "approval_due"}
    kinds = {kind.__struct_config__.tag: kind for kind in get_args(AnyEvent)}
    assert {tag for tag, kind in kinds.items() if kind not in LINES} == silent | asked
    assert line(sent("x")) == ""


def stories() -> Sequence[tuple[datetime, AnyEvent]]:
    return [(START + timedelta(seconds=n), Commented("bob", f"comment {n}")) for n in range(60)]


def test_a_long_story_is_told_from_where_it_was_left() -> None:
    """A story of which only the end is at hand goes on where the last message left it."""
    place = "C024OPS:1.1:55:k3f9x2abcd"
    envelope = replace(OPS, message="update", story=stories()[-50:], story_from=10, reference=place)
    reply = dump(plan(envelope, "C024OPS", "x").calls[1].arguments["blocks"])
    assert [n for n in range(60) if f"comment {n}\n" in f"{reply}\n"] == [55, 56, 57, 58, 59]


def test_incidents_of_any_size() -> None:
    """Nothing is said of alerts where there are none."""
    empty = replace(OPS, incident=Incident("x", title="By hand"), alerts=[])
    assert "Worst" not in dump(blocks(empty))
    assert ALERT.name in dump(blocks(OPS))
