"""Answers from Slack, over a whole receiver: who may, what comes of it, and what nobody can forge or do twice."""

from __future__ import annotations

import asyncio
from pathlib import Path

import bcrypt
import pytest

from receiver.notify.slack import SlackChannel
from receiver.notify.text import Writer
from receiver.prepared import Prepared
from receiver.web.slack import signature_of
from tests.receiver.harness import receiver
from tests.receiver.notify.slack_far import Slack, dump, form, serving
from tests.receiver.notify.slack_world import SIGNING, World, config, paged
from tocsin.errors import StoreUnavailable
from tocsin.guard import Guard


async def test_acknowledged_by_a_button(tmp_path: Path) -> None:
    """A press acknowledges in that person's name, shows at once in the message, and then stands in the thread."""
    async with paged(tmp_path) as world:
        assert await world.press("acknowledge", settle=False) == 200
        (at_once,) = world.slack.answers
        assert at_once["replace_original"]
        assert "👤 Acknowledged by *alice*" in dump(at_once["blocks"])
        assert "[Acknowledge]" not in dump(at_once["blocks"])
        assert "[Resolve]" in dump(at_once["blocks"])
        assert len(world.slack.calls) == 1  # by what came with the click, before the outbox had its turn
        await world.harness.settle()
        incident = await world.incident()
        assert (incident["status"], incident["acknowledged_by"]) == ("acknowledged", "alice")
        assert "*Acknowledged* by alice" in world.shown
        assert "Acknowledged by *alice* (slack)" in dump(list(world.slack.messages.values())[-1]["blocks"])


async def test_double_click(tmp_path: Path) -> None:
    """The second press changes nothing and says who was first."""
    async with paged(tmp_path) as world:
        click = [form(world.slack.click(world.page, "acknowledge", user)) for user in ("U024ALICE", "U024BOB")]
        assert await asyncio.gather(*(world.send(one) for one in click)) == [200, 200]
        await world.shown_at_once()
        await world.harness.settle()
        assert (await world.story()).count("acknowledged") == 1
        first = (await world.incident())["acknowledged_by"]
        (told,) = [one for one in world.slack.answers if not one["replace_original"]]
        assert told["response_type"] == "ephemeral"
        assert f"already acknowledged by {first}" in told["text"]


@pytest.mark.parametrize(("action", "choice"), [("escalate", ""), ("snooze", "30m"), ("resolve", "")])
async def test_every_button_counts_once(action: str, choice: str, tmp_path: Path) -> None:
    """Two presses of one button, as it was shown, do once what it says."""
    async with paged(tmp_path) as world:
        click = world.slack.click(world.page, action, "U024ALICE", choice)
        for _ in range(2):
            assert await world.send(form(click | {"trigger_id": str(_)})) == 200
            await world.shown_at_once()
        await world.harness.settle()
        kinds = {"escalate": "escalation_forced", "snooze": "snoozed", "resolve": "resolved"}
        assert (await world.story()).count(kinds[action]) == 1
        assert [one["replace_original"] for one in world.slack.answers] == [True, False]


async def test_escalated_by_a_button(tmp_path: Path) -> None:
    """A press tells the next step now, and the channel is notified again; the renewed button escalates further."""
    async with paged(tmp_path) as world:
        await world.press("escalate")
        assert [one.get("reply_broadcast") for one in world.slack.messages.values()] == [None, None, True]
        await world.press("escalate")
        assert (await world.story()).count("escalation_forced") == 2


async def test_snoozed_by_the_menu(tmp_path: Path) -> None:
    """The choice of the menu counts in the time zone of who chose."""
    async with paged(tmp_path) as world:
        await world.press("snooze", choice="tomorrow")
        assert (await world.incident())["snoozed_until"] == "2026-11-22T08:00:00Z"  # 9:00 in Berlin
        assert "*Snoozed* by alice until" in world.shown


async def test_stranger(tmp_path: Path) -> None:
    """Whom the configuration does not know is told what to ask for, with their id; nothing changes."""
    async with paged(tmp_path) as world:
        before = await world.story()
        assert await world.press("acknowledge", "U099EVE") == 200
        assert await world.story() == before
        (told,) = world.slack.answers
        assert told["response_type"] == "ephemeral"
        assert "`U099EVE` to be added to `users.NAME.contacts.slack`" in told["text"]


@pytest.mark.parametrize(
    ("user", "says"), [("U024VERA", "incidents:write is missing"), ("U024OTTO", "there is no incid")]
)
async def test_rights_count(user: str, says: str, tmp_path: Path) -> None:
    """A button gives nobody more rights than they have, and tells nothing of other tenants' incidents."""
    async with paged(tmp_path) as world:
        await world.press("resolve", user)
        assert (await world.incident())["status"] == "open"
        assert says in world.slack.answers[0]["text"]


