"""Answer links: what they open, whom they answer for, and what a scanner, a forger or a latecomer gets."""

from __future__ import annotations

import base64
import re
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest
from aiohttp import ClientResponse
from hypothesis import given
from hypothesis import strategies as st

from receiver.notify.answer_links import LASTS, AnswerLinks, Forged, Ticket
from receiver.store.database import Database
from receiver.store.keys import key
from tests.receiver.bodies import START, alert, body
from tests.receiver.harness import Harness, escalation, receiver
from tocsin.errors import TocsinError

LINKS = AnswerLinks(b"k" * 32, "https://tocsin.example.org/base/")
USERS: dict[str, Any] = {
    "alice": {"name": "Alice", "contacts": {"email": "alice@x.org"}, "timezone": "Europe/Berlin"},
    "bob": {"contacts": {"email": "bob@x.org"}, "language": "de", "roles": ["viewer"]},
    "eve": {"contacts": {"email": "eve@x.org"}, "roles": ["elsewhere"]},
}
ROLES = {"elsewhere": {"scopes": ["incidents:read", "incidents:write"], "tenants": ["other"]}}


@dataclass
class Opened:
    """A receiver with one open incident."""

    tocsin: Harness
    incident: str

    def link(self, user: str) -> str:
        now = self.tocsin.clock.now()
        return self.tocsin.receiver.telling.handlers.envelopes.links.link(self.incident, user, now).removeprefix(
            "https://t.org"
        )

    async def get(self, user: str) -> tuple[int, str]:
        answer = await self.tocsin.client.get(self.link(user))
        return answer.status, await answer.text()

    async def post(self, user: str, **form: str) -> tuple[int, str]:
        answer = await self.tocsin.client.post(self.link(user), data=form)
        await self.tocsin.settle()
        return answer.status, await answer.text()

    async def state(self) -> dict[str, Any]:
        return cast("dict[str, Any]", await self.tocsin.get(f"/api/v1/incidents/{self.incident}"))


@asynccontextmanager
async def opened(folder: Path, **extra: Any) -> AsyncIterator[Opened]:
    settings = {"external_url": "https://t.org", "users": USERS, "roles": ROLES} | extra
    async with receiver(folder, escalation(("0s", ("list",)), **settings)) as tocsin:
        await tocsin.post(body(alert() | {"annotations": {"summary": "<script>alert(1)</script> down"}}))
        (incident,) = await tocsin.incidents()
        yield Opened(tocsin, incident["id"])


@given(st.text("abcdefgh0123456789", min_size=10, max_size=10), st.from_regex(r"[A-Za-z0-9_.-]{0,64}", fullmatch=True))
def test_a_token_says_what_was_written(incident: str, user: str) -> None:
    """What is put into a token comes out of it."""
    ticket = Ticket(incident, user, START)
    assert LINKS.read(LINKS.token(ticket)) == ticket


