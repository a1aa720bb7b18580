"""The page about Slack and the code say the same."""

from __future__ import annotations

from pathlib import Path

from receiver.notify.slack import FIXED, GONE, TOO_MUCH
from receiver.notify.slack_calls import AGAIN
from receiver.notify.slack_words import LANGUAGES
from receiver.notify.words_en import ENGLISH

PAGE = (Path(__file__).parents[3] / "docs/reference/channels/slack.md").read_text()


def test_every_error_is_documented() -> None:
    """What is tried again, and what is done differently, stands on the page by Slack's own word."""
    shapes = {"invalid_blocks_format", "block_mismatch"}  # kinds of invalid_blocks
    assert [error for error in sorted((AGAIN | FIXED | GONE | TOO_MUCH) - shapes) if f"`{error}`" not in PAGE] == []


def test_every_button_is_documented() -> None:
    """The buttons stand on the page as they are labelled."""
    say = LANGUAGES["en"]
    sentences = ENGLISH.sentences
    labels = (say.acknowledge, say.resolve, say.snooze, say.escalate, sentences["run_approve"], sentences["run_reject"])
    assert [label for label in labels if f"| {label} |" not in PAGE] == []
