"""Microsoft Teams: what a card says, and how large it may be."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from msgspec import structs

from receiver.engine.causes.tree import Tree
from receiver.engine.events import Acknowledged, Resolved
from receiver.engine.incident import apply
from receiver.notify.channel import ChannelUnavailable, Envelope, Links
from receiver.notify.teams import MOST_BYTES, TeamsChannel, TeamsSettings
from receiver.notify.text import Writer
from tests.receiver.bodies import START
from tests.receiver.notify.cases.case import INCIDENT, PAGE, Far, http, with_text
from tests.receiver.notify.cases.teams import make, told
from tests.receiver.notify.test_slack import CAUSE

LINKS = Links("https://tocsin.example.org/i/1", "https://tocsin.example.org/answer/x")
OPS = replace(PAGE, to=None, links=LINKS)


def _card(envelope: Envelope) -> dict[str, Any]:
    channel = TeamsChannel(TeamsSettings.model_validate({"url_file": "x"}), Writer())
    card: dict[str, Any] = json.loads(channel.preview(envelope))["attachments"][0]["content"]
    return card


def test_card_reads_well() -> None:
    """A card says how bad it is, who has it, the worst alerts, and where to answer."""
    card = _card(OPS)
    assert (card["type"], card["version"]) == ("AdaptiveCard", "1.4")
    assert told(card) == (
        "[CRITICAL] PlayerErrors is up\n"
        "nobody has acknowledged it · 12 of 12 alerts fire · opened 2026-11-21 03:00:00 UTC\n"
        "• PlayerErrors: 7 % of requests fail (since 2026-11-21 03:00:00 UTC)\n"
        "Runbook: https://x.example.org/y\n"
        "… and 11 more alerts\n"
        "tocsin incidents show k3f9x2abcd"
    )
    assert [(action["title"], action["url"]) for action in card["actions"]] == [
        ("Acknowledge", LINKS.acknowledge),
        ("Open the incident", LINKS.incident),
    ]


def test_what_is_over_is_not_acknowledged() -> None:
    """Once somebody has it, or it is over, the card says so and has no button for it."""
    for event, says in ((Acknowledged("bob"), "acknowledged by bob"), (Resolved("bob"), "resolved by bob")):
        card = _card(replace(OPS, incident=apply(INCIDENT, event, START)))
        assert says in told(card)
        assert [action["title"] for action in card["actions"]] == ["Open the incident"]


@settings(max_examples=50, deadline=None)
@given(st.text(max_size=300) | st.text("𐍈<>[]()*_\\", max_size=300), st.integers(0, 40), st.integers(0, 40))
@example("𐍈" * 300, 40, 40)
def test_a_card_is_never_too_large(text: str, alerts: int, others: int) -> None:
    """However much there is to say, a card stays below Teams' limit, and says what it leaves out."""
    envelope = with_text(OPS, text)
    bundle = [structs.replace(INCIDENT, title=text * 3)] * others
    many = replace(envelope, alerts=list(envelope.alerts) * alerts, also=bundle)
    channel = TeamsChannel(TeamsSettings.model_validate({"url_file": "x"}), Writer())
    content = channel._content(many)
    assert len(content) <= MOST_BYTES
    assert "TextBlock" not in content.decode().replace("RichTextBlock", "")


def test_cause_and_what_follows() -> None:
    """The likely cause and what is affected stand above the alerts."""
    card = told(_card(replace(OPS, tree=Tree((CAUSE,), services={"player": 6, "": 2}))))
    assert "Likely cause: DatabaseDown (db), since 2026-11-21 03:00:00 UTC" in card
    assert "Affected: player 6, no service 2" in card


def test_a_test_says_so() -> None:
    """A test says who asked for it, and has no buttons."""
    card = _card(replace(OPS, tested_by="bob"))
    assert told(card).startswith("This is a test, asked for by bob. Nothing is wrong.")
    assert card["actions"] == []


async def test_connectors_that_say_yes_and_mean_no(tmp_path: Path) -> None:
    """A connector that answers 200 and tells of a failure has delivered nothing: again."""
    far, said = Far(), b"Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error 429"
    async with http(far, lambda heard: said) as url:
        channel = make(url, tmp_path)
        with pytest.raises(ChannelUnavailable, match="429"):
            await channel.send(OPS)
        await channel.close()  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "https://u:p@evil.example", "https://evil.example/)[x", "ftp://x"]
)
def test_runbooks_that_are_no_web_page(url: str) -> None:
    """What is plainly no address of a web page is no link."""
    alert = structs.replace(OPS.alerts[0], annotations={"summary": "x", "runbook_url": url})
    assert "Runbook" not in told(_card(replace(OPS, alerts=[alert])))
