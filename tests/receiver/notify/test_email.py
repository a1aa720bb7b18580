"""E-mail against a real SMTP server: what a mail looks like, and what becomes of connections, refusals and secrets."""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace
from email.message import EmailMessage
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from receiver.engine.incident import Incident
from receiver.notify.channel import ChannelRefused, ChannelUnavailable, Envelope, Links, Recipient
from receiver.notify.sample import sample
from tests.receiver.notify.cases.email import MailServer, channel, connected
from tests.receiver.test_notify import ALERT, INCIDENT, PAGE

HOSTILE = (
    "x\r\nBcc: eve@evil.org\r\n\r\n{{ 7 * 7 }}{% raw %}<script>alert(1)</script>"
    '<img src=x onerror=alert(1)><a href="javascript:alert(1)">y</a>\x00\u202e[a](https://evil.org)<!channel>'
)


def part(mail: EmailMessage, kind: str) -> str:
    """The plain text or the HTML of a mail."""
    found = mail.get_body((kind,))
    assert found is not None
    text: str = found.get_content()
    return text.replace("\r\n", "\n")


async def test_reads_well() -> None:
    """A page says what is wrong, since when, how bad, where the runbook is, how to take it on and why it came."""
    async with connected() as (far, mail):
        await mail.send(replace(PAGE, reason="the policy names this channel"))
    (heard,) = far.heard
    assert heard["Subject"] == "[CRITICAL] PlayerErrors is up"
    assert part(heard, "plain") == (
        "PlayerErrors is up\n"
        "\n"
        "CRITICAL, 12 of 12 alerts firing. Opened 2026-11-21 03:00:00 UTC.\n"
        "\n"
        "What to do first: https://x/y\n"
        "\n"
        "- PlayerErrors: 7 % of requests fail\n"
        "  Listeners hear nothing.\n"
        "  since 2026-11-21 03:00:00 UTC\n"
        "- and 11 more\n"
        "\n"
        "I have it: tocsin incidents ack k3f9x2abcd\n"
        "Tell me more: tocsin incidents show k3f9x2abcd\n"
        "\n"
        "You are told because: the policy names this channel.\n"
    )


async def test_both_alternatives_say_the_same() -> None:
    """Every sentence of the plain text but the list's marks stands in the HTML, too."""
    async with connected() as (far, mail):
        await mail.send(sample("page"))
    (heard,) = far.heard
    html = re.sub(r"\s+", " ", " ".join(Seen.of(part(heard, "html")).texts))
    lines = [line.strip(" -") for line in part(heard, "plain").splitlines() if line.strip()]
    words = [word for line in lines for word in re.findall(r"\w+", line)]
    assert {word for word in words if word not in html} <= {"https", "answer", "abc", "api", "v1", "incidents"}