@given(st.integers(0, 10_000), st.integers(1, 255))
def test_a_token_that_was_changed_is_forged(place: int, change: int) -> None:
    """No byte of a token can be another."""
    token = LINKS.token(Ticket("k3f9x2abcd", "alice", START))
    content = bytearray(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    content[place % len(content)] ^= change
    with pytest.raises(Forged):
        LINKS.read(base64.urlsafe_b64encode(bytes(content)).decode().rstrip("="))


@pytest.mark.parametrize("token", ["", "x", "A" * 23, "A" * 80, "A" * 81, "A" * 301, "é" * 40, "a/b" * 20])
def test_what_is_no_token(token: str) -> None:
    """Anything else is forged, never an error."""
    with pytest.raises(Forged):
        LINKS.read(token)


def test_another_key_forges() -> None:
    """A token of one installation opens nothing in another."""
    with pytest.raises(Forged):
        AnswerLinks(b"x" * 32, "").read(LINKS.token(Ticket("k3f9x2abcd", "alice", START)))


def test_links_are_short_and_keep_the_path() -> None:
    """A link stands below the external URL, with its path, short enough for an SMS; without a URL there is none."""
    link = LINKS.link("k3f9x2abcd", "alice", START)
    assert re.fullmatch(r"https://tocsin\.example\.org/base/answer/[A-Za-z0-9_-]+", link)
    assert len(link.rpartition("/")[2]) <= 60
    assert AnswerLinks(b"k" * 32, "").link("k3f9x2abcd", "alice", START) == ""


async def test_a_look_changes_nothing(tmp_path: Path) -> None:
    """A GET, however often, shows the incident with buttons and leaves it as it was; so does HEAD."""
    async with opened(tmp_path) as one:
        before = await one.state()
        for _ in range(2):
            status, text = await one.get("alice")
        assert (await one.tocsin.client.head(one.link("alice"))).status == 200
        assert status == 200
        assert "You answer as Alice." in text
        assert "&lt;script&gt;alert(1)&lt;/script&gt; down" in text
        assert re.findall(r'name="action" value="(\w+)"', text) == ["acknowledge", "snooze", "resolve", "comment"]
        assert await one.state() == before


async def test_the_page_is_closed(tmp_path: Path) -> None:
    """No script, no other site, no cache, no referrer, no index."""
    async with opened(tmp_path) as one:
        answer = await one.tocsin.client.get(one.link("alice"))
        text = await answer.text()
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "frame-ancestors 'none'" in policy
    assert (answer.headers["Referrer-Policy"], answer.headers["Cache-Control"]) == ("no-referrer", "no-store")
    assert not re.search(r"<script|<img|<link|style=|\bon\w+=|https?://", text)


async def test_acknowledge(tmp_path: Path) -> None:
    """A POST acknowledges in the name of whom the link was sent to; the second changes nothing and says who has it."""
    async with opened(tmp_path) as one:
        status, text = await one.post("alice", action="acknowledge")
        assert (status, "You have it now" in text) == (200, True)
        found = await one.state()
        assert (found["status"], found["acknowledged_by"]) == ("acknowledged", "alice")
        (event,) = [event for event in found["timeline"] if event["kind"] == "acknowledged"]
        assert event["via"] == "email"
        await one.tocsin.advance(minutes=3)
        _, text = await one.get("alice")
        assert "Acknowledged by alice, 3 minutes ago." in text
        status, text = await one.post("alice", action="acknowledge")
        assert (status, "Nothing has changed" in text) == (200, True)
        assert (await one.state())["timeline"] == (found["timeline"])


@pytest.mark.parametrize(
    ("form", "kind", "says"),
    [
        ({"action": "snooze"}, "snoozed", "It sleeps until 2026-11-21 05:00:00 CET."),
        ({"action": "resolve"}, "resolved", "It is resolved."),
        ({"action": "comment", "text": "disk <b>full</b>"}, "commented", "Your comment is on the timeline."),
    ],
)
async def test_the_other_buttons(tmp_path: Path, form: dict[str, str], kind: str, says: str) -> None:
    """Each button does what it says, by name, and the page says that it is done."""
    async with opened(tmp_path) as one:
        status, text = await one.post("alice", **form)
        assert status == 200
        assert says in text
        (event,) = [event for event in (await one.state())["timeline"] if event["kind"] == kind]
        assert (event["by"], event["via"]) == ("alice", "email")


async def test_what_is_over_takes_comments_alone(tmp_path: Path) -> None:
    """Of a resolved incident the page tells who ended it and when, and has no button that could do anything."""
    async with opened(tmp_path) as one:
        await one.post("alice", action="resolve")
        await one.tocsin.advance(hours=2)
        _, text = await one.get("alice")
        assert "Resolved by alice, 2 hours ago." in text
        assert re.findall(r'name="action" value="(\w+)"', text) == ["comment"]
        assert "Nothing has changed" in (await one.post("alice", action="acknowledge"))[1]


@pytest.mark.parametrize(
    ("user", "status", "says"),
    [
        ("bob", 200, "bob darf diese Störung sehen, aber nicht ändern."),
        ("eve", 404, "This incident is no longer kept."),
        ("mallory", 403, "mallory is no longer among the users."),
        ("", 200, "This link went to a list"),
    ],
)
async def test_who_may_not(tmp_path: Path, user: str, status: int, says: str) -> None:
    """A viewer, somebody of another tenant, somebody who has gone and a list see why not, and change nothing."""
    async with opened(tmp_path) as one:
        for answer in (await one.get(user), await one.post(user, action="resolve")):
            assert answer[0] == status
            assert says in answer[1]
            assert "<form" not in answer[1]
        assert (await one.state())["status"] == "open"


async def test_forged_and_expired(tmp_path: Path) -> None:
    """A link that is not ours is not found; one that has expired says since when; neither does anything."""
    async with opened(tmp_path) as one:
        forged = await one.tocsin.client.post("/answer/" + "A" * 60, data={"action": "resolve"})
        assert (forged.status, "This link is not valid" in await forged.text()) == (404, True)
        old = one.link("alice")
        one.tocsin.clock.advance(seconds=LASTS.total_seconds() + 60)
        expired: ClientResponse = await one.tocsin.client.post(old, data={"action": "resolve"})
        assert (expired.status, "expired, 1 minute ago" in await expired.text()) == (410, True)
        assert (await one.state())["status"] == "open"


@pytest.mark.parametrize(
    ("form", "headers", "status"),
    [
        ({"action": "delete"}, {}, 400),
        ({"action": "comment", "text": "  "}, {}, 400),
        ({"action": "resolve"}, {"Sec-Fetch-Site": "cross-site"}, 403),
        ({"action": "resolve"}, {"Content-Type": "application/json"}, 415),
    ],
)
async def test_what_is_no_answer(tmp_path: Path, form: dict[str, str], headers: dict[str, str], status: int) -> None:
    """An unknown button, an empty comment, another site's page and another kind of body are refused."""
    async with opened(tmp_path) as one:
        content: Any = b"{}" if headers.get("Content-Type") else form
        answer = await one.tocsin.client.post(one.link("alice"), data=content, headers=headers)
        assert answer.status == status
        assert (await one.state())["status"] == "open"


async def test_messages_carry_the_link(tmp_path: Path) -> None:
    """A page to a person has a link that answers as that person; without an external URL there is none."""
    people = {"users": USERS, "escalation": {"steps": [{"after": "0s", "notify": ["user:alice"]}]}}
    rules = {"notification_rules": [{"channel": "list"}]}
    async with opened(tmp_path / "a", **people, **rules) as one:
        (page,) = one.tocsin.phones["list"].told
        token = page.links.acknowledge.rpartition("/")[2]
        ticket = one.tocsin.receiver.telling.handlers.envelopes.links.read(token)
        assert (ticket.incident, ticket.user) == (one.incident, "alice")
        assert ticket.expires_at - page.sent_at <= LASTS + timedelta(seconds=1)
    async with opened(tmp_path / "b", external_url="") as one:
        (page,) = one.tocsin.phones["list"].told
        assert page.links.acknowledge == ""


async def test_the_key_is_kept(tmp_path: Path) -> None:
    """The key outlives a restart, in a file that only its owner reads; one that is no key stays, and is told of."""
    database = await Database.open(tmp_path)
    try:
        made = await key(database, "answer")
        assert await key(database, "answer") == made
        assert await key(database, "other") != made
        file = tmp_path / "answer.key"
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        for content in ("", "zz", "abcd"):
            file.write_text(content)
            with pytest.raises(TocsinError, match=r"answer\.key: .*remove it"):
                await key(database, "answer")
    finally:
        await database.close()
