"""The reference of messages says what the code does."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, get_args

import pytest

from receiver.engine.occurrence import one_line
from receiver.engine.plan import Message
from receiver.notify import bounded
from receiver.notify.answer_links import LASTS
from receiver.notify.bounded import BoundedEnvironment
from receiver.notify.email import EmailSettings
from receiver.notify.own import MEDIA
from receiver.notify.sample import sample
from receiver.notify.sheet import sheet
from receiver.notify.speech import Speech

REFERENCE = Path(__file__).parents[3] / "docs/reference"
PAGE = (REFERENCE / "templates.md").read_text()


def facts(message: Message = "page") -> Any:
    envelope = sample(message)
    return sheet(envelope, Speech.to(envelope.to)).facts


def names(text: str) -> set[str]:
    return set(re.findall(r"`(\w+)`", text))


def test_facts_are_documented() -> None:
    """The reference lists exactly what a template is given, at each level."""
    given = PAGE.split("### What a template is given")[1].split("### What a template may do")[0]
    rows = re.findall(r"^\| (`.*?) \| (.*) \|$", given, re.MULTILINE)
    assert {name for row, _ in rows for name in names(row)} == facts().keys()
    said = dict(rows)
    assert names(said["`incident`"]) == facts()["incident"].keys()
    assert names(said["`labels`"]) == facts()["labels"].keys()
    assert names(said["`answers`"]) == facts()["answers"][0].keys()
    assert names(given.split("Each of `alerts` has")[1]) == facts()["alerts"][0].keys()


def test_filters_tests_and_bounds_are_documented() -> None:
    """The reference names every filter and every test that may be used, every medium, and the figures of the bounds."""
    may = PAGE.split("### What a template may do")[1].split("## The answer link")[0]
    assert names(may) - {"html"} == bounded.FILTERS | bounded.TESTS
    for figure in (bounded.MOST_TURNS, bounded.MOST_TEXT, bounded.MOST_OUTPUT, bounded.MOST_SOURCE):
        assert f"{figure:,}" in may
    assert (bounded.SECONDS, LASTS.days) == (0.5, 7)
    for medium in MEDIA:
        assert f"`{medium}`" in PAGE
    for message in get_args(Message):
        assert f"| `{message}` |" in PAGE


@pytest.mark.parametrize("message", get_args(Message))
def test_the_example_works(message: Message) -> None:
    """The template of the reference renders every message."""
    source = PAGE.split("```jinja\n")[1].split("```")[0]
    environment = BoundedEnvironment(one_line)
    assert "7 % of the player's requests fail\n" in environment.fill(
        environment.make(source, "page.txt.j2"), facts(message)
    )


def test_the_settings_of_email_are_documented() -> None:
    """The page of e-mail lists exactly the settings that the code knows."""
    documented = set(re.findall(r"^\| `(\w+)` \|", (REFERENCE / "channels/email.md").read_text(), re.MULTILINE))
    assert documented == {field.alias or name for name, field in EmailSettings.model_fields.items()}
