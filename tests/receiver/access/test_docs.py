"""The reference of access and the code say the same."""

from __future__ import annotations

import re
from pathlib import Path

from receiver.access.desk import told
from receiver.access.principal import SCOPES
from receiver.access.proofs import REASONS
from receiver.access.tokens import DEFAULT_LIFE, LONGEST_LIFE
from receiver.people.settings import ROLES, UserSettings
from receiver.store.tokens import KEPT
from tests.receiver.access.people import minted
from tests.receiver.bodies import START
from tocsin import duration

PAGE = (Path(__file__).parents[3] / "docs/reference/access.md").read_text()


def table(heading: str) -> dict[str, str]:
    """The first two cells of each row of a table."""
    rows = PAGE.split(f"| {heading} |")[1].split("\n\n")[0].splitlines()[2:]
    return {cells[1].strip(): cells[2].strip() for cells in (row.split("|") for row in rows)}


def test_scopes() -> None:
    """Every scope is told, and no other."""
    assert {name.strip("`") for name in table("scope")} == SCOPES


def test_roles() -> None:
    """What the roles that are there from the beginning give is told."""
    told = table("role")
    assert {name.strip("`") for name in told} == set(ROLES)
    viewer = set(re.findall(r"`([a-z:]+)`", told["`viewer`"]))
    responder = viewer | set(re.findall(r"`([a-z]+:[a-z]+)`", told["`responder`"]))
    assert viewer == set(ROLES["viewer"].scopes)
    assert responder == set(ROLES["responder"].scopes)
    assert f"`{ROLES['admin'].scopes[0]}`" == told["`admin`"]
    assert UserSettings().roles == ("responder",)


def test_reasons() -> None:
    """Every reason by which refusals are counted is told."""
    rows = PAGE.split("| refused because |")[1].split("\n\n")[0]
    assert set(re.findall(r"`([a-z_]+)`", rows)) - {"by"} == set(REASONS)


def test_times() -> None:
    """How long tokens live is told."""
    assert f"default `{duration.show(DEFAULT_LIFE)}`, at most `{LONGEST_LIFE.days}d`" in PAGE
    assert f"Expired ones are kept for {KEPT.days} days" in PAGE


def test_fields() -> None:
    """Every field of a token that the API tells stands in the reference."""
    token, _ = minted("alice", "incidents:read")
    assert [name for name in told(token, START) if f"`{name}`" not in PAGE] == []
