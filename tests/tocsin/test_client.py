"""Who asks by a command."""

from __future__ import annotations

import os

import pytest

from tocsin.client import user

NAMES = ("LOGNAME", "USER", "LNAME", "USERNAME")


def test_a_users_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """The name that the environment tells is taken."""
    monkeypatch.setenv("LOGNAME", "alice")
    assert user() == "alice"


def test_a_user_without_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """A container's user that has no name is told by its number."""
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(os, "getuid", lambda: 48_151)
    assert user() == "uid 48151"
