"""A small company: who may do what, for whom."""

from __future__ import annotations

from typing import Any

from receiver.access.tokens import Token, Wanted, issue
from receiver.config import ReceiverConfig
from receiver.people.directory import Directory
from tests.receiver.bodies import START
from tests.receiver.harness import Harness

ROLES: dict[str, Any] = {
    "acme-responder": {"scopes": ["incidents:read", "incidents:write"], "tenants": ["acme"]},
    "acme-admin": {"scopes": ["admin:all"], "tenants": ["acme"]},
}
USERS: dict[str, Any] = {
    "root": {"roles": ["admin"]},
    "alice": {},
    "victor": {"roles": ["viewer"]},
    "anna": {"roles": ["acme-responder"]},
    "both": {"roles": ["acme-responder", "viewer"]},
    "chief": {"roles": ["acme-admin"]},
    "idle": {"roles": []},
}
CONFIG: dict[str, Any] = {"users": USERS, "roles": ROLES}


def directory(**changed: Any) -> Directory:
    """The people of the configuration."""
    return ReceiverConfig.model_validate(CONFIG | changed).directory({})


def minted(user: str, *scopes: str, **other: Any) -> tuple[Token, str]:
    """A token of a user, made at START."""
    wanted = Wanted(user, frozenset(scopes), **other)
    return issue(wanted, directory().principal(user), by="test", now=START)


async def given(tocsin: Harness, user: str, *scopes: str, **other: Any) -> dict[str, str]:
    """The header with a new token of a user."""
    token, written = minted(user, *scopes, **other)
    await tocsin.receiver.doors.tokens.add(token)
    return {"Authorization": f"Bearer {written}"}
