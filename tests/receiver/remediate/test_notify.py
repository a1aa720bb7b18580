"""Steps of kind `notify`."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from receiver.remediate.steps.notify import MOST, NotifyStep
from receiver.remediate.values import Unfit, Values


def planned(text: str, value: str = "web-1", to: Any = ("slack-ops", {"team": "payments"})) -> Any:
    return NotifyStep.model_validate({"to": to, "text": text}).action(Values({"host": value}))


def test_whom_and_what() -> None:
    """A step names people as escalations do, and its text with the values filled in."""
    action = planned("$(host) is drained;\nlook at it")
    assert action.arguments == {"to": ["slack-ops", "team:payments"], "text": "web-1 is drained;\nlook at it"}
    assert action.does == "tell slack-ops, team:payments: web-1 is drained; look at it"


@pytest.mark.parametrize("value", ["$(host)", "{{ 7*7 }}", "${HOME}", '"} or vector(1)', "<script>"])
def test_a_value_is_text(value: str) -> None:
    """What an alert says is told as it is: it is no template, and is not filled in again."""
    assert planned("about $(host)", value).arguments["text"] == f"about {value}"


def test_long_texts() -> None:
    """What nobody could read is not told; a text at the limit is."""
    assert len(planned("$(host)", "x" * MOST).arguments["text"]) == MOST
    with pytest.raises(Unfit, match="2,001 characters"):
        planned("$(host)", "x" * (MOST + 1))


@pytest.mark.parametrize("to", [[], ["nobody:x"], ["team:"], [{"group": "x"}], ["user:$(host)"]])
def test_nobody(to: Any) -> None:
    """Whoever is told stands in the runbook: a value of an alert chooses nobody."""
    with pytest.raises(ValidationError):
        planned("x", to=to)


def test_without_text() -> None:
    """A step without words is a mistake."""
    with pytest.raises(ValidationError):
        planned("")