async def test_forgeries(tmp_path: Path) -> None:
    """Without Slack's own, fresh, unused signature nothing of a body is believed."""
    async with paged(tmp_path) as world:
        click = form(world.slack.click(world.page, "acknowledge"))
        stamp = str(int(world.harness.clock.now().timestamp()))
        assert await world.send(click, secret="another") == 401
        assert await world.send(click, late=301) == 401
        assert await world.send(click, late=-301) == 401
        assert (
            await world.send(b"payload=%7B%7D", head={"X-Slack-Signature": signature_of(SIGNING, stamp, click)}) == 401
        )
        for signature in ("", "v0=", "v1=" + "0" * 64, "v0=é", "\udcff"):
            assert await world.send(click, head={"X-Slack-Signature": signature}) == 401
        for when in ("", "now", "-1", "9" * 400, "١٢٣"):
            assert await world.send(click, head={"X-Slack-Request-Timestamp": when}) == 401
        assert (await world.incident())["status"] == "open"
        assert world.slack.answers == []
        assert await world.send(click) == 200
        await world.shown_at_once()
        assert await world.send(click) == 401  # the same request once more
        assert len(world.slack.answers) == 1


SIGNED: list[tuple[bytes, int]] = [
    (b"ssl_check=1", 200),
    (form({"type": "view_closed"}), 200),
    (form({"type": "block_actions", "user": {"id": "U1"}, "actions": [{"action_id": "theirs"}]}), 200),
    (b"payload=no+json", 400),
    (b"payload=[]", 400),
    (b"payload=%7B%7D", 400),
    (b"\xff\xfe", 400),
    (form({"type": "block_actions", "user": {"id": "U1"}, "actions": [{"action_id": "tocsin:x"}]}), 400),
]


async def test_what_slack_may_send(tmp_path: Path) -> None:
    """What is signed and about nothing of ours is taken and changes nothing; what is no payload is refused."""
    async with paged(tmp_path) as world:
        before = await world.story()
        assert [await world.send(content) for content, _ in SIGNED] == [status for _, status in SIGNED]
        assert await world.story() == before


async def test_not_configured(tmp_path: Path) -> None:
    """Without a signing secret the address does not exist."""
    async with paged(tmp_path, signing_secret_file=None) as world:
        assert await world.send(form(world.slack.click(world.page, "acknowledge"))) == 404


async def test_slack_away_during_the_acknowledgement(tmp_path: Path) -> None:
    """What somebody pressed counts though Slack cannot be told; the message follows once it can."""
    async with paged(tmp_path) as world:
        world.slack.answering = 500
        world.slack.fails = [(503, "")] * 3
        assert await world.press("acknowledge") == 200
        assert (await world.incident())["acknowledged_by"] == "alice"
        assert "*Open*" in world.shown
        await world.harness.advance(minutes=1)
        await world.harness.advance(minutes=5)
        world.slack.fails = []
        await world.harness.advance(minutes=5)
        assert "*Acknowledged* by alice" in world.shown
        assert (await world.story()).count("acknowledged") == 1


async def test_page_that_slack_took_and_did_not_answer(tmp_path: Path) -> None:
    """A page whose outcome is unknown is tried again, found, and stands there once; what follows goes to it."""
    async with paged(tmp_path, Slack(silent=1)) as world:
        assert (await world.story()).count("message_sent") == 0
        await world.harness.advance(minutes=1)
        assert (await world.story()).count("message_sent") == 1
        await world.press("acknowledge")
        assert "*Acknowledged* by alice" in world.shown
        assert len([one for one in world.slack.messages.values() if "thread_ts" not in one]) == 1


async def test_reload_lets_go_of_connections(tmp_path: Path) -> None:
    """A new configuration counts from the next message on, and what the old one kept open is closed."""
    async with paged(tmp_path) as world:
        before = world.harness.receiver.telling.handlers.channels["slack"]
        assert isinstance(before, SlackChannel)
        again = Prepared.of(config(world.slack, tmp_path))
        await world.harness.receiver.take(again)
        assert before.calls._session is not None
        assert before.calls._session.closed
        await world.press("acknowledge")
        assert "*Acknowledged* by alice" in world.shown


async def test_store_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A press that cannot be written down is not taken for granted: whoever pressed is told to press again."""
    async with paged(tmp_path) as world:

        async def away(*_: object, **__: object) -> None:
            raise StoreUnavailable("the disk is full")

        with monkeypatch.context() as patch:
            patch.setattr(world.harness.receiver.telling.responder, "respond", away)
            assert await world.press("acknowledge") == 503
        assert "press again" in world.slack.answers[0]["text"]
        assert await world.press("resolve") == 200
        assert (await world.incident())["status"] == "resolved"


async def test_answers_go_to_slack_alone(tmp_path: Path) -> None:
    """An address in a payload that is not Slack's own is not called."""
    async with paged(tmp_path) as world, serving(Slack()) as other:
        click = world.slack.click(world.page, "acknowledge") | {"response_url": f"{other.url}/actions/x"}
        assert await world.send(form(click)) == 200
        await world.shown_at_once()
        assert other.answers == []
        assert (await world.incident())["status"] == "acknowledged"


async def test_no_password_is_asked_of_slack(tmp_path: Path) -> None:
    """Where everything else asks for a password, a click is asked for its signature alone."""
    file = tmp_path / "web.yml"
    file.write_text(f"basic_auth_users: {{alice: {bcrypt.hashpw(b'secret', bcrypt.gensalt(4)).decode()}}}")
    async with serving(Slack()) as slack:
        known = config(slack, tmp_path)
        channels = {name: one.build(Writer()) for name, one in known.channels.items()}
        async with receiver(tmp_path, known, channels=channels, guard=Guard(file)) as harness:
            world = World(harness, slack)
            assert (await harness.client.get("/api/v1/incidents")).status == 401
            assert await world.send(b"ssl_check=1") == 200
            assert await world.send(b"ssl_check=1", secret="another") == 401
