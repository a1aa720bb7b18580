"""The configurations on the channels' pages are ones that the receiver takes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from receiver.config import ReceiverConfig
from tocsin.config import load

PAGES = sorted((Path(__file__).parents[3] / "docs/reference/channels").glob("*.md"))
EXAMPLES = [
    pytest.param(text, id=f"{page.stem}-{number}")
    for page in PAGES
    for number, text in enumerate(re.findall(r"```yaml\n(.*?)```", page.read_text(), re.DOTALL))
    if "channels:\n" in text  # others are for the far side
]


@pytest.mark.parametrize("text", EXAMPLES)
def test_examples(text: str, tmp_path: Path) -> None:
    """Each example is right as it stands; rules may name a channel that stands on another page."""
    file = tmp_path / "receiver.yml"
    if "notification_rules" in text:
        text = text.replace("channels:\n", "channels:\n  sms: {webhook: {url: 'http://127.0.0.1:1'}}\n", 1)
    file.write_text(text)
    assert load(file, ReceiverConfig).channels
