"""A receiver with runbooks and people of three tenants' rights, and requests as one of them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from receiver.access.tokens import Wanted, issue
from tests.receiver.bodies import START
from tests.receiver.remediate.healing import Healing, healing

ROLES: dict[str, Any] = {
    "sre": {"scopes": ["incidents:read", "remediation:run", "remediation:approve"]},
    "acme-sre": {
        "scopes": ["incidents:read", "remediation:run", "remediation:approve"],
        "tenants": ["acme"],
    },
}
USERS: dict[str, Any] = {
    "root": {"roles": ["admin"]},
    "alice": {"roles": ["sre"]},
    "bob": {"roles": ["sre"]},
    "rita": {"roles": ["responder"]},
    "victor": {"roles": ["viewer"]},
    "anna": {"roles": ["acme-sre"]},
}
PEOPLE: dict[str, Any] = {"users": USERS, "roles": ROLES}


class People:
    """Requests as a user with all that the user may do; `nobody` proves nothing."""

    def __init__(self, heals: Healing) -> None:
        self.heals = heals
        self._headers: dict[str, dict[str, str]] = {"nobody": {}}

    async def ask(self, who: str, method: str, path: str, said: Any = None, **headers: str) -> tuple[int, Any]:
        """The status and the JSON of a request, when all that follows from it at once has happened."""
        named = {name.replace("_", "-"): value for name, value in headers.items()} | await self._proof(who)
        answer = await self.heals.harness.client.request(method, f"/api/v1/{path}", json=said, headers=named)
        told = await answer.json()
        await self.heals.harness.settle()
        return answer.status, told

    async def get(self, who: str, path: str) -> Any:
        status, told = await self.ask(who, "GET", path)
        assert status == 200, told
        return told

    async def incident(self) -> str:
        """The id of the newest incident."""
        found: str = (await self.get("root", "incidents"))["items"][0]["id"]
        return found

    async def _proof(self, who: str) -> dict[str, str]:
        if who not in self._headers:
            doors = self.heals.harness.receiver.doors
            principal = doors.access.proofs.people.principal(who)
            assert principal is not None
            scopes = frozenset(scope for grant in principal.grants for scope in grant.scopes)
            token, written = issue(Wanted(who, scopes), principal, by="test", now=START)
            await doors.tokens.add(token)
            self._headers[who] = {"Authorization": f"Bearer {written}"}
        return self._headers[who]


@asynccontextmanager
async def remedied(folder: Path, *documents: dict[str, Any], **extra: Any) -> AsyncIterator[People]:
    """A receiver with these runbooks, where everybody must prove who they are."""
    async with healing(folder, *documents, **{**PEOPLE, **extra}) as heals:
        receiver = heals.harness.receiver
        receiver.doors.access.proofs.people = receiver.remediating.proposing.directory
        yield People(heals)
