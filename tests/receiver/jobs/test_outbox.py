"""What becomes of messages: their states, dead letters, a channel that is down, one that asks for a pause."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from receiver.config import ReceiverConfig
from receiver.engine.effects import Send
from receiver.engine.message_events import MessageDelivered, MessageFailed
from receiver.notify.channel import ChannelRefused, ChannelUnavailable
from receiver.store import jobs as table
from receiver.store.schema import incidents
from tests.receiver.bodies import START, alert, body
from tests.receiver.faults import Faults
from tests.receiver.harness import Death, Harness, Phone, escalation, receiver
from tocsin.errors import StoreUnavailable

ONE = escalation(("0s", ("alice",)))


def two_ways(**extra: Any) -> ReceiverConfig:
    """Bob is told by chat, and by text five minutes later."""
    rules = [{"channel": "chat"}, {"channel": "text", "after": "5m"}]
    hook = {"webhook": {"url": "http://127.0.0.1:1/never-called"}}
    return ReceiverConfig.model_validate(
        {
            "channels": {"chat": hook, "text": hook},
            "users": {"bob": {"notification_rules": rules}},
            "escalation": {
                "steps": [{"after": "0s", "notify": ["user:bob"]}, {"after": "30m", "notify": ["user:bob"]}]
            },
        }
        | extra
    )


async def _messages(tocsin: Harness, query: str = "") -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = (await tocsin.get(f"/api/v1/notifications{query}"))["items"]
    return items


async def _states(tocsin: Harness) -> list[tuple[str, str]]:
    return [(item["channel"], item["state"]) for item in await _messages(tocsin)]


def _refuses(phone: Phone) -> None:
    phone.failures.append(ChannelRefused("no such number"))


async def test_states_by_name(tmp_path: Path) -> None:
    """A message is pending, tried again, sent, delivered; the list says why, and pages through the newest first."""
    async with receiver(tmp_path, two_ways()) as tocsin:
        tocsin.phones["chat"].failures.append(ChannelUnavailable("answered 503"))
        await tocsin.post(body(alert()))
        assert await _states(tocsin) == [("text", "pending"), ("chat", "retried")]
        assert (await _messages(tocsin, "?state=retried"))[0]["reason"] == "answered 503"
        await tocsin.advance(seconds=1)
        assert await _states(tocsin) == [("text", "pending"), ("chat", "sent")]
        (sent,) = await _messages(tocsin, "?channel=chat")
        assert (sent["person"], sent["attempts"], sent["message"]) == ("bob", 2, "page")
        decider = tocsin.receiver.runner._recorder._decider
        await decider.decide(sent["incident"], MessageDelivered("chat", "page", sent["key"], "bob"))
        assert await _states(tocsin) == [("text", "pending"), ("chat", "delivered")]
        await tocsin.act(sent["incident"], "acknowledge")
        await tocsin.advance(minutes=5)
        assert await _states(tocsin) == [("text", "skipped"), ("chat", "delivered")]
        first = await tocsin.get(f"/api/v1/notifications?limit=1&incident={sent['incident'][:6]}")
        rest = await tocsin.get(f"/api/v1/notifications?limit=1&cursor={first['next']}")
        assert [first["items"][0]["channel"], rest["items"][0]["channel"], rest["next"]] == ["text", "chat", None]
        metrics = await (await tocsin.client.get("/metrics")).text()
        for state, count in {"pending": 1, "sending": 2, "retried": 1, "sent": 1, "delivered": 1, "dead": 0}.items():
            assert f'messages_total{{channel="chat",state="{state}"}} {count}.0' in metrics


async def test_what_the_far_side_could_not_deliver(tmp_path: Path) -> None:
    """A message that was sent and did not arrive is dead afterwards, and its person is told by the next way at once."""
    async with receiver(tmp_path, two_ways()) as tocsin:
        await tocsin.post(body(alert()))
        (sent,) = await _messages(tocsin, "?state=sent")
        failed = MessageFailed("chat", "page", sent["key"], "the phone is off", "bob")
        await tocsin.receiver.runner._recorder._decider.decide(sent["incident"], failed)
        await tocsin.settle()
        assert await _states(tocsin) == [("text", "sent"), ("chat", "dead")]


@pytest.mark.parametrize("query", ["state=lost", "limit=0", "cursor=x"])
async def test_a_list_that_cannot_be(tmp_path: Path, query: str) -> None:
    """What is asked for wrongly is refused with the way out."""
    async with receiver(tmp_path) as tocsin:
        answer = await tocsin.client.get(f"/api/v1/notifications?{query}")
        assert (answer.status, "must be" in await answer.text()) == (400, True)


async def test_dead_letters(tmp_path: Path) -> None:
    """What is refused is kept with its reason and counted; put back, it goes out under the same key, once."""
    async with receiver(tmp_path, ONE) as tocsin:
        _refuses(tocsin.phones["alice"])
        await tocsin.post(body(alert()))
        (dead,) = await _messages(tocsin, "?state=dead")
        assert dead["reason"] == "no such number"
        assert "tocsin_receiver_messages_dead 1.0" in await (await tocsin.client.get("/metrics")).text()
        path = f"/api/v1/notifications/{dead['id']}/retry"
        answer = await tocsin.client.post(path, json={"by": "eve"})
        assert (answer.status, (await answer.json())["state"]) == (200, "pending")
        await tocsin.settle()
        (sent,) = await _messages(tocsin)
        assert (sent["id"], sent["key"], sent["state"], sent["attempts"]) == (dead["id"], dead["key"], "sent", 1)
        assert [envelope.key for envelope in tocsin.phones["alice"].told] == [dead["key"]]
        story = await tocsin.story(dead["incident"])
        of_messages = [kind for kind in story if kind.startswith("message_")]
        assert of_messages == ["message_failed", "message_retried", "message_sent"]
        again = await tocsin.client.post(path)
        assert (again.status, "not dead, but sent" in await again.text()) == (409, True)
        assert (await tocsin.client.post("/api/v1/notifications/99/retry")).status == 404


async def test_a_dead_page_that_nobody_needs(tmp_path: Path) -> None:
    """Put back after somebody has it, a page is skipped."""
    async with receiver(tmp_path, ONE) as tocsin:
        _refuses(tocsin.phones["alice"])
        await tocsin.post(body(alert()))
        (dead,) = await _messages(tocsin)
        await tocsin.act(dead["incident"], "acknowledge")
        await tocsin.client.post(f"/api/v1/notifications/{dead['id']}/retry")
        await tocsin.settle()
        assert await _states(tocsin) == [("alice", "skipped")]
        assert tocsin.phones["alice"].told == []


async def test_retention_of_dead_letters(tmp_path: Path) -> None:
    """They are kept longer than what went well, and not for ever."""
    async with receiver(tmp_path, two_ways()) as tocsin:
        _refuses(tocsin.phones["chat"])
        await tocsin.post(body(alert()))
        assert await _states(tocsin) == [("text", "sent"), ("chat", "dead")]
        tocsin.clock.advance(days=8)
        await tocsin.receiver.retention.purge()
        assert await _states(tocsin) == [("chat", "dead")]
        tocsin.clock.advance(days=23)
        await tocsin.receiver.retention.purge()
        assert await _states(tocsin) == []


async def test_an_hour_of_5xx(tmp_path: Path) -> None:
    """A channel that is down for an hour is tried ever less often; then everything goes out, once, none is dead."""
    async with receiver(tmp_path, ONE) as tocsin:
        phone = tocsin.phones["alice"]
        phone.failures = [ChannelUnavailable("answered 503") for _ in range(10_000)]
        for number in range(12):
            await tocsin.post(body(alert(f"Bad{number}"), group=f"g{number}"))
        for _ in range(3600 // 5):
            await tocsin.advance(seconds=5)
        assert 10_000 - len(phone.failures) < 60
        phone.failures = []
        for _ in range(72):
            await tocsin.advance(seconds=5)
        assert sorted({envelope.key for envelope in phone.told}) == sorted(envelope.key for envelope in phone.told)
        assert len(phone.told) == 12
        assert {state for _, state in await _states(tocsin)} == {"sent"}


async def test_a_channel_that_is_down_is_gone_around(tmp_path: Path) -> None:
    """While the circuit is open a page goes by the next way at once, and never by the first one for that key."""
    async with receiver(tmp_path, two_ways()) as tocsin:
        chat, text = tocsin.phones["chat"], tocsin.phones["text"]
        chat.failures = [ChannelUnavailable("answered 503") for _ in range(200)]
        await tocsin.post(body(alert()))
        while not text.told:
            assert tocsin.clock.now() < START + timedelta(minutes=2)
            await tocsin.advance(seconds=1)
        await tocsin.post(body(alert("Second"), group="second"))  # at once: nothing is tried in vain
        assert text.keys == ["page/0/text/bob"] * 2
        for incident in await tocsin.incidents():
            story = await tocsin.story(incident["id"])
            assert (story.count("message_diverted"), story.count("message_sent")) == (1, 1)
        chat.failures = []
        for _ in range(12):
            await tocsin.advance(minutes=1)
        assert (chat.told, len(text.told)) == ([], 2)
        await tocsin.post(body(alert("Third"), group="third"))  # after the pause one message is tried, and arrives
        assert (chat.keys, len(text.told)) == (["page/0/chat/bob"], 2)


async def test_a_channel_that_asks_for_a_pause(tmp_path: Path) -> None:
    """429 pauses the whole lane: what else is due waits, too, without an attempt of its own."""
    async with receiver(tmp_path, ONE) as tocsin:
        phone = tocsin.phones["alice"]
        phone.failures = [ChannelUnavailable("answered 429", 20)]
        await tocsin.post(body(alert()))
        await tocsin.post(body(alert("Second"), group="second"))
        await tocsin.advance(seconds=19)
        assert phone.told == []
        assert [item["attempts"] for item in await _messages(tocsin)] == [0, 1]
        await tocsin.advance(seconds=2)
        assert len(phone.told) == 2


async def test_the_all_clear_does_not_wait_for_a_page_of_later(tmp_path: Path) -> None:
    """A page that is due in five minutes holds nothing back that is due now."""
    config = two_ways(users={"bob": {"notification_rules": [{"channel": "chat"}, {"channel": "chat", "after": "5m"}]}})
    async with receiver(tmp_path, config) as tocsin:
        await tocsin.post(body(alert()))
        (incident,) = await tocsin.incidents()
        async with tocsin.database.write() as connection:
            later = tocsin.clock.now() + timedelta(minutes=5)
            await table.put(connection, [Send(incident["id"], "chat", "page", "later", later, person="bob")])
        await tocsin.post(body(alert(end=1)))
        assert tocsin.phones["chat"].keys == ["page/0/chat/bob", "resolved/chat/bob"]


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("skip", range(4))
async def test_the_store_fails_between_any_two_writes(tmp_path: Path, when: Any, skip: int) -> None:
    """Whichever commit of a page fails, or seems to, the page is sent; doubt sends it again under the same key."""
    faults = Faults()
    async with receiver(tmp_path, ONE) as tocsin:
        faults.watch(tocsin)
        with faults.armed(when, skip), suppress(StoreUnavailable):
            await tocsin.post(body(alert()))
        for _ in range(3):
            await tocsin.advance(seconds=2)
        clock, told = tocsin.clock, tocsin.phones["alice"].keys
    async with receiver(tmp_path, ONE, clock=clock) as tocsin:  # what was begun and not recorded is freed
        for _ in range(3):
            await tocsin.advance(seconds=2)
        if not await tocsin.incidents():
            return  # the body was refused: Alertmanager sends it again
        told += tocsin.phones["alice"].keys
        assert set(told) == {"page/0/alice"}
        assert await _states(tocsin) == [("alice", "sent")]


async def test_one_that_cannot_be_read(tmp_path: Path) -> None:
    """An incident whose row is broken keeps no other's message from going out, and its own is tried again."""
    config = escalation(("1m", ("alice",)))
    async with receiver(tmp_path, config) as tocsin:
        for number in range(3):
            await tocsin.post(body(alert(f"Bad{number}"), group=f"g{number}"))
        broken = (await tocsin.incidents())[1]["id"]
        async with tocsin.database.write() as connection:
            of_it = sa.update(incidents).where(incidents.c.id == broken)
            state = (
                await connection.execute(sa.select(incidents.c.state).where(incidents.c.id == broken))
            ).scalar_one()
            await connection.execute(of_it.values(state=b"?"))
        await tocsin.advance(minutes=1)
        assert len(tocsin.phones["alice"].told) == 2
        async with tocsin.database.write() as connection:
            await connection.execute(of_it.values(state=state))
        await tocsin.advance(seconds=1)
        assert len(tocsin.phones["alice"].told) == 3


async def test_death_after_sending(tmp_path: Path) -> None:
    """Sent and not recorded, a page is sent again by the next start, under the same key, and recorded once."""
    async with receiver(tmp_path, ONE) as tocsin:
        tocsin.phones["alice"].kills = True
        with pytest.raises(Death):
            await tocsin.post(body(alert()))
        clock, told = tocsin.clock, tocsin.phones["alice"].keys
    async with receiver(tmp_path, ONE, clock=clock) as tocsin:
        await tocsin.settle()
        assert told == tocsin.phones["alice"].keys == ["page/0/alice"]
        (incident,) = await tocsin.incidents()
        assert (await tocsin.story(incident["id"])).count("message_sent") == 1
