"""What a kind of channel needs beyond the core."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from receiver.notify import channels
from receiver.notify.channels import EXTRAS, ChannelSettings
from receiver.notify.text import Writer
from tocsin.errors import MissingExtra

EXTRA_LISTS = tomllib.loads((Path(__file__).parents[3] / "pyproject.toml").read_text())["project"][
    "optional-dependencies"
]


@pytest.mark.parametrize("kind", EXTRAS)
def test_each_extra_brings_it(kind: str) -> None:
    """The extra that the message names brings the module."""
    module, extra = EXTRAS[kind]
    assert any(one.startswith(module) for one in EXTRA_LISTS[extra])


def test_told_at_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """A kind whose library is not installed keeps the receiver from starting, and the message says what to install."""
    monkeypatch.setattr(channels, "EXTRAS", {"webhook": ("no_such_library", "more")})
    with pytest.raises(MissingExtra, match=r"pip install 'tocsin\[more\]'"):
        ChannelSettings.model_validate({"webhook": {"url": "http://127.0.0.1:1"}}).build(Writer())


def test_imported_when_used() -> None:
    """Reading a configuration imports none of them."""
    wanted = sorted({module for module, _ in EXTRAS.values()})
    script = f"import sys, receiver.app; print([name for name in {wanted} if name in sys.modules])"
    ran = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    assert ran.stdout == "[]\n"