class Seen(HTMLParser):
    """The texts, links and elements of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.links: list[str] = []
        self.elements: set[str] = set()

    @classmethod
    def of(cls, html: str) -> Seen:
        seen = cls()
        seen.feed(html)
        return seen

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.add(tag)
        assert not [name for name, _ in attrs if name.startswith("on") or name == "src"]
        self.links += [value or "" for name, value in attrs if name == "href"]

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


async def test_hostile_text_does_no_harm() -> None:
    """What an alert says stays text: no header, no element, no link that leads elsewhere, no template, no control."""
    alert = structs.replace(
        ALERT, annotations={"summary": HOSTILE, "description": HOSTILE * 1000, "runbook_url": HOSTILE}
    )
    incident = structs.replace(INCIDENT, title=alert.summary, tenant=HOSTILE, acknowledged_by=HOSTILE)
    envelope = replace(PAGE, incident=incident, alerts=[alert], links=Links("javascript:alert(1)", "data:text/html,x"))
    async with connected() as (far, mail):
        await mail.send(envelope)
        await mail.send(replace(envelope, message="resolved"))
    for heard in far.heard:
        assert heard["Bcc"] is None
        assert "{{ 7 * 7 }}" in heard["Subject"]
        html = part(heard, "html")
        seen = Seen.of(html)
        assert not {"script", "img", "iframe", "form"} & seen.elements
        assert seen.links == []
        assert not set("\x00\u202e") & set(html + part(heard, "plain") + heard["Subject"])
        assert len(html) < 30_000
    assert far.recipients == [["a@x.org"]] * 2


@pytest.mark.parametrize("alerts", [0, 20_000])
async def test_any_number_of_alerts(alerts: int) -> None:
    """An incident without alerts, and one with very many, is a mail of ordinary size."""
    shown = [ALERT] * min(alerts, 10)
    async with connected() as (far, mail):
        await mail.send(replace(PAGE, incident=structs.replace(INCIDENT, alerts=alerts, firing=alerts), alerts=shown))
    text = part(far.heard[0], "plain")
    assert ("and 19,990 more" in text) == bool(alerts)
    assert len(text) < 5_000


async def test_one_thread_an_incident() -> None:
    """Every mail of an incident refers to one name, and to the first mail that this address was sent."""
    async with connected() as (far, mail):
        receipt = await mail.send(PAGE)
        await mail.send(replace(PAGE, key="k3f9x2abcd/resolved/mail", message="resolved", reference=receipt.reference))
    first, second = far.heard
    assert receipt.reference == first["Message-ID"] == "<k3f9x2abcd.page.0.mail@x.org>"
    assert first["In-Reply-To"] == first["References"] == "<k3f9x2abcd.incident@x.org>"
    assert second["In-Reply-To"] == first["Message-ID"]
    assert second["References"] == f"{first['References']} {first['Message-ID']}"


async def test_headers_for_machines() -> None:
    """No out-of-office answer comes back, filters can sort, and only what is critical and open is urgent."""
    async with connected() as (far, mail):
        await mail.send(PAGE)
        await mail.send(replace(PAGE, message="resolved"))
    page, end = far.heard
    assert (page["Auto-Submitted"], page["X-Auto-Response-Suppress"]) == ("auto-generated", "All")
    assert page["List-Id"] == "<incidents.tocsin.x.org>"
    assert (page["Importance"], end["Importance"]) == ("high", None)


async def test_somebody_is_told_at_their_own_address() -> None:
    """A message for a user goes to the user alone, in their language and time zone."""
    bob = Recipient("bob", "Bob", "bob@x.org", "de", "Asia/Tokyo")
    async with connected() as (far, mail):
        await mail.send(replace(PAGE, to=bob))
    assert far.recipients == [["bob@x.org"]]
    assert far.heard[0]["To"] == "bob@x.org"
    assert "Begonnen 21.11.2026 12:00:00 JST." in part(far.heard[0], "plain")


async def test_nobody_to_send_to() -> None:
    """A channel without recipients refuses what is for nobody in particular, and says what to add."""
    async with connected(to=None) as (_, mail):
        with pytest.raises(ChannelRefused, match="no `to`"):
            await mail.send(PAGE)


@pytest.mark.parametrize(
    ("says", "wanted"),
    [
        ("451 4.3.0 try later", ChannelUnavailable),
        ("421 4.3.2 shutting down", ChannelUnavailable),
        ("552 5.2.2 mailbox full", ChannelRefused),
        ("554 5.7.1 spam", ChannelRefused),
    ],
)
async def test_verdicts(says: str, wanted: type[Exception]) -> None:
    """4yz comes again, 5yz is final, and the reason holds the server's words."""
    async with connected() as (far, mail):
        far.says = says
        with pytest.raises(wanted, match=says[4:]):
            await mail.send(PAGE)


