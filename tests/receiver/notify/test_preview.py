"""What would be sent, and tests of channels: over the API and by `tocsin notify`; nothing opens an incident."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from receiver.notify.channel import ChannelRefused, ChannelUnavailable
from receiver.notify.sample import sample
from receiver.preview_commands import notify
from receiver.web.answers import PreviewJson, TriedJson
from receiver.web.preview import previewed
from tests.receiver.bodies import alert, body
from tests.receiver.harness import Harness, Phone, escalation, receiver
from tests.receiver.notify.cases.email import MailServer, channel, connected

USERS: dict[str, Any] = {"alice": {"contacts": {"email": "alice@x.org"}, "language": "fr"}}
PATH = "/api/v1/notifications"


@asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[tuple[Harness, str]]:
    settings = {"external_url": "https://t.org", "users": USERS}
    async with receiver(folder, escalation(("0s", ("list",)), **settings)) as tocsin:
        await tocsin.post(body(alert()))
        (incident,) = await tocsin.incidents()
        yield tocsin, incident["id"]


async def ask(tocsin: Harness, what: str, **asked: str) -> tuple[int, dict[str, Any]]:
    answer = await tocsin.client.post(f"{PATH}/{what}", json=asked)
    return answer.status, await answer.json()


async def test_a_preview_sends_nothing(tmp_path: Path) -> None:
    """The words that would go to somebody, in their language; no message, no event, and a link that answers nothing."""
    async with opened(tmp_path) as (tocsin, incident):
        before = await tocsin.get(f"/api/v1/incidents/{incident}")
        status, told = await ask(tocsin, "preview", incident=incident[:6], channel="list", user="alice")
        assert status == 200
        assert told.keys() == PreviewJson.__annotations__.keys()
        assert told["preview"].startswith("[CRITIQUE] PlayerErrors is up\n\nPlayerErrors is up\n")
        assert "Répondre\u00a0: https://t.org/answer/PREVIEW\n" in told["preview"]
        status, told = await ask(tocsin, "preview", incident=incident, channel="list", message="resolved")
        assert told["preview"].startswith("[RESOLVED]")
        assert "Every alert has resolved, " in told["preview"]
        assert len(tocsin.phones["list"].told) == 1
        assert await tocsin.get(f"/api/v1/incidents/{incident}") == before


async def test_a_test_opens_nothing(tmp_path: Path) -> None:
    """One message that says that it is a test, and by whom; no incident, and not twice within seconds."""
    async with opened(tmp_path) as (tocsin, incident):
        status, told = await ask(tocsin, "test", channel="list", user="alice", by="bob")
        assert (status, told["sent"], told["user"]) == (200, True, "alice")
        assert told.keys() == TriedJson.__annotations__.keys()
        sent = tocsin.phones["list"].told[-1]
        assert (sent.tested_by, sent.message, sent.incident.id != incident) == ("bob", "page", True)
        assert sent.links.acknowledge == ""
        assert len(await tocsin.incidents()) == 1
        status, told = await ask(tocsin, "test", channel="list")
        assert (status, "wait" in told["detail"]) == (409, True)


@pytest.mark.parametrize(
    ("failure", "says"),
    [
        (ChannelRefused("no such number"), "no such number"),
        (ChannelUnavailable("busy"), "busy (a message would be tried again)"),
    ],
)
async def test_a_test_that_fails(tmp_path: Path, failure: Exception, says: str) -> None:
    """The reason is the channel's own."""
    async with opened(tmp_path) as (tocsin, _):
        tocsin.phones["list"].failures.append(failure)
        _, told = await ask(tocsin, "test", channel="list")
        assert (told["sent"], told["reason"]) == (False, says)


@pytest.mark.parametrize(
    ("what", "asked", "status", "says"),
    [
        ("preview", {"channel": "sms"}, 409, "there is no channel 'sms'; known: list"),
        ("test", {"channel": "sms"}, 409, "there is no channel 'sms'; known: list"),
        ("preview", {"channel": "list", "user": "bob"}, 409, "there is no user 'bob'; known: alice"),
        ("preview", {"channel": "list", "message": "hello"}, 400, "message must be one of approval, handover, page"),
        ("preview", {"channel": "list", "incident": "zzz"}, 404, "there is no incident zzz"),
        ("test", {}, 400, "channel is missing"),
        ("test", {"channel": "list", "chanel": "x"}, 400, "chanel is not a key of this body"),
    ],
)
async def test_what_cannot_be_asked(tmp_path: Path, what: str, asked: dict[str, str], status: int, says: str) -> None:
    """A name that is not there is answered with those that are."""
    async with opened(tmp_path) as (tocsin, incident):
        given = {"incident": incident} | asked if what == "preview" else asked
        got, told = await ask(tocsin, what, **given)
        assert (got, says in told["detail"]) == (status, True), told


async def test_a_user_without_the_contact(tmp_path: Path) -> None:
    """Somebody whom a channel cannot reach is told of with the setting that is missing."""
    async with opened(tmp_path) as (tocsin, _):
        tocsin.phones["list"].__class__.contact = "phone"
        try:
            status, told = await ask(tocsin, "test", channel="list", user="alice")
        finally:
            Phone.contact = ""
        assert (status, "add users.alice.contacts.phone" in told["detail"]) == (409, True)


def test_a_channel_shows_itself() -> None:
    """A channel that can show what it would send does; one that cannot is shown as words."""
    page = sample("page")
    assert previewed(channel(MailServer(smarthost="x:25")), page).startswith(
        "From: tocsin@x.org\nTo: alice@example.org"
    )
    assert previewed(Phone(), page).startswith("[CRITICAL] 7 % of the player's requests fail")


async def run(tocsin: Harness, *arguments: str) -> Result:
    """`tocsin notify` against this receiver."""
    url = str(tocsin.client.make_url("/"))
    return await asyncio.to_thread(CliRunner().invoke, notify, [*arguments, "--url", url])


async def test_commands(tmp_path: Path) -> None:
    """`preview` prints the message; `test` says that it was sent, and exits 1 with the reason where it was not."""
    async with opened(tmp_path) as (tocsin, incident):
        shown = await run(tocsin, "preview", incident, "--channel", "list")
        assert (shown.exit_code, "PlayerErrors is up" in shown.output) == (0, True)
        tocsin.phones["list"].failures.append(ChannelRefused("no such number"))
        failed = await run(tocsin, "test", "--channel", "list", "--by", "bob")
        assert failed.stdout.endswith("list: no test could be sent: no such number\n")
        assert failed.exit_code == 1


async def test_a_mail_says_that_it_is_a_test() -> None:
    """The mail of a test is marked, and asks for nothing."""
    async with connected() as (far, mail):
        page = sample("page")
        await mail.send(page.__class__(page.key, "page", page.incident, (), page.sent_at, tested_by="bob"))
    assert far.heard[0]["Subject"].startswith("[TEST]")
    assert "This is a test, asked for by bob." in far.heard[0].get_body(("plain",)).get_content()  # type: ignore[union-attr]
