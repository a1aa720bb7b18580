"""Where tokens are made, listed and revoked: with admin:all those of everybody, else one's own."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from receiver.access.principal import ADMIN, Principal
from receiver.access.proofs import People
from receiver.access.tokens import DEFAULT_LIFE, NotGranted, Token, Wanted, handed_on, issue, scopes_of
from receiver.engine.occurrence import one_line
from tocsin import duration
from tocsin.clock import Clock
from tocsin.errors import TocsinError


class NoSuchToken(TocsinError):
    """There is no token of that id, or it is none of theirs."""


class NotTheirs(TocsinError):
    """Somebody asks for what is another's."""


class TokenBook(Protocol):
    """Where tokens are kept."""

    async def add(self, token: Token) -> None: ...

    async def one(self, name: str) -> Token | None: ...

    async def all(self, user: str | None = None) -> list[Token]: ...

    async def revoke(self, name: str, by: str, now: datetime) -> bool: ...


@dataclass(frozen=True, slots=True)
class Asking:
    """Who stands at the desk, and the token by which they are known."""

    principal: Principal
    token: Token | None = None

    @property
    def admin(self) -> bool:
        return self.principal.tenants_for(ADMIN) is None

    @property
    def name(self) -> str:
        return self.principal.name or "somebody"


@dataclass(frozen=True, slots=True)
class Desk:
    """Makes, lists and revokes."""

    tokens: TokenBook
    clock: Clock

    async def create(self, asking: Asking, wanted: Wanted, people: People) -> dict[str, Any]:
        """Makes a token; what is told of it, and `token`: how it is written, which nobody can tell again.

        Raises:
            NotGranted: it would be more than its user may do, or no users are configured.
            NotTheirs: it would be another's.
        """
        if not people.users:
            raise NotGranted("no users are configured, and a token is always a user's: add users to the configuration")
        user = wanted.user or asking.principal.name
        wanted = Wanted(user, wanted.scopes, wanted.tenants, wanted.life, wanted.note)
        now = self.clock.now()
        if not asking.admin:
            if user != asking.principal.name:
                raise NotTheirs(f"{asking.name} may make tokens of their own; those of {user} take admin:all")
            wanted = wanted if asking.token is None else handed_on(wanted, asking.token, now)
        made, written = issue(wanted, people.principal(user), by=asking.name, now=now)
        await self.tokens.add(made)
        return told(made, now) | {"token": written}

    async def list(self, asking: Asking) -> list[dict[str, Any]]:
        """Every token, or one's own."""
        now = self.clock.now()
        return [told(one, now) for one in await self.tokens.all(None if asking.admin else asking.principal.name)]

    async def revoke(self, asking: Asking, name: str) -> dict[str, Any]:
        """Revokes a token for good; `changed` tells whether it had been before.

        Raises:
            NoSuchToken: there is none that they may revoke.
        """
        found = await self.tokens.one(name)
        if found is None or not (asking.admin or found.user == asking.principal.name):
            raise NoSuchToken(f"there is no token {one_line(name, 40)}; tocsin tokens list --all tells which there are")
        now = self.clock.now()
        changed = await self.tokens.revoke(name, asking.name, now)
        return told(await self.tokens.one(name) or found, now) | {"changed": changed}


def wanted(
    *,
    user: str = "",
    scopes: Iterable[str],
    tenants: list[str] | None = None,
    expires: str | None = None,
    note: str = "",
) -> Wanted:
    """A token as people ask for it.

    Raises:
        NotGranted: something of it is not understood.
    """
    if tenants is not None and (not tenants or not all(0 < len(name) <= 200 for name in tenants)):
        raise NotGranted("tenants must name at least one, in up to 200 characters; leave it out for all of the user's")
    try:
        life = DEFAULT_LIFE if expires is None else duration.parse(expires)
    except ValueError as error:
        raise NotGranted(f"expires: {error}") from error
    chosen = None if tenants is None else frozenset(tenants)
    return Wanted(user, scopes_of(scopes), chosen, life, one_line(note, 200))


def told(one: Token, now: datetime) -> dict[str, Any]:
    """A token as it is told: never the secret, nor its hash."""
    return {
        "id": one.id,
        "user": one.user,
        "status": one.status(now),
        "scopes": sorted(one.scopes),
        "tenants": None if one.tenants is None else sorted(one.tenants),
        "note": one.note,
        "created_at": _time(one.created_at),
        "created_by": one.created_by,
        "expires_at": _time(one.expires_at),
        "used_at": _time(one.used_at),
        "revoked_at": _time(one.revoked_at),
        "revoked_by": one.revoked_by or None,
    }


def _time(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat().replace("+00:00", "Z")