@pytest.mark.parametrize(
    ("refuses", "wanted"),
    [
        ({"a@x.org": "550 unknown", "b@x.org": "550 unknown"}, ChannelRefused),
        ({"a@x.org": "450 greylisted", "b@x.org": "550 unknown"}, ChannelUnavailable),
        ({"a@x.org": "550 unknown"}, None),
    ],
)
async def test_refused_recipients(refuses: dict[str, str], wanted: type[Exception] | None) -> None:
    """Nobody reached is a failure, final if each refusal is; somebody reached is a delivery."""

    def change(far: MailServer) -> None:
        far.refuses = refuses

    async with connected(change, to=["a@x.org", "b@x.org"]) as (far, mail):
        if wanted is None:
            await mail.send(PAGE)
            assert far.recipients == [["b@x.org"]]
        else:
            with pytest.raises(wanted):
                await mail.send(PAGE)


async def test_a_connection_is_used_again() -> None:
    """Mails one after the other take one connection; at once, each has its own; one that was dropped is replaced."""
    async with connected() as (far, mail):
        for _ in range(3):
            await mail.send(PAGE)
        assert far.connections == 1
        await asyncio.gather(*(mail.send(PAGE) for _ in range(3)))
        assert far.connections == 3
        far.drop()
        await mail.send(PAGE)
        assert (far.connections, len(far.heard)) == (4, 7)


async def test_a_connection_with_trouble_is_not_used_again() -> None:
    """After a refusal the next mail begins on a fresh connection."""
    async with connected() as (far, mail):
        far.says = "451 later"
        with pytest.raises(ChannelUnavailable):
            await mail.send(PAGE)
        far.says = "250 OK"
        await mail.send(PAGE)
        assert far.connections == 2


async def test_silence_after_acceptance_means_again() -> None:
    """A server that takes the mail and hangs up may or may not have it: it is sent again, under the same Message-ID."""
    async with connected() as (far, mail):
        far.hangs_up = True
        with pytest.raises(ChannelUnavailable):
            await mail.send(PAGE)
        far.hangs_up = False
        await mail.send(PAGE)
    assert far.heard[0]["Message-ID"] == far.heard[1]["Message-ID"]


@pytest.mark.parametrize("smarthost", ["127.0.0.1:1", "nowhere.invalid:25"])
async def test_a_server_that_is_not_there(smarthost: str) -> None:
    """A closed port and a name that nobody knows are tried again."""
    with pytest.raises(ChannelUnavailable):
        await channel(MailServer(smarthost=smarthost)).send(PAGE)


async def test_without_tls_nothing_is_sent() -> None:
    """A server that offers no STARTTLS where it is wanted gets no mail."""
    async with connected(tls="starttls") as (far, mail):
        with pytest.raises(ChannelUnavailable, match="STARTTLS"):
            await mail.send(PAGE)
    assert far.heard == []


async def test_secrets_are_told_nobody(tmp_path: Path) -> None:
    """A server that says the password back finds it in no error, in no repr."""
    file = tmp_path / "password"
    file.write_text("hunter2")
    async with connected() as (far, _):
        settings: dict[str, Any] = {"username": "u", "password_file": str(file), "tls": "starttls"}
        sends = channel(far, **settings)
        sends._mailer._server = replace(sends._mailer._server, tls="none")
        with pytest.raises((ChannelRefused, ChannelUnavailable)) as caught:
            await sends.send(PAGE)
        assert set(far.logins) == {(b"u", b"hunter2")}
        assert "is wrong" in str(caught.value)
        assert "hunter2" not in f"{caught.value!r} {caught.value.__cause__!r} {vars(sends)!r}"
        file.write_text("right")  # read anew at each login
        await sends.send(PAGE)
        await sends.close()


async def test_preview_is_what_would_be_sent() -> None:
    """The preview holds recipients, subject and text, and sends nothing."""
    async with connected() as (far, mail):
        said = mail.preview(PAGE)
    assert "To: a@x.org\nSubject: [CRITICAL] PlayerErrors is up\n\nPlayerErrors is up\n" in said
    assert far.connections == 0


def test_the_sample_has_no_gaps() -> None:
    """What templates are tried with has every part that a message can have."""
    page: Envelope = sample("page")
    assert page.tree.cause
    assert page.alerts
    assert page.also
    assert isinstance(page.incident, Incident)
